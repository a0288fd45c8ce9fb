"""An IndexedImage to the bytes of a `.kmc` file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from kmcodec.coding import (
    AUTO,
    CODINGS,
    EFFORTS,
    Coding,
    Survey,
    coding_for,
    coding_named,
    encode_palette,
)
from kmcodec.container import Header, parts
from kmcodec.image import IndexedImage, Metadata
from kmcodec.metadata import sections_from_metadata
from kmcodec.options import checked_choice, checked_integer
from kmcodec.parallel import in_threads_each

__all__ = ["MAX_STRIP_ROWS", "Assembly", "file_parts"]

MAX_STRIP_ROWS = 65_535

# An image of more pixels than these is cut into an even number of strips, which are coded in
# threads. What a strip has learned is lost to the next: with 256 entries 4 kB of each but the
# first, 1 % of a photo. Strips twice as large would save half of that, and half as many threads
# could share in parts of a file.
_ONE_STRIP = 1 << 22
_STRIP_PIXELS = 1 << 22


class Assembly:
    """How files are made of palette images.

    Parameters
    ----------
    coding, effort, strip_rows
        See `kmcodec.encode`.

    Raises
    ------
    KmcInputError
        If one of them is wrong.
    """

    def __init__(self, coding: str, effort: str, strip_rows: int | None) -> None:
        self._coding = checked_choice("coding", coding, CODINGS)
        self._effort = checked_choice("effort", effort, EFFORTS)
        if strip_rows is not None:
            strip_rows = checked_integer("strip_rows", strip_rows, 0, MAX_STRIP_ROWS)
        self._strip_rows = strip_rows

    def method_for(self, image: IndexedImage) -> Coding:
        """The coding method that an image gets."""
        return coding_for(self._coding, self._effort, image.indices, image.palette)

    def survey(self, width: int, height: int) -> Survey | None:
        """What chooses the coding method of an image by its indices, if anything does."""
        wanted = self._coding == "context" and self._effort == AUTO
        return Survey(width, height) if wanted else None

    def surveyed_method(self, survey: Survey | None, entries: int) -> Coding:
        """The coding method that a survey, if there is one, has come to."""
        return coding_named(self._coding, survey.effort(entries) if survey else self._effort)

    def header_for(self, image: IndexedImage) -> Header:
        """The header that an image gets, but for its flags: it tells the strips."""
        return self.header(self.method_for(image), image.width, image.height, image.palette)

    def header(self, method: Coding, width: int, height: int, palette: NDArray[np.uint8]) -> Header:
        """The header of an image that is coded by some method; see `header_for`."""
        rows = self._strip_rows
        if rows is None:
            rows = _strip_rows(width, height)
        return Header(
            coding=method.number,
            channels=palette.shape[1],
            width=width,
            height=height,
            entries=len(palette),
            rows_per_strip=rows if rows < height else 0,
        )

    def encode(self, image: IndexedImage) -> bytes:
        """The bytes of the file."""
        method = self.method_for(image)
        header = self.header(method, image.width, image.height, image.palette)

        def encode_strip(strip: int) -> bytes:
            first, end = header.rows_of(strip)
            return method.encode(image.indices[first:end], image.palette)

        payloads = in_threads_each(encode_strip, range(header.strip_count))
        return b"".join(file_parts(header, image.palette, payloads, image.metadata))


def file_parts(
    header: Header, palette: NDArray[np.uint8], payloads: Iterable[bytes], metadata: Metadata
) -> Iterator[bytes]:
    """The bytes of a file, part by part.

    Parameters
    ----------
    header : Header
        Of `Assembly.header`.
    palette : ndarray, shape (K, C), uint8
    payloads : iterable of bytes
        The coded strips, taken as they are needed.
    metadata : Metadata
    """
    sections = sections_from_metadata(metadata)
    coded = _coded_palette(header, palette)
    if coded is not None:
        header = replace(header, palette_coded=True)
    yield from parts(header, palette.tobytes() if coded is None else coded, payloads, sections)


def _coded_palette(header: Header, palette: NDArray[np.uint8]) -> bytes | None:
    """The coded palette, if the header allows it and it saves anything."""
    if not header.allows_coded_palette or len(palette) == 1:
        return None
    coded = encode_palette(palette)
    if coded is None or len(coded) + header.palette_length_size >= header.palette_size:
        return None
    return coded


def _strip_rows(width: int, height: int) -> int:
    pixels = width * height
    if pixels <= _ONE_STRIP:
        return 0
    pairs = max(1, round(pixels / (2 * _STRIP_PIXELS)))
    return min(MAX_STRIP_ROWS, -(-height // (2 * pairs)))
