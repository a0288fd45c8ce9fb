"""The ramp: the palette that a file need not store (spec/kmc-1.md, section 4.3)."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

from kmcodec.model.palette_order import dark_to_bright

__all__ = ["channels_of_ramp", "is_ramp", "ramp"]


def channels_of_ramp(count: int) -> int:
    """Return the channels of a ramp of so many entries: grey as long as greys suffice."""
    return 1 if count <= 256 else 3


@functools.lru_cache(maxsize=16)  # readers of small chunks ask for the same ones again
def ramp(count: int) -> NDArray[np.uint8]:
    """Return the ramp: colours that become brighter with the rank.

    Parameters
    ----------
    count : int
        1 to 65,536.

    Returns
    -------
    ndarray, shape (count, 1) up to 256, else (count, 3), uint8
        It is read-only, as all palettes are.
    """
    colors = _colors(count)
    colors.setflags(write=False)
    return colors


def _colors(count: int) -> NDArray[np.uint8]:
    ranks = np.arange(count)
    if count <= 256:
        greys: NDArray[np.uint8] = (ranks * 255 // max(1, count - 1)).astype(np.uint8)
        return greys[:, np.newaxis]
    # Each channel has every third bit of the rank, in its highest places.
    levels = -(-(count - 1).bit_length() // 3)
    colors = np.zeros((count, 3), np.uint8)
    for bit in range(3 * levels):
        colors[:, bit % 3] |= ((ranks >> bit & 1) << (8 - levels + bit // 3)).astype(np.uint8)
    return colors[dark_to_bright(colors)]


def is_ramp(palette: NDArray[np.uint8]) -> bool:
    """Return True if a palette of shape (K, C) is the ramp of its length."""
    count, channels = palette.shape
    return channels == channels_of_ramp(count) and np.array_equal(palette, ramp(count))
