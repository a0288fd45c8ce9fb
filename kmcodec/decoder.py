"""The bytes of a `.kmc` file to an IndexedImage, and that to pixels."""

from __future__ import annotations

import io
from typing import IO

import numpy as np
from numpy.typing import NDArray

from kmcodec.errors import KmcFormatError, warn
from kmcodec.model.image import IndexedImage, Metadata
from kmcodec.model.limits import DEFAULT_MAX_METADATA, DEFAULT_MAX_PIXELS, Limits
from kmcodec.reading.salvage import salvage_indexed
from kmcodec.reading.strip_reader import StripReader

__all__ = ["checked_metadata", "decode", "decode_indexed", "read_indexed"]


def decode(
    data: bytes,
    *,
    max_pixels: int | None = DEFAULT_MAX_PIXELS,
    max_metadata: int | None = DEFAULT_MAX_METADATA,
    salvage: bool = False,
) -> NDArray[np.uint8]:
    """Decode a `.kmc` file to pixels; of several frames the first, see `decode_frames`.

    Of frames with other palettes (scenes) only the CRCs are checked.

    Parameters
    ----------
    data : bytes-like
        The whole file.
    max_pixels : int, optional
        Files that declare more, in all frames together, are refused before anything is allocated;
        None for no limit. By default 268,435,456.
    max_metadata : int, optional
        The most bytes of metadata, decompressed; None for no limit. By default 64 MiB.
    salvage : bool
        Take every intact strip of a damaged file. Rows that are lost are marked: magenta,
        transparent where there is alpha, black in grey images; a `KmcWarning` says which they
        are. Header and palette must be right.

    Returns
    -------
    ndarray, uint8
        Shape (H, W) for grey, else (H, W, C): 2 grey and alpha, 3 RGB, 4 RGBA.

    Raises
    ------
    KmcFormatError
        If the file is damaged, truncated, or not one that this version reads.
    KmcLimitError
        If it has more than `max_pixels` or `max_metadata`.
    """
    return decode_indexed(
        data, max_pixels=max_pixels, max_metadata=max_metadata, salvage=salvage
    ).to_array()


def decode_indexed(
    data: bytes,
    *,
    max_pixels: int | None = DEFAULT_MAX_PIXELS,
    max_metadata: int | None = DEFAULT_MAX_METADATA,
    salvage: bool = False,
) -> IndexedImage:
    """Decode a `.kmc` file to its palette, index map and metadata.

    Parameters
    ----------
    data, max_pixels, max_metadata
        See `decode`.
    salvage : bool
        See `decode`. An entry is added to the palette for lost rows, if there are any and 65,536
        are not there already.

    Returns
    -------
    IndexedImage

    Raises
    ------
    KmcFormatError, KmcLimitError
        See `decode`.
    """
    stream, limits = io.BytesIO(data), Limits(max_pixels=max_pixels, max_metadata=max_metadata)
    if not salvage:
        return read_indexed(stream, limits)
    salvaged = salvage_indexed(stream, limits)
    for loss in salvaged.lost:
        warn(loss)
    return salvaged.marked()


def read_indexed(
    stream: IO[bytes],
    limits: Limits,
    *,
    rows: tuple[int, int] | None = None,
) -> IndexedImage:
    """Decode from a seekable stream that begins with the file.

    Parameters
    ----------
    stream : binary file
    limits : Limits
    rows : tuple of int, optional
        First row and the one after the last: of all other strips only the frames are read, and
        nothing of the sections; the image then has no metadata.

    Raises
    ------
    KmcFormatError, KmcLimitError
        See `decode`.
    KmcInputError
        If the file has no such rows.
    """
    reader = StripReader(stream, limits)
    first, end = rows or (0, reader.header.height)
    reader.check_rows(first, end)
    if rows is not None:
        return IndexedImage(reader.palette, reader.first_frame(reader.rows(first, end)))
    metadata = checked_metadata(reader)
    image = IndexedImage(reader.palette, reader.first_frame(reader.rows(first, end)), metadata)
    for scene in range(1, len(reader.container.scenes)):
        # Not decoded, but a file that is damaged anywhere is refused.
        for strip in reader.container.strips(scene):
            reader.container.payload(strip)
    return image


def checked_metadata(reader: StripReader) -> Metadata:
    """The metadata of a file, read before its strips: most damage is told without decoding."""
    reader.container.check_palettes()
    try:
        return reader.metadata()
    except KmcFormatError:
        # Unless a strip comes before it that is damaged, too.
        for strip in reader.container.strips():
            reader.container.payload(strip)
        raise
