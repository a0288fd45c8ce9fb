"""Read samples of Pillow images other than plain 8-bit ones, as stored in the file."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

__all__ = ["integer_samples"]

_BITS, _FORMAT = 258, 339  # tags of TIFF: BitsPerSample, SampleFormat
_SIGNED = 2
# Formats whose samples have 16 bits when Pillow opens them in mode I.
_OF_16_BITS = frozenset({"PNG", "PPM"})


def integer_samples(image: Image.Image) -> NDArray[Any] | None:
    """Return the samples of a one-channel image, unless they are plain 8-bit ones.

    Parameters
    ----------
    image : PIL.Image.Image

    Returns
    -------
    ndarray, shape (H, W), or None
        Of int8, int16, uint16, int32 or uint32. None for all other images, and for images with a
        transparent colour.
    """
    if "transparency" in image.info:
        return None
    bits, signed = _told_by_tiff(image)
    if image.mode == "L" and bits == 8 and signed:
        return np.array(image).view(np.int8)
    if image.mode.startswith("I;16"):
        return np.array(image).astype(np.uint16)
    if image.mode != "I":
        return None
    samples = np.array(image)
    if image.format in _OF_16_BITS:
        return samples.astype(np.uint16)
    if bits == 16:
        return samples.astype(np.int16 if signed else np.uint16)
    return samples.view(np.uint32) if bits == 32 and not signed else samples


def _told_by_tiff(image: Image.Image) -> tuple[int, bool]:
    """Return the bits of a sample, 0 if unknown, and whether it is signed."""
    tags = getattr(image, "tag_v2", None)
    if tags is None:
        return 0, False
    bits, kind = tags.get(_BITS, (0,)), tags.get(_FORMAT, (1,))
    return int(np.ravel(bits)[0]), int(np.ravel(kind)[0]) == _SIGNED
