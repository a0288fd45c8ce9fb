"""Read a `.kmc` file part by part; `layout` describes the parts."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from itertools import accumulate
from typing import IO

from kmcodec.container.frame_table import FRAME_TABLE_HEAD, ONE_FRAME, FrameTable
from kmcodec.container.header import (
    CRC,
    HEADER_SIZE,
    Header,
    crc_mismatch,
    parse_header,
    truncated,
)
from kmcodec.container.layout import (
    END_OF_SECTIONS,
    MAX_SECTIONS,
    SECTION_HEAD,
    STRIP_FRAME_SIZE,
    Section,
    Strip,
    palette_name,
    strip_crc,
    strip_name,
)
from kmcodec.errors import KmcFormatError

__all__ = ["ContainerReader"]


# `layout.STRIP_FRAME`, parsed much faster than by construct: a file may have millions of strips.
_FRAME = struct.Struct("<II")


class ContainerReader:
    """Read a `.kmc` file part by part, with strips in any order, and check each part.

    Parameters
    ----------
    stream : binary file
        Readable and seekable; the file begins at its start.

    Attributes
    ----------
    header : Header
    palette : bytes
        As stored: entry by entry, or coded if the header says so; empty if it is the ramp.
    palette_offset : int
        Offset of these bytes.
    strips_offset : int
        Offset of the frame of the first strip.
    size : int
        Bytes of the file.
    frames : FrameTable
        `ONE_FRAME` if the file has none.
    scenes : tuple of Scene
        At least one; together they have all frames.
    scene_ends : list of int
        For each scene the number of the frame after its last; ``bisect_right(scene_ends, frame)``
        is the scene of a frame.
    strip_count : int
        Strips of all scenes.

    Raises
    ------
    KmcFormatError
        If the header, palette or frame table is damaged, truncated or of another format, or the
        palettes of further scenes are truncated.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.size = stream.seek(0, io.SEEK_END)
        stream.seek(0)
        self.header = parse_header(stream.read(HEADER_SIZE))
        self.palette_offset, self.palette = self._read_palette(self.header, HEADER_SIZE, 0)
        offset = self.palette_offset + len(self.palette) + self.header.palette_crc_size
        self.frames = ONE_FRAME
        if self.header.has_frames:
            self.frames, offset = self._read_frames(offset)
        self.scenes = self.frames.scenes(self.header)
        self.scene_ends = list(accumulate(scene.frames for scene in self.scenes))
        self.strip_count = len(self.scenes) * self.header.strip_count
        self._palettes = [HEADER_SIZE]
        for number in range(1, len(self.scenes)):
            self._palettes.append(offset)
            offset = self._end_of_palette(number)
        self.strips_offset = offset
        # Offsets of the first strips of scenes, found on demand.
        self._scene_starts = [offset]

    def palette_of(self, scene: int) -> tuple[int, bytes]:
        """Return the offset of a scene's palette and its stored bytes, after checking their CRC.

        Raises
        ------
        KmcFormatError
            If the palette is damaged.
        """
        if scene == 0:
            return self.palette_offset, self.palette
        header = self.scenes[scene].header_in(self.header)
        return self._read_palette(header, self._palettes[scene], scene)

    def check_palettes(self) -> None:
        """Check the CRCs of all palettes.

        Raises
        ------
        KmcFormatError
            If one is damaged.
        """
        for scene in range(len(self.scenes)):
            self.palette_of(scene)

    def strips(self, scene: int | None = None) -> Iterator[Strip]:
        """Yield the strips of one or all scenes in order, without reading their payloads.

        Raises
        ------
        KmcFormatError
            If a strip does not fit into the file.
        """
        self._check_strip_count()
        each, starts = self.header.strip_count, self._scene_starts
        first = 0 if scene is None else min(scene, len(starts) - 1)
        end = len(self.scenes) if scene is None else scene + 1
        offset = starts[first]
        for number in range(first * each, end * each):
            if number == each * len(starts):
                starts.append(offset)
            strip = self.strip_at(number, offset)
            offset = strip.end
            if scene is None or strip.scene == scene:
                yield strip

    def strip_at(self, number: int, offset: int, length: int | None = None) -> Strip:
        """Return the strip with a number, given the offset of its frame.

        Parameters
        ----------
        number, offset : int
        length : int, optional
            Bytes of its payload; by default the length in the frame.

        Returns
        -------
        Strip

        Raises
        ------
        KmcFormatError
            If the strip does not fit into the file.
        """
        rows, scene = self.header.rows_of(number), number // self.header.strip_count
        name = strip_name(number, rows, scene)
        stored, crc = _FRAME.unpack(self._read(offset, STRIP_FRAME_SIZE, name))
        length = stored if length is None else length
        strip = Strip(number, rows, offset + STRIP_FRAME_SIZE, length, crc, scene)
        if strip.end > self.size:
            raise truncated(strip.name, strip.offset, strip.length, self.size)
        return strip

    def bytes_from(self, offset: int, length: int) -> bytes:
        """Return up to `length` bytes of the file."""
        self._stream.seek(offset)
        return self._stream.read(length)

    def payload(self, strip: Strip) -> bytes:
        """Return the coded indices of a strip, after checking their CRC.

        Parameters
        ----------
        strip : Strip
            From `strips` or `strip_at`.

        Raises
        ------
        KmcFormatError
            If the CRC is wrong, or the strip does not fit into the file.
        """
        payload = self._read(strip.offset, strip.length, strip.name)
        computed = strip_crc(strip.number, payload)
        if computed != strip.crc:
            raise crc_mismatch(strip.name, strip.offset - 4, strip.crc, computed)
        return payload

    def sections(self) -> Iterator[Section]:
        """Yield all sections except the closing one; check their CRCs and the end of the file.

        Raises
        ------
        KmcFormatError
            If a section is damaged, or data follow the last part of the file.
        """
        offset = self.strips_offset
        for strip in self.strips():
            offset = strip.end
        count = 0
        while self.header.has_sections:
            section = self._read_section(offset)
            offset += SECTION_HEAD.sizeof() + len(section.payload) + CRC.sizeof()
            if section.type.encode() == END_OF_SECTIONS:
                if section.payload:
                    raise KmcFormatError("the KEND section is not empty", offset=section.offset)
                break
            count += 1
            if count > MAX_SECTIONS:
                raise KmcFormatError(
                    f"there are more than {MAX_SECTIONS:,} sections", offset=section.offset
                )
            yield section
        if offset != self.size:
            raise KmcFormatError(
                f"{self.size - offset:,} bytes follow the end of the image",
                offset=offset,
                expected=offset,
                found=self.size,
            )

    def _read(self, offset: int, length: int, part: str) -> bytes:
        if offset + length > self.size:
            raise truncated(part, offset, length, self.size)
        self._stream.seek(offset)
        data = self._stream.read(length)
        if len(data) != length:
            raise truncated(part, offset, length, offset + len(data))
        return data

    def _palette_span(self, header: Header, start: int, scene: int) -> tuple[int, int]:
        """Return the offset and length of a palette's bytes; its part begins at `start`."""
        if not header.palette_coded:
            return start, header.palette_size
        name = palette_name(scene)
        field = self._read(start, header.palette_length_size, f"{name} length")
        length = int.from_bytes(field, "little")
        if length >= header.palette_size:
            raise KmcFormatError(
                f"the coded {name} has {length:,} bytes, not fewer than the "
                f"{header.palette_size:,} of its entries",
                offset=start,
            )
        return start + len(field), length

    def _read_palette(self, header: Header, start: int, scene: int) -> tuple[int, bytes]:
        name = palette_name(scene)
        if header.palette_implied:
            return start, b""
        offset, size = self._palette_span(header, start, scene)
        end = offset + size - start
        data = self._read(start, end + CRC.sizeof(), name)
        stored, computed = CRC.parse(data[end:]), zlib.crc32(data[:end])
        if stored != computed:
            raise crc_mismatch(name, offset + size, stored, computed)
        return offset, data[offset - start : end]

    def _end_of_palette(self, scene: int) -> int:
        start, header = self._palettes[scene], self.scenes[scene].header_in(self.header)
        offset, size = self._palette_span(header, start, scene)
        end: int = offset + size + CRC.sizeof()
        if end > self.size:
            raise truncated(palette_name(scene), start, end - start, self.size)
        return end

    def _read_frames(self, start: int) -> tuple[FrameTable, int]:
        """Return the frame table and the offset after it."""
        data, size = b"", FRAME_TABLE_HEAD
        while len(data) < size:
            data = self._read(start, size, "frame table")
            size = FrameTable.size_of(data)
        data = self._read(start, size + CRC.sizeof(), "frame table")
        stored, computed = CRC.parse(data[size:]), zlib.crc32(data[:size])
        if stored != computed:
            raise crc_mismatch("frame table", start + size, stored, computed)
        try:
            end = start + len(data)
            return FrameTable.parse(data[:size], self.header, self.size - end), end
        except ValueError as error:
            raise KmcFormatError(str(error), offset=start) from None

    def _check_strip_count(self) -> None:
        # Each strip takes at least its frame. Refuse a header with too many at once, not after
        # reading millions of strips.
        least = self.strips_offset + self.strip_count * STRIP_FRAME_SIZE
        if least > self.size:
            part = f"index data in {self.strip_count:,} strips"
            raise truncated(part, self.strips_offset, least - self.strips_offset, self.size)

    def _read_section(self, offset: int) -> Section:
        frame = SECTION_HEAD.parse(self._read(offset, SECTION_HEAD.sizeof(), "section"))
        if not (frame.type.isalpha() and frame.type.isascii()):
            raise KmcFormatError(
                f"a section's type is four letters, not {frame.type!r}", offset=offset
            )
        name = f"section {frame.type.decode()}"
        start = offset + SECTION_HEAD.sizeof()
        data = self._read(start, frame.length + CRC.sizeof(), name)
        payload = data[: frame.length]
        stored = CRC.parse(data[frame.length :])
        computed = zlib.crc32(payload, zlib.crc32(SECTION_HEAD.build(frame)))
        if stored != computed:
            raise crc_mismatch(name, start + frame.length, stored, computed)
        return Section(frame.type.decode(), payload, offset)
