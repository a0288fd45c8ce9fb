"""Palettes from lists of colours, palette files and images."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from kmcodec.errors import KmcFileNotFoundError, KmcInputError
from kmcodec.formats.matlab import is_mat
from kmcodec.formats.palette_binaries import parse_binary
from kmcodec.formats.palette_texts import (
    check_count,
    is_hex_color,
    is_web_color,
    parse_colors,
    parse_with_header,
    parse_without_header,
)
from kmcodec.model.image import IndexedImage
from kmcodec.model.keys import colors_of, keys_of
from kmcodec.sources.images import named_warnings, read_source
from kmcodec.storage.door import STANDARD, read_input
from kmcodec.storage.urls import is_url, local_path, url_name

__all__ = ["read_palette"]

# The longest palette files, of 65,536 entries with names and comments, are shorter.
_MAX_BYTES = 4 << 20
_GROUP = 1 << 20  # pixels whose colours are told apart at once

_NO_PALETTE = (
    "neither an image, a .kmc file, nor a .gpl, .hex, .act, .aco, .ase, .pal or .txt palette"
)
_WANTED = {
    ".act": "an .act file has 768 or 772 bytes",
    ".ase": "it does not begin with 'ASEF'",
    ".gpl": "its first line is not 'GIMP Palette'",
    ".pal": "it begins neither with 'JASC-PAL' nor with 'RIFF'",
}


def read_palette(source: str | os.PathLike[str]) -> NDArray[np.uint8]:
    """Read a palette: a list of colours, a palette file, or the colours of an image.

    Parameters
    ----------
    source : str or path-like
        Colours such as ``'#1d3557,#e63946 #f1faee'``, apart by commas or spaces, each ``#rgb``,
        ``#rgba``, ``#rrggbb`` or ``#rrggbbaa``. Or the path or URL of a file, recognised by what it
        holds, then by its ending: `.kmc`; an image, of which the palette is taken, or where it
        has none its distinct colours, row by row; GIMP's `.gpl`, with alpha as Aseprite writes
        it; `.hex`; Adobe's `.act`, `.aco` and `.ase` (Swatch Exchange); the `.pal` of JASC, with
        alpha or without, and of Microsoft (RIFF); the `.txt` of Paint.NET.

    Returns
    -------
    ndarray, shape (K, C), uint8
        1 <= K <= 65,536 entries in their order, repeated and unused ones too. C is 3, or 4
        where an entry has alpha; images may have grey palettes, of 1 or 2 channels.

    Raises
    ------
    KmcInputError
        If there is no such file, or it is malformed, empty, too long, or holds no palette. The
        message begins with the file's name, and the line's number, or the byte's, where there is
        one.
    KmcFormatError, KmcLimitError
        If a `.kmc` file is damaged, or an image too large to be read safely.

    Warns
    -----
    KmcWarning
        See `read_source`; also if swatches of CMYK are converted, which is rough without a profile.

    Examples
    --------
    >>> from kmcodec.sources.palettes import read_palette
    >>> read_palette("#f00, #1d355780").tolist()
    [[255, 0, 0, 255], [29, 53, 87, 128]]
    """
    if isinstance(source, str):
        words = source.replace(",", " ").split()
        if not words:
            raise KmcInputError("a palette has at least one colour, none is given")
        if _are_colors(words, source):
            return parse_colors(words)
    return _from_file(local_path(os.fspath(source)))


# What it is.


def _are_colors(words: Sequence[str], source: str) -> bool:
    if all(map(is_web_color, words)):
        return True
    # A slip in a list is told as that; but files may have such names.
    return any(word.startswith("#") for word in words) and not os.path.exists(source)


def _from_file(path: str) -> NDArray[np.uint8]:
    data = _start_of(path)
    ending = os.path.splitext(url_name(path) if is_url(path) else path)[1].lower()
    try:
        with named_warnings(path):
            palette = _parsed(data, ending)
    except KmcInputError as error:
        raise KmcInputError(f"{path}: {error}") from error
    return _from_image(path, data, ending) if palette is None else palette


def _start_of(path: str) -> bytes:
    """The file, or so much of it that it is too long for a palette file."""
    if path == STANDARD:
        raise KmcInputError("-: palettes are not read from standard input")
    try:
        return read_input(path, _MAX_BYTES + 1)
    except KmcFileNotFoundError as error:
        if all(map(is_hex_color, path.replace(",", " ").split())):
            raise KmcInputError(f"{error}; colours begin with #") from error
        raise


def _parsed(data: bytes, ending: str) -> NDArray[np.uint8] | None:
    """The palette of a palette file; None if it is another file, maybe an image."""
    if not data:
        raise KmcInputError("no colours, the file is empty")
    if len(data) > _MAX_BYTES:
        if _is_signed_image(data):
            return None
        raise KmcInputError("larger than 4 MiB, too large for a palette, and not an image")
    palette = parse_binary(data, ending)
    if palette is not None:
        return palette
    if b"\0" in data:
        return None
    # Only names can be in another encoding, and they are not taken.
    text = data.decode("utf-8-sig", "replace")
    palette = parse_with_header(text)
    if palette is None and not _is_signed_image(data):
        palette = parse_without_header(text, ending)
    return palette


def _is_signed_image(data: bytes) -> bool:
    Image.init()
    return any(_accepts(accept, data[:16]) for _, accept in Image.OPEN.values())


def _accepts(accept: Callable[[bytes], bool | str] | None, prefix: bytes) -> bool:
    try:
        return accept is not None and bool(accept(prefix))
    except Exception:  # some count on a longer prefix
        return False


# Images.


def _from_image(path: str, start: bytes, ending: str) -> NDArray[np.uint8]:
    # Arrays are images to `read_source`; but one with 3 columns may be meant as a palette.
    is_array = start.startswith(b"\x93NUMPY") or is_mat(start)
    no_palette = f"{path}: not a palette: {_WANTED.get(ending, _NO_PALETTE)}"
    # What is no file (a pipe) has been read, and cannot be read again.
    if is_array or not (is_url(path) or os.path.isfile(path)):
        raise KmcInputError(no_palette)
    try:
        image = read_source(path).image
    except KmcInputError as error:
        if isinstance(error.__cause__, UnidentifiedImageError):
            raise KmcInputError(no_palette) from error
        raise
    if isinstance(image, IndexedImage):
        return image.palette
    try:
        return _distinct_colors(image[..., np.newaxis] if image.ndim == 2 else image)
    except KmcInputError as error:
        raise KmcInputError(f"{path}: {error}") from error


def _distinct_colors(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The colours of pixels, shape (H, W, C), in the order in which they first appear."""
    channels = pixels.shape[-1]
    flat = pixels.reshape(-1, channels)
    found = np.zeros(0, np.uint32)
    for start in range(0, len(flat), _GROUP):
        keys = keys_of(flat[start : start + _GROUP])
        _, first = np.unique(keys, return_index=True)
        keys = keys[np.sort(first)]
        found = np.concatenate([found, keys[~np.isin(keys, found)]])
        check_count(len(found))
    return colors_of(found, channels)
