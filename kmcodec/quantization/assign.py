"""Nearest neighbours, exactly: the same answer on every machine, ties to the lower index.

BLAS computes the products, in whatever order and with whatever fused instructions it likes. That
is harmless because all factors are multiples of a grid so coarse that every intermediate result
is a whole number below 2**53, which float64 holds exactly.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kmcodec.quantization.colorspace import to_coordinates

__all__ = ["GRID_BITS", "nearest_centroids", "nearest_entries"]

GRID_BITS = 24
"""Coordinates are whole numbers of at most this many bits when distances are computed."""

# Distances are computed for as many points at a time as make a table that stays in the cache.
_TABLE = 1 << 18


def nearest_centroids(
    points: NDArray[np.int64], centroids: NDArray[np.int64]
) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """The nearest centroid of each point, ties to the lower index.

    Parameters
    ----------
    points : ndarray, shape (N, D), int64
    centroids : ndarray, shape (K, D), int64
        Both in the same unit, in 0 ... 2**24 - 1, D at most 4.

    Returns
    -------
    labels : ndarray, shape (N,), intp
    distances : ndarray, shape (N,), float64
        Squared distances; whole numbers, exact.
    """
    half_norms = np.einsum("kd,kd->k", centroids, centroids)
    transposed = -2.0 * centroids.T.astype(np.float64)
    norms = half_norms.astype(np.float64)
    labels = np.empty(len(points), np.intp)
    distances = np.empty(len(points))
    step = max(1, _TABLE // len(centroids))
    for start in range(0, len(points), step):
        group = points[start : start + step].astype(np.float64)
        table = group @ transposed
        table += norms
        nearest = table.argmin(axis=1)
        labels[start : start + step] = nearest
        own = np.square(group).sum(axis=1)
        distances[start : start + step] = table[np.arange(len(group)), nearest] + own
    return labels, distances


def nearest_entries(colors: NDArray[np.uint8], palette: NDArray[np.uint8]) -> NDArray[Any]:
    """The nearest palette entry of each colour, ties to the lower index.

    Parameters
    ----------
    colors : ndarray, shape (N, C), uint8
    palette : ndarray, shape (K, C), uint8

    Returns
    -------
    ndarray, shape (N,), intp
    """
    return nearest_centroids(to_coordinates(colors), to_coordinates(palette))[0]
