"""Decode strips of a `.kmc` file on demand."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from kmcodec.coding import Coding, coding_by_number, decode_palette
from kmcodec.container.header import Header
from kmcodec.container.layout import Strip, palette_name
from kmcodec.container.metadata import metadata_from_sections
from kmcodec.container.reader import ContainerReader
from kmcodec.errors import KmcFormatError, KmcInputError
from kmcodec.model.frozen import owned
from kmcodec.model.image import Metadata, index_dtype
from kmcodec.model.limits import Limits
from kmcodec.model.ramp import ramp
from kmcodec.parallel import in_groups, in_turn

__all__ = ["StripReader", "coding_of", "palette_of"]


class StripReader:
    """Read all or part of an image, or of one scene of several.

    Parameters
    ----------
    stream : binary file
        Seekable; the file begins at its start.
    limits : Limits

    Attributes
    ----------
    container : ContainerReader
    header : Header
        Header of the scene (the first one, except after `of_scene`), with its number of entries.
    palette : ndarray, shape (K, C), uint8
    sheet_width : int
        Pixels of a row of all frames of the scene together.

    Raises
    ------
    KmcFormatError
        If the header or the palette is damaged, or uses an unsupported feature.
    """

    def __init__(self, stream: IO[bytes], limits: Limits) -> None:
        self.container = ContainerReader(stream)
        self._limits = limits
        self._coding = coding_of(self.container.header)
        self._take(0)

    def of_scene(self, number: int) -> StripReader:
        """Return the reader of another scene of the same file.

        Raises
        ------
        KmcFormatError
            If the palette of the scene is damaged.
        """
        other = copy.copy(self)
        other._take(number)
        return other

    def within(self, limits: Limits) -> StripReader:
        """Return a reader of the same scene with other limits."""
        other = copy.copy(self)
        other._limits = limits
        return other

    def _take(self, number: int) -> None:
        self._number, self._scene = number, self.container.scenes[number]
        self.header = self._scene.header_in(self.container.header)
        self.palette = palette_of(self.container, number)
        self.sheet_width = self._scene.frames * self.header.width

    def check_rows(self, first: int, end: int) -> None:
        """Refuse to decode these rows at once if they have too many pixels in all frames.

        Raises
        ------
        KmcInputError
            If they are none, or not all in the image.
        KmcLimitError
        """
        if not 0 <= first < end <= self.header.height:
            raise KmcInputError(
                f"rows {first:,}:{end:,} lie outside the image ({self.header.height:,} rows)"
            )
        frames = self.container.frames.count
        pixels = frames * self.header.width * (end - first)
        times = f"{frames:,} x " if frames > 1 else ""
        self._limits.check_pixels(pixels, f"{times}{self.header.width:,} x {end - first:,}")

    def rows(self, first: int, end: int) -> NDArray[Any]:
        """Return the indices of some rows; of other strips only the frames are read.

        Returns
        -------
        ndarray, shape (end - first, sheet_width), uint8 for up to 256 entries, else uint16
            Read-only. Each row holds that of the scene's first frame, then of the second, etc.

        Raises
        ------
        KmcFormatError
            If one of their strips is damaged.
        KmcInputError, KmcLimitError
            See `check_rows`.
        """
        self.check_rows(first, end)
        # Iterate twice over the strips instead of keeping a list: a file may have millions.
        for strip in self._strips_of(first, end):
            self.check_rows(*strip.rows)
        indices = self.blank(end - first)

        def decode_into(item: tuple[Strip, bytes]) -> None:
            begin, after = item[0].rows
            stop = min(end, after) - begin
            part = self.decode(*item, stop)[max(first - begin, 0) :]
            indices[max(begin - first, 0) : after - first] = part

        wanted = ((s, self.container.payload(s)) for s in self._strips_of(first, end))
        for _ in in_groups(decode_into, wanted):
            pass
        return owned(indices)

    def strips(self) -> Iterator[Strip]:
        """Return an iterator over the strips of the scene; see `ContainerReader.strips`."""
        return self.container.strips(self._number)

    def _strips_of(self, first: int, end: int) -> Iterator[Strip]:
        """Return an iterator over the strips that hold some of these rows."""
        return (s for s in self.strips() if s.rows[0] < end and s.rows[1] > first)

    def frames_in(self, sheet: NDArray[Any]) -> NDArray[Any]:
        """Return a view of rows of side-by-side frames, shape (frames, rows, W)."""
        rows, width = sheet.shape[0], self.header.width
        return sheet.reshape(rows, -1, width).transpose(1, 0, 2)

    def blocks(self) -> Iterator[NDArray[Any]]:
        """Yield the indices of the first frame by strips; only a few are in memory at a time."""

        def payloads() -> Iterator[tuple[Strip, bytes]]:
            for strip in self.strips():
                self.check_rows(*strip.rows)
                yield strip, self.container.payload(strip)

        yield from in_turn(lambda strip: self.first_frame(self.decode(*strip)), payloads())

    def first_frame(self, indices: NDArray[Any]) -> NDArray[Any]:
        """Return the first frame's part of rows of all frames."""
        return indices[:, : self.header.width]

    def blank(self, rows: int) -> NDArray[Any]:
        """Return zeros as the indices of a number of rows."""
        return np.zeros((rows, self.sheet_width), index_dtype(self.header.entries))

    def decode(self, strip: Strip, payload: bytes, stop: int | None = None) -> NDArray[Any]:
        """Return the indices of a strip, shape (rows, sheet_width), or of its first rows.

        Raises
        ------
        KmcFormatError
            With the strip's name and the offset of its payload.
        """
        rows, width = strip.rows[1] - strip.rows[0], self.sheet_width
        shape = rows, width
        if self._scene.interleaved:
            shape = rows * self._scene.frames, self.header.width
            stop = None if stop is None else stop * self._scene.frames
        try:
            decoded = self._coding.decode(payload, *shape, self.palette, stop)
            return decoded.reshape(-1, width)
        except KmcFormatError as error:
            raise error.inside(strip.name, strip.offset) from None

    def metadata(self) -> Metadata:
        """Return the metadata; this also checks all of the file except the strips' payloads."""
        return metadata_from_sections(self.container.sections(), self._limits.max_metadata)


def coding_of(header: Header) -> Coding:
    """Return the coding method of a header.

    Raises
    ------
    KmcFormatError
        If its number is unknown.
    """
    coding = coding_by_number(header.coding)
    if coding is None:
        raise KmcFormatError(f"coding method {header.coding} is not supported", offset=9)
    return coding


def palette_of(container: ContainerReader, scene: int = 0) -> NDArray[np.uint8]:
    """Return the palette of a scene, shape (K, C), decoded or made if necessary.

    Raises
    ------
    KmcFormatError
        If it is damaged, or coded in another way than an encoder does.
    """
    header = container.scenes[scene].header_in(container.header)
    if header.palette_implied:
        return ramp(header.entries)
    offset, stored = container.palette_of(scene)
    if not header.palette_coded:
        return np.frombuffer(stored, np.uint8).reshape(header.entries, header.channels)
    coding_of(header)  # refuse an unknown one: it may code palettes differently
    try:
        return owned(decode_palette(stored, header.entries, header.channels))
    except KmcFormatError as error:
        raise error.inside(palette_name(scene), offset) from None
