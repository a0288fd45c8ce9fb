"""Palettes to the bytes of palette files."""

from __future__ import annotations

import os

import numpy as np
from numpy.typing import NDArray

from kmcodec.encoder import encode
from kmcodec.errors import KmcInputError
from kmcodec.image import IndexedImage
from kmcodec.pixels import common_channels_for, to_channels
from kmcodec.targets.images import encode_image

__all__ = ["encode_palette_file", "hex_lines", "palette_ending"]

_ENDINGS = (".kmc", ".gpl", ".hex", ".png")
_COLUMNS = 16


def palette_ending(path: str) -> str:
    """The ending of a palette file's name, in lower case; of standard output ``.hex``.

    Raises
    ------
    KmcInputError
        If palettes are not written so.
    """
    if path == "-":
        return ".hex"
    ending = os.path.splitext(path)[1].lower()
    if ending not in _ENDINGS:
        raise KmcInputError(f"{path}: palettes are written as {', '.join(_ENDINGS)} files")
    return ending


def encode_palette_file(palette: NDArray[np.uint8], ending: str) -> bytes:
    """Encode a palette as a file that `read_palette` reads as the same colours.

    Parameters
    ----------
    palette : ndarray, shape (K, C), uint8
    ending : str
        See `palette_ending`. ``.kmc`` and ``.png`` hold a picture of the palette, sixteen
        entries in a row; ``.gpl`` is GIMP's, with alpha, where there is any, as Aseprite writes
        it; ``.hex`` has one colour in a line.
    """
    if ending in (".kmc", ".png"):
        columns = min(_COLUMNS, len(palette))
        rows = -(-len(palette) // columns)
        # The last row may have room left, which the last entry takes.
        places = np.minimum(np.arange(rows * columns), len(palette) - 1)
        image = IndexedImage(palette, places.reshape(rows, columns))
        return encode(image) if ending == ".kmc" else encode_image(image, ending)
    if ending == ".hex":
        return "".join(f"{line}\n" for line in hex_lines(palette)).encode()
    return _gpl(palette).encode()


def hex_lines(palette: NDArray[np.uint8]) -> list[str]:
    """The entries as ``rrggbb``, or ``rrggbbaa`` where any is not opaque."""
    return [entry.tobytes().hex() for entry in _in_color(palette)]


def _gpl(palette: NDArray[np.uint8]) -> str:
    entries = _in_color(palette)
    head = ["GIMP Palette", *["Channels: RGBA"] * (entries.shape[1] == 4), f"Columns: {_COLUMNS}"]
    names = hex_lines(palette)
    lines = (
        " ".join(f"{level:3d}" for level in entry) + f"\t#{name}"
        for entry, name in zip(entries.tolist(), names, strict=True)
    )
    return "\n".join([*head, "#", *lines, ""])


def _in_color(palette: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """RGB, or RGBA where it is needed."""
    return to_channels(palette, common_channels_for(palette, 3))
