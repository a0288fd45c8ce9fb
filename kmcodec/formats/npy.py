"""Read NumPy's `.npy` files, whole or row by row."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["MAGIC", "NpyHeader", "npy_rows", "npy_start", "read_npy_header"]

MAGIC = b"\x93NUMPY"

_READERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}

# Bytes to read at a time.
_BLOCK = 1 << 22


@dataclass(frozen=True)
class NpyHeader:
    """The contents of a header; the samples begin at `offset`."""

    shape: tuple[int, ...]
    in_columns: bool
    dtype: np.dtype[Any]
    offset: int


def read_npy_header(stream: IO[bytes], size: int) -> NpyHeader:
    """Read the header of a file of `size` bytes.

    Raises
    ------
    ValueError
        If it is damaged, of a version for names that no image has, or does not match the file's
        size.
    NotImplementedError
        If it holds Python objects.
    """
    try:
        # Version 3 only differs in names of structured dtypes, which are not pixels.
        reader = _READERS[np.lib.format.read_magic(stream)]
        shape, in_columns, dtype = reader(stream)
        if dtype.hasobject:
            raise NotImplementedError("the .npy file holds Python objects, must hold numbers")
        offset = stream.tell()
        if math.prod(shape) * dtype.itemsize != size - offset or min(shape, default=0) < 0:
            raise ValueError("the header does not fit the data")
    except NotImplementedError:
        raise
    except Exception as error:  # the header is Python text: anything can be wrong with it
        raise ValueError("damaged or truncated .npy file") from error
    return NpyHeader(shape, in_columns, dtype, offset)


def npy_rows(path: str, header: NpyHeader) -> Iterator[NDArray[Any]]:
    """Yield blocks of rows of a file that is stored row by row.

    They are read instead of mapped, as mapped pages would count as memory of the process.
    """
    row = math.prod(header.shape[1:])
    rows = max(1, _BLOCK // (row * header.dtype.itemsize))
    with open(path, "rb") as stream:
        stream.seek(header.offset)
        for start in range(0, header.shape[0], rows):
            count = row * min(rows, header.shape[0] - start)
            samples = np.fromfile(stream, header.dtype, count)
            if len(samples) != count:
                raise OSError("the file became shorter while it was read")
            yield samples.reshape(-1, *header.shape[1:])


def npy_start(shape: tuple[int, ...]) -> bytes:
    """Return the header for samples of uint8 that are stored row by row."""
    stream = io.BytesIO()
    layout = {"descr": "|u1", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(stream, layout)
    return stream.getvalue()
