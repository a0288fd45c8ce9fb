"""What makes a file of indices: of an image, or of several frames side by side."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Protocol

from kmcodec.coding import Coding
from kmcodec.container.frame_table import FrameTable
from kmcodec.container.header import Header
from kmcodec.container.reader import ContainerReader
from kmcodec.model.image import IndexedImage
from kmcodec.writing.assembly import Assembly, file_parts

__all__ = ["Builder", "FramesBuilder", "ImageBuilder"]


class Builder(Protocol):
    """All that a goal has to know of files.

    Attributes
    ----------
    frames : int
        How many are side by side in an image.
    """

    @property
    def frames(self) -> int: ...

    def method_for(self, image: IndexedImage) -> Coding:
        """The coding method that an image gets."""

    def header_for(self, image: IndexedImage) -> Header:
        """What tells which rows of an image are coded together."""

    def line_width(self, image: IndexedImage) -> int:
        """Pixels of what the coder takes for a row: a divisor of the image's width."""

    def encode(self, image: IndexedImage) -> bytes:
        """The bytes of the file."""

    def overhead(self, image: IndexedImage) -> int:
        """How many bytes of the file are no coded indices."""


class ImageBuilder:
    """Files of one image.

    Parameters
    ----------
    assembly : Assembly
    """

    frames = 1

    def __init__(self, assembly: Assembly) -> None:
        self.method_for = assembly.method_for
        self.header_for = assembly.header_for
        self.encode = assembly.encode
        self.overhead = assembly.overhead

    def line_width(self, image: IndexedImage) -> int:
        """Pixels of a row."""
        return image.width


class FramesBuilder:
    """Files of several frames; images are their sheets, with all frames side by side.

    Parameters
    ----------
    assembly : Assembly
    table : FrameTable
    """

    def __init__(self, assembly: Assembly, table: FrameTable) -> None:
        self.frames = table.count
        self.method_for = assembly.method_for
        self.header_for = assembly.header_for
        self._assembly = assembly
        self._table = table

    def line_width(self, sheet: IndexedImage) -> int:
        """Pixels of a row of the sheet, or of one of a frame if it is smaller interleaved."""
        if self.frames == 1:
            return sheet.width
        table = ContainerReader(io.BytesIO(self.encode(sheet))).frames
        return sheet.width // self.frames if table.interleaved else sheet.width

    def encode(self, sheet: IndexedImage) -> bytes:
        """The bytes of the file, laid out as is smaller."""
        return self._assembly.encode_frames(sheet, self._table)

    def overhead(self, sheet: IndexedImage) -> int:
        """How many bytes of the file are no coded indices."""
        header = replace(self.header_for(sheet), width=sheet.width // self.frames)
        payloads = [b""] * header.strip_count
        parts = file_parts(header, sheet.palette, payloads, sheet.metadata, self._table)
        return sum(map(len, parts))
