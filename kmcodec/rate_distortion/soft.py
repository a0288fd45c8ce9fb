"""Smooth images: to find the borders in soft regions without grain, and to see dither from afar."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kmcodec.model.metrics import products
from kmcodec.quantization.colorspace import has_alpha

__all__ = ["smoothed", "squared_error_from_afar"]

# Pixels on each side of a pixel, in each of two passes: about a Gaussian with sigma 3.7.
_RADIUS = 4
# The same from afar: about a Gaussian with sigma 2.
_NEAR_RADIUS = 2


def smoothed(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the mean of the surroundings of each pixel.

    Parameters
    ----------
    pixels : ndarray, shape (H, W, C), uint8

    Returns
    -------
    ndarray, shape (H, W, C), uint8
    """
    smooth = np.empty_like(pixels)
    # Channel by channel, as each takes a few times its own memory.
    for channel in range(pixels.shape[2]):
        plane = pixels[..., channel].astype(np.uint32)
        for axis in (0, 1):
            plane = _box(_box(plane, axis, _RADIUS), axis, _RADIUS)
        # Each of four passes multiplies by the number of its samples.
        scale = (2 * _RADIUS + 1) ** 4
        smooth[..., channel] = (plane + scale // 2) // scale
    return smooth


def squared_error_from_afar(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> int:
    """Return the sum of squared differences of two images after smoothing, in 1/2**16.

    Parameters
    ----------
    first, second : ndarray, shape (H, W, C), uint8
        Any alpha counts as in `squared_error`.
    """
    channels, total = first.shape[2], 0
    difference = products(first, channels).astype(np.int32) - products(second, channels)
    if has_alpha(channels):
        difference //= 255
    for channel in range(difference.shape[2]):
        plane = difference[..., channel].astype(np.uint32)
        for axis in (0, 1):
            plane = _box(_box(plane, axis, _NEAR_RADIUS), axis, _NEAR_RADIUS)
        seen = plane.astype(np.int32).astype(np.int64) * 256 // (2 * _NEAR_RADIUS + 1) ** 4
        total += int(np.square(seen).sum())
    return total


def _box(plane: NDArray[np.uint32], axis: int, radius: int) -> NDArray[np.uint32]:
    """Return sums over a window along an axis; pixels of the edge repeat beyond it."""
    size = 2 * radius + 1
    margin = [(0, 0), (0, 0)]
    margin[axis] = (radius + 1, radius)
    # Modulo 2**32 the sums of windows are right, however often the running sum wraps.
    running: NDArray[np.uint32] = np.pad(plane, margin, mode="edge").cumsum(
        axis=axis, dtype=np.uint32
    )
    return running[size:] - running[:-size] if axis == 0 else running[:, size:] - running[:, :-size]
