"""An IndexedImage to the bytes of a `.kmc` file."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from kmcodec.coding import CODINGS, EFFORTS, Coding, coding_for, encode_palette
from kmcodec.container import Header, build
from kmcodec.frame_table import FrameTable
from kmcodec.image import IndexedImage
from kmcodec.metadata import sections_from_metadata
from kmcodec.options import checked_choice, checked_integer
from kmcodec.parallel import in_threads_each

__all__ = ["MAX_STRIP_ROWS", "Assembly"]

MAX_STRIP_ROWS = 65_535

# An image of more pixels than two of these is cut into strips of about as many, which are coded in
# threads. What a strip has learned is lost to the next.
_STRIP_PIXELS = 1 << 21


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

    def header_for(self, image: IndexedImage) -> Header:
        """The header that an image gets, but for its flags: it tells the strips."""
        rows = self._strip_rows
        if rows is None:
            rows = _strip_rows(image.width, image.height)
        return Header(
            coding=self.method_for(image).number,
            channels=image.channels,
            width=image.width,
            height=image.height,
            entries=len(image.palette),
            rows_per_strip=rows if rows < image.height else 0,
        )

    def encode(self, image: IndexedImage) -> bytes:
        """The bytes of the file."""
        method, header = self.method_for(image), self.header_for(image)

        def encode_strip(strip: int) -> bytes:
            first, end = header.rows_of(strip)
            return method.encode(image.indices[first:end], image.palette)

        payloads = in_threads_each(encode_strip, range(header.strip_count))
        return _built(header, image, payloads)

    def encode_frames(self, sheet: IndexedImage, table: FrameTable) -> bytes:
        """The bytes of a file of several frames, laid out as is smaller.

        Parameters
        ----------
        sheet : IndexedImage
            All frames side by side.
        table : FrameTable
        """
        method, header = self.method_for(sheet), self.header_for(sheet)
        header = replace(header, width=sheet.width // table.count)

        def encode_strip(item: tuple[bool, int]) -> bytes:
            first, end = header.rows_of(item[1])
            part = sheet.indices[first:end]
            if item[0]:
                part = part.reshape(-1, header.width)
            return method.encode(part, sheet.palette)

        layouts = (False, True) if table.count > 1 else (False,)
        strips = range(header.strip_count)
        coded = in_threads_each(encode_strip, [(layout, s) for layout in layouts for s in strips])
        made = {layout: coded[layout * len(strips) :][: len(strips)] for layout in layouts}
        smaller = min(layouts, key=lambda layout: sum(map(len, made[layout])))
        return _built(header, sheet, made[smaller], replace(table, interleaved=smaller))

    def overhead(self, image: IndexedImage) -> int:
        """How many bytes of the file are no coded indices."""
        header = self.header_for(image)
        return len(_built(header, image, [b""] * header.strip_count))


def _built(
    header: Header,
    image: IndexedImage,
    payloads: list[bytes],
    frames: FrameTable | None = None,
) -> bytes:
    sections = sections_from_metadata(image.metadata)
    coded = _coded_palette(header, image.palette)
    if coded is None:
        return build(header, image.palette.tobytes(), payloads, sections, frames)
    return build(replace(header, palette_coded=True), coded, payloads, sections, frames)


def _coded_palette(header: Header, palette: NDArray[np.uint8]) -> bytes | None:
    """The coded palette, if the header allows it and it saves anything."""
    if not header.allows_coded_palette or len(palette) == 1:
        return None
    coded = encode_palette(palette)
    if coded is None or len(coded) + header.palette_length_size >= header.palette_size:
        return None
    return coded


def _strip_rows(width: int, height: int) -> int:
    if width * height <= 2 * _STRIP_PIXELS:
        return 0
    return min(MAX_STRIP_ROWS, -(-_STRIP_PIXELS // width))
