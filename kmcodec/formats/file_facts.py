"""Read facts from an opened image file that Pillow does not report."""

from __future__ import annotations

import functools
import io
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from fractions import Fraction
from struct import Struct
from typing import IO, Any

from PIL import Image

from kmcodec.formats.boxes import header_boxes
from kmcodec.formats.png_chunks import header_chunks

__all__ = ["FileFacts", "facts_of", "keep_facts"]

_KEPT = "kmcodec facts of the file"
_BITMAP, _PROFILE, _MOST_PROFILE = Struct("<Iii"), Struct("<II"), 16 << 20
_PAIR, _CORNERS, _CICP = Struct(">II"), Struct(">4I"), Struct(">HHHB")
_LIGHTS = {"mdcv": "mastering display", "clli": "light levels"}
# Bitmap headers: offset of the colour space, and the sizes of versions that have it.
_SPACE, _VERSION_4, _VERSION_5 = 70, 108, 124
_BITS_PER_SAMPLE = 258  # tag of TIFF


@dataclass(frozen=True)
class FileFacts:
    """Facts stored in an image file.

    Parameters
    ----------
    sizes : frozenset of (int, int)
        Widths and heights in the file.
    bits : int
        Bits of a sample; 0 if unknown.
    chunks : mapping of str to bytes
        Chunks of a PNG; see `header_chunks`.
    cicp : bytes
        Code points of ITU-T H.273, as in PNG; empty if missing.
    icc : bytes
        A profile that Pillow does not report; empty if missing.
    unkept : tuple of str
        Other display tags, in words, which cannot be kept.
    has_alpha : bool
        False if the file says that its fourth samples are not alpha.
    """

    sizes: frozenset[tuple[int, int]] = frozenset()
    bits: int = 0
    chunks: Mapping[str, bytes] = field(default_factory=dict)
    cicp: bytes = b""
    icc: bytes = b""
    unkept: tuple[str, ...] = ()
    has_alpha: bool = True


def keep_facts(image: Image.Image) -> None:
    """Store the facts in a private image before Pillow closes its file."""
    image.info[_KEPT] = facts_of(image)


def facts_of(image: Image.Image) -> FileFacts:
    """Return the facts of the file of an image that Pillow has opened.

    Parameters
    ----------
    image : PIL.Image.Image
        Neither it nor the position in its file changes.

    Returns
    -------
    FileFacts
        Empty if Pillow reports all facts, or if the file is gone. A stream is gone once the image
        is loaded (for PNG: once it is closed), a named file once another file has its name.
    """
    kept = image.info.get(_KEPT)
    if isinstance(kept, FileFacts):
        return kept
    if image.format == "TIFF":
        bits = getattr(image, "tag_v2", {}).get(_BITS_PER_SAMPLE, (0,))
        return FileFacts(bits=max(bits) if isinstance(bits, tuple) else int(bits))
    read = _READERS.get(image.format or "")
    if read is None:
        return FileFacts()
    for opened in _files_of(image):
        try:
            with opened() as stream:
                facts = read(stream)
        except Exception:  # closed, gone, not seekable, or damaged in any way
            continue
        # The image may have been rotated since.
        if {image.size, image.size[::-1]} & facts.sizes:
            return facts
    return FileFacts()


def _files_of(image: Image.Image) -> Iterator[Callable[[], AbstractContextManager[IO[bytes]]]]:
    """Yield callables that may open the file of an image."""
    # After loading a PNG from a stream, Pillow keeps the stream under the second name only.
    for name in ("fp", "_fp"):
        yield functools.partial(_at_its_place, getattr(image, name, None))
    name = getattr(image, "filename", "")
    if name and os.path.isfile(name):
        yield functools.partial(io.FileIO, name)


@contextmanager
def _at_its_place(stream: Any) -> Iterator[IO[bytes]]:
    place = stream.tell()
    try:
        yield stream
    finally:
        stream.seek(place)


def _of_png(stream: IO[bytes]) -> FileFacts:
    chunks = header_chunks(stream)
    size, bits = _PAIR.unpack_from(chunks["IHDR"]), chunks["IHDR"][8]
    return FileFacts(frozenset({size}), bits, chunks, chunks.get("cICP", b""))


def _of_boxes(stream: IO[bytes]) -> FileFacts:
    sizes: set[tuple[int, int]] = set()
    unkept: list[str] = []
    bits, cicp, icc = 0, b"", b""
    for kind, content in header_boxes(stream):
        if kind == "ispe":
            sizes.add(_PAIR.unpack_from(content, 4))
        elif kind == "pixi":
            bits = max(bits, *content[5:])
        elif kind == "av1C":
            bits = max(bits, (8, 8, 10, 12)[content[2] >> 5 & 3])
        elif kind == "ihdr":
            sizes.add(_PAIR.unpack_from(content)[::-1])
            bits = max(bits, _bits_of(content[10:11]))
        elif kind == "bpcc":
            bits = max(bits, _bits_of(content))
        elif kind == "SIZ":
            right, bottom, left, top = _CORNERS.unpack_from(content, 4)
            sizes.add((right - left, bottom - top))
            count = int.from_bytes(content[36:38], "big")
            bits = _bits_of(content[38 : 38 + 3 * count : 3])
        elif kind == "colr" and content[:4] == b"nclx" and not cicp:
            primaries, curve, _, _ = _CICP.unpack_from(content, 4)
            # Decoded samples are always RGB in full range.
            cicp = bytes([min(primaries, 255), min(curve, 255), 0, 1])
        elif kind in _LIGHTS:
            unkept.append(f"{_LIGHTS[kind]} ({kind})")
        elif kind == "colr" and content[:1] in (b"\2", b"\3") and not icc:
            icc = content[3:]
    return FileFacts(frozenset(sizes), bits, {}, cicp, icc, tuple(unkept))


def _bits_of(fields: bytes) -> int:
    """Return the most bits in fields of JPEG 2000; 255 means one field for each component."""
    return max(((each & 0x7F) + 1 for each in fields if each != 255), default=0)


def _of_ppm(stream: IO[bytes]) -> FileFacts:
    stream.seek(0)
    words = re.sub(rb"#[^\r\n]*", b"", stream.read(4096)).split(maxsplit=4)
    width, height, highest = map(int, words[1:4])
    return FileFacts(frozenset({(width, height)}), highest.bit_length())


def _of_sgi(stream: IO[bytes]) -> FileFacts:
    stream.seek(0)
    head = stream.read(10)
    size = (int.from_bytes(head[6:8], "big"), int.from_bytes(head[8:10], "big"))
    return FileFacts(frozenset({size}), 8 * head[3])


def _of_bmp(stream: IO[bytes]) -> FileFacts:
    """Read the colour facts of version 4 and 5 headers."""
    stream.seek(0)
    head = stream.read(14 + _VERSION_5)
    length, width, height = _BITMAP.unpack_from(head, 14)
    facts = FileFacts(frozenset({(width, abs(height))}))
    space = head[_SPACE : _SPACE + 4][::-1] if length >= _VERSION_4 else b""
    if space == bytes(4) and any(head[_SPACE + 4 : _SPACE + 52]):
        return replace(facts, unkept=("primaries and gamma of the bitmap",))
    if space == b"LINK":
        return replace(facts, unkept=("linked colour profile",))
    if space == b"MBED" and length >= _VERSION_5:
        start, size = _PROFILE.unpack_from(head, 126)
        stream.seek(14 + start)
        return replace(facts, icc=stream.read(min(size, _MOST_PROFILE)))
    return facts


def _of_gif(stream: IO[bytes]) -> FileFacts:
    stream.seek(0)
    head = stream.read(13)
    size = (int.from_bytes(head[6:8], "little"), int.from_bytes(head[8:10], "little"))
    ratio = Fraction(head[12] + 15, 64)
    words = (f"pixel aspect ratio ({ratio.numerator}:{ratio.denominator})",)
    return FileFacts(frozenset({size}), unkept=words if head[12] and ratio != 1 else ())


def _of_tga(stream: IO[bytes]) -> FileFacts:
    stream.seek(0)
    head = stream.read(18)
    size = (int.from_bytes(head[12:14], "little"), int.from_bytes(head[14:16], "little"))
    return FileFacts(frozenset({size}), has_alpha=bool(head[17] & 15))


_READERS: dict[str, Callable[[IO[bytes]], FileFacts]] = {
    "AVIF": _of_boxes,
    "BMP": _of_bmp,
    "GIF": _of_gif,
    "JPEG2000": _of_boxes,
    "PNG": _of_png,
    "PPM": _of_ppm,
    "SGI": _of_sgi,
    "TGA": _of_tga,
}
