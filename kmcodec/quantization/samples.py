"""Samples: weighted points in whole numbers, and their assignment to centroids.

Centroids are whole numbers too, on a grid of 2**24 steps across the range of a coordinate. Every
distance and every sum is then exact: the compiled search and its twin give the same result, on
every machine and whatever the order of the work.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kmcodec.quantization.assign import searcher
from kmcodec.quantization.distinct import distinct_keys

__all__ = ["GRID_BITS", "Samples"]

GRID_BITS = 24
"""Bits of a coordinate on the grid."""

# Extra bits of the means of reduced samples.
_FINER = 2

# A table counts cells if it has at most 2**21 of them.
_MOST_TABLE_BITS = 21


class Samples:
    """Weighted points for k-means.

    Parameters
    ----------
    points : ndarray, shape (N, D), int64
        Distinct, D at most 4, coordinates in 0 ... 2**bits - 1.
    weights : ndarray, shape (N,), int64
        Positive.
    bits : int
        Bits of a coordinate, 8 to 14.

    Attributes
    ----------
    shift : int
        The unit of `points` is ``2**shift`` steps of the grid.
    parts : list of (int, int)
        Starts and stops of groups of points that begin in separate clusters.
    pins : ndarray, shape (P, D), int64
        Places on the grid where the first P centroids stay; none unless set.
    """

    def __init__(self, points: NDArray[np.int64], weights: NDArray[np.int64], bits: int) -> None:
        self.pins = np.zeros((0, points.shape[1]), np.int64)
        self.points = points
        self.weights = weights
        self.bits = bits
        self.shift = GRID_BITS - bits
        self.parts = [(0, len(points))]
        self._searcher = searcher(points, weights, self.shift)
        # Sum by columns: a table of squares would be as large as the points.
        self._square_sum = float(sum(int((column * column) @ weights) for column in points.T))

    def __len__(self) -> int:
        return len(self.points)

    def labels(self, centroids: NDArray[np.int64]) -> NDArray[np.int32]:
        """Return the nearest centroid of each point, ties to the lower index; shape (N,)."""
        return self._searcher.labels(centroids)

    def moments(self, centroids: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Sum the points nearest to each centroid.

        Returns
        -------
        totals : ndarray, shape (K,), int64
            Sums of weights.
        sums : ndarray, shape (K, D), int64
            Weighted sums of points, in their unit.
        """
        return self._searcher.moments(centroids)

    def means(self, totals: NDArray[np.int64], sums: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the centroids of non-empty clusters, on the grid."""
        divisors = totals[:, np.newaxis]
        # Round to nearest in whole numbers.
        return ((sums << (self.shift + 1)) + divisors) // (2 * divisors)

    def inertia(self, totals: NDArray[np.int64], sums: NDArray[np.int64]) -> float:
        """Return the weighted sum of squared distances from the means, in units of the points.

        Parameters
        ----------
        totals, sums
            See `moments`; empty clusters are skipped.
        """
        used = totals > 0
        explained = (sums[used].astype(np.float64) ** 2) / totals[used, np.newaxis]
        # fsum rounds once, whatever the order, so the bits are the same everywhere.
        return self._square_sum - math.fsum(explained.ravel().tolist())

    def moved(
        self, centroids: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], float, NDArray[np.bool_]]:
        """Move centroids to the means of their nearest points.

        Returns
        -------
        means : ndarray, shape (K, D), int64
            On the grid; pins and centroids of empty clusters stay.
        inertia : float
            Inertia of the clusters, in units of the points.
        used : ndarray, shape (K,), bool
            True for clusters that are not empty, and for pins.
        """
        totals, sums = self.moments(centroids)
        used = totals > 0
        means = centroids.copy()
        means[used] = self.means(totals[used], sums[used])
        inertia = self.inertia(totals, sums) + self.off_pins(totals, sums)
        used[: len(self.pins)] = True
        return self.pinned(means), inertia, used

    def pinned(self, centroids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Put the first centroids, in place, where the pins are."""
        centroids[: len(self.pins)] = self.pins
        return centroids

    def off_pins(self, totals: NDArray[np.int64], sums: NDArray[np.int64]) -> float:
        """Return how much the inertia is larger because pins are not at their means.

        Parameters
        ----------
        totals, sums
            See `moments`.
        """
        held = np.flatnonzero(totals[: len(self.pins)])
        if not len(held):
            return 0.0
        weights = totals[held, np.newaxis]
        off = sums[held] / weights - self.pins[held] / float(1 << self.shift)
        return math.fsum((off * off * weights).ravel().tolist())

    def bound(self, means: NDArray[np.int64], labels: NDArray[Any]) -> NDArray[np.int64]:
        """Return the means of clusters as valid centroids for their points.

        Parameters
        ----------
        means : ndarray, shape (2 K, D), int64
            On the grid; two halves of each cluster.
        labels : ndarray, shape (N,), integer
            The half of each point.
        """
        return means

    def merged(self, centroids: NDArray[np.int64], weights: tuple[int, int]) -> list[int]:
        """Return the centroid that replaces two; shape (D,).

        Parameters
        ----------
        centroids : ndarray, shape (2, D), int64
        weights : two int
            Weights of their clusters.
        """
        low, high = weights
        both = zip(*centroids.tolist(), strict=True)
        # Use Python integers: these products can exceed 63 bits.
        return [(a * low + b * high) // max(1, low + high) for a, b in both]

    def reduced(self, bits: int) -> Samples:
        """Replace points with the same upper bits by one point at their mean.

        Parameters
        ----------
        bits : int
            Upper bits of a coordinate that distinguish points.

        Returns
        -------
        Samples
            With two more bits than the given points.
        """
        cells = np.zeros(len(self.points), np.int64)
        for column in self.points.T:
            cells = (cells << bits) | (column >> (self.bits - bits))
        if bits * self.points.shape[1] > _MOST_TABLE_BITS:
            _, cells = distinct_keys(cells)
        # bincount sums in float64: exact below 2**53.
        totals = np.bincount(cells, self.weights)
        filled = totals > 0
        totals = totals[filled].astype(np.int64)
        columns = [np.bincount(cells, self.weights * column)[filled] for column in self.points.T]
        sums = np.stack(columns, axis=1).astype(np.int64)
        divisors = totals[:, np.newaxis]
        means = ((sums << (_FINER + 1)) + divisors) // (2 * divisors)
        reduced = Samples(means, totals, self.bits + _FINER)
        reduced.pins = self.pins
        return reduced
