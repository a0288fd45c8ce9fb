"""The header of a `.kmc` file (spec/kmc-1.md, section 3), and errors common to all parts.

construct describes the fields of fixed size; their values are checked before use.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

from construct import Bytes, Int8ul, Int16ul, Int32ul, Struct

from kmcodec.errors import KmcFormatError
from kmcodec.model.image import MAX_SIDE
from kmcodec.model.ramp import channels_of_ramp

__all__ = [
    "CRC",
    "HEADER_SIZE",
    "SIGNATURE",
    "Header",
    "crc_mismatch",
    "parse_header",
    "truncated",
]

SIGNATURE = b"\x8bKMC\r\n\x1a\n"
VERSION = 1
HAS_SECTIONS = 0x01
PALETTE_CODED = 0x02
HAS_FRAMES = 0x04
PALETTE_IMPLIED = 0x08

FLAGS = HAS_SECTIONS | PALETTE_CODED | HAS_FRAMES | PALETTE_IMPLIED
"""All flags of this version."""

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
CRC = Int32ul

_FIELDS_SIZE = HEADER.sizeof()
HEADER_SIZE = _FIELDS_SIZE + CRC.sizeof()
"""Bytes of the header, including its CRC."""


@dataclass(frozen=True)
class Header:
    """The values in the first 28 bytes; see section 3 of the specification.

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
    palette_implied : bool
        Whether the palette is the ramp, which the file does not store.
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
    palette_implied: bool = False

    @property
    def strip_count(self) -> int:
        """Number of strips of a scene, at least 1."""
        return -(-self.height // self.rows_per_strip) if self.rows_per_strip else 1

    @property
    def palette_size(self) -> int:
        """Bytes of the palette if not coded, without its CRC."""
        return self.entries * self.channels

    @property
    def palette_crc_size(self) -> int:
        """Bytes of the palette's CRC."""
        size: int = 0 if self.palette_implied else CRC.sizeof()
        return size

    @property
    def palette_length_size(self) -> int:
        """Bytes of the field with the length of a coded palette."""
        return 1 if self.palette_size <= 1 << 8 else 2 if self.palette_size <= 1 << 16 else 4

    @property
    def allows_coded_palette(self) -> bool:
        """Whether the palette may be coded: only where the coding of the indices learns."""
        return self.coding not in (0, 1)

    def rows_of(self, strip: int) -> tuple[int, int]:
        """Return the first row of a strip and the row after its last; each scene starts at 0."""
        rows = self.rows_per_strip or self.height
        strip %= self.strip_count
        return strip * rows, min(self.height, (strip + 1) * rows)

    def build(self) -> bytes:
        """Return the bytes of the header, with its CRC."""
        flags = HAS_SECTIONS * self.has_sections
        flags |= PALETTE_CODED * self.palette_coded | HAS_FRAMES * self.has_frames
        flags |= PALETTE_IMPLIED * self.palette_implied
        fields: bytes = HEADER.build(
            {
                "signature": SIGNATURE,
                "version": VERSION,
                "coding": self.coding,
                "channels": self.channels,
                "flags": flags,
                "width": self.width,
                "height": self.height,
                "entries_minus_1": self.entries - 1,
                "rows_per_strip": self.rows_per_strip,
            }
        )
        return fields + zlib.crc32(fields).to_bytes(4, "little")


def parse_header(data: bytes) -> Header:
    """Read and check signature and header.

    Parameters
    ----------
    data : bytes
        The first `HEADER_SIZE` bytes of a file, or all bytes of a shorter one.

    Returns
    -------
    Header

    Raises
    ------
    KmcFormatError
        If they are no header, damaged, truncated, or use an unsupported feature.
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
        raise KmcFormatError(f"channels is {fields.channels}, must be 1 to 4", offset=10)
    if fields.flags & ~FLAGS:
        raise KmcFormatError(f"flags {fields.flags:#04x} are not supported", offset=11)
    if not (1 <= fields.width <= MAX_SIDE and 1 <= fields.height <= MAX_SIDE):
        raise KmcFormatError(
            f"{fields.width} x {fields.height} pixels, each side must be 1 to {MAX_SIDE:,}",
            offset=12,
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
        palette_implied=bool(fields.flags & PALETTE_IMPLIED),
    )
    if header.palette_coded and not header.allows_coded_palette:
        raise KmcFormatError(f"a coded palette with coding method {header.coding}", offset=11)
    if header.palette_implied:
        _check_implied(header)
    return header


def _check_implied(header: Header) -> None:
    if header.palette_coded or header.has_frames:
        raise KmcFormatError("no palette, but a coded one or a frame table", offset=11)
    channels = channels_of_ramp(header.entries)
    if header.channels != channels:
        raise KmcFormatError(
            f"channels is {header.channels}, but a ramp of {header.entries:,} entries has "
            f"{channels}",
            offset=10,
        )


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


def truncated(part: str, offset: int, length: int, size: int) -> KmcFormatError:
    """Return the error for a file that ends too early.

    Parameters
    ----------
    part : str
        The incomplete part of the file.
    offset, length : int
        Its offset and its full length in bytes.
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
    """Return the error for a part with a wrong CRC.

    Parameters
    ----------
    part : str
        The part of the file.
    offset : int
        Of the stored CRC.
    stored, computed : int
    """
    return KmcFormatError(
        f"{part}: CRC is {stored:08x}, computed {computed:08x} (damaged?)",
        offset=offset,
        expected=computed,
        found=stored,
    )
