"""Weighted k-means (Lloyd 1982) of colours, with their counts as weights.

The result equals that of k-means on all pixels, at the cost of the distinct colours alone.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from kmcodec.quantization.distinct import first_of
from kmcodec.quantization.samples import GRID_BITS, Samples

__all__ = ["heavy_lloyd", "lloyd"]

_MOMENTUM_ONE = 16
_LIMIT = (1 << GRID_BITS) - 1


def lloyd(
    samples: Samples, centroids: NDArray[np.int64], iterations: int, tolerance: float
) -> tuple[NDArray[np.int64], float]:
    """Move centroids to the means of their nearest points, until the inertia hardly changes.

    Parameters
    ----------
    samples : Samples
        More points than centroids.
    centroids : ndarray, shape (K, D), int64
        On the grid.
    iterations : int
        Maximum number of rounds, at least 1.
    tolerance : float
        Converged when a round lowers the inertia by no more than this share of it.

    Returns
    -------
    centroids : ndarray, shape (K, D), int64
        Means of the clusters of the last round; empty clusters restart at badly served points.
    inertia : float
        Inertia of these clusters, in the unit of the points.
    """
    previous = None
    for _ in range(iterations):
        centroids, inertia, all_used = _round(samples, centroids)
        if all_used and previous is not None and previous - inertia <= tolerance * previous:
            break
        previous = inertia
    return centroids, inertia


def heavy_lloyd(
    samples: Samples, centroids: NDArray[np.int64], iterations: int, momentum: int
) -> tuple[NDArray[np.int64], float]:
    """Run Lloyd's algorithm with momentum: faster, and it leaves shallow minima.

    Each centroid also moves by a share of its last movement, as in the heavy-ball method of Polyak
    ("Some methods of speeding up the convergence of iteration methods", USSR Computational
    Mathematics and Mathematical Physics 4(5), 1964, section 2).

    Parameters
    ----------
    samples, centroids
        See `lloyd`.
    iterations : int
        Maximum number of rounds, at least 1.
    momentum : int
        The share in sixteenths, 0 to 15.

    Returns
    -------
    centroids : ndarray, shape (K, D), int64
        Means of the clusters of the best round.
    inertia : float
        Inertia of these clusters, in the unit of the points.
    """
    best, least, idle = centroids, math.inf, 0
    velocity = np.zeros_like(centroids)
    for _ in range(iterations):
        means, inertia, _ = _round(samples, centroids)
        idle = 0 if inertia < least * (1 - 1e-5) else idle + 1
        if inertia < least:
            best, least = means, inertia
        if idle == 3:
            break
        velocity = means - centroids + velocity * momentum // _MOMENTUM_ONE
        centroids = np.clip(centroids + velocity, 0, _LIMIT)
    return best, least


def _round(samples: Samples, centroids: NDArray[np.int64]) -> tuple[NDArray[np.int64], float, bool]:
    """Return the means of the clusters, their inertia, and False if any was empty.

    An empty cluster restarts at a badly served point.
    """
    means, inertia, used = samples.moved(centroids)
    if not used.all():
        _begin_anew(samples, means, np.flatnonzero(~used))
    return means, inertia, bool(used.all())


def _begin_anew(samples: Samples, centroids: NDArray[np.int64], empty: NDArray[np.intp]) -> None:
    """Restart empty clusters at the points with the largest errors."""
    on_grid = samples.points << samples.shift
    difference = (on_grid - centroids[samples.labels(centroids)]).astype(np.float64)
    # Exact: whole numbers below 2**53 before the product with the weight.
    errors = (difference * difference).sum(axis=1) * samples.weights
    worst = first_of(-errors, len(empty))
    centroids[empty] = on_grid[worst]
