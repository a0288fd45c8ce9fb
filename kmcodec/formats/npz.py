"""Read and write an array of NumPy's `.npz` archives."""

from __future__ import annotations

import io
import math
import zipfile
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kmcodec.errors import KmcInputError, KmcLimitError
from kmcodec.formats.npy import NpyHeader, read_npy_header

__all__ = ["is_npz", "read_npz", "write_npz"]

_MOST_ARRAYS = 4096
_NAME = "A"
"""Of the array that is written, as in `.mat` files."""


def is_npz(data: bytes) -> bool:
    """Whether the bytes are a ZIP archive, and so no image of another format."""
    return data.startswith((b"PK\x03\x04", b"PK\x05\x06"))


def read_npz(
    data: bytes,
    name: str,
    variable: str | None = None,
    *,
    max_pixels: int | None = None,
    any_shape: bool = False,
) -> NDArray[Any]:
    """Read an array of an archive.

    Parameters
    ----------
    data : bytes
        The whole file.
    name : str
        The file's name in messages.
    variable : str, optional
        The array to read; needed if several could be meant.
    max_pixels : int, optional
        The most pixels, checked before memory is allocated.
    any_shape : bool
        Whether arrays of any shape count, each value as a pixel; otherwise those of two or three
        axes, the last of them channels.

    Raises
    ------
    KmcInputError
        If the file is damaged, or `variable` is missing or not in it.
    KmcLimitError
        If the array has more than `max_pixels`, or the file more than 4,096 arrays.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = [info for info in archive.infolist() if info.filename.endswith(".npy")]
            if len(members) > _MOST_ARRAYS:
                raise KmcLimitError(f"{name}: more than {_MOST_ARRAYS:,} arrays")
            found: dict[str, tuple[zipfile.ZipInfo, NpyHeader]] = {}
            for info in members:
                with archive.open(info) as stream:
                    header = read_npy_header(stream, info.file_size)
                found[info.filename.removesuffix(".npy")] = info, header
            headers = {each: header for each, (_, header) in found.items()}
            chosen = _chosen(headers, name, variable, any_shape)
            info, header = found[chosen]
            pixels = math.prod(header.shape if any_shape else header.shape[:2])
            if max_pixels is not None and pixels > max_pixels:
                raise KmcLimitError(f"{name}: {pixels:,} pixels exceed the limit of {max_pixels:,}")
            with archive.open(info) as stream:
                array: NDArray[Any] = np.lib.format.read_array(stream, allow_pickle=False)
    except (KmcInputError, KmcLimitError, MemoryError):
        raise
    except NotImplementedError as error:  # objects, or a compression that Python does not know
        raise KmcInputError(f"{name}: {error}") from error
    except Exception as error:  # zipfile and numpy may raise anything on damaged files
        raise KmcInputError(f"{name}: damaged or truncated .npz file") from error
    return array


def _chosen(headers: dict[str, NpyHeader], name: str, variable: str | None, any_shape: bool) -> str:
    listed = ", ".join(
        f"{each} ({' x '.join(map(str, header.shape)) or 'one'} {header.dtype})"
        for each, header in headers.items()
    )
    if variable is not None:
        if variable not in headers:
            raise KmcInputError(
                f"{name}: array {variable!r} is not in it; arrays in it: {listed or 'none'}"
            )
        return variable
    fitting = [each for each, header in headers.items() if _fits(header, any_shape)]
    if len(fitting) > 1:
        raise KmcInputError(f"{name}: several arrays, choose one with --var NAME: {listed}")
    if not fitting:
        raise KmcInputError(f"{name}: no image, only {listed or 'nothing'}")
    return fitting[0]


def _fits(header: NpyHeader, any_shape: bool) -> bool:
    if any_shape:
        return header.dtype.kind in "iub"
    return header.dtype.kind in "iubf" and len(header.shape) in (2, 3) and 0 not in header.shape


def write_npz(array: NDArray[Any]) -> bytes:
    """Return an archive of one array, ``A``, compressed; the same array gives the same bytes."""
    member, archive = io.BytesIO(), io.BytesIO()
    np.save(member, array, allow_pickle=False)
    # `numpy.savez_compressed` would write the time.
    info = zipfile.ZipInfo(f"{_NAME}.npy")
    info.compress_type = zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr(info, member.getvalue())
    return archive.getvalue()
