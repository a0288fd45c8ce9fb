"""Read resolution from EXIF, and write it there without moving anything else."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np
from PIL import Image

__all__ = [
    "as_resolution",
    "exif_resolution",
    "is_resolution_only",
    "is_turned_by_pillow",
    "is_turned_on_its_side",
    "resolution_in",
    "turn_aspect",
    "turned_resolution",
    "with_resolution",
]

_WIDTH, _HEIGHT, _ORIENTATION = 256, 257, 274
_X, _Y, _UNIT = 282, 283, 296
_ON_ITS_SIDE = (5, 6, 7, 8)
_INCH, _CENTIMETRE = 2, 3
_SHORT, _RATIONAL = 3, 5
_FINEST = 10_000
_FORMATS = frozenset({"BMP", "DIB", "JPEG", "MPO", "PNG"})


def as_resolution(dpi: Any) -> tuple[float, float] | None:
    """Convert one or two numbers to pixels per inch, across and down; None if invalid."""
    try:
        across, down = (float(each) for each in (dpi if np.iterable(dpi) else (dpi, dpi)))
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    sound = all(math.isfinite(each) and 0.001 <= each <= 400_000 for each in (across, down))
    return (across, down) if sound else None


def resolution_in(image: Image.Image) -> tuple[float, float] | None:
    """Return the pixels per inch in an image file outside of EXIF; None if missing."""
    if image.format == "TIFF":
        return None  # its tags are those of EXIF, and Pillow makes up missing ones
    if image.format in ("JPEG", "MPO") and image.info.get("jfif_unit") not in (1, 2):
        return None  # Pillow's value comes from EXIF, or is made up
    dpi = as_resolution(image.info.get("dpi"))
    if image.format in ("BMP", "DIB") and dpi and {round(each) for each in dpi} <= {72, 96}:
        return None  # these formats require a value
    return dpi if image.format in _FORMATS else None


def exif_resolution(exif: bytes | None) -> tuple[float, float] | None:
    """Return the pixels per inch in EXIF without its prefix; None if missing."""
    try:
        order, entries, _ = _directory(exif or b"")
        found = {}
        for entry in entries:
            (tag,) = struct.unpack_from(order + "H", entry)
            if tag in (_X, _Y):
                (at,) = struct.unpack_from(order + "I", entry, 8)
                over, under = struct.unpack_from(order + "II", exif or b"", at)
                found[tag] = over / under
            elif tag == _UNIT:
                (found[tag],) = struct.unpack_from(order + "H", entry, 8)
        unit = found.get(_UNIT, _INCH)
        if unit not in (_INCH, _CENTIMETRE):
            return None
        factor = 2.54 if unit == _CENTIMETRE else 1.0
        return as_resolution((found[_X] * factor, found[_Y] * factor))
    except (struct.error, KeyError, ZeroDivisionError, ValueError):
        return None


def is_turned_on_its_side(image: Image.Image) -> bool:
    """Whether the EXIF orientation turns rows into columns."""
    return image.getexif().get(_ORIENTATION) in _ON_ITS_SIDE


def is_turned_by_pillow(image: Image.Image) -> bool:
    """Whether rows of the file become columns of the loaded image, as happens with TIFF.

    For a square image that is already loaded this is unknown.
    """
    tags = getattr(image, "tag_v2", {}) if image.format == "TIFF" else {}
    size = (tags.get(_HEIGHT), tags.get(_WIDTH))
    return tags.get(_ORIENTATION) in _ON_ITS_SIDE or image.size == size != size[::-1]


def turn_aspect(image: Image.Image) -> None:
    """Swap the pixel aspect in `info` for an image that was turned."""
    for key in ("aspect", "jfif_density"):
        if isinstance(shape := image.info.get(key), tuple):
            image.info[key] = shape[::-1]


def turned_resolution(exif: bytes | None) -> bytes | None:
    """Return EXIF with its resolution turned, for an image whose rows became columns."""
    said = exif_resolution(exif)
    return exif if said is None or said[0] == said[1] else with_resolution(exif, said[::-1])


def is_resolution_only(exif: bytes) -> bool:
    """Whether EXIF holds nothing but a resolution."""
    try:
        order, entries, following = _directory(exif)
    except (struct.error, ValueError):
        return False
    tags = {struct.unpack_from(order + "H", entry)[0] for entry in entries}
    return tags <= {_X, _Y, _UNIT} and following == 0


def with_resolution(exif: bytes | None, dpi: tuple[float, float]) -> bytes:
    """Write the resolution into EXIF.

    Parameters
    ----------
    exif : bytes or None
        EXIF without its prefix; returned unchanged if it already has this resolution.
    dpi : (float, float)
        Pixels per inch, across and down, positive.

    Returns
    -------
    bytes
        All other entries and their data keep their places, as offsets point to makers' notes and
        previews. Damaged EXIF is returned unchanged.
    """
    said = exif_resolution(exif)
    if said and all(math.isclose(a, b, rel_tol=1e-4) for a, b in zip(said, dpi, strict=True)):
        return exif or b""
    data = exif or struct.pack("<2sHIHI", b"II", 42, 8, 0, 0)
    try:
        order, entries, following = _directory(data)
    except (struct.error, ValueError):
        return data
    if exif is None:
        data = data[:8]
    data += bytes(len(data) % 2)
    kept = [e for e in entries if struct.unpack_from(order + "H", e)[0] not in (_X, _Y, _UNIT)]
    place = len(data) + 2 + 12 * (len(kept) + 3) + 4
    for number, tag in enumerate((_X, _Y)):
        kept.append(struct.pack(order + "HHII", tag, _RATIONAL, 1, place + 8 * number))
    kept.append(struct.pack(order + "HHIHH", _UNIT, _SHORT, 1, _INCH, 0))
    kept.sort(key=lambda entry: struct.unpack_from(order + "H", entry)[0])
    values = b"".join(struct.pack(order + "II", *_rational(each)) for each in dpi)
    head = data[:4] + struct.pack(order + "I", len(data)) + data[8:]
    count = struct.pack(order + "H", len(kept))
    return head + count + b"".join(kept) + struct.pack(order + "I", following) + values


def _rational(value: float) -> tuple[int, int]:
    fraction = Fraction(value).limit_denominator(_FINEST)
    return fraction.numerator, fraction.denominator


def _directory(exif: bytes) -> tuple[str, list[bytes], int]:
    """Return byte order, entries of the first directory, and offset of the next one."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(exif[:4])
    if order is None:
        raise ValueError("no TIFF structure")
    (at,) = struct.unpack_from(order + "I", exif, 4)
    (count,) = struct.unpack_from(order + "H", exif, at)
    end = at + 2 + 12 * count
    (following,) = struct.unpack_from(order + "I", exif, end)
    return order, list(_entries(exif[at + 2 : end])), following


def _entries(table: bytes) -> Iterator[bytes]:
    for at in range(0, len(table), 12):
        yield table[at : at + 12]
