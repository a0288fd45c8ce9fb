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

from construct import Bytes, Int32ul, Struct

from kmcodec.container.frame_table import FrameTable
from kmcodec.container.header import Header

__all__ = [
    "END_OF_SECTIONS",
    "MAX_SECTIONS",
    "SECTION_HEAD",
    "STRIP_FRAME",
    "STRIP_FRAME_SIZE",
    "Section",
    "Strip",
    "build",
    "palette_name",
    "parts",
    "strip_crc",
    "strip_name",
]

END_OF_SECTIONS = b"KEND"

MAX_SECTIONS = 1024
"""The most sections of a file, beside the closing one."""

STRIP_FRAME = Struct("length" / Int32ul, "crc" / Int32ul)
SECTION_HEAD = Struct("type" / Bytes(4), "length" / Int32ul)

STRIP_FRAME_SIZE = STRIP_FRAME.sizeof()
"""Bytes before the payload of a strip."""


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
    header = replace(header, has_sections=bool(sections), has_frames=frames is not None)
    yield header.build() + _palette_part(header, palette)
    due = header.strip_count
    if frames is not None:
        table = frames.build()
        yield table + _crc(table)
        for scene, palette in zip(frames.further, further, strict=True):
            yield _palette_part(scene.header_in(header), palette)
            due += header.strip_count
    given = 0
    for payload in payloads:
        yield STRIP_FRAME.build({"length": len(payload), "crc": strip_crc(given, payload)})
        yield payload
        given += 1
    if given != due:
        raise ValueError(f"{given} strips given, expected {due}")
    if sections:
        for section in [*sections, Section(END_OF_SECTIONS.decode(), b"")]:
            frame = {"type": section.type.encode(), "length": len(section.payload)}
            body = SECTION_HEAD.build(frame) + section.payload
            yield body + _crc(body)


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
