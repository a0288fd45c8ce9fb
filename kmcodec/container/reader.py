"""Reading a `.kmc` file part by part; the parts are described in `layout`."""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator
from typing import IO

from kmcodec.container.frame_table import FRAME_TABLE_HEAD, ONE_FRAME, FrameTable
from kmcodec.container.layout import (
    CRC,
    END_OF_SECTIONS,
    HEADER_SIZE,
    SECTION_HEAD,
    STRIP_FRAME,
    STRIP_FRAME_SIZE,
    Section,
    Strip,
    crc_mismatch,
    parse_header,
    strip_crc,
    strip_name,
    truncated,
)
from kmcodec.errors import KmcFormatError

__all__ = ["ContainerReader"]


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

    Raises
    ------
    KmcFormatError
        If the header, the palette or the frame table is damaged, truncated or of another format.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.size = stream.seek(0, io.SEEK_END)
        stream.seek(0)
        self.header = parse_header(stream.read(HEADER_SIZE))
        self.palette_offset, self.palette = self._read_palette()
        self._frames_offset = self.palette_offset + len(self.palette) + CRC.sizeof()
        self.frames, self.strips_offset = ONE_FRAME, self._frames_offset
        if self.header.has_frames:
            self.frames = self._read_frames()
            self.strips_offset += len(self.frames.build()) + CRC.sizeof()

    def strips(self) -> Iterator[Strip]:
        """All strips in order, their payloads skipped.

        Raises
        ------
        KmcFormatError
            If a strip does not fit into the file.
        """
        self._check_strip_count()
        offset = self.strips_offset
        for number in range(self.header.strip_count):
            strip = self.strip_at(number, offset)
            offset = strip.end
            yield strip

    def strip_at(self, number: int, offset: int, length: int | None = None) -> Strip:
        """The strip of this number, if its frame stands at this byte.

        Parameters
        ----------
        number, offset : int
        length : int, optional
            Bytes of its payload; what the frame says if not given.

        Raises
        ------
        KmcFormatError
            If it does not fit into the file.
        """
        rows = self.header.rows_of(number)
        frame = STRIP_FRAME.parse(self._read(offset, STRIP_FRAME_SIZE, strip_name(number, rows)))
        length = frame.length if length is None else length
        strip = Strip(number, rows, offset + STRIP_FRAME_SIZE, length, frame.crc)
        if strip.end > self.size:
            raise truncated(strip.name, strip.offset, strip.length, self.size)
        return strip

    def bytes_from(self, offset: int, length: int) -> bytes:
        """So many bytes of the file, or as many as there are."""
        self._stream.seek(offset)
        return self._stream.read(length)

    def payload(self, strip: Strip) -> bytes:
        """The coded indices of a strip, their CRC checked."""
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
        while self.header.has_sections:
            section = self._read_section(offset)
            offset += SECTION_HEAD.sizeof() + len(section.payload) + CRC.sizeof()
            if section.type.encode() == END_OF_SECTIONS:
                if section.payload:
                    raise KmcFormatError("the KEND section is not empty", offset=section.offset)
                break
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

    def _read_palette(self) -> tuple[int, bytes]:
        size, field = self.header.palette_size, b""
        if self.header.palette_coded:
            field = self._read(HEADER_SIZE, self.header.palette_length_size, "palette length")
            length = int.from_bytes(field, "little")
            if length >= size:
                raise KmcFormatError(
                    f"the coded palette has {length:,} bytes, not fewer than the {size:,} of its "
                    "entries",
                    offset=HEADER_SIZE,
                )
            size = length
        start = HEADER_SIZE + len(field)
        data = self._read(start, size + CRC.sizeof(), "palette")
        palette, stored = data[:size], CRC.parse(data[size:])
        computed = zlib.crc32(palette, zlib.crc32(field))
        if stored != computed:
            raise crc_mismatch("palette", start + size, stored, computed)
        return start, palette

    def _read_frames(self) -> FrameTable:
        start = self._frames_offset
        size = FrameTable.size_of(self._read(start, FRAME_TABLE_HEAD, "frame table"))
        data = self._read(start, size + CRC.sizeof(), "frame table")
        stored, computed = CRC.parse(data[size:]), zlib.crc32(data[:size])
        if stored != computed:
            raise crc_mismatch("frame table", start + size, stored, computed)
        try:
            return FrameTable.parse(data[:size], max(self.header.width, self.header.height))
        except ValueError as error:
            raise KmcFormatError(str(error), offset=start) from None

    def _check_strip_count(self) -> None:
        # Each strip takes at least its frame: a header that promises more is told at once,
        # not after a walk over millions of strips.
        least = self.strips_offset + self.header.strip_count * STRIP_FRAME_SIZE
        if least > self.size:
            part = f"index data in {self.header.strip_count:,} strips"
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
