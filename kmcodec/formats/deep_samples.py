"""Samples of 16 bits that Pillow cuts to 8: read whole."""

from __future__ import annotations

import io
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile

from kmcodec.pixels import from_16_bits

__all__ = ["deep_samples", "put_rounded"]

# For each byte order of raw modes the other: it has the low bytes where the first has the high.
_OTHER = {"B": "L", "L": "B", "N": "B" if sys.byteorder == "little" else "L"}
_RAW_MODES = ("RGB;16", "RGBA;16", "RGBX;16", "CMYK;16")
# Grey and alpha, in the order of PNG: byte by byte they are four samples of 8 bits.
_GREY_WITH_ALPHA = "LA;16B"


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
    if raw[:-1] not in _RAW_MODES or raw[-1] not in _OTHER:
        return None
    return _joined(_read_as(image, raw), _read_as(image, raw[:-1] + _OTHER[raw[-1]]))


def put_rounded(image: Image.Image, samples: NDArray[np.uint16]) -> None:
    """Give a loaded image the samples of `deep_samples`, rounded to 8 bits, and its colour key.

    Warns
    -----
    KmcWarning
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
