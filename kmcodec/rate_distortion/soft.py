"""Smooth soft regions to find the borders between entries in them without grain."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["smoothed"]

# Pixels on each side of a pixel, in each of two passes: about a Gaussian with sigma 3.7.
_RADIUS = 4


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
            plane = _box(_box(plane, axis), axis)
        # Each of four passes multiplies by the number of its samples.
        scale = (2 * _RADIUS + 1) ** 4
        smooth[..., channel] = (plane + scale // 2) // scale
    return smooth


def _box(plane: NDArray[np.uint32], axis: int) -> NDArray[np.uint32]:
    """Return sums over a window along an axis; pixels of the edge repeat beyond it."""
    size = 2 * _RADIUS + 1
    margin = [(0, 0), (0, 0)]
    margin[axis] = (_RADIUS + 1, _RADIUS)
    # Modulo 2**32 the sums of windows are right, however often the running sum wraps.
    running: NDArray[np.uint32] = np.pad(plane, margin, mode="edge").cumsum(
        axis=axis, dtype=np.uint32
    )
    return running[size:] - running[:-size] if axis == 0 else running[:, size:] - running[:, :-size]
