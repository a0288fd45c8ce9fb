"""Round centroids with alpha to 8 bits.

Rounding alpha changes the visible colour, and another colour can compensate. So a few levels of
alpha are tried, each with its best colour, and the best pair is kept. Rounding also moves the
borders between entries, so means are computed and rounded again while that lowers the error.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kmcodec.quantization.alpha_samples import AlphaSamples
from kmcodec.quantization.colorspace import ColorSpace

__all__ = ["nearest_colors", "rounded_with_alpha"]

_OFFSETS = (0, -1, 1, -2, 2)
"""Levels of alpha to try, relative to the nearest one; the first wins a tie."""


def rounded_with_alpha(
    samples: AlphaSamples, centroids: NDArray[np.int64], space: ColorSpace, sweeps: int
) -> NDArray[np.uint8]:
    """Round centroids to 8-bit palette entries.

    Parameters
    ----------
    samples : AlphaSamples
        In the coordinates of the space.
    centroids : ndarray, shape (K, D), int64
        On the grid.
    space : ColorSpace
    sweeps : int
        Maximum number of times to recompute the means.

    Returns
    -------
    ndarray, shape (K, D), uint8
    """
    shift = samples.shift
    best = nearest_colors(samples.settled(centroids), shift, space)
    places = space.to_coordinates(best) << shift
    error = samples.error(places)
    for _ in range(sweeps):
        means, _, _ = samples.moved(places)
        entries = nearest_colors(means, shift, space)
        places = space.to_coordinates(entries) << shift
        trial = samples.error(places)
        if trial >= error:
            break
        best, error = entries, trial
    return best


def nearest_colors(
    centroids: NDArray[np.int64], shift: int, space: ColorSpace
) -> NDArray[np.uint8]:
    """Return the 8-bit colour nearest to each centroid; opaque and clear ones stay so.

    Parameters
    ----------
    centroids : ndarray, shape (K, D), int64
        In units of ``2**-shift`` of a coordinate.
    shift : int
    space : ColorSpace

    Returns
    -------
    ndarray, shape (K, D), uint8
    """
    points = centroids / float(1 << shift)
    best = space.to_colors(points)
    bound = (best[:, -1] == 0) | (best[:, -1] == 255)
    near = best[:, -1].astype(np.int64)
    least = np.full(len(best), np.iinfo(np.int64).max)
    for offset in _OFFSETS:
        alpha = np.where(bound, near, np.clip(near + offset, 1, 254)).astype(np.uint8)
        colors = space.with_alpha(points, alpha[:, np.newaxis])
        difference = (space.to_coordinates(colors) << shift) - centroids
        distances = (difference * difference).sum(axis=1)
        nearer = distances < least
        best[nearer], least[nearer] = colors[nearer], distances[nearer]
    return best
