"""Read palettes from binary files: Adobe's .act, .aco and .ase, and Microsoft's .pal.

The layouts are those of Adobe's "Photoshop File Formats Specification" (Color Table, Color
Swatches) and Microsoft's "Multimedia Programming Interface and Data Specifications 1.0" (PAL).
Adobe Swatch Exchange is unpublished; its layout is the one that its readers agree on.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from kmcodec.errors import KmcInputError, warn
from kmcodec.formats.swatch_colors import from_cmyk, from_grey, from_hsb, from_lab, from_rgb
from kmcodec.model.image import MAX_COLORS
from kmcodec.model.pixels import to_channels

__all__ = ["ACT_OPAQUE", "ACT_TABLE", "parse_binary"]

ACT_TABLE = 3 * 256
"""Bytes of the colours in an .act file."""
ACT_OPAQUE = 0xFFFF
"""Number of the transparent entry in an .act file without one."""

_BOOKS = {3: "Pantone", 4: "Focoltone", 5: "Trumatch", 6: "Toyo 88", 10: "HKS"}
_FLOATS = {b"RGB ": 3, b"CMYK": 4, b"LAB ": 3, b"Gray": 1, b"GRAY": 1}
_NOT_EXACT = "CMYK colours are converted without a profile, only roughly"
# Writers of .ase files compute in single precision.
_SLACK = 1 / 1024


def parse_binary(data: bytes, extension: str) -> NDArray[np.uint8] | None:
    """Parse the palette of a binary file.

    Parameters
    ----------
    data : bytes
        The whole file.
    extension : str
        Its file extension, in lower case: ``.act`` and ``.aco`` have no signature.

    Returns
    -------
    ndarray, shape (K, C), uint8, or None
        C is 3, or 4 if an entry is transparent; None for any other file.

    Raises
    ------
    KmcInputError
        If it is malformed; the message gives the byte.

    Warns
    -----
    KmcWarning
        If CMYK colours are converted.
    """
    if extension == ".act" and len(data) in (ACT_TABLE, ACT_TABLE + 4):
        # It may begin like an image of a format with a weak signature.
        return _from_act(data)
    if data[:4] == b"RIFF" and data[8:12] == b"PAL ":
        return _from_riff(data)
    if data[:4] == b"ASEF":
        return _from_ase(data)
    if data[4:6] == b"\xe0\xa5" and extension in (".ase", ".aseprite"):
        raise KmcInputError(
            "a sprite of Aseprite, not an Adobe swatch file: export its palette as .gpl"
        )
    if extension == ".aco":
        return _from_aco(data)
    return None


def _from_act(data: bytes) -> NDArray[np.uint8]:
    table = np.frombuffer(data, np.uint8, ACT_TABLE).reshape(256, 3)
    if len(data) == ACT_TABLE:
        return table.copy()
    count, clear = struct.unpack(">HH", data[ACT_TABLE:])
    if not 1 <= count <= 256:
        raise KmcInputError(f"byte {ACT_TABLE}: {count:,} colours, must be 1 to 256")
    if clear >= count:  # no entry, usually 65,535
        return table[:count].copy()
    palette = to_channels(table[:count], 4)
    palette[clear, 3] = 0
    return palette


def _from_riff(data: bytes) -> NDArray[np.uint8]:
    at = 12
    while data[at : at + 4] != b"data":
        # Chunks of odd length are padded.
        (size,) = _fields("<I", data, at + 4)
        at += 8 + size + size % 2
    # The sizes of chunk and file add nothing, and some writers get them wrong.
    version, count = _fields("<HH", data, at + 8)
    if version != 0x300:
        raise KmcInputError(f"byte {at + 8}: palette version is {version:#x}, must be 0x300")
    _check_count(count, at + 10)
    entries = _part(data, at + 12, 4 * count)
    # The fourth byte of an entry holds flags, not alpha.
    return np.frombuffer(entries, np.uint8).reshape(count, 4)[:, :3].copy()


# Adobe's swatches.


def _from_aco(data: bytes) -> NDArray[np.uint8]:
    colors, at = _aco_section(data, 0)
    # Newer programs read a second section with the same colours and their names.
    if colors[0] < 2 and data[at : at + 2] == b"\0\2":
        colors, _ = _aco_section(data, at)
    return _as_palette(colors[1])


def _aco_section(data: bytes, at: int) -> tuple[tuple[int, list[tuple[int, ...]]], int]:
    """Return the version, colours and end of a section."""
    version, count = _fields(">HH", data, at)
    if version > 2:
        raise KmcInputError(f"byte {at}: version is {version:,}, must be 1 or 2")
    _check_count(count, at + 2)
    at += 4
    _part(data, at, (14 if version == 2 else 10) * count)
    colors = []
    for _ in range(count):
        colors.append(_aco_color(data, at))
        at += 10
        if version == 2:
            (length,) = _fields(">I", data, at)
            _part(data, at + 4, 2 * length)
            at += 4 + 2 * length
    return (version, colors), at


def _aco_color(data: bytes, at: int) -> tuple[int, ...]:
    space, w, x, y, z = _fields(">HHHHH", data, at)
    if space == 0:
        # The upper byte: writers fill the lower one with zeros or with the same.
        return w >> 8, x >> 8, y >> 8
    if space == 1:
        return from_hsb(w / 65535, x / 65535, y / 65535)
    if space == 2:  # 0 is full ink
        _warn_of_cmyk()
        return from_cmyk(*(1 - ink / 65535 for ink in (w, x, y, z)))
    if space == 7:
        a, b = (v - 65536 if v > 32767 else v for v in (x, y))
        return from_lab(_share(w, at + 2) * 100, a / 100, b / 100)
    if space == 8:
        return from_grey(_share(w, at + 2))
    if space == 9:
        _warn_of_cmyk()
        return from_cmyk(*(_share(ink, at + 2 + 2 * n) for n, ink in enumerate((w, x, y, z))))
    raise KmcInputError(
        f"byte {at}: a colour of {_BOOKS.get(space, f'the unknown space {space:,}')}, which needs "
        "a colour book; kmcodec reads RGB, HSB, CMYK, Lab and grey"
    )


def _share(value: int, at: int) -> float:
    if value > 10000:
        raise KmcInputError(f"byte {at}: value is {value:,}, must be 0 to 10,000")
    return value / 10000


def _from_ase(data: bytes) -> NDArray[np.uint8]:
    major, _, blocks = _fields(">HHI", data, 4)
    if major != 1:
        raise KmcInputError(f"byte 4: version is {major:,}, must be 1")
    # A block has six bytes at least.
    if 12 + 6 * blocks > len(data):
        raise KmcInputError(f"byte 8: the file ends before its {blocks:,} blocks")
    return _as_palette(list(_ase_colors(data, blocks)))


def _ase_colors(data: bytes, blocks: int) -> Iterator[tuple[int, ...]]:
    at = 12
    for _ in range(blocks):
        kind, length = _fields(">HI", data, at)
        body = _part(data, at + 6, length)
        # Groups begin and end with blocks of their own, which only hold names.
        if kind == 1:
            yield _ase_color(body, at + 6)
        at += 6 + length


def _ase_color(body: bytes, start: int) -> tuple[int, ...]:
    (units,) = _fields(">H", body, 0, start)
    at = 2 + 2 * units
    model = _part(body, at, 4, start)
    if model not in _FLOATS:
        raise KmcInputError(
            f"byte {start + at}: colour model {model.decode('latin-1')!r}; kmcodec reads RGB, "
            "CMYK, LAB and Gray"
        )
    values = _fields(f">{_FLOATS[model]}f", body, at + 4, start)
    shares = values[:1] if model == b"LAB " else values
    levels = all(-_SLACK <= v <= 1 + _SLACK for v in shares)
    if not levels or not all(math.isfinite(v) and abs(v) <= 1000 for v in values):
        raise KmcInputError(f"byte {start + at + 4}: levels out of range")
    if model == b"RGB ":
        return from_rgb(*values)
    if model == b"LAB ":
        return from_lab(100 * values[0], *values[1:])
    if model == b"CMYK":
        _warn_of_cmyk()
        return from_cmyk(*values)
    return from_grey(*values)


def _warn_of_cmyk() -> None:
    warn(_NOT_EXACT)


# Parts of files.


def _as_palette(colors: list[tuple[int, ...]]) -> NDArray[np.uint8]:
    if not colors:
        raise KmcInputError("no colours")
    if len(colors) > MAX_COLORS:
        raise KmcInputError(f"more than {MAX_COLORS:,} colours, the most that a palette has")
    return np.array(colors, np.uint8)


def _check_count(count: int, at: int) -> None:
    if not count:
        raise KmcInputError(f"byte {at}: no colours")


def _part(data: bytes, at: int, size: int, start: int = 0) -> bytes:
    """Return bytes of a file, or of a part of it that begins at `start`."""
    if at + size > len(data):
        raise KmcInputError(
            f"byte {start + at}: truncated, needs {size:,} bytes, has {max(0, len(data) - at):,}"
        )
    return data[at : at + size]


def _fields(layout: str, data: bytes, at: int, start: int = 0) -> tuple[int, ...]:
    return struct.unpack(layout, _part(data, at, struct.calcsize(layout), start))
