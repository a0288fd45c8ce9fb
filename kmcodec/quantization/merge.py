"""A start for colours with alpha: merge points pair by pair until k clusters remain.

The cheapest pairs merge first (Ward, "Hierarchical grouping to optimize an objective function",
Journal of the American Statistical Association 58, 1963), many at a time while many remain. The
cost includes the constraints on a centroid, so that opaque and soft points each get as many entries
as lower the total error most.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kmcodec.quantization.alpha_samples import AlphaSamples

__all__ = ["merged_start"]

_MOST_POINTS = 256
"""Work grows with the square of the points, so more points are first reduced to fewer."""

_BITS = (5, 4, 3)
"""Bits of a coordinate to try when reducing points; fewer would be too coarse."""

_LEAST_SHARE = 3
"""Least number of reduced points for each cluster."""


def merged_start(samples: AlphaSamples, k: int) -> NDArray[np.int64] | None:
    """Return the centroids of k clusters of points.

    Parameters
    ----------
    samples : AlphaSamples
        More than k points.
    k : int

    Returns
    -------
    ndarray, shape (k, D), int64, or None
        On the grid; None if the points are too few for k clusters, or too many to merge.
    """
    few = samples
    if len(samples) > _MOST_POINTS:
        if _LEAST_SHARE * k > _MOST_POINTS:
            return None
        # Reduce the original samples each time: reduced ones have more bits.
        reduced = (samples.reduced(bits) for bits in _BITS)
        found = next((fewer for fewer in reduced if len(fewer) <= _MOST_POINTS), None)
        if found is None or len(found) < _LEAST_SHARE * k:
            return None
        few = found
    totals, sums, kinds = few.weights, few.points * few.weights[:, np.newaxis], few.kinds()
    while len(totals) > k:
        kept, gone = _cheapest_pairs(few, totals, sums, kinds, k)
        totals, sums, kinds = totals.copy(), sums.copy(), kinds.copy()
        totals[kept] += totals[gone]
        sums[kept] += sums[gone]
        kinds[kept] |= kinds[gone]
        totals, sums, kinds = (np.delete(a, gone, axis=0) for a in (totals, sums, kinds))
    return few.places(totals, sums, kinds)


def _cheapest_pairs(
    samples: AlphaSamples,
    totals: NDArray[np.int64],
    sums: NDArray[np.int64],
    kinds: NDArray[np.uint8],
    k: int,
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return clusters to merge and the partner of each: pairs that share no cluster."""
    count, dims = sums.shape
    together = samples.explained(
        np.add.outer(totals, totals).ravel(),
        (sums[:, np.newaxis] + sums).reshape(-1, dims),
        np.bitwise_or.outer(kinds, kinds).ravel(),
    ).reshape(count, count)
    alone = samples.explained(totals, sums, kinds)
    # The increase of the squared error.
    costs = np.add.outer(alone, alone) - together
    np.fill_diagonal(costs, np.inf)
    partners, numbers = costs.argmin(axis=1), np.arange(count)
    least = costs[numbers, partners]
    # Each is the other's cheapest partner. If ties leave no such pair, take the cheapest of all.
    mutual = np.flatnonzero((partners[partners] == numbers) & (numbers < partners))
    if not len(mutual):
        mutual = least.argmin()[np.newaxis]
    order = mutual[np.argsort(least[mutual], kind="stable")]
    first = order[: max(1, min(len(order) // 2, (count - k) // 2))]
    return first, partners[first]
