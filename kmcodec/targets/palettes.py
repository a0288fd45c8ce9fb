"""Encode palettes as palette files."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from kmcodec.encoder import encode
from kmcodec.errors import KmcInputError
from kmcodec.formats.palette_binaries import ACT_OPAQUE, ACT_TABLE
from kmcodec.model.image import IndexedImage
from kmcodec.model.pixels import common_channels_for, to_channels
from kmcodec.storage.door import STANDARD
from kmcodec.targets.images import encode_image

__all__ = ["EXTENSIONS", "encode_palette_file", "hex_lines", "palette_extension"]

_COLUMNS = 16
# Counts have 16 bits in .aco files, 32 in .ase files.
_MOST_OF_ACO = 0xFFFF


def palette_extension(path: str) -> str:
    """Return the extension of a palette file, in lower case; ``.hex`` for standard output.

    Raises
    ------
    KmcInputError
        If no palette format has this extension.
    """
    if path == STANDARD:
        return ".hex"
    extension = os.path.splitext(path)[1].lower()
    if extension not in EXTENSIONS:
        raise KmcInputError(
            f"{path}: cannot write a palette in this format, use {', '.join(EXTENSIONS)}"
        )
    return extension


def encode_palette_file(palette: NDArray[np.uint8], extension: str) -> bytes:
    """Encode a palette as a file from which `read_palette` reads the same colours.

    Parameters
    ----------
    palette : ndarray, shape (K, C), uint8
    extension : str
        See `palette_extension`. ``.kmc`` and ``.png`` hold a picture of the palette, sixteen
        entries in a row; ``.gpl`` is GIMP's, with any alpha as Aseprite writes it; ``.hex`` has
        one colour a line; ``.pal`` is JASC's, with any alpha; ``.txt`` is Paint.NET's; ``.act``,
        ``.aco`` and ``.ase`` are Adobe's.

    Raises
    ------
    KmcInputError
        If the format cannot hold so many entries, or their alpha.
    """
    if extension in (".kmc", ".png"):
        columns = min(_COLUMNS, len(palette))
        rows = -(-len(palette) // columns)
        # The last entry fills the rest of the last row.
        places = np.minimum(np.arange(rows * columns), len(palette) - 1)
        image = IndexedImage(palette, places.reshape(rows, columns))
        return encode(image) if extension == ".kmc" else encode_image(image, extension)
    return _WRITERS[extension](_in_color(palette))


def hex_lines(palette: NDArray[np.uint8]) -> list[str]:
    """Return the entries as ``rrggbb``, or as ``rrggbbaa`` if any is not opaque."""
    return [entry.tobytes().hex() for entry in _in_color(palette)]


def _hex(entries: NDArray[np.uint8]) -> bytes:
    return "".join(f"{line}\n" for line in hex_lines(entries)).encode()


def _gpl(entries: NDArray[np.uint8]) -> bytes:
    head = ["GIMP Palette", *["Channels: RGBA"] * (entries.shape[1] == 4), f"Columns: {_COLUMNS}"]
    names = hex_lines(entries)
    lines = (
        " ".join(f"{level:3d}" for level in entry) + f"\t#{name}"
        for entry, name in zip(entries.tolist(), names, strict=True)
    )
    return "\n".join([*head, "#", *lines, ""]).encode()


def _jasc(entries: NDArray[np.uint8]) -> bytes:
    lines = [" ".join(map(str, entry)) for entry in entries.tolist()]
    return "\r\n".join(["JASC-PAL", "0100", str(len(lines)), *lines, ""]).encode()


def _paint_net(entries: NDArray[np.uint8]) -> bytes:
    lines = [f"{a:02X}{r:02X}{g:02X}{b:02X}" for r, g, b, a in to_channels(entries, 4).tolist()]
    return "\r\n".join(["; paint.net Palette File", *lines, ""]).encode()


def _act(entries: NDArray[np.uint8]) -> bytes:
    if len(entries) > 256:
        raise KmcInputError(f"{len(entries):,} colours, but an .act file holds at most 256")
    clear = ACT_OPAQUE
    if entries.shape[1] == 4:
        (seen,) = np.nonzero(entries[:, 3] < 255)
        if len(seen) != 1 or entries[seen[0], 3]:
            raise KmcInputError("an .act file can hold one transparent colour, no other alpha")
        clear = int(seen[0])
    table = entries[:, :3].tobytes().ljust(ACT_TABLE, b"\0")
    return table + struct.pack(">HH", len(entries), clear)


def _aco(entries: NDArray[np.uint8]) -> bytes:
    _check_opaque(entries, ".aco")
    if len(entries) > _MOST_OF_ACO:
        raise KmcInputError(
            f"{len(entries):,} colours, but an .aco file holds at most {_MOST_OF_ACO:,}"
        )
    colors = [
        struct.pack(">5H", 0, *(257 * level for level in entry), 0) for entry in entries.tolist()
    ]
    # Version 1 for all programs, and the same with names for newer ones.
    names = [struct.pack(">I", len(n) + 1) + f"{n}\0".encode("utf-16-be") for n in _names(entries)]
    named = [color + name for color, name in zip(colors, names, strict=True)]
    heads = (struct.pack(">HH", version, len(colors)) for version in (1, 2))
    return next(heads) + b"".join(colors) + next(heads) + b"".join(named)


def _ase(entries: NDArray[np.uint8]) -> bytes:
    _check_opaque(entries, ".ase")
    parts = [b"ASEF", struct.pack(">HHI", 1, 0, len(entries))]
    for entry, name in zip(entries.tolist(), _names(entries), strict=True):
        levels = (level / 255 for level in entry)
        body = struct.pack(">H", len(name) + 1) + f"{name}\0".encode("utf-16-be")
        body += struct.pack(">4s3fH", b"RGB ", *levels, 2)  # 2: neither global nor a spot colour
        parts.append(struct.pack(">HI", 1, len(body)) + body)
    return b"".join(parts)


def _check_opaque(entries: NDArray[np.uint8], extension: str) -> None:
    if entries.shape[1] == 4:
        raise KmcInputError(f"{extension} files cannot hold alpha; use .gpl, .pal or .txt")


def _names(entries: NDArray[np.uint8]) -> list[str]:
    return [f"#{line}" for line in hex_lines(entries)]


_WRITERS: dict[str, Callable[[NDArray[np.uint8]], bytes]] = {
    ".gpl": _gpl,
    ".hex": _hex,
    ".pal": _jasc,
    ".txt": _paint_net,
    ".act": _act,
    ".aco": _aco,
    ".ase": _ase,
}
EXTENSIONS = (".kmc", ".png", *_WRITERS)
"""Extensions of the palette files that can be written."""


def _in_color(palette: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Convert to RGB, or to RGBA if any entry is not opaque."""
    return to_channels(palette, common_channels_for(palette, 3))
