"""From stored colours to the coordinates in which k-means measures distances, and back.

Coordinates are whole numbers, so that sums are exact and results the same everywhere.
Colours without alpha are their own coordinates. With alpha, the coordinates are premultiplied
(what is hardly seen hardly counts) and kept to 1/4 of a level: hidden colours under full
transparency all fall together.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["has_alpha", "rounded_colors", "to_coordinates"]

# 255 * 255 >> _ALPHA_SHIFT = 1016: premultiplied coordinates have 10 bits.
_ALPHA_SHIFT = 6


def has_alpha(channels: int) -> bool:
    """Whether the last channel is alpha."""
    return channels in (2, 4)


def to_coordinates(colors: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Coordinates of colours.

    Parameters
    ----------
    colors : ndarray, shape (N, C), uint8

    Returns
    -------
    ndarray, shape (N, C), int64
        0 to 255, or 0 to 1016 where there is alpha.
    """
    coordinates = colors.astype(np.int64)
    if has_alpha(colors.shape[1]):
        alpha = coordinates[:, -1:].copy()
        coordinates[:, -1] = 255
        coordinates = (coordinates * alpha) >> _ALPHA_SHIFT
    return coordinates


def rounded_colors(centroids: NDArray[np.float64]) -> NDArray[np.uint8]:
    """The 8-bit colours nearest to points in coordinates.

    Parameters
    ----------
    centroids : ndarray, shape (K, C), float64
        Points in the space of `to_coordinates`.

    Returns
    -------
    ndarray, shape (K, C), uint8
    """
    colors = centroids
    if has_alpha(centroids.shape[1]):
        alpha = centroids[:, -1:]
        visible = np.maximum(alpha, 1e-9)
        colors = np.where(alpha > 0, centroids / visible * 255, 0)
        colors[:, -1:] = alpha * ((1 << _ALPHA_SHIFT) / 255)
    return np.clip(np.floor(colors + 0.5), 0, 255).astype(np.uint8)
