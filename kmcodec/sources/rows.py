"""Read image files too large for memory row by row."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import IO, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kmcodec.errors import KmcInputError, file_error
from kmcodec.formats.npy import MAGIC, NpyHeader, npy_rows, read_npy_header
from kmcodec.formats.pillow_images import metadata_from_pillow
from kmcodec.formats.streamed_images import can_stream, image_rows, streamable
from kmcodec.model.image import Metadata
from kmcodec.model.label_images import MOST_IN_NOISE
from kmcodec.model.limits import DEFAULT_MAX_PIXELS
from kmcodec.rows.source import RowSource
from kmcodec.sources.images import check_pixels, named_warnings, warn_of_frames

__all__ = ["LARGE", "RowFile", "open_rows", "row_errors", "row_source"]

LARGE = 1 << 24
"""Files of more pixels are read row by row, if their format allows it."""

# The widest row to accept: a few compressed bytes may declare any width.
_WIDEST = 1 << 20


@dataclass(frozen=True)
class RowFile:
    """An image file whose rows can be read repeatedly.

    Parameters
    ----------
    rows : callable
        See `kmcodec.encode_rows`.
    width, height : int
    metadata : Metadata
    size : int
        Bytes of the file.
    losses : tuple of str
        See `Source`; losses outside of the rows.
    """

    rows: Callable[[], Iterable[ArrayLike]]
    width: int
    height: int
    metadata: Metadata
    size: int
    losses: tuple[str, ...] = ()


def open_rows(
    path: str, large: int = LARGE, max_pixels: int | None = DEFAULT_MAX_PIXELS
) -> RowFile | None:
    """Open an image file for reading row by row, if it is large and its format allows it.

    Parameters
    ----------
    path : str
    large : int
        The most pixels of a file to read as a whole.
    max_pixels : int, optional
        The most pixels that the file may have; None for no limit.

    Returns
    -------
    RowFile or None
        None for all other files, including unreadable ones, which `read_source` reports.

    Raises
    ------
    KmcInputError
        If a .npy file is damaged.
    KmcLimitError
        If it has too many pixels.

    Warns
    -----
    KmcWarning
        If frames or metadata are dropped.
    """
    try:
        if not os.path.isfile(path):
            return None
        size = os.path.getsize(path)
        losses: list[str] = []
        with open(path, "rb") as stream, named_warnings(path, losses):
            start = stream.read(len(MAGIC))
            stream.seek(0)
            found = (_npy if start == MAGIC else _image)(path, stream, size, large)
    except OSError as error:
        raise file_error(error, path) from error
    except (ValueError, NotImplementedError) as error:
        raise KmcInputError(f"{path}: {error}") from error
    if found is None:
        return None
    check_pixels(found.width * found.height, max_pixels, path)
    return replace(found, losses=tuple(losses))


def row_source(path: str, file: RowFile) -> RowSource:
    """Return the pixels of an opened file, block by block.

    Raises
    ------
    KmcInputError
        If the file is damaged, or holds no pixels.

    Warns
    -----
    KmcLossWarning
        Now or when its blocks are read, if samples are reduced to 8 bits.
    """
    with row_errors(path):
        return RowSource(file.rows, file.width, file.height)


@contextmanager
def row_errors(path: str) -> Iterator[None]:
    """Add the file's name to errors that reading its rows raises.

    Parameters
    ----------
    path : str

    Raises
    ------
    KmcFileError
        In place of an `OSError`.
    KmcInputError
        In place of one without the name.
    """
    try:
        yield
    except KmcInputError as error:
        raise KmcInputError(f"{path}: {error}") from error
    except OSError as error:
        raise file_error(error, path) from error


def _npy(path: str, stream: IO[bytes], size: int, large: int) -> RowFile | None:
    header = read_npy_header(stream, size)
    is_plain = header.dtype.kind in "uifb" and len(header.shape) in (2, 3)
    if header.in_columns or not is_plain or math.prod(header.shape[:2]) <= large:
        return None
    if len(header.shape) == 2 and _may_be_labels(path, header):
        return None
    height, width = header.shape[:2]
    return RowFile(lambda: npy_rows(path, header), width, height, Metadata(), size)


def _may_be_labels(path: str, header: NpyHeader) -> bool:
    """Whether a file may hold labels, which are read as a whole; see `is_label_map`."""
    if header.dtype.kind not in "iu" or header.dtype == np.uint8:
        return False
    pairs = equal = 0
    found: NDArray[Any] = np.zeros(0, header.dtype)
    for block in npy_rows(path, header):
        equal += int(np.count_nonzero(block[:, :-1] == block[:, 1:]))
        pairs += len(block) * (block.shape[1] - 1)
        if len(found) <= MOST_IN_NOISE:
            found = np.union1d(found, block)
    return len(found) <= MOST_IN_NOISE or 2 * equal > pairs


def _image(path: str, stream: IO[bytes], size: int, large: int) -> RowFile | None:
    found = streamable(stream) if can_stream() else None
    if found is None or math.prod(found[1]) <= large:
        return None
    image, (width, height) = found
    if width > _WIDEST:
        return None
    metadata = metadata_from_pillow(image)
    warn_of_frames(image)
    return RowFile(image_rows(path, width, height), width, height, metadata, size)
