"""Reading a `.kmc` file part by part; the parts are described in `layout`."""

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


# `layout.STRIP_FRAME`, which takes construct many times as long: a file may have millions of them.
_FRAME = struct.Struct("<II")


class ContainerReader:
    """Reads a `.kmc` file part by part, in any order of strips, checking as it goes.

    Parameters
    ----------
    stream : binary file
        Readable and seekable; the file begins at its start.

    Attributes
    ----------
    header : Header
    palette : bytes
        As stored: entry by entry, or coded if the header says so.
    palette_offset : int
        Where these bytes stand.
    strips_offset : int
        Where the frame of the first strip stands.
    size : int
        Bytes of the file.
    frames : FrameTable
        That of one frame if the file has none.
    scenes : tuple of Scene
        At least one; all frames are in them.
    scene_ends : list of int
        For each scene the number of the frame after its last; ``bisect_right(scene_ends, frame)``
        is the number of the scene in which a frame is.
    strip_count : int
        Of all scenes.

    Raises
    ------
    KmcFormatError
        If the header, the palette or the frame table is damaged, truncated or of another format,
        or the palettes of further scenes are truncated.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.size = stream.seek(0, io.SEEK_END)
        stream.seek(0)
        self.header = parse_header(stream.read(HEADER_SIZE))
        self.palette_offset, self.palette = self._read_palette(self.header, HEADER_SIZE, 0)
        offset = self.palette_offset + len(self.palette) + CRC.sizeof()
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
        # Where the strips of scenes begin, as far as somebody wanted to know.
        self._scene_starts = [offset]

    def palette_of(self, scene: int) -> tuple[int, bytes]:
        """Where the palette of a scene stands, and its bytes as stored, their CRC checked.

        Raises
        ------
        KmcFormatError
            If they are damaged.
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
        """The strips of a scene, or of all, in order; their payloads are skipped.

        Raises
        ------
        KmcFormatError
            If a strip, or one before it, does not fit into the file.
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
        """The strip of this number, if its frame stands at this byte.

        Parameters
        ----------
        number, offset : int
        length : int, optional
            Bytes of its payload; what the frame says if not given.

        Returns
        -------
        Strip

        Raises
        ------
        KmcFormatError
            If it does not fit into the file.
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
        """So many bytes of the file, or as many as there are."""
        self._stream.seek(offset)
        return self._stream.read(length)

    def payload(self, strip: Strip) -> bytes:
        """The coded indices of a strip, their CRC checked.

        Parameters
        ----------
        strip : Strip
            Of `strips` or `strip_at`.

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
        """All sections but the closing one, their CRCs checked; then the end of the file is.

        Raises
        ------
        KmcFormatError
            If a section is damaged, or something follows the last part of the file.
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
        """Where the bytes of a palette stand whose part begins at `start`, and how many."""
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
        """The frame table, and the byte after it."""
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
        # Each strip takes at least its frame: a header that promises more is told at once,
        # not after a walk over millions of strips.
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
