"""Choose clusters to merge and to split by their costs and gains."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kmcodec.quantization.samples import Samples

__all__ = ["Plan", "cheapest_pairs"]

_STEPS = 8  # steps of power iteration
_PAIRS, _SPLITS = 24, 12  # best pairs and splits to combine to single moves


class Plan:
    """The most promising moves of some centroids.

    Parameters
    ----------
    samples : Samples
    centroids : ndarray, shape (K, D), int64
        On the grid.
    """

    def __init__(self, samples: Samples, centroids: NDArray[np.int64]) -> None:
        self._samples, self._centroids = samples, centroids
        labels = samples.labels(centroids)
        self._totals, self._halves, self._gains = _splits(samples, labels, centroids)
        self._best_splits = np.argsort(-self._gains, kind="stable").tolist()
        self._pairs = cheapest_pairs(centroids, self._totals, samples.shift)

    def together(self, moves: int) -> NDArray[np.int64] | None:
        """Return the centroids after up to `moves` moves of different clusters, or None."""
        made: list[tuple[int, int, int]] = []
        busy: set[int] = set()
        splits = iter(self._best_splits)
        for cost, first, second in self._pairs:
            if len(made) == moves:
                break
            if first in busy or second in busy:
                continue
            split = next((i for i in splits if i not in busy and i not in (first, second)), None)
            # A cut through the mean underestimates the final gain.
            if split is None or 1.5 * self._gains[split] < cost:
                break
            made.append((first, second, split))
            busy.update(made[-1])
        return self._after(made) if made else None

    def single(self, rank: int) -> NDArray[np.int64] | None:
        """Return the centroids after the move of this rank (0 is the best), or None."""
        return self._after([self._singles[rank]]) if rank < len(self._singles) else None

    @cached_property
    def _singles(self) -> list[tuple[int, int, int]]:
        moves = [
            (cost - self._gains[split], first, second, split)
            for cost, first, second in self._pairs[:_PAIRS]
            for split in self._best_splits[:_SPLITS]
            if split not in (first, second)
        ]
        return [move[1:] for move in sorted(moves)]

    def _after(self, moves: list[tuple[int, int, int]]) -> NDArray[np.int64]:
        centroids = self._centroids.copy()
        for first, second, split in moves:
            weights = int(self._totals[first]), int(self._totals[second])
            both = self._centroids[[first, second]]
            centroids[first] = self._samples.merged(both, weights)
            centroids[second], centroids[split] = self._halves[0][split], self._halves[1][split]
        return self._samples.pinned(centroids)


def cheapest_pairs(
    centroids: NDArray[np.int64], totals: NDArray[np.int64], shift: int
) -> list[tuple[float, int, int]]:
    """Return the K cheapest mergers: the rise of the squared error and the two clusters."""
    places = centroids / float(1 << shift)
    squares = np.zeros((len(places), len(places)))
    for x in places.T:
        squares += np.subtract.outer(x, x) ** 2
    weights = np.maximum(totals, 1).astype(np.float64)
    costs = squares * np.multiply.outer(weights, weights) / np.add.outer(weights, weights)
    first, second = np.triu_indices(len(places), 1)
    flat = costs[first, second]
    if len(flat) > len(places):
        # A full sort would take longer than everything else.
        few = np.flatnonzero(flat <= np.partition(flat, len(places))[len(places)])
        flat, first, second = flat[few], first[few], second[few]
    order = np.argsort(flat, kind="stable")[: len(places)]
    return list(
        zip(flat[order].tolist(), first[order].tolist(), second[order].tolist(), strict=True)
    )


def _splits(
    samples: Samples, labels: NDArray[np.int32], centroids: NDArray[np.int64]
) -> tuple[NDArray[np.int64], tuple[NDArray[np.int64], NDArray[np.int64]], NDArray[np.float64]]:
    """Return the gain of cutting each cluster at its mean, across its principal axis.

    Returns
    -------
    totals : ndarray, shape (K,), int64
    halves : two ndarrays, shape (K, D), int64
        Means of the halves, on the grid.
    gains : ndarray, shape (K,), float64
    """
    k, points, weights = len(centroids), samples.points, samples.weights
    axes = _principal_axes(samples, labels, k)
    difference = (points << samples.shift) - centroids[labels]
    along = (difference * axes[labels]).sum(axis=1)
    sides = 2 * labels + (along > 0)
    totals = np.bincount(sides, weights, 2 * k).astype(np.int64)
    columns = [np.bincount(sides, weights * x, 2 * k) for x in points.T]
    sums = np.stack(columns, axis=1).astype(np.int64)
    filled = np.maximum(totals, 1)
    means = samples.bound(samples.means(filled, sums), sides)
    # low * high / all * (difference of the means)**2, as for a cut of a cell.
    low, high = totals[0::2].astype(np.float64), totals[1::2].astype(np.float64)
    apart = sums[0::2] / filled[0::2, np.newaxis] - sums[1::2] / filled[1::2, np.newaxis]
    gains = low * high / np.maximum(low + high, 1) * (apart * apart).sum(axis=1)
    return totals[0::2] + totals[1::2], (means[0::2], means[1::2]), gains


def _principal_axes(samples: Samples, labels: NDArray[np.int32], k: int) -> NDArray[np.int64]:
    """Return the direction of greatest variance of each cluster in whole numbers; shape (K, D)."""
    points, weights = samples.points, samples.weights
    dims = range(points.shape[1])
    totals = np.maximum(np.bincount(labels, weights, k), 1)
    sums = [np.bincount(labels, weights * points[:, a], k) for a in dims]
    covariance = np.zeros((len(dims), len(dims), k))
    for a in dims:
        for b in range(a, len(dims)):
            product = np.bincount(labels, weights * points[:, a] * points[:, b], k)
            covariance[a, b] = covariance[b, a] = product - sums[a] * (sums[b] / totals)
    # Begin with the longest row. Work element by element, so that all machines agree.
    longest = np.abs(covariance).sum(axis=1).argmax(axis=0)
    vector = covariance[longest, :, np.arange(k)].T
    for _ in range(_STEPS):
        length = np.sqrt((vector * vector).sum(axis=0))
        vector = vector / np.maximum(length, 1e-300)
        vector = (covariance * vector).sum(axis=1)
    largest = np.maximum(np.abs(vector).max(axis=0), 1e-300)
    axes: NDArray[np.int64] = np.floor(vector / largest * 1024 + 0.5).astype(np.int64)
    return axes.T
