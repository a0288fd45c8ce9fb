"""Where k-means starts: `random`, `k-means++` or `pca`.

Every function takes the points as whole numbers with their weights and returns K points on the
grid of `kmeans` (coordinates times 2**GRID_SHIFT). Random choices come from the bits of the
standard library's Mersenne Twister by integer arithmetic, so that a seed means the same start on
every platform and with every version of NumPy.
"""

from __future__ import annotations

import heapq
import math
import random
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["GRID_SHIFT", "INITS", "grid_means"]

GRID_SHIFT = 14
"""Centroids are whole numbers in units of 2**-14 of a coordinate."""

_POWER_STEPS = 12
_AXIS_SCALE = 1024

_Points = NDArray[np.int64]  # shape (N, D)
_Weights = NDArray[np.int64]  # shape (N,)


def grid_means(sums: NDArray[np.int64], weights: NDArray[np.int64]) -> NDArray[np.int64]:
    """Means on the grid, rounded to nearest by whole numbers.

    Parameters
    ----------
    sums : ndarray, shape (K, D), int64
        Weighted sums of coordinates.
    weights : ndarray, shape (K,), int64
        All positive.
    """
    weights = weights[:, np.newaxis]
    return ((sums << (GRID_SHIFT + 1)) + weights) // (2 * weights)


def random_start(points: _Points, weights: _Weights, k: int, rng: random.Random) -> _Points:
    """K distinct points drawn as the textbook has it: each pixel is as likely as any other."""
    left = weights.copy()
    chosen: list[int] = []
    while len(chosen) < k:
        cumulative = np.cumsum(left)
        draws = [_below(rng, int(cumulative[-1])) for _ in range(k - len(chosen))]
        drawn = np.searchsorted(cumulative, draws, side="right")
        fresh = list(dict.fromkeys(drawn.tolist()))
        left[fresh] = 0
        chosen += fresh
    return points[chosen] << GRID_SHIFT


def plus_plus_start(points: _Points, weights: _Weights, k: int, rng: random.Random) -> _Points:
    """K-means++ (Arthur and Vassilvitskii 2007, section 2.2).

    Each further point is drawn with a probability in proportion to its weight times its squared
    distance from the nearest one drawn so far.
    """
    chosen = [_draw(weights, rng)]
    nearest = _squared_distances(points, points[chosen[0]])
    while len(chosen) < k:
        chosen.append(_draw(weights * nearest, rng))
        nearest = np.minimum(nearest, _squared_distances(points, points[chosen[-1]]))
    return points[chosen] << GRID_SHIFT


def pca_start(points: _Points, weights: _Weights, k: int, rng: random.Random) -> _Points:
    """Means of K cells, made by cutting the cell that gains most along its principal axis.

    After Wu, "Color quantization by dynamic programming and principal analysis", ACM
    Transactions on Graphics 11(4), 1992, section 4: here each cut alone is the best one along
    the axis. Deterministic: `rng` is not used.
    """
    first = _Cell(points, weights, np.arange(len(points)))
    heap = [(-first.gain, 0, first)]
    cells = 1
    while cells < k:
        # Ties go to the cell made first: the number in the tuple is unique.
        _, number, cell = heapq.heappop(heap)
        for part, key in zip(cell.parts(), (number, cells), strict=True):
            child = _Cell(points, weights, part)
            heapq.heappush(heap, (-child.gain, key, child))
        cells += 1
    ordered = sorted(heap, key=lambda item: item[1])
    sums = np.array([cell.sum for _, _, cell in ordered])
    totals = np.array([cell.weight for _, _, cell in ordered])
    return grid_means(sums, totals)


INITS: dict[str, Callable[[_Points, _Weights, int, random.Random], _Points]] = {
    "pca": pca_start,
    "k-means++": plus_plus_start,
    "random": random_start,
}
"""The ways to start, by name."""


class _Cell:
    """Some of the points, and the best cut through them along their principal axis."""

    def __init__(self, points: _Points, weights: _Weights, members: NDArray[Any]) -> None:
        own, w = points[members], weights[members]
        self.weight = int(w.sum())
        self.sum = (own * w[:, np.newaxis]).sum(axis=0)
        self._members = members
        self._cut = 0
        self.gain = -1.0
        if len(members) > 1:
            axis = _principal_axis(own, w, self.sum, self.weight)
            self._find_cut(own @ axis, w)

    def _find_cut(self, along: NDArray[np.int64], w: NDArray[np.int64]) -> None:
        order = np.argsort(along, kind="stable")
        self._members = self._members[order]
        weight = np.cumsum(w[order])
        moment = np.cumsum((w * along)[order]).astype(np.float64)
        low, total = weight[:-1].astype(np.float64), float(weight[-1])
        high = total - low
        # The squared error falls by low * high / total * (difference of the means)**2.
        difference = moment[:-1] / low - (moment[-1] - moment[:-1]) / high
        gains = low * high / total * difference * difference
        self._cut = int(gains.argmax()) + 1
        self.gain = float(gains[self._cut - 1])

    def parts(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """The points on either side of the cut."""
        return self._members[: self._cut], self._members[self._cut :]


def _principal_axis(
    own: NDArray[np.int64], w: NDArray[np.int64], total: NDArray[np.int64], weight: int
) -> NDArray[np.int64]:
    """Direction of greatest variance, as whole numbers, by power iteration.

    Plain Python floats in a fixed order: LAPACK's last bits differ between machines.
    """
    dims = range(own.shape[1])
    products = [[int((own[:, i] * own[:, j] * w).sum()) for j in dims] for i in dims]
    sums = [int(s) for s in total]
    covariance = [
        [(products[i][j] * weight - sums[i] * sums[j]) / weight for j in dims] for i in dims
    ]
    axis = max(covariance, key=lambda row: sum(map(abs, row)))
    for _ in range(_POWER_STEPS):
        length = math.sqrt(sum(a * a for a in axis))
        if length == 0:
            break
        axis = [a / length for a in axis]
        axis = [sum(row[j] * axis[j] for j in dims) for row in covariance]
    largest = max(map(abs, axis)) or 1.0
    return np.array([math.floor(a / largest * _AXIS_SCALE + 0.5) for a in axis], np.int64)


def _squared_distances(points: _Points, center: NDArray[np.int64]) -> NDArray[np.int64]:
    difference = points - center
    return np.asarray((difference * difference).sum(axis=1))


def _draw(weights: NDArray[np.int64], rng: random.Random) -> int:
    cumulative = np.cumsum(weights)
    drawn = _below(rng, int(cumulative[-1]))
    return int(np.searchsorted(cumulative, drawn, side="right"))


def _below(rng: random.Random, limit: int) -> int:
    """A whole number in 0 ... limit - 1, all equally likely."""
    bits = limit.bit_length()
    while True:
        drawn = rng.getrandbits(bits)
        if drawn < limit:
            return drawn
