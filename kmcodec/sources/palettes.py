"""Read palettes from lists of colours, palette files and images."""

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
from kmcodec.model.limits import DEFAULT_MAX_PIXELS
from kmcodec.sources.images import named_warnings, read_source
from kmcodec.storage.door import STANDARD, read_input
from kmcodec.storage.urls import is_url, local_path, url_name

__all__ = ["read_palette"]

# More than any palette file of 65,536 entries with names and comments.
_MAX_BYTES = 4 << 20
_GROUP = 1 << 20  # pixels whose distinct colours are found at a time

_NO_PALETTE = (
    "neither an image, a .kmc file, nor a .gpl, .hex, .act, .aco, .ase, .pal or .txt palette"
)
_WANTED = {
    ".act": "an .act file has 768 or 772 bytes",
    ".ase": "it does not begin with 'ASEF'",
    ".gpl": "its first line is not 'GIMP Palette'",
    ".pal": "it begins neither with 'JASC-PAL' nor with 'RIFF'",
}


def read_palette(
    source: str | os.PathLike[str], *, max_pixels: int | None = DEFAULT_MAX_PIXELS
) -> NDArray[np.uint8]:
    """Read a palette: a list of colours, a palette file, or the colours of an image.

    Parameters
    ----------
    source : str or path-like
        Colours such as ``'#1d3557,#e63946 #f1faee'``, separated by commas or spaces, each
        ``#rgb``, ``#rgba``, ``#rrggbb`` or ``#rrggbbaa``. Or the path or URL of a file, recognised
        by content, then by file extension: `.kmc`; an image, which gives its palette or, without
        one, its distinct colours, row by row; GIMP's `.gpl`, with alpha as Aseprite writes it;
        `.hex`; Adobe's `.act`, `.aco` and `.ase` (Swatch Exchange); the `.pal` of JASC, with or
        without alpha, and of Microsoft (RIFF); the `.txt` of Paint.NET.
    max_pixels : int, optional
        Limit for an image; see `read_source`.

    Returns
    -------
    ndarray, shape (K, C), uint8
        1 <= K <= 65,536 entries in file order, repeated and unused ones too. C is 3, or 4
        where an entry has alpha; images may have grey palettes, of 1 or 2 channels.

    Raises
    ------
    KmcInputError
        If the file does not exist, is malformed, empty or too long, or holds no palette. The
        message begins with the file's name, then the line or byte number if known.
    KmcFormatError, KmcLimitError
        If a `.kmc` file is damaged, or an image too large to be read safely.

    Warns
    -----
    KmcWarning
        See `read_source`; also if CMYK swatches are converted, which is rough without a profile.

    Examples
    --------
    >>> from kmcodec.sources.palettes import read_palette
    >>> read_palette("#f00, #1d355780").tolist()
    [[255, 0, 0, 255], [29, 53, 87, 128]]
    """
    if isinstance(source, str):
        words = source.replace(",", " ").split()
        if not words:
            raise KmcInputError("the palette is empty, must have at least one colour")
        if _are_colors(words, source):
            return parse_colors(words)
    return _from_file(local_path(os.fspath(source)), max_pixels)


# Recognition.


def _are_colors(words: Sequence[str], source: str) -> bool:
    if all(map(is_web_color, words)):
        return True
    # A typo in a list should be reported as one; but files may have such names.
    return any(word.startswith("#") for word in words) and not os.path.exists(source)


def _from_file(path: str, max_pixels: int | None) -> NDArray[np.uint8]:
    data = _start_of(path)
    extension = os.path.splitext(url_name(path) if is_url(path) else path)[1].lower()
    try:
        with named_warnings(path):
            palette = _parsed(data, extension)
    except KmcInputError as error:
        raise KmcInputError(f"{path}: {error}") from error
    return _from_image(path, data, extension, max_pixels) if palette is None else palette


def _start_of(path: str) -> bytes:
    """Read a file, at most just more than the longest palette file."""
    if path == STANDARD:
        raise KmcInputError("cannot read a palette from standard input")
    try:
        return read_input(path, _MAX_BYTES + 1)
    except KmcFileNotFoundError as error:
        if all(map(is_hex_color, path.replace(",", " ").split())):
            raise KmcInputError(f"{error}; write colours with a #") from error
        raise


def _parsed(data: bytes, extension: str) -> NDArray[np.uint8] | None:
    """Parse a palette file; return None for any other file, such as an image."""
    if not data:
        raise KmcInputError("the file is empty")
    if len(data) > _MAX_BYTES:
        if _is_signed_image(data):
            return None
        raise KmcInputError("not an image, and too large for a palette (over 4 MiB)")
    palette = parse_binary(data, extension)
    if palette is not None:
        return palette
    if b"\0" in data:
        return None
    # Only names can be in another encoding, and they are not used.
    text = data.decode("utf-8-sig", "replace")
    palette = parse_with_header(text)
    if palette is None and not _is_signed_image(data):
        palette = parse_without_header(text, extension)
    return palette


def _is_signed_image(data: bytes) -> bool:
    Image.init()
    return any(_accepts(accept, data[:16]) for _, accept in Image.OPEN.values())


def _accepts(accept: Callable[[bytes], bool | str] | None, prefix: bytes) -> bool:
    try:
        return accept is not None and bool(accept(prefix))
    except Exception:  # some need a longer prefix
        return False


# Images.


def _from_image(
    path: str, start: bytes, extension: str, max_pixels: int | None
) -> NDArray[np.uint8]:
    # `read_source` reads arrays as images, but one with 3 columns may be meant as a palette.
    is_array = start.startswith(b"\x93NUMPY") or is_mat(start)
    no_palette = f"{path}: not a palette: {_WANTED.get(extension, _NO_PALETTE)}"
    # A pipe has been read, and cannot be read again.
    if is_array or not (is_url(path) or os.path.isfile(path)):
        raise KmcInputError(no_palette)
    try:
        image = read_source(path, max_pixels=max_pixels).image
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
    """Return the colours of pixels, shape (H, W, C), in order of first appearance."""
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
