"""Weighted k-means on a histogram (Lloyd 1982).

The colours are the data and their counts the weights: the result is exactly that of k-means on
all pixels, at the cost of the distinct colours alone. Centroids are kept on a grid of 2**-14 of a
coordinate, which makes every distance exact (see `assign`) and the result the same everywhere.
"""

from __future__ import annotations

import random

import numpy as np
from numpy.typing import NDArray

from kmcodec.quantization.assign import nearest_centroids
from kmcodec.quantization.initialize import GRID_SHIFT, INITS, grid_means

__all__ = ["kmeans"]

# Squared distances have 28 fractional bits; 8 of them are enough to see whether k-means has
# converged, and leave room for the sum over 2**31 pixels.
_INERTIA_SHIFT = 2 * GRID_SHIFT - 8


def kmeans(
    points: NDArray[np.int64],
    weights: NDArray[np.int64],
    k: int,
    *,
    init: str,
    seed: int,
    iterations: int,
    restarts: int,
    tolerance: float = 1e-4,
) -> NDArray[np.float64]:
    """Find k centroids with a small weighted sum of squared distances.

    Parameters
    ----------
    points : ndarray, shape (N, D), int64
        Distinct, N > k, coordinates in 0 ... 1023, D at most 4.
    weights : ndarray, shape (N,), int64
        Positive.
    k : int
        At least 1.
    init : str
        A key of `INITS`.
    seed : int
    iterations : int
        The most rounds of Lloyd's algorithm a start may take.
    restarts : int
        Starts in all, of which the best is taken. As `pca` would only repeat itself, its further
        starts are k-means++.
    tolerance : float
        A start has converged when a round lowers the inertia by no more than this share of it.

    Returns
    -------
    ndarray, shape (k, D), float64
        Centroids in the unit of `points`.
    """
    rng = random.Random(seed)
    best, best_inertia = None, None
    for restart in range(restarts):
        start = INITS["k-means++" if restart and init == "pca" else init]
        centroids = start(points, weights, k, rng)
        centroids, inertia = _lloyd(points, weights, centroids, iterations, tolerance)
        if best_inertia is None or inertia < best_inertia:
            best, best_inertia = centroids, inertia
    assert best is not None
    return best / float(1 << GRID_SHIFT)


def _lloyd(
    points: NDArray[np.int64],
    weights: NDArray[np.int64],
    centroids: NDArray[np.int64],
    iterations: int,
    tolerance: float,
) -> tuple[NDArray[np.int64], int]:
    on_grid = points << GRID_SHIFT
    previous = None
    for _ in range(iterations):
        labels, distances = nearest_centroids(on_grid, centroids)
        inertia = _inertia(distances, weights)
        if inertia == 0 or (previous is not None and previous - inertia <= tolerance * previous):
            return centroids, inertia
        previous = inertia
        centroids = _means(points, weights, labels, distances, centroids)
    _, distances = nearest_centroids(on_grid, centroids)
    return centroids, _inertia(distances, weights)


def _means(
    points: NDArray[np.int64],
    weights: NDArray[np.int64],
    labels: NDArray[np.intp],
    distances: NDArray[np.float64],
    centroids: NDArray[np.int64],
) -> NDArray[np.int64]:
    """The mean of each cluster; an empty one begins anew at a badly served point."""
    k = len(centroids)
    # bincount sums in float64: exact, because all of its sums are whole and below 2**53.
    totals = np.bincount(labels, weights, k).astype(np.int64)
    sums = np.stack(
        [np.bincount(labels, weights * column, k).astype(np.int64) for column in points.T], axis=1
    )
    used = totals > 0
    means = centroids.copy()
    means[used] = grid_means(sums[used], totals[used])
    empty = np.flatnonzero(~used)
    if len(empty):
        worst = np.argsort(-(distances * weights), kind="stable")[: len(empty)]
        means[empty] = points[worst] << GRID_SHIFT
    return means


def _inertia(distances: NDArray[np.float64], weights: NDArray[np.int64]) -> int:
    """Weighted sum of squared distances in whole units of 2**-8: exact, in any order."""
    return int(((distances.astype(np.int64) >> _INERTIA_SHIFT) * weights).sum())
