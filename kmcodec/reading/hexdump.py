"""Show a `.kmc` file byte by byte with the meaning of each part, even if it is damaged.

It follows the text of spec/kmc-1.md, not `ContainerReader`, which stops at the first fault.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Generator, Iterator

import numpy as np

from kmcodec.coding import coding_by_number, decode_palette
from kmcodec.container.frame_table import (
    FRAME_TABLE_HEAD,
    HAS_SCENES,
    ONE_FRAME,
    SCENE_SIZE,
    SCENES_HEAD,
    FrameTable,
    loop_in_words,
)
from kmcodec.container.header import (
    FLAGS,
    HAS_FRAMES,
    HAS_SECTIONS,
    PALETTE_CODED,
    PALETTE_IMPLIED,
    SIGNATURE,
    VERSION,
    Header,
)
from kmcodec.container.layout import END_OF_SECTIONS, Section, palette_name, strip_name
from kmcodec.container.metadata import metadata_from_sections
from kmcodec.errors import KmcError
from kmcodec.model.image import MAX_SIDE
from kmcodec.model.label_array import LabelArray

__all__ = ["hexdump"]

_ROW = 8
# Of longer parts only the first two rows and the last are shown.
_LONGEST = 4 * _ROW
_MOST_ENTRIES = 16
_MOST_SCENES = 16
_FAULT = "!! "
_CHANNELS = {1: "grey", 2: "grey, alpha", 3: "red, green, blue", 4: "red, green, blue, alpha"}

_Lines = Generator[str, None, bytes]


class _Stop(Exception):  # noqa: N818 - not an error: it ends the walk
    """The following parts cannot be located; the text says why."""


def hexdump(data: bytes) -> Iterator[str]:
    r"""Yield lines with the offset, bytes and meaning of every part of a file.

    Parameters
    ----------
    data : bytes
        A `.kmc` file, possibly damaged.

    Yields
    ------
    str
        Offsets and bytes in hexadecimal. In long parts the bytes in the middle are only counted.
        Faults begin with ``!!``. Texts of the file are escaped as by `repr`.

    Examples
    --------
    >>> import kmcodec
    >>> from kmcodec.reading.hexdump import hexdump
    >>> lines = list(hexdump(kmcodec.encode(kmcodec.IndexedImage([[9, 9, 9]], [[0]]))))
    >>> print(lines[0], lines[1], sep="\n")
    0000  8b 4b 4d 43 0d 0a 1a 0a  signature
    0008  01                       version 1
    """
    walk = _Walk(data)
    try:
        yield from walk.file()
        why = "after the end of the image"
    except _Stop as stop:
        why = str(stop)
    left = len(data) - walk.at
    if left:
        yield from walk.part(left, f"{_FAULT}{left:,} bytes {why}")
    elif why.startswith("missing"):
        yield walk.line(b"", f"{_FAULT}the file ends here, {why}")


def _missing(count: int) -> _Stop:
    return _Stop(f"missing {count:,} byte{'' if count == 1 else 's'}")


class _Walk:
    """Walk through the bytes; `at` is the offset of the first one not yet shown."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._digits = max(4, len(f"{len(data):x}"))
        self.at = 0

    def file(self) -> Iterator[str]:
        header = yield from self._header()
        if not header.palette_implied:
            yield from self._palette(header, 0)
        frames = ONE_FRAME
        if header.has_frames:
            frames = yield from self._frames(header)
        for scene, own in enumerate(frames.further, 1):
            yield from self._palette(own.header_in(header), scene)
        for number in range((1 + len(frames.further)) * header.strip_count):
            yield from self._strip(number, header)
        while header.has_sections:
            type_ = yield from self._section()
            if type_ == END_OF_SECTIONS:
                break

    def line(self, shown: bytes, label: str) -> str:
        offset = f"{self.at:0{self._digits}x}"
        return f"{offset}  {shown.hex(' '):{3 * _ROW - 1}}  {label}".rstrip()

    def note(self, label: str) -> str:
        """Return a line about the bytes above it."""
        return f"{'':{self._digits}}  {'':{3 * _ROW - 1}}  {label}"

    def part(self, size: int, label: str) -> _Lines:
        """Show bytes, with a count for the middle of many; stop if some are missing."""
        part = self._data[self.at : self.at + size]
        missing = size - len(part)
        if missing:
            label = f"{_FAULT}{label.removeprefix(_FAULT)}: cut off"
        rows = [part[i : i + _ROW] for i in range(0, min(len(part), _LONGEST), _ROW)]
        if len(part) > _LONGEST:
            rows = rows[:2]
        for row in rows:
            yield self.line(row, label)
            self.at += len(row)
            label = ""
        if len(part) > _LONGEST:
            yield self._elision(len(part) - 3 * _ROW)
            yield self.line(part[-_ROW:], "")
            self.at += _ROW
        if missing:
            raise _missing(missing)
        return part

    def _elision(self, size: int) -> str:
        """Skip bytes and return a line with their number."""
        at = self.at
        self.at += size
        return f"{at:0{self._digits}x}  ... {size:,} bytes ..."

    def _value(self, size: int, name: str, tell: Callable[[int], str]) -> Generator[str, None, int]:
        """Show a number with its meaning."""
        part = self._data[self.at : self.at + size]
        value = int.from_bytes(part, "little")
        yield from self.part(size, tell(value) if len(part) == size else name)
        return value

    def _crc(self, name: str, computed: int, of: str) -> Iterator[str]:
        def tell(stored: int) -> str:
            if stored == computed:
                return f"{name} CRC {stored:08x}, of {of}"
            return f"{_FAULT}{name} CRC is {stored:08x}, computed {computed:08x} from {of}: damaged"

        yield from self._value(4, f"{name} CRC", tell)

    def _span(self, start: int, end: int) -> str:
        return f"bytes {start:0{self._digits}x} to {end - 1:0{self._digits}x}"

    def _header(self) -> Generator[str, None, Header]:
        yield from self._signature()
        version = yield from self._value(1, "version", _known_version)
        if version != VERSION:
            raise _Stop(f"of unknown meaning: only version {VERSION} is supported")
        coding = yield from self._value(1, "coding", _coding_in_words)
        channels = yield from self._value(1, "channels", _channels_in_words)
        flags = yield from self._value(1, "flags", _flags_in_words)
        width = yield from self._value(4, "width", lambda v: _side("width", v))
        height = yield from self._value(4, "height", lambda v: _side("height", v))
        last = yield from self._value(
            2, "entries", lambda v: f"palette entries: {v + 1:,}, stored minus 1"
        )
        rows = yield from self._value(2, "rows per strip", _rows_in_words)
        yield from self._crc("header", zlib.crc32(self._data[: self.at]), self._span(0, self.at))
        if channels not in _CHANNELS or flags & ~FLAGS:
            raise _Stop("that such a header does not divide into parts")
        bits = HAS_SECTIONS, PALETTE_CODED, HAS_FRAMES, PALETTE_IMPLIED
        set_ = (bool(flags & bit) for bit in bits)
        return Header(coding, channels, width, height, last + 1, rows, *set_)

    def _signature(self) -> Iterator[str]:
        found = self._data[: len(SIGNATURE)]
        if SIGNATURE.startswith(found):
            yield from self.part(len(SIGNATURE), "signature")
        elif found.startswith(SIGNATURE[:4]):
            raise _Stop("with changed line ends, as after a transfer in text mode")
        else:
            raise _Stop(f"that do not begin with {SIGNATURE.hex(' ')}: not a .kmc file")

    def _palette(self, header: Header, scene: int) -> Iterator[str]:
        start = self.at
        if header.palette_coded:
            yield from self._coded_palette(header)
        else:
            yield from self._entries(header)
        computed = zlib.crc32(self._data[start : self.at])
        yield from self._crc(palette_name(scene), computed, self._span(start, self.at))

    def _entries(self, header: Header) -> Iterator[str]:
        count, channels = header.entries, header.channels
        few = range(count if count <= _MOST_ENTRIES else _MOST_ENTRIES // 2)
        for number in few:
            yield from self._entry(number, channels)
        if len(few) < count:
            last = self.at + (count - 1 - len(few)) * channels
            yield self._elision(min(last, len(self._data)) - self.at)
            if self.at < last:
                raise _missing(last - self.at + channels)
            yield from self._entry(count - 1, channels)

    def _entry(self, number: int, channels: int) -> _Lines:
        entry = self._data[self.at : self.at + channels]
        return (yield from self.part(channels, f"entry {number:,}: #{entry.hex()}"))

    def _coded_palette(self, header: Header) -> Iterator[str]:
        length = yield from self._value(
            header.palette_length_size, "palette length", lambda v: f"palette: {v:,} coded bytes"
        )
        plain = f"for {header.entries:,} entries, {header.palette_size:,} bytes uncoded"
        coded = yield from self.part(length, plain)
        try:
            if length >= header.palette_size:
                raise KmcError("the coded palette must be smaller than the entries themselves")
            colors = decode_palette(coded, header.entries, header.channels)
        except KmcError as error:
            yield self.note(f"{_FAULT}{error}")
            return
        for number in range(0, min(len(colors), _MOST_ENTRIES), 4):
            four = colors[number : number + 4]
            yield self.note(" ".join("#" + np.asarray(color).tobytes().hex() for color in four))
        if len(colors) > _MOST_ENTRIES:
            yield self.note(f"... {len(colors) - _MOST_ENTRIES:,} more")

    def _frames(self, header: Header) -> Generator[str, None, FrameTable]:
        start = self.at
        head = self._data[start : start + FRAME_TABLE_HEAD]
        yield from self._value(4, "frames", lambda v: f"frames: {v:,}")
        yield from self._value(1, "frame flags", lambda v: f"frame flags {v}")
        yield from self._value(4, "loop count", loop_in_words)
        size = FrameTable.size_of(head)
        scenes = bool(head[4] & HAS_SCENES)
        durations = size - FRAME_TABLE_HEAD - SCENES_HEAD * scenes
        yield from self.part(durations, "durations in milliseconds, 4 bytes each")
        if scenes:
            yield from self._scenes(start)
        table = self._data[start : self.at]
        room = len(self._data) - self.at - 4
        try:
            frames = FrameTable.parse(table, header, room)
        except ValueError as error:
            yield self.note(f"{_FAULT}{error}")
            frames = None
        yield from self._crc("frame table", zlib.crc32(table), self._span(start, self.at))
        if frames is None:
            if scenes:
                raise _Stop("that such a frame table does not divide into parts")
            return ONE_FRAME
        return frames

    def _scenes(self, start: int) -> Iterator[str]:
        yield from self._value(4, "scenes", lambda v: f"scenes: {v:,}")
        yield from self._value(4, "frames", lambda v: f"scene 0: {v:,} frames")
        size = FrameTable.size_of(self._data[start : self.at]) - (self.at - start)
        label = f"further scenes: frames, flags, entries minus 1; {SCENE_SIZE} bytes each"
        if size > _MOST_SCENES * SCENE_SIZE:
            yield from self.part(size, label)
            return
        for scene in range(1, 1 + size // SCENE_SIZE):
            entry = self._data[self.at : self.at + SCENE_SIZE]
            yield from self.part(SCENE_SIZE, _scene_in_words(scene, entry))

    def _strip(self, number: int, header: Header) -> Iterator[str]:
        name = f"strip {number}"
        length = yield from self._value(4, name, lambda v: f"{name}: {v:,} bytes")
        payload = self._data[self.at + 4 : self.at + 4 + length]
        computed = zlib.crc32(payload, zlib.crc32(struct.pack("<II", number, length)))
        yield from self._crc(name, computed, "its number, length and payload")
        called = strip_name(number, header.rows_of(number), number // header.strip_count)
        yield from self.part(length, f"indices of {called}")

    def _section(self) -> Generator[str, None, bytes]:
        start = self.at
        type_ = self._data[start : start + 4]
        if len(type_) == 4 and not (type_.isalpha() and type_.isascii()):
            raise _Stop(f"of no section: its type must be four letters, not {type_!r}")
        yield from self.part(4, f"section {type_.decode('ascii', 'replace')}")
        length = yield from self._value(4, "length", lambda v: f"{v:,} bytes")
        payload = self._data[self.at : self.at + length]
        label = _payload_in_words(type_, payload) if len(payload) == length else "payload"
        yield from self.part(length, label)
        span = self._span(start, self.at)
        yield from self._crc("section", zlib.crc32(self._data[start : self.at]), span)
        return type_


def _known_version(value: int) -> str:
    return f"version {value}" if value == VERSION else f"{_FAULT}version {value} is not supported"


def _coding_in_words(value: int) -> str:
    coding = coding_by_number(value)
    if coding is None:
        return f"{_FAULT}coding {value} is not supported"
    return f"coding {value}: {coding.coder}" + (f", {coding.effort}" if coding.effort else "")


def _channels_in_words(value: int) -> str:
    if value not in _CHANNELS:
        return f"{_FAULT}channels is {value}, must be 1 to 4"
    return f"channels {value}: {_CHANNELS[value]}"


def _flags_in_words(value: int) -> str:
    said = ["sections follow the strips"] * bool(value & HAS_SECTIONS)
    said += ["the palette is coded"] * bool(value & PALETTE_CODED)
    said += ["frames"] * bool(value & HAS_FRAMES)
    said += ["the palette is the ramp, not stored"] * bool(value & PALETTE_IMPLIED)
    words = f"flags {value}: {', '.join(said) or 'none'}"
    unknown = value & ~FLAGS
    return f"{_FAULT}{words}, {unknown:#04x} is not supported" if unknown else words


def _side(name: str, value: int) -> str:
    if 1 <= value <= MAX_SIDE:
        return f"{name} {value:,}"
    return f"{_FAULT}{name} is {value:,}, must be 1 to {MAX_SIDE:,}"


def _rows_in_words(value: int) -> str:
    return f"{value:,} rows per strip" if value else "rows per strip: 0, all rows in one strip"


def _scene_in_words(scene: int, entry: bytes) -> str:
    if len(entry) < SCENE_SIZE:
        return f"scene {scene}"
    frames, flags, last = struct.unpack("<IBH", entry)
    return f"scene {scene}: {frames:,} frames, flags {flags}, palette entries: {last + 1:,}"


def _payload_in_words(type_: bytes, payload: bytes) -> str:
    """Describe the content of a section, or its fault in the reader's own words."""
    if type_ == END_OF_SECTIONS:
        return f"{_FAULT}must be empty, it ends the file"
    try:
        found = metadata_from_sections([Section(type_.decode(), payload)])
    except KmcError as error:
        return f"{_FAULT}{getattr(error, 'message', error)}"
    for keyword, text in found.text.items():
        return f"{keyword!r}: {text[:40]!r}{'...' if len(text) > 40 else ''}"
    stored = "deflated" if payload[:1] == b"\1" else "stored"
    if found.labels is not None:
        return f"{_labels_in_words(found.labels)}, {stored}"
    if found.classes is not None:
        count = len(found.classes.names.keys() | found.classes.colors.keys())
        return f"names and colours of {count:,} classes, {stored}"
    if found.tiff:
        return f"TIFF tags {', '.join(str(tag.number) for tag in found.tiff)}, {stored}"
    data = found.icc or found.exif or found.xmp
    if data is None:
        return "of an unknown type, which readers skip"
    names = {b"iccp": "ICC profile", b"exif": "EXIF", b"xmpp": "XMP"}
    return f"{names[type_]}, {len(data):,} bytes {stored}"


def _labels_in_words(labels: LabelArray) -> str:
    shape = " x ".join(f"{side:,}" for side in labels.shape) or "a single value"
    if labels.planes:
        return f"labels {labels.dtype}, {shape}, from {labels.values[0]}, in {labels.planes} bytes"
    values = f"{len(labels.values):,} values from {labels.values[0]} to {labels.values[-1]}"
    return f"labels {labels.dtype}, {shape}, {values}"
