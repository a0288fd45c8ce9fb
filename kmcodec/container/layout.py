"""The layout of a `.kmc` file (spec/kmc-1.md, sections 2 to 5 and 7).

It knows nothing of k-means and nothing of how indices and palettes are coded: both are bytes here.
construct describes the fixed-size frames; every length is checked against what is there before
anything is allocated, and every fault ends as a `KmcFormatError` that tells its byte offset.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from construct import Bytes, Int8ul, Int16ul, Int32ul, Struct

from kmcodec.container.frame_table import FrameTable, Scene
from kmcodec.errors import KmcFormatError
from kmcodec.image import MAX_SIDE

__all__ = [
    "CRC",
    "END_OF_SECTIONS",
    "HEADER_SIZE",
    "SECTION_HEAD",
    "SIGNATURE",
    "STRIP_FRAME",
    "STRIP_FRAME_SIZE",
    "Header",
    "Section",
    "Strip",
    "build",
    "crc_mismatch",
    "palette_name",
    "parse_header",
    "parts",
    "strip_crc",
    "strip_name",
    "truncated",
]

SIGNATURE = b"\x8bKMC\r\n\x1a\n"
VERSION = 1
HAS_SECTIONS = 0x01
PALETTE_CODED = 0x02
HAS_FRAMES = 0x04
END_OF_SECTIONS = b"KEND"

HEADER = Struct(
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
STRIP_FRAME = Struct("length" / Int32ul, "crc" / Int32ul)
SECTION_HEAD = Struct("type" / Bytes(4), "length" / Int32ul)
CRC = Int32ul

STRIP_FRAME_SIZE = STRIP_FRAME.sizeof()
"""Bytes before the payload of a strip."""

_FIELDS_SIZE = HEADER.sizeof()
HEADER_SIZE = _FIELDS_SIZE + CRC.sizeof()
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
    has_frames : bool
        Whether a frame table follows the palette; width and height are those of one frame.
    """

    coding: int
    channels: int
    width: int
    height: int
    entries: int
    rows_per_strip: int = 0
    has_sections: bool = False
    palette_coded: bool = False
    has_frames: bool = False

    @property
    def strip_count(self) -> int:
        """Number of strips of a scene, at least 1."""
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
        """First row of a strip, and the row after its last; they begin anew with each scene."""
        rows = self.rows_per_strip or self.height
        strip %= self.strip_count
        return strip * rows, min(self.height, (strip + 1) * rows)

    def scenes(self, frames: FrameTable) -> tuple[Scene, ...]:
        """All scenes of a file with this header and frame table; the first is told by both."""
        first = Scene(frames.first_frames, self.entries, frames.interleaved, self.palette_coded)
        return first, *frames.further

    def of_scene(self, scene: Scene) -> Header:
        """The header of the file that a scene would be, were it one: it has the scene's palette."""
        return replace(self, entries=scene.entries, palette_coded=scene.palette_coded)


@dataclass(frozen=True)
class Strip:
    """Where a strip stands; `offset` is that of its payload, rows are first and after-last."""

    number: int
    rows: tuple[int, int]
    offset: int
    length: int
    crc: int
    scene: int = 0

    @property
    def name(self) -> str:
        """How messages call this strip."""
        return strip_name(self.number, self.rows, self.scene)

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


def build(
    header: Header,
    palette: bytes,
    payloads: Iterable[bytes],
    sections: Iterable[Section] = (),
    frames: FrameTable | None = None,
    further: Iterable[bytes] = (),
) -> bytes:
    """Put the parts of a file together.

    Parameters
    ----------
    header, palette, payloads, sections, frames, further
        See `parts`.

    Returns
    -------
    bytes
        A whole `.kmc` file.
    """
    return b"".join(parts(header, palette, payloads, sections, frames, further))


def parts(
    header: Header,
    palette: bytes,
    payloads: Iterable[bytes],
    sections: Iterable[Section] = (),
    frames: FrameTable | None = None,
    further: Iterable[bytes] = (),
) -> Iterator[bytes]:
    """Make a file part by part; a strip is wanted only when all before it were taken.

    Parameters
    ----------
    header : Header
        Its `has_sections` and `has_frames` are set from `sections` and `frames`.
    palette : bytes
        Entry by entry; coded if the header says so.
    payloads : iterable of bytes
        The coded strips, as many for each scene as the header implies.
    sections : iterable of Section
    frames : FrameTable, optional
        Of several frames.
    further : iterable of bytes
        The palettes of all scenes but the first, each coded if the table says so.

    Yields
    ------
    bytes
        Together a whole `.kmc` file.
    """
    sections = list(sections)
    fields = HEADER.build(
        {
            "signature": SIGNATURE,
            "version": VERSION,
            "coding": header.coding,
            "channels": header.channels,
            "flags": HAS_SECTIONS * bool(sections)
            | PALETTE_CODED * header.palette_coded
            | HAS_FRAMES * (frames is not None),
            "width": header.width,
            "height": header.height,
            "entries_minus_1": header.entries - 1,
            "rows_per_strip": header.rows_per_strip,
        }
    )
    yield fields + _crc(fields) + _palette_part(header, palette)
    due = header.strip_count
    if frames is not None:
        table = frames.build()
        yield table + _crc(table)
        for scene, palette in zip(frames.further, further, strict=True):
            yield _palette_part(header.of_scene(scene), palette)
            due += header.strip_count
    given = 0
    for payload in payloads:
        yield STRIP_FRAME.build({"length": len(payload), "crc": strip_crc(given, payload)})
        yield payload
        given += 1
    if given != due:
        raise ValueError(f"{due} strips are due, {given} were given")
    if sections:
        for section in [*sections, Section(END_OF_SECTIONS.decode(), b"")]:
            frame = {"type": section.type.encode(), "length": len(section.payload)}
            body = SECTION_HEAD.build(frame) + section.payload
            yield body + _crc(body)


def parse_header(data: bytes) -> Header:
    """Read and check signature and header.

    Parameters
    ----------
    data : bytes
        The first `HEADER_SIZE` bytes of a file, or fewer if it has no more.

    Returns
    -------
    Header

    Raises
    ------
    KmcFormatError
        If they are no header, damaged, truncated, or of something that is not supported.
    """
    _check_signature(data)
    if len(data) < HEADER_SIZE:
        raise truncated("header", 0, HEADER_SIZE, len(data))
    stored, computed = CRC.parse(data[_FIELDS_SIZE:]), zlib.crc32(data[:_FIELDS_SIZE])
    if stored != computed:
        raise crc_mismatch("header", _FIELDS_SIZE, stored, computed)
    fields = HEADER.parse(data)
    if fields.version != VERSION:
        raise KmcFormatError(
            f"version {fields.version} of the format is not supported, only version {VERSION}",
            offset=8,
            expected=VERSION,
            found=fields.version,
        )
    if not 1 <= fields.channels <= 4:
        raise KmcFormatError(f"{fields.channels} channels, not 1 to 4", offset=10)
    if fields.flags & ~(HAS_SECTIONS | PALETTE_CODED | HAS_FRAMES):
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
        has_frames=bool(fields.flags & HAS_FRAMES),
    )
    if header.palette_coded and not header.allows_coded_palette:
        raise KmcFormatError(f"a coded palette with coding method {header.coding}", offset=11)
    return header


def _check_signature(data: bytes) -> None:
    found = data[: len(SIGNATURE)]
    if found == SIGNATURE:
        return
    if SIGNATURE.startswith(found):
        raise truncated("signature", 0, len(SIGNATURE), len(found))
    if found.startswith(SIGNATURE[:4]):
        raise KmcFormatError(
            "line ends were changed, as by a transfer in text mode: copy the file again in binary",
            offset=4,
            expected=SIGNATURE,
            found=found,
        )
    raise KmcFormatError("not a .kmc file", offset=0, expected=SIGNATURE, found=found)


def strip_name(number: int, rows: tuple[int, int], scene: int = 0) -> str:
    """What messages call a strip.

    Parameters
    ----------
    number : int
        Of the strip in the file.
    rows : tuple of int
        Its first row, and the one after its last.
    scene : int
    """
    of_scene = f" of scene {scene}" if scene else ""
    return f"strip {number} (rows {rows[0]} to {rows[1] - 1}{of_scene})"


def palette_name(scene: int) -> str:
    """What messages call the palette of a scene."""
    return f"palette of scene {scene}" if scene else "palette"


def _palette_part(header: Header, palette: bytes) -> bytes:
    if header.palette_coded:
        palette = len(palette).to_bytes(header.palette_length_size, "little") + palette
    return palette + _crc(palette)


def _crc(data: bytes) -> bytes:
    return struct.pack("<I", zlib.crc32(data))


def strip_crc(number: int, payload: bytes) -> int:
    """The CRC of a strip (spec/kmc-1.md, section 5).

    The number is part of it so that a strip at a wrong place is noticed.

    Parameters
    ----------
    number : int
        Of the strip in the file.
    payload : bytes

    Returns
    -------
    int
        CRC-32 of number, length and payload.
    """
    return zlib.crc32(payload, zlib.crc32(struct.pack("<II", number, len(payload))))


def truncated(part: str, offset: int, length: int, size: int) -> KmcFormatError:
    """The error, to be raised, of a file that ends too early.

    Parameters
    ----------
    part : str
        Of the file, that is not whole.
    offset, length : int
        Where it begins, and how many bytes it needs.
    size : int
        Bytes of the file.
    """
    return KmcFormatError(
        f"{part}: the file ends after {size:,} bytes, {offset + length:,} are needed (truncated?)",
        offset=offset,
        expected=offset + length,
        found=size,
    )


def crc_mismatch(part: str, offset: int, stored: int, computed: int) -> KmcFormatError:
    """The error, to be raised, of a part whose CRC is wrong.

    Parameters
    ----------
    part : str
        Of the file.
    offset : int
        Of the CRC that is stored.
    stored, computed : int
    """
    return KmcFormatError(
        f"{part}: CRC is {stored:08x}, computed {computed:08x} (damaged?)",
        offset=offset,
        expected=computed,
        found=stored,
    )
