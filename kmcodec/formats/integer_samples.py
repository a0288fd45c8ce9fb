"""Read integer samples of Pillow images as stored in the file."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from kmcodec.errors import KmcInputError
from kmcodec.formats.file_samples import mend_byte_order, raw_mode

__all__ = ["integer_samples", "label_samples", "oriented"]

_BITS, _FORMAT = 258, 339  # tags of TIFF: BitsPerSample, SampleFormat
_SIGNED = 2
# What samples of few bits are multiplied by.
_STEPS = {"2": np.uint8(85), "4": np.uint8(17)}
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


def label_samples(image: Image.Image) -> NDArray[Any]:
    """Load a one-channel image, and return its samples as the file stores them.

    Parameters
    ----------
    image : PIL.Image.Image
        Best not loaded yet: Pillow stretches samples of 2 and 4 bits to 8, and inverts those
        for which 0 is white.

    Returns
    -------
    ndarray, shape (H, W)
        Bool for samples of one bit, else integers of 8 to 32 bits; of a palette image the indices.

    Raises
    ------
    KmcInputError
        If the image has several channels, or no integers.
    """
    mend_byte_order(image)
    raw = raw_mode(image).partition(";")[2]
    image.load()
    image.info.pop("transparency", None)
    samples = integer_samples(image)
    if samples is not None:
        return samples
    if image.mode == "P":
        return np.array(image)
    if image.mode == "1":
        # Not astype: Pillow gives a true pixel as the byte 255.
        bits = np.array(image).view(np.uint8) > 0
        return ~bits if "I" in raw else bits
    if image.mode != "L":
        raise KmcInputError(f"an image of mode {image.mode} holds no labels: they are one channel")
    greys = np.array(image)
    greys = 255 - greys if "I" in raw else greys
    return greys // _STEPS.get(raw[:1], np.uint8(1))


def oriented(samples: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Turn samples upright; EXIF numbers orientations from 1 to 8, others mean nothing."""
    if orientation in (5, 6, 7, 8):
        samples = samples.T
    if orientation in (2, 3, 6, 7):
        samples = samples[:, ::-1]
    if orientation in (3, 4, 7, 8):
        samples = samples[::-1]
    return samples


def _told_by_tiff(image: Image.Image) -> tuple[int, bool]:
    """Return the bits of a sample, 0 if unknown, and whether it is signed."""
    tags = getattr(image, "tag_v2", None)
    if tags is None:
        return 0, False
    bits, kind = tags.get(_BITS, (0,)), tags.get(_FORMAT, (1,))
    return int(np.ravel(bits)[0]), int(np.ravel(kind)[0]) == _SIGNED
