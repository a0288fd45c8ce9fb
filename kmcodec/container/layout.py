"""The layout of a `.kmc` file (spec/kmc-1.md, sections 2 to 5 and 7).

This module treats coded indices and palettes as bytes. construct describes the fixed-size frames.
Every length is checked against the size of the file before any allocation, and every fault raises
a `KmcFormatError` with its byte offset.
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
    "with_sections",
]

END_OF_SECTIONS = b"KEND"

MAX_SECTIONS = 1024
"""The most sections of a file, not counting the closing one."""

STRIP_FRAME = Struct("length" / Int32ul, "crc" / Int32ul)
SECTION_HEAD = Struct("type" / Bytes(4), "length" / Int32ul)

STRIP_FRAME_SIZE = STRIP_FRAME.sizeof()
"""Bytes before the payload of a strip."""


@dataclass(frozen=True)
class Strip:
    """The location of a strip; `offset` is that of its payload, `rows` are first and after-last."""

    number: int
    rows: tuple[int, int]
    offset: int
    length: int
    crc: int
    scene: int = 0

    @property
    def name(self) -> str:
        """The name of this strip in messages."""
        return strip_name(self.number, self.rows, self.scene)

    @property
    def end(self) -> int:
        """The offset after the payload."""
        return self.offset + self.length


@dataclass(frozen=True)
class Section:
    """A metadata section; `type` is four letters, `offset` is that of the type."""

    type: str
    payload: bytes
    offset: int = 0

    @property
    def required(self) -> bool:
        """Whether a reader must refuse the file if it does not know this type."""
        return self.type[0].isupper()


_CLOSING = Section(END_OF_SECTIONS.decode(), b"")


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
    """Yield a file part by part; each strip is requested only after the one before was taken.

    Parameters
    ----------
    header : Header
        Its `has_sections` and `has_frames` are set from `sections` and `frames`.
    palette : bytes
        Entry by entry, or coded if the header says so; not written if the header implies it.
    payloads : iterable of bytes
        The coded strips, as many for each scene as the header implies.
    sections : iterable of Section
    frames : FrameTable, optional
        For several frames.
    further : iterable of bytes
        The palettes of all scenes except the first, each coded if the table says so.

    Yields
    ------
    bytes
        Together a whole `.kmc` file.

    Raises
    ------
    ValueError
        If the strips are fewer or more than the header implies.
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
        yield from map(_framed, [*sections, _CLOSING])


def with_sections(data: bytes, sections: Iterable[Section]) -> bytes:
    """Add sections to a whole file that already has some.

    Parameters
    ----------
    data : bytes
    sections : iterable of Section
        The file must not have their like already.

    Returns
    -------
    bytes
        The file with these as its last.

    Raises
    ------
    ValueError
        If the file has no sections.
    """
    closing = _framed(_CLOSING)
    if not data.endswith(closing):
        raise ValueError("the file has no sections")
    return b"".join([data.removesuffix(closing), *map(_framed, sections), closing])


def strip_name(number: int, rows: tuple[int, int], scene: int = 0) -> str:
    """Return the name of a strip in messages.

    Parameters
    ----------
    number : int
        Number of the strip in the file.
    rows : tuple of int
        Its first row and the row after its last.
    scene : int
    """
    of_scene = f" of scene {scene}" if scene else ""
    return f"strip {number} (rows {rows[0]} to {rows[1] - 1}{of_scene})"


def palette_name(scene: int) -> str:
    """Return the name of the palette of a scene in messages."""
    return f"palette of scene {scene}" if scene else "palette"


def _palette_part(header: Header, palette: bytes) -> bytes:
    if header.palette_implied:
        return b""
    if header.palette_coded:
        palette = len(palette).to_bytes(header.palette_length_size, "little") + palette
    return palette + _crc(palette)


def _framed(section: Section) -> bytes:
    head = {"type": section.type.encode(), "length": len(section.payload)}
    body: bytes = SECTION_HEAD.build(head) + section.payload
    return body + _crc(body)


def _crc(data: bytes) -> bytes:
    return struct.pack("<I", zlib.crc32(data))


def strip_crc(number: int, payload: bytes) -> int:
    """Return the CRC of a strip (spec/kmc-1.md, section 5).

    It covers the number, so that a reader detects a strip in the wrong place.

    Parameters
    ----------
    number : int
        Number of the strip in the file.
    payload : bytes

    Returns
    -------
    int
        CRC-32 of number, length and payload.
    """
    return zlib.crc32(payload, zlib.crc32(struct.pack("<II", number, len(payload))))
