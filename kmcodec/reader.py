"""Strips of a `.kmc` file, decoded as far as they are asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from kmcodec.coding import Coding, coding_by_number, decode_palette
from kmcodec.container import ContainerReader, Header, Strip
from kmcodec.errors import KmcFormatError, KmcInputError, KmcLimitError
from kmcodec.image import Metadata, index_dtype
from kmcodec.metadata import DEFAULT_MAX_METADATA, metadata_from_sections
from kmcodec.parallel import in_threads_each, in_turn

__all__ = ["DEFAULT_MAX_PIXELS", "StripReader", "coding_of", "palette_of"]

DEFAULT_MAX_PIXELS = 1 << 28
"""What is decoded at a time unless it is told otherwise: 268,435,456 pixels."""


class StripReader:
    """Reads an image of which all, or only some, is wanted.

    Parameters
    ----------
    stream : binary file
        Seekable; the file begins at its start.
    max_pixels : int or None
        The most pixels that are decoded at a time.
    max_metadata : int or None
        The most bytes of metadata, decompressed.

    Attributes
    ----------
    container : ContainerReader
    header : Header
    palette : ndarray, shape (K, C), uint8

    Raises
    ------
    KmcFormatError
        If the header or the palette is damaged, or asks for what this version cannot do.
    """

    def __init__(
        self,
        stream: IO[bytes],
        *,
        max_pixels: int | None = DEFAULT_MAX_PIXELS,
        max_metadata: int | None = DEFAULT_MAX_METADATA,
    ) -> None:
        self.container = ContainerReader(stream)
        self.header = self.container.header
        self._max_pixels = max_pixels
        self._max_metadata = max_metadata
        self._coding = coding_of(self.header)
        self.palette = palette_of(self.container)

    def check_rows(self, first: int, end: int) -> None:
        """Refuse to decode these rows at once if they are too many pixels.

        Raises
        ------
        KmcInputError
            If there are no such rows.
        KmcLimitError
        """
        if not 0 <= first < end <= self.header.height:
            raise KmcInputError(
                f"rows {first:,} to {end:,} are none of an image of {self.header.height:,}"
            )
        pixels = self.header.width * (end - first)
        if self._max_pixels is not None and pixels > self._max_pixels:
            raise KmcLimitError(
                f"{self.header.width:,} x {end - first:,} pixels are more than the limit "
                f"of {self._max_pixels:,} (max_pixels raises it)"
            )

    def rows(self, first: int, end: int) -> NDArray[Any]:
        """The indices of some rows; of strips that hold none of them only the frames are read.

        Returns
        -------
        ndarray, shape (end - first, width), uint8 for up to 256 entries, else uint16

        Raises
        ------
        KmcFormatError
            If one of their strips is damaged.
        KmcInputError, KmcLimitError
            See `check_rows`.
        """
        self.check_rows(first, end)
        wanted = [s for s in self.container.strips() if s.rows[0] < end and s.rows[1] > first]
        for strip in wanted:
            self.check_rows(*strip.rows)
        indices = self.blank(end - first)

        def decode_into(item: tuple[Strip, bytes]) -> None:
            begin, after = item[0].rows
            stop = min(end, after) - begin
            part = self.decode(*item, stop)[max(first - begin, 0) :]
            indices[max(begin - first, 0) : after - first] = part

        in_threads_each(decode_into, [(strip, self.container.payload(strip)) for strip in wanted])
        return indices

    def blocks(self) -> Iterator[NDArray[Any]]:
        """The indices of strip after strip, of which only a few are in memory at a time."""

        def payloads() -> Iterator[tuple[Strip, bytes]]:
            for strip in self.container.strips():
                self.check_rows(*strip.rows)
                yield strip, self.container.payload(strip)

        yield from in_turn(lambda strip: self.decode(*strip), payloads())

    def blank(self, rows: int) -> NDArray[Any]:
        """Zeros for the indices of so many rows."""
        return np.zeros((rows, self.header.width), index_dtype(self.header.entries))

    def decode(self, strip: Strip, payload: bytes, stop: int | None = None) -> NDArray[Any]:
        """The indices of a strip, shape (rows, width), or of its first rows only.

        Raises
        ------
        KmcFormatError
            With the strip's name and the offset of its payload.
        """
        first, end = strip.rows
        try:
            return self._coding.decode(payload, end - first, self.header.width, self.palette, stop)
        except KmcFormatError as error:
            raise error.inside(strip.name, strip.offset) from None

    def metadata(self) -> Metadata:
        """The metadata; with it all of the file but the strips' payloads is checked."""
        return metadata_from_sections(self.container.sections(), self._max_metadata)


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
