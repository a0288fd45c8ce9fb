"""Reading and writing `.kmc` files by path."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kmcodec.container.metadata import DEFAULT_MAX_METADATA
from kmcodec.container.reader import ContainerReader
from kmcodec.decoder import read_indexed
from kmcodec.encoder import encode
from kmcodec.errors import KmcFormatError, KmcInputError, KmcLimitError, warn
from kmcodec.model.image import IndexedImage
from kmcodec.quantizer import ImageLike
from kmcodec.reading.strip_reader import DEFAULT_MAX_PIXELS, StripReader
from kmcodec.storage.atomic import reason_of, write_atomically
from kmcodec.storage.names import check_kmc_name
from kmcodec.storage.streams import is_regular, read_bounded
from kmcodec.storage.urls import is_url, open_url

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from kmcodec.options import EncodeOptions

__all__ = ["decode_rows", "kmc_errors", "open_kmc", "read", "warn_of_other_frames", "write"]


def read(
    path: str | os.PathLike[str],
    *,
    rows: tuple[int, int] | None = None,
    max_pixels: int | None = DEFAULT_MAX_PIXELS,
    max_metadata: int | None = DEFAULT_MAX_METADATA,
) -> IndexedImage:
    """Read a `.kmc` file, or some rows of it.

    Parameters
    ----------
    path : path-like
    rows : tuple of int, optional
        The first row and the one after the last. Only the strips that hold them are read and
        decoded, and no metadata.
    max_pixels, max_metadata : int, optional
        See `decode`; with `rows`, the pixels of these rows and of each of their strips count.

    Returns
    -------
    IndexedImage
        Palette, indices and metadata; ``np.asarray`` or ``to_array()`` makes pixels of it.

    Raises
    ------
    OSError
        If the file cannot be opened or read.
    KmcInputError
        If there are no such rows.
    KmcFormatError, KmcLimitError
        See `decode`.
    """
    with open(path, "rb") as stream:
        return read_indexed(stream, max_pixels=max_pixels, max_metadata=max_metadata, rows=rows)


def decode_rows(
    path: str | os.PathLike[str], *, max_pixels: int | None = DEFAULT_MAX_PIXELS
) -> Iterator[NDArray[np.uint8]]:
    """Read a `.kmc` file block by block, however large it is.

    Parameters
    ----------
    path : path-like
    max_pixels : int, optional
        The most pixels of a block, which is a strip of the file.

    Yields
    ------
    ndarray, shape (rows, W) for grey, else (rows, W, C), uint8
        From the top; together all rows.

    Raises
    ------
    OSError, KmcFormatError, KmcLimitError
        See `read`; damage is told where it is met.
    """
    with open(path, "rb") as stream:
        reader = StripReader(stream, max_pixels=max_pixels)
        for indices in reader.blocks():
            yield IndexedImage(reader.palette, indices).to_array()


def write(
    path: str | os.PathLike[str],
    image: ImageLike,
    k: int | None = None,
    **options: Unpack[EncodeOptions],
) -> int:
    """Encode an image and write it, replacing the file at once or not at all.

    Parameters
    ----------
    path : path-like
        With the ending ``.kmc`` or none. A file that is there is replaced, as by ``open(path,
        "wb")``.
    image, k, **options
        See `encode`.

    Returns
    -------
    int
        Bytes written.

    Raises
    ------
    KmcInputError
        If the image or an option is wrong, the name has another ending, or the file cannot be
        written; an existing file is then as it was.
    """
    check_kmc_name(path)
    data = encode(image, k, **options)
    write_atomically(path, data)
    return len(data)


@contextmanager
def open_kmc(name: str) -> Iterator[IO[bytes]]:
    """Open a `.kmc` file for reading; errors inside the block begin with its name.

    Parameters
    ----------
    name : str
        A path, a URL, or ``-`` for standard input.

    Raises
    ------
    KmcInputError
        If the file cannot be opened or read.
    KmcLimitError
        If what is no regular file has more than 512 MiB.
    """
    with kmc_errors(name):
        if name == "-":
            yield io.BytesIO(read_bounded(sys.stdin.buffer))
        elif is_url(name):
            with open_url(name) as stream:
                yield io.BytesIO(stream.read())
        else:
            with open(name, "rb") as stream:
                # A FIFO can be read once only, and not from the end.
                yield stream if is_regular(stream) else io.BytesIO(read_bounded(stream))


@contextmanager
def kmc_errors(name: str) -> Iterator[None]:
    """Let errors of a block begin with the name of the `.kmc` file that they are about.

    Parameters
    ----------
    name : str
        See `open_kmc`.
    """
    called = _called(name)
    try:
        yield
    except KmcFormatError as error:
        raise error.inside(called) from None
    except KmcLimitError as error:
        raise KmcLimitError(f"{called}: {error}") from None
    except BrokenPipeError:
        raise  # it is no fault of the file that nobody reads what is told of it
    except OSError as error:
        raise KmcInputError(f"{called}: {reason_of(error)}") from error


def warn_of_other_frames(stream: IO[bytes], name: str) -> None:
    """Tell that of a `.kmc` file the first frame alone is taken, if there are others.

    Parameters
    ----------
    stream : binary file
        Of `open_kmc`.
    name : str
        Its name there.
    """
    frames = ContainerReader(stream).frames.count
    if frames > 1:
        text = f"{_called(name)}: {frames:,} frames, the first is taken"
        warn(text)


def _called(name: str) -> str:
    return "standard input" if name == "-" else name or "''"
