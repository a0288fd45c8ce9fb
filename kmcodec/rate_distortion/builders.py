"""Builders of files from one image, or from several frames side by side."""

from __future__ import annotations

import io
from collections.abc import Callable
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
    """The properties of files that a goal needs.

    Attributes
    ----------
    frames : int
        Number of frames side by side in an image.
    """

    @property
    def frames(self) -> int: ...

    def quick(self) -> Builder:
        """Return a builder of such files by a quick coder."""

    def method_for(self, image: IndexedImage) -> Coding:
        """Return the coding method for an image."""

    def header_for(self, image: IndexedImage) -> Header:
        """Return the header of an image, which determines its strips."""

    def line_width(self, image: IndexedImage) -> int:
        """Return the pixels of a row as the coder sees it: a divisor of the image's width."""

    def encode(self, image: IndexedImage) -> bytes:
        """Return the bytes of the file."""

    def overhead(self, image: IndexedImage) -> int:
        """Return the number of bytes of the file besides the coded indices."""


class ImageBuilder:
    """Build files of one image.

    Parameters
    ----------
    assembly : Assembly
    encode : callable, optional
        Returns the bytes of a file of another format, whose size then decides between images.
    """

    frames = 1

    def __init__(
        self, assembly: Assembly, encode: Callable[[IndexedImage], bytes] | None = None
    ) -> None:
        self._assembly = assembly
        self._other = encode
        self.method_for = assembly.method_for
        self.header_for = assembly.header_for
        self.encode = encode or assembly.encode
        self.overhead = assembly.overhead

    def quick(self) -> Builder:
        """Return a builder of such files by a quick coder."""
        return ImageBuilder(_quick(self._assembly), self._other)

    def line_width(self, image: IndexedImage) -> int:
        """Return the pixels of a row."""
        return image.width


class FramesBuilder:
    """Build files of several frames; images are sheets with all frames side by side.

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

    def quick(self) -> Builder:
        """Return a builder of such files by a quick coder."""
        return FramesBuilder(_quick(self._assembly), self._table)

    def line_width(self, sheet: IndexedImage) -> int:
        """Return the pixels of a row of the sheet, or of a frame if interleaving is smaller."""
        if self.frames == 1:
            return sheet.width
        table = ContainerReader(io.BytesIO(self.encode(sheet))).frames
        return sheet.width // self.frames if table.interleaved else sheet.width

    def encode(self, sheet: IndexedImage) -> bytes:
        """Return the bytes of the file in the smaller layout."""
        return self._assembly.encode_frames(sheet, self._table)

    def overhead(self, sheet: IndexedImage) -> int:
        """Return the number of bytes of the file besides the coded indices."""
        header = replace(self.header_for(sheet), width=sheet.width // self.frames)
        payloads = [b""] * header.strip_count
        parts = file_parts(header, sheet.palette, payloads, sheet.metadata, self._table)
        return sum(map(len, parts))


def _quick(assembly: Assembly) -> Assembly:
    """Return the options with the quick coder that chooses almost as a slow one does."""
    return assembly if assembly.effort == "fastest" else replace(assembly, effort="fast")
