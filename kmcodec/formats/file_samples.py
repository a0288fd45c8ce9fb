"""Samples and colour keys as files mean them, where Pillow cuts or confuses them."""

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

__all__ = ["as_meant", "deep_samples", "load_as_meant"]

# For each byte order of raw modes the other: it has the low bytes where the first has the high.
_OTHER = {"B": "L", "L": "B", "N": "B" if sys.byteorder == "little" else "L"}
_RAW_MODES = ("RGB;16", "RGBA;16", "RGBX;16", "CMYK;16")
# Grey and alpha, in the order of PNG: byte by byte they are four samples of 8 bits.
_GREY_WITH_ALPHA = "LA;16B"
# Alpha has been multiplied in.
_PREMULTIPLIED, _PLAIN = "RGBa;16", "RGBA;16"
_OF_8_BITS = ("L", "LA", "La", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "LAB", "YCbCr")


def as_meant(image: Image.Image) -> Image.Image:
    """Load an image; where Pillow shows something else than the file means, a copy that is right.

    Parameters
    ----------
    image : PIL.Image.Image
        Stays as Pillow shows it. Best not loaded yet: what Pillow has cut, is gone.

    Returns
    -------
    PIL.Image.Image

    Warns
    -----
    KmcLossWarning
        If samples were reduced to 8 bits.
    """
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
    """Load an image that nobody else sees, with all bits of its samples and the right colour key.

    Warns
    -----
    KmcLossWarning
        If samples were reduced to 8 bits.
    """
    samples, levels, facts = deep_samples(image), _grey_levels(image), facts_of(image)
    image.load()
    _put_as_meant(image, samples, levels, facts)


def _warn_of_cut(image: Image.Image, facts: FileFacts) -> None:
    """Tell that Pillow has given 8 bits of the more that samples have in the file."""
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
        # Nobody would see anything of it. Where there is something, it is alpha all the same.
        image.putalpha(255)
    elif image.mode == "L" and isinstance(key, int):
        greys = np.array(image)
        clear = greys == _grey_key(key, greys, levels)
        image.putalpha(Image.fromarray(np.where(clear, 0, 255).astype(np.uint8)))
        del image.info["transparency"]


def _grey_levels(image: Image.Image) -> int | None:
    """How many greys a file of mode L has, 4, 16 or 256; None if it has been loaded already."""
    for tile in getattr(image, "tile", ()):
        raw = tile[3][0] if isinstance(tile[3], tuple) else tile[3]
        return {"L;2": 4, "L;4": 16}.get(str(raw), 256)
    return None


def _grey_key(key: int, samples: NDArray[np.uint8], levels: int | None) -> int:
    """A key for grey, brought from the levels of the file to those of the samples."""
    for count in (4, 16) if levels is None else (levels,):
        step = 255 // (count - 1)
        if key >= count or step == 1:
            continue
        # Of an image that was loaded Pillow does not say how many levels its file had: a key that
        # names no sample, where all samples are of few levels, is one of these.
        if levels is not None or not ((samples == key).any() or (samples % step).any()):
            return key * step
    return key


def deep_samples(image: Image.Image) -> NDArray[np.uint16] | None:
    """Read the samples of an image file of several channels of 16 bits.

    Parameters
    ----------
    image : PIL.Image.Image
        Not loaded yet: Pillow keeps only the high bytes. It can be loaded afterwards.

    Returns
    -------
    ndarray of uint16, shape (H, W, C), or None
        In the bands of the image's mode. None for all other images, and those that are loaded.

    Raises
    ------
    Exception
        Whatever Pillow's readers raise of a damaged file.

    Notes
    -----
    Pillow has decoders of 16 bits for either byte order, and gives the high byte of both: what it
    reads in the wrong order are the low bytes.
    """
    raws = {_raw_mode(tile) for tile in _tiles(image)}
    raw = raws.pop() if len(raws) == 1 else ""
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
    """Give a loaded image the samples of `deep_samples`, rounded to 8 bits, and its colour key.

    Warns
    -----
    KmcLossWarning
        Always: bits are lost.
    """
    image.paste(Image.fromarray(from_16_bits(samples), image.mode))
    key = image.info.get("transparency")
    if image.mode == "RGB" and isinstance(key, tuple):
        # Compared before the samples lose their low bits.
        clear = (samples == np.array(key)).all(axis=2)
        image.putalpha(Image.fromarray(np.where(clear, 0, 255).astype(np.uint8)))
        del image.info["transparency"]


def _tiles(image: Image.Image) -> list[Any]:
    return list(getattr(image, "tile", ())) if isinstance(image, ImageFile.ImageFile) else []


def _raw_mode(tile: Any) -> str:
    how = tile[3][0] if isinstance(tile[3], tuple) and tile[3] else tile[3]
    return how if isinstance(how, str) else ""


def _joined(high: NDArray[np.uint8], low: NDArray[np.uint8]) -> NDArray[np.uint16]:
    samples = high.astype(np.uint16)
    samples <<= np.uint16(8)
    samples |= low
    return samples


def _unmultiplied(samples: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """Colours without the alpha that was multiplied in, each the nearest, halves up."""
    alpha = samples[..., 3:].astype(np.uint64)
    colors = samples[..., :3].astype(np.uint64)
    colors *= np.uint64(65535)
    colors += alpha // 2
    colors //= np.maximum(alpha, 1)
    # What is clear has no colour; what is brighter than its alpha is none, and as bright as can be.
    colors *= alpha > 0
    return np.concatenate([np.minimum(colors, 65535), alpha], axis=2).astype(np.uint16)


def _read_as(image: Image.Image, raw: str) -> NDArray[np.uint8]:
    """The bytes of an image, read from its file anew with another raw mode."""
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
    # Named since Pillow 11, whose readers ask by name.
    return tile._replace(args=how) if hasattr(tile, "_replace") else (*tile[:3], how)
