"""Restore samples and colour keys that Pillow truncates or confuses."""

from __future__ import annotations

import io
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile

from kmcodec.errors import KmcLossWarning, warn
from kmcodec.formats.file_facts import FileFacts, facts_of
from kmcodec.model.pixels import from_16_bits

__all__ = ["as_meant", "deep_samples", "load_as_meant", "mend_byte_order", "raw_mode"]

# The opposite of each byte order of raw modes: reading with it gives the low bytes.
_OTHER = {"B": "L", "L": "B", "N": "B" if sys.byteorder == "little" else "L"}
_RAW_MODES = ("RGB;16", "RGBA;16", "RGBX;16", "CMYK;16")
# Grey and alpha in PNG's byte order: their bytes read as four 8-bit samples.
_GREY_WITH_ALPHA = "LA;16B"
# Colours premultiplied by alpha, and plain ones.
_PREMULTIPLIED, _PLAIN = "RGBa;16", "RGBA;16"
# Signed samples whose bytes Pillow 13 swaps after libtiff has already done so.
_SWAPPED_TWICE = {"I;16BS": "I;16NS", "I;32BS": "I;32NS"}
_OF_8_BITS = ("L", "LA", "La", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "LAB", "YCbCr")


def as_meant(image: Image.Image) -> Image.Image:
    """Load an image; return a corrected copy where Pillow misreads the file.

    Parameters
    ----------
    image : PIL.Image.Image
        Not modified. Best not loaded yet, as bits that Pillow has truncated are gone.

    Returns
    -------
    PIL.Image.Image

    Warns
    -----
    KmcLossWarning
        If samples were reduced to 8 bits.
    """
    mend_byte_order(image)
    samples, levels, facts = deep_samples(image), _grey_levels(image), facts_of(image)
    image.load()
    is_meant = samples is None and facts.has_alpha
    if is_meant and (image.mode != "L" or "transparency" not in image.info):
        _warn_of_cut(image, facts)
        return image
    copy = image.copy()
    _put_as_meant(copy, samples, levels, facts)
    return copy


def load_as_meant(image: Image.Image) -> None:
    """Load a private image in place, with all bits of its samples and the right colour key.

    Warns
    -----
    KmcLossWarning
        If samples were reduced to 8 bits.
    """
    mend_byte_order(image)
    samples, levels, facts = deep_samples(image), _grey_levels(image), facts_of(image)
    image.load()
    _put_as_meant(image, samples, levels, facts)


def mend_byte_order(image: Image.Image) -> None:
    """Let Pillow read compressed signed samples of big-endian TIFF files, not yet loaded, right."""
    if isinstance(image, ImageFile.ImageFile) and raw_mode(image) in _SWAPPED_TWICE:
        right = _SWAPPED_TWICE[raw_mode(image)]
        image.tile = [
            _with_raw_mode(tile, right) if tile[0] == "libtiff" else tile for tile in image.tile
        ]


def _warn_of_cut(image: Image.Image, facts: FileFacts) -> None:
    """Warn if Pillow has truncated deeper samples to 8 bits."""
    if facts.bits > 8 and image.mode in _OF_8_BITS:
        warn(f"{facts.bits}-bit samples reduced to 8 bits", KmcLossWarning)


def _put_as_meant(
    image: Image.Image,
    samples: NDArray[np.uint16] | None,
    levels: int | None,
    facts: FileFacts,
) -> None:
    key = image.info.get("transparency")
    if samples is not None:
        _put_rounded(image, samples)
        return
    _warn_of_cut(image, facts)
    if not facts.has_alpha and image.mode == "RGBA" and not image.getchannel("A").getbbox():
        # As alpha it would hide all pixels. If any is visible, trust it as alpha anyway.
        image.putalpha(255)
    elif image.mode == "L" and isinstance(key, int):
        greys = np.array(image)
        clear = greys == _grey_key(key, greys, levels)
        image.putalpha(Image.fromarray(np.where(clear, 0, 255).astype(np.uint8)))
        del image.info["transparency"]


def _grey_levels(image: Image.Image) -> int | None:
    """Return how many greys a file of mode L has: 4, 16 or 256; None if already loaded."""
    for tile in getattr(image, "tile", ()):
        raw = tile[3][0] if isinstance(tile[3], tuple) else tile[3]
        return {"L;2": 4, "L;4": 16}.get(str(raw), 256)
    return None


def _grey_key(key: int, samples: NDArray[np.uint8], levels: int | None) -> int:
    """Scale a grey key from the levels of the file to those of the samples."""
    for count in (4, 16) if levels is None else (levels,):
        step = 255 // (count - 1)
        if key >= count or step == 1:
            continue
        # After loading, Pillow no longer knows the file's number of levels. A key that matches no
        # sample, while all samples fit few levels, must be one of these levels.
        if levels is not None or not ((samples == key).any() or (samples % step).any()):
            return key * step
    return key


def deep_samples(image: Image.Image) -> NDArray[np.uint16] | None:
    """Read the 16-bit samples of an image file with several channels.

    Parameters
    ----------
    image : PIL.Image.Image
        Not loaded yet: Pillow keeps only the high bytes. It can be loaded afterwards.

    Returns
    -------
    ndarray of uint16, shape (H, W, C), or None
        In the bands of the image's mode. None for all other images, and for loaded ones.

    Raises
    ------
    Exception
        Pillow's readers may raise any error on a damaged file.

    Notes
    -----
    Pillow has 16-bit decoders for both byte orders, and keeps the high bytes. Reading in the wrong
    byte order gives the low bytes.
    """
    raw = raw_mode(image)
    if raw == _GREY_WITH_ALPHA and image.mode == "RGBA":
        both = _read_as(image, "RGBA")
        return _joined(both[..., ::2], both[..., 1::2])[..., [0, 0, 0, 1]]
    if raw[:-1] == _PREMULTIPLIED and raw[-1] in _OTHER:
        orders = (raw[-1], _OTHER[raw[-1]])
        return _unmultiplied(_joined(*(_read_as(image, _PLAIN + order) for order in orders)))
    if raw[:-1] not in _RAW_MODES or raw[-1] not in _OTHER:
        return None
    return _joined(_read_as(image, raw), _read_as(image, raw[:-1] + _OTHER[raw[-1]]))


def _put_rounded(image: Image.Image, samples: NDArray[np.uint16]) -> None:
    """Put the samples of `deep_samples`, rounded to 8 bits, and the colour key into an image.

    Warns
    -----
    KmcLossWarning
        Always, as bits are lost.
    """
    image.paste(Image.fromarray(from_16_bits(samples), image.mode))
    key = image.info.get("transparency")
    if image.mode == "RGB" and isinstance(key, tuple):
        # Compare before the samples lose their low bits.
        clear = (samples == np.array(key)).all(axis=2)
        image.putalpha(Image.fromarray(np.where(clear, 0, 255).astype(np.uint8)))
        del image.info["transparency"]


def _tiles(image: Image.Image) -> list[Any]:
    return list(getattr(image, "tile", ())) if isinstance(image, ImageFile.ImageFile) else []


def raw_mode(image: Image.Image) -> str:
    """Return Pillow's name of how the samples of a file are stored; empty if already loaded."""
    raws = {_raw_mode_of(tile) for tile in _tiles(image)}
    return raws.pop() if len(raws) == 1 else ""


def _raw_mode_of(tile: Any) -> str:
    how = tile[3][0] if isinstance(tile[3], tuple) and tile[3] else tile[3]
    return how if isinstance(how, str) else ""


def _joined(high: NDArray[np.uint8], low: NDArray[np.uint8]) -> NDArray[np.uint16]:
    samples = high.astype(np.uint16)
    samples <<= np.uint16(8)
    samples |= low
    return samples


def _unmultiplied(samples: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """Divide premultiplied colours by their alpha, rounding halves up."""
    alpha = samples[..., 3:].astype(np.uint64)
    colors = samples[..., :3].astype(np.uint64)
    colors *= np.uint64(65535)
    colors += alpha // 2
    colors //= np.maximum(alpha, 1)
    # Clear pixels become black. Colours above their alpha are invalid, and clipped to the maximum.
    colors *= alpha > 0
    return np.concatenate([np.minimum(colors, 65535), alpha], axis=2).astype(np.uint16)


def _read_as(image: Image.Image, raw: str) -> NDArray[np.uint8]:
    """Read an image again from its file with another raw mode."""
    assert isinstance(image, ImageFile.ImageFile)
    assert image.fp is not None
    place = image.fp.tell()
    image.fp.seek(0)
    other = type(image)(io.BytesIO(image.fp.read()))
    image.fp.seek(place)
    if frame := image.tell():
        other.seek(frame)
    other.tile = [_with_raw_mode(tile, raw) for tile in other.tile]
    other.load()
    return np.array(other)


def _with_raw_mode(tile: Any, raw: str) -> Any:
    how = (raw, *tile[3][1:]) if isinstance(tile[3], tuple) else raw
    # A named tuple since Pillow 11, whose readers use its names.
    return tile._replace(args=how) if hasattr(tile, "_replace") else (*tile[:3], how)
