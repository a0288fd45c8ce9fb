"""Read and write `.kmc` files by path."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kmcodec.container.reader import ContainerReader
from kmcodec.decoder import read_indexed
from kmcodec.encoder import encode
from kmcodec.errors import KmcFormatError, warn
from kmcodec.model.image import IndexedImage, Metadata
from kmcodec.model.limits import DEFAULT_MAX_METADATA, DEFAULT_MAX_PIXELS, Limits
from kmcodec.quantizer import ImageLike
from kmcodec.reading.strip_reader import StripReader
from kmcodec.request import EncodeOptions
from kmcodec.storage.door import input_name, open_input, open_path, write_output
from kmcodec.storage.extensions import check_kmc_name

if TYPE_CHECKING:
    from typing_extensions import Unpack

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
        decoded. Of the metadata, the image then has only labels with their names and colours.
    max_pixels, max_metadata : int, optional
        See `decode`; with `rows`, they limit the pixels of these rows and of each of their strips,
        and the bytes of labels, their names and colours.

    Returns
    -------
    IndexedImage
        Palette, indices and metadata; ``np.asarray`` or ``to_array()`` returns its pixels.

    Raises
    ------
    KmcFileError
        If the file cannot be opened or read: also an OSError, such as FileNotFoundError.
    KmcInputError
        If the file has no such rows.
    KmcFormatError, KmcLimitError
        See `decode`.
    """
    with open_path(path) as stream:
        return read_indexed(
            stream, Limits(max_pixels=max_pixels, max_metadata=max_metadata), rows=rows
        )


def decode_rows(
    path: str | os.PathLike[str], *, max_pixels: int | None = DEFAULT_MAX_PIXELS
) -> Iterator[NDArray[np.uint8]]:
    """Read a `.kmc` file block by block, however large it is.

    Parameters
    ----------
    path : path-like
    max_pixels : int, optional
        The most pixels in a block, which is a strip of the file.

    Yields
    ------
    ndarray, shape (rows, W) for grey, else (rows, W, C), uint8
        Blocks of rows, from the top.

    Raises
    ------
    KmcFileError, KmcFormatError, KmcLimitError
        See `read`; damage raises when its block is reached.
    """
    with open_path(path) as stream:
        reader = StripReader(stream, Limits(max_pixels=max_pixels))
        for indices in reader.blocks():
            yield IndexedImage(reader.palette, indices).to_array()


def write(
    path: str | os.PathLike[str],
    image: ImageLike,
    k: int | None = None,
    *,
    metadata: Metadata | None = None,
    **options: Unpack[EncodeOptions],
) -> int:
    """Encode an image and write it, replacing the file at once or not at all.

    Parameters
    ----------
    path : path-like
        With the file extension ``.kmc`` or none. An existing file is replaced, as by
        ``open(path, "wb")``.
    image, k, metadata, **options
        See `encode`.

    Returns
    -------
    int
        Bytes written.

    Raises
    ------
    KmcInputError
        If the image or an option is wrong, or the path has another extension.
    KmcFileError
        If the file cannot be written; an existing file then stays unchanged.
    """
    check_kmc_name(path)
    data = encode(image, k, metadata=metadata, **options)
    write_output(os.fspath(path), data)
    return len(data)


@contextmanager
def open_kmc(name: str) -> Iterator[IO[bytes]]:
    """Open a `.kmc` file for reading; errors of the block begin with its name.

    Parameters
    ----------
    name : str
        A path, a URL, or ``-`` for standard input.

    Raises
    ------
    KmcFileError
        If the file cannot be opened or read.
    KmcLimitError
        If a pipe, device or URL yields more than 512 MiB.
    """
    with kmc_errors(name), open_input(name) as stream:
        yield stream


@contextmanager
def kmc_errors(name: str) -> Iterator[None]:
    """Add the name of a `.kmc` file to the errors of a block.

    Parameters
    ----------
    name : str
        See `open_kmc`.
    """
    try:
        yield
    except KmcFormatError as error:
        raise error.inside(input_name(name)) from None


def warn_of_other_frames(stream: IO[bytes], name: str) -> None:
    """Warn that only the first frame of a `.kmc` file is used, if it has more.

    Parameters
    ----------
    stream : binary file
        From `open_kmc`.
    name : str
        The name given to `open_kmc`.
    """
    frames = ContainerReader(stream).frames.count
    if frames > 1:
        warn(f"{input_name(name)}: {frames:,} frames, used the first")
