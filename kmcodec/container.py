"""The layout of a `.kmc` file (spec/kmc-1.md, sections 2 to 5 and 7).

It knows nothing of k-means and nothing of how indices and palettes are coded: both are bytes here.
construct describes the fixed-size frames; every length is checked against what is there before
anything is allocated, and every fault ends as a `KmcFormatError` that tells its byte offset.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import IO

from construct import Bytes, Int8ul, Int16ul, Int32ul, Struct

from kmcodec.errors import KmcFormatError
from kmcodec.image import MAX_SIDE

__all__ = [
    "HEADER_SIZE",
    "SIGNATURE",
    "STRIP_FRAME_SIZE",
    "ContainerReader",
    "Header",
    "Section",
    "Strip",
    "build",
    "parts",
]

SIGNATURE = b"\x8bKMC\r\n\x1a\n"
VERSION = 1
HAS_SECTIONS = 0x01
PALETTE_CODED = 0x02
END_OF_SECTIONS = b"KEND"

_HEADER = Struct(
    "signature" / Bytes(8),
    "version" / Int8ul,
    "coding" / Int8ul,
    "channels" / Int8ul,
    "flags" / Int8ul,
    "width" / Int32ul,
    "height" / Int32ul,
    "entries_minus_1" / Int16ul,
    "rows_per_strip" / Int16ul,
)
_STRIP = Struct("length" / Int32ul, "crc" / Int32ul)
_SECTION = Struct("type" / Bytes(4), "length" / Int32ul)
_CRC = Int32ul

STRIP_FRAME_SIZE = _STRIP.sizeof()
"""Bytes before the payload of a strip."""

_FIELDS_SIZE = _HEADER.sizeof()
HEADER_SIZE = _FIELDS_SIZE + _CRC.sizeof()
"""Bytes of the header, its CRC included."""


@dataclass(frozen=True)
class Header:
    """What the first 28 bytes say; section 3 of the specification.

    Parameters
    ----------
    coding : int
        Number of the coding method.
    channels : int
        1 grey, 2 grey and alpha, 3 RGB, 4 RGBA.
    width, height : int
        In pixels, 1 to 2**31 - 1.
    entries : int
        Palette entries, 1 to 65,536.
    rows_per_strip : int
        0 to 65,535; 0 means that the whole image is one strip.
    has_sections : bool
        Whether metadata sections follow the strips.
    palette_coded : bool
        Whether the palette is stored as the context coder codes it.
    """

    coding: int
    channels: int
    width: int
    height: int
    entries: int
    rows_per_strip: int = 0
    has_sections: bool = False
    palette_coded: bool = False

    @property
    def strip_count(self) -> int:
        """Number of strips, at least 1."""
        return -(-self.height // self.rows_per_strip) if self.rows_per_strip else 1

    @property
    def palette_size(self) -> int:
        """Bytes of the palette where it is not coded, without its CRC."""
        return self.entries * self.channels

    @property
    def palette_length_size(self) -> int:
        """Bytes of the field that tells the length of a coded palette."""
        return 1 if self.palette_size <= 1 << 8 else 2 if self.palette_size <= 1 << 16 else 4

    @property
    def allows_coded_palette(self) -> bool:
        """Whether the palette may be coded; not where a reader needs no context coder."""
        return self.coding not in (0, 1)

    def rows_of(self, strip: int) -> tuple[int, int]:
        """First row of a strip, and the row after its last."""
        rows = self.rows_per_strip or self.height
        return strip * rows, min(self.height, (strip + 1) * rows)


@dataclass(frozen=True)
class Strip:
    """Where a strip stands; `offset` is that of its payload, rows are first and after-last."""

    number: int
    rows: tuple[int, int]
    offset: int
    length: int
    crc: int

    @property
    def name(self) -> str:
        """How messages call this strip."""
        return _strip_name(self.number, self.rows)

    @property
    def end(self) -> int:
        """The byte after the payload."""
        return self.offset + self.length


@dataclass(frozen=True)
class Section:
    """A metadata section; `type` is four letters, `offset` the byte at which the type stands."""

    type: str
    payload: bytes
    offset: int = 0

    @property
    def required(self) -> bool:
        """Whether a reader that does not know this type must refuse the file."""
        return self.type[0].isupper()


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

    Raises
    ------
    KmcFormatError
        If the header or the palette is damaged, truncated or of another format.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.size = stream.seek(0, io.SEEK_END)
        stream.seek(0)
        self.header = _parse_header(stream.read(HEADER_SIZE))
        self.palette_offset, self.palette = self._read_palette()
        self.strips_offset = self.palette_offset + len(self.palette) + _CRC.sizeof()

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
        frame = _STRIP.parse(self._read(offset, STRIP_FRAME_SIZE, _strip_name(number, rows)))
        length = frame.length if length is None else length
        strip = Strip(number, rows, offset + STRIP_FRAME_SIZE, length, frame.crc)
        if strip.end > self.size:
            raise _truncated(strip.name, strip.offset, strip.length, self.size)
        return strip

    def bytes_from(self, offset: int, length: int) -> bytes:
        """So many bytes of the file, or as many as there are."""
        self._stream.seek(offset)
        return self._stream.read(length)

    def payload(self, strip: Strip) -> bytes:
        """The coded indices of a strip, their CRC checked."""
        payload = self._read(strip.offset, strip.length, strip.name)
        computed = _strip_crc(strip.number, payload)
        if computed != strip.crc:
            raise _crc_mismatch(strip.name, strip.offset - 4, strip.crc, computed)
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
            offset += _SECTION.sizeof() + len(section.payload) + _CRC.sizeof()
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
            raise _truncated(part, offset, length, self.size)
        self._stream.seek(offset)
        data = self._stream.read(length)
        if len(data) != length:
            raise _truncated(part, offset, length, offset + len(data))
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
        data = self._read(start, size + _CRC.sizeof(), "palette")
        palette, stored = data[:size], _CRC.parse(data[size:])
        computed = zlib.crc32(palette, zlib.crc32(field))
        if stored != computed:
            raise _crc_mismatch("palette", start + size, stored, computed)
        return start, palette

    def _check_strip_count(self) -> None:
        # Each strip takes at least its frame: a header that promises more is told at once,
        # not after a walk over millions of strips.
        least = self.strips_offset + self.header.strip_count * STRIP_FRAME_SIZE
        if least > self.size:
            part = f"index data in {self.header.strip_count:,} strips"
            raise _truncated(part, self.strips_offset, least - self.strips_offset, self.size)

    def _read_section(self, offset: int) -> Section:
        frame = _SECTION.parse(self._read(offset, _SECTION.sizeof(), "section"))
        if not (frame.type.isalpha() and frame.type.isascii()):
            raise KmcFormatError(
                f"a section's type is four letters, not {frame.type!r}", offset=offset
            )
        name = f"section {frame.type.decode()}"
        start = offset + _SECTION.sizeof()
        data = self._read(start, frame.length + _CRC.sizeof(), name)
        payload = data[: frame.length]
        stored = _CRC.parse(data[frame.length :])
        computed = zlib.crc32(payload, zlib.crc32(_SECTION.build(frame)))
        if stored != computed:
            raise _crc_mismatch(name, start + frame.length, stored, computed)
        return Section(frame.type.decode(), payload, offset)


def build(
    header: Header,
    palette: bytes,
    payloads: Iterable[bytes],
    sections: Iterable[Section] = (),
) -> bytes:
    """Put the parts of a file together.

    Parameters
    ----------
    header, palette, payloads, sections
        See `parts`.

    Returns
    -------
    bytes
        A whole `.kmc` file.
    """
    return b"".join(parts(header, palette, payloads, sections))


def parts(
    header: Header,
    palette: bytes,
    payloads: Iterable[bytes],
    sections: Iterable[Section] = (),
) -> Iterator[bytes]:
    """Make a file part by part; a strip is wanted only when all before it were taken.

    Parameters
    ----------
    header : Header
        Its `has_sections` is set from `sections`.
    palette : bytes
        Entry by entry; coded if the header says so.
    payloads : iterable of bytes
        The coded strips, one for each that the header implies.
    sections : iterable of Section

    Yields
    ------
    bytes
        Together a whole `.kmc` file.
    """
    sections = list(sections)
    fields = _HEADER.build(
        {
            "signature": SIGNATURE,
            "version": VERSION,
            "coding": header.coding,
            "channels": header.channels,
            "flags": HAS_SECTIONS * bool(sections) | PALETTE_CODED * header.palette_coded,
            "width": header.width,
            "height": header.height,
            "entries_minus_1": header.entries - 1,
            "rows_per_strip": header.rows_per_strip,
        }
    )
    if header.palette_coded:
        palette = len(palette).to_bytes(header.palette_length_size, "little") + palette
    yield b"".join([fields, _crc(fields), palette, _crc(palette)])
    given = 0
    for payload in payloads:
        yield _STRIP.build({"length": len(payload), "crc": _strip_crc(given, payload)})
        yield payload
        given += 1
    if given != header.strip_count:
        raise ValueError(f"{header.strip_count} strips are due, {given} were given")
    if sections:
        for section in [*sections, Section(END_OF_SECTIONS.decode(), b"")]:
            frame = {"type": section.type.encode(), "length": len(section.payload)}
            body = _SECTION.build(frame) + section.payload
            yield body + _crc(body)


def _parse_header(data: bytes) -> Header:
    _check_signature(data)
    if len(data) < HEADER_SIZE:
        raise _truncated("header", 0, HEADER_SIZE, len(data))
    stored, computed = _CRC.parse(data[_FIELDS_SIZE:]), zlib.crc32(data[:_FIELDS_SIZE])
    if stored != computed:
        raise _crc_mismatch("header", _FIELDS_SIZE, stored, computed)
    fields = _HEADER.parse(data)
    if fields.version != VERSION:
        raise KmcFormatError(
            f"version {fields.version} of the format is not supported, only version {VERSION}",
            offset=8,
            expected=VERSION,
            found=fields.version,
        )
    if not 1 <= fields.channels <= 4:
        raise KmcFormatError(f"{fields.channels} channels, not 1 to 4", offset=10)
    if fields.flags & ~(HAS_SECTIONS | PALETTE_CODED):
        raise KmcFormatError(f"flags {fields.flags:#04x} are not supported", offset=11)
    if not (1 <= fields.width <= MAX_SIDE and 1 <= fields.height <= MAX_SIDE):
        raise KmcFormatError(
            f"{fields.width} x {fields.height} pixels: each side is 1 to {MAX_SIDE:,}", offset=12
        )
    header = Header(
        coding=fields.coding,
        channels=fields.channels,
        width=fields.width,
        height=fields.height,
        entries=fields.entries_minus_1 + 1,
        rows_per_strip=fields.rows_per_strip,
        has_sections=bool(fields.flags & HAS_SECTIONS),
        palette_coded=bool(fields.flags & PALETTE_CODED),
    )
    if header.palette_coded and not header.allows_coded_palette:
        raise KmcFormatError(f"a coded palette with coding method {header.coding}", offset=11)
    return header


def _check_signature(data: bytes) -> None:
    found = data[: len(SIGNATURE)]
    if found == SIGNATURE:
        return
    if SIGNATURE.startswith(found):
        raise _truncated("signature", 0, len(SIGNATURE), len(found))
    if found.startswith(SIGNATURE[:4]):
        raise KmcFormatError(
            "line ends were changed, as by a transfer in text mode: copy the file again in binary",
            offset=4,
            expected=SIGNATURE,
            found=found,
        )
    raise KmcFormatError("not a .kmc file", offset=0, expected=SIGNATURE, found=found)


def _strip_name(number: int, rows: tuple[int, int]) -> str:
    return f"strip {number} (rows {rows[0]} to {rows[1] - 1})"


def _crc(data: bytes) -> bytes:
    return struct.pack("<I", zlib.crc32(data))


def _strip_crc(number: int, payload: bytes) -> int:
    # The number is part of it so that a strip at a wrong place is noticed.
    return zlib.crc32(payload, zlib.crc32(struct.pack("<II", number, len(payload))))


def _truncated(part: str, offset: int, length: int, size: int) -> KmcFormatError:
    return KmcFormatError(
        f"{part}: the file ends after {size:,} bytes, {offset + length:,} are needed (truncated?)",
        offset=offset,
        expected=offset + length,
        found=size,
    )


def _crc_mismatch(part: str, offset: int, stored: int, computed: int) -> KmcFormatError:
    return KmcFormatError(
        f"{part}: CRC is {stored:08x}, computed {computed:08x} (damaged?)",
        offset=offset,
        expected=computed,
        found=stored,
    )
