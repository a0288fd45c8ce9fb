"""The bytes of a `.kmc` file to an IndexedImage, and that to pixels."""

from __future__ import annotations

import io
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from kmcodec.coding import Coding, coding_by_number, decode_palette
from kmcodec.container import ContainerReader, Header, Strip
from kmcodec.errors import KmcFormatError, KmcLimitError
from kmcodec.image import IndexedImage, index_dtype
from kmcodec.metadata import metadata_from_sections
from kmcodec.parallel import in_threads_each

__all__ = [
    "DEFAULT_MAX_PIXELS",
    "coding_of",
    "decode",
    "decode_indexed",
    "palette_of",
    "read_indexed",
]

DEFAULT_MAX_PIXELS = 1 << 28
"""What `decode` accepts if it is not told otherwise: 268,435,456 pixels."""


def decode(data: bytes, *, max_pixels: int | None = DEFAULT_MAX_PIXELS) -> NDArray[np.uint8]:
    """Decode a `.kmc` file to pixels.

    Parameters
    ----------
    data : bytes-like
        The whole file.
    max_pixels : int, optional
        Files that declare more are refused before anything is allocated; None for no limit.

    Returns
    -------
    ndarray, uint8
        Shape (H, W) for grey, else (H, W, C): 2 grey and alpha, 3 RGB, 4 RGBA.

    Raises
    ------
    KmcFormatError
        If the file is damaged, truncated, or not one that this version reads.
    KmcLimitError
        If it has more than `max_pixels`.
    """
    return decode_indexed(data, max_pixels=max_pixels).to_array()


def decode_indexed(data: bytes, *, max_pixels: int | None = DEFAULT_MAX_PIXELS) -> IndexedImage:
    """Decode a `.kmc` file to its palette, index map and metadata.

    Parameters, errors
        As for `decode`.

    Returns
    -------
    IndexedImage
    """
    return read_indexed(io.BytesIO(data), max_pixels=max_pixels)


def read_indexed(
    stream: IO[bytes], *, max_pixels: int | None = DEFAULT_MAX_PIXELS, lenient: bool = False
) -> IndexedImage:
    """Decode from a seekable stream that begins with the file.

    Parameters
    ----------
    stream : binary file
    max_pixels : int, optional
        See `decode`.
    lenient : bool
        Take what there is of a damaged file: indices of strips that are missing or damaged are
        0, and metadata that cannot be read is left out. Header and palette must be right.
    """
    container = ContainerReader(stream)
    header = container.header
    check_pixels(header, max_pixels)
    coding = coding_of(header)
    palette = palette_of(container)
    indices = np.zeros((header.height, header.width), index_dtype(header.entries))
    strips: list[tuple[Strip, bytes]] = []
    metadata = None
    try:
        for strip in container.strips():
            try:
                strips.append((strip, container.payload(strip)))
            except KmcFormatError:
                if not lenient:
                    raise
        metadata = metadata_from_sections(container.sections())
    except KmcFormatError:
        if not lenient:
            raise

    def decode_into(item: tuple[Strip, bytes]) -> KmcFormatError | None:
        first, end = item[0].rows
        try:
            indices[first:end] = decode_strip(coding, header.width, palette, *item)
        except KmcFormatError as error:
            return error
        return None

    faults = [fault for fault in in_threads_each(decode_into, strips) if fault]
    if faults and not lenient:
        raise faults[0]
    return IndexedImage(palette, indices, metadata)


def coding_of(header: Header) -> Coding:
    """The coding method that a header asks for.

    Raises
    ------
    KmcFormatError
        If there is none of that number.
    """
    coding = coding_by_number(header.coding)
    if coding is None:
        raise KmcFormatError(f"coding method {header.coding} is not supported", offset=9)
    return coding


def palette_of(container: ContainerReader) -> NDArray[np.uint8]:
    """The palette of a file, shape (K, C), decoded where it is coded.

    Raises
    ------
    KmcFormatError
        If it is not coded as an encoder codes it.
    """
    header = container.header
    if not header.palette_coded:
        palette = np.frombuffer(container.palette, np.uint8)
        return palette.reshape(header.entries, header.channels)
    coding_of(header)  # one that is not known may code palettes in its own way
    try:
        return decode_palette(container.palette, header.entries, header.channels)
    except KmcFormatError as error:
        raise error.inside("palette", container.palette_offset) from None


def decode_strip(
    coding: Coding, width: int, palette: NDArray[np.uint8], strip: Strip, payload: bytes
) -> NDArray[Any]:
    """The indices of a strip, shape (rows, width).

    Raises
    ------
    KmcFormatError
        With the strip's name and the offset of its payload.
    """
    first, end = strip.rows
    try:
        return coding.decode(payload, end - first, width, palette)
    except KmcFormatError as error:
        raise error.inside(strip.name, strip.offset) from None


def check_pixels(header: Header, max_pixels: int | None) -> None:
    """Refuse an image that is larger than the caller's limit.

    Raises
    ------
    KmcLimitError
    """
    pixels = header.width * header.height
    if max_pixels is not None and pixels > max_pixels:
        raise KmcLimitError(
            f"{header.width:,} x {header.height:,} pixels are more than the limit "
            f"of {max_pixels:,} (max_pixels raises it)"
        )
