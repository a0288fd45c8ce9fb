"""Decode the bytes of a `.kmc` file to an IndexedImage or to pixels."""

from __future__ import annotations

import io
from typing import IO

import numpy as np
from numpy.typing import NDArray

from kmcodec.container.metadata import metadata_from_sections
from kmcodec.errors import KmcFormatError, warn
from kmcodec.model.image import IndexedImage, Metadata
from kmcodec.model.limits import DEFAULT_MAX_METADATA, DEFAULT_MAX_PIXELS, Limits
from kmcodec.reading.salvage import salvage_indexed
from kmcodec.reading.strip_reader import StripReader

__all__ = ["checked_metadata", "decode", "decode_indexed", "image_of", "read_indexed"]

_OF_LABELS = ("labl", "clas")


def decode(
    data: bytes,
    *,
    max_pixels: int | None = DEFAULT_MAX_PIXELS,
    max_metadata: int | None = DEFAULT_MAX_METADATA,
    salvage: bool = False,
) -> NDArray[np.uint8]:
    """Decode a `.kmc` file to pixels; an animation to its first frame (see `decode_frames`).

    Frames with other palettes (scenes) only have their CRCs checked.

    Parameters
    ----------
    data : bytes-like
        The whole file.
    max_pixels : int, optional
        The most pixels that a file may declare in all frames together, checked before anything is
        allocated; None for no limit. By default 268,435,456.
    max_metadata : int, optional
        The most bytes of metadata, decompressed; None for no limit. By default 64 MiB.
    salvage : bool
        Decode every intact strip of a damaged file. Lost rows are marked: magenta, transparent in
        images with alpha, black in grey images; a `KmcWarning` names them. Header and palette
        must be intact.

    Returns
    -------
    ndarray, uint8
        Shape (H, W) for grey, else (H, W, C): C is 2 for grey and alpha, 3 for RGB, 4 for RGBA.

    Raises
    ------
    KmcFormatError
        If the file is damaged, truncated, or not readable by this version.
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
        See `decode`. Lost rows get a palette entry of their own, unless the palette already has
        65,536.

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
        First row and the one after the last. Other strips are not read, apart from their headers,
        and of the metadata only labels with their names and colours are kept.

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
        indices = reader.first_frame(reader.rows(first, end))
        return IndexedImage(reader.palette, indices, _metadata_of_rows(reader, limits, first, end))
    return image_of(reader, checked_metadata(reader))


def _metadata_of_rows(reader: StripReader, limits: Limits, first: int, end: int) -> Metadata:
    """Return what metadata say of the labels of some rows; of damaged metadata, nothing."""
    if not reader.header.has_sections:  # which follow the heads of all strips
        return Metadata()
    try:
        sections = [one for one in reader.container.sections() if one.type in _OF_LABELS]
        metadata = metadata_from_sections(sections, limits.max_metadata)
    except KmcFormatError:
        return Metadata()
    labels, size = metadata.labels, (reader.header.height, reader.header.width)
    if labels is None or not labels.fits(size, len(reader.palette)):
        return Metadata()
    labels = labels.of_rows(first, end)
    return Metadata() if labels is None else Metadata(labels=labels, classes=metadata.classes)


def image_of(reader: StripReader, metadata: Metadata) -> IndexedImage:
    """Decode the image of a file whose metadata have been read.

    Raises
    ------
    KmcFormatError, KmcLimitError
        See `decode`.
    """
    indices = reader.rows(0, reader.header.height)
    image = IndexedImage(reader.palette, reader.first_frame(indices), metadata)
    for scene in range(1, len(reader.container.scenes)):
        # Checked, not decoded: damage anywhere in the file is an error.
        for strip in reader.container.strips(scene):
            reader.container.payload(strip)
    return image


def checked_metadata(reader: StripReader) -> Metadata:
    """Return a file's metadata, read before its strips: finds most damage without decoding."""
    reader.container.check_palettes()
    try:
        return reader.metadata()
    except KmcFormatError:
        # Report a damaged strip before the metadata first.
        for strip in reader.container.strips():
            reader.container.payload(strip)
        raise
