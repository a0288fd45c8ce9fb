"""Samples of colours with alpha: what is opaque and what is clear goes to entries that are so.

Opaque points, soft ones (neither opaque nor clear) and the clear point are searched together, so
that the entries are dealt out between them as serves all of them best. Two rules hold throughout,
in the assignment as well as in the means: opaque points go to opaque centroids only, and the clear
point has a centroid of its own place. Soft points go to whichever centroid is nearest.
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kmcodec.quantization.samples import GRID_BITS, Samples

__all__ = ["AlphaSamples"]

_OPAQUE = 255 << (GRID_BITS - 8)
"""The alpha of opaque points on the grid, in all spaces."""


class AlphaSamples(Samples):
    """Weighted points for k-means whose last coordinate is alpha.

    Parameters
    ----------
    opaque, soft : Samples or None
        Opaque points, and all others that are not clear; of the same number of bits.
    clear : ndarray, shape (D,), int64, or None
        The point of what is fully transparent.
    clear_weight : int
        Positive if there is a clear point.
    """

    def __init__(
        self,
        opaque: Samples | None,
        soft: Samples | None,
        clear: NDArray[np.int64] | None,
        clear_weight: int,
    ) -> None:
        self._opaque, self._soft = opaque, soft
        self._clear, self._clear_weight = clear, clear_weight
        parts = [part for part in (opaque, soft) if part is not None]
        points, weights = [part.points for part in parts], [part.weights for part in parts]
        if clear is not None:
            points.append(clear[np.newaxis])
            weights.append(np.array([clear_weight]))
        self.points, self.weights = np.concatenate(points), np.concatenate(weights)
        self.bits, self.shift = parts[0].bits, parts[0].shift
        ends = np.cumsum([0, *map(len, points)]).tolist()
        self.parts = list(itertools.pairwise(ends))
        squares = int((self.points * self.points).sum(axis=1) @ self.weights)
        self._square_sum = float(squares)

    def settled(self, centroids: NDArray[np.int64]) -> NDArray[np.int64]:
        """The centroids with one in the place of the clear point, and an opaque one at least.

        Of one centroid for all points only the latter is true.
        """
        settled = centroids.copy()
        free = np.ones(len(centroids), bool)
        if self._clear is not None and len(centroids) > 1:
            place = self._clear << self.shift
            difference = centroids - place
            nearest = int((difference * difference).sum(axis=1).argmin())
            settled[nearest] = place
            free[nearest] = False
        if self._opaque is not None:
            alpha = np.where(free, settled[:, -1], -1)
            alpha[alpha.argmax()] = _OPAQUE
            settled[alpha >= _OPAQUE, -1] = _OPAQUE
        return settled

    def labels(self, centroids: NDArray[np.int64]) -> NDArray[np.int32]:
        """See `Samples.labels`."""
        centroids = self.settled(centroids)
        labels = []
        if self._opaque is not None:
            entries = np.flatnonzero(centroids[:, -1] == _OPAQUE).astype(np.int32)
            labels.append(entries[self._opaque.labels(centroids[entries])])
        if self._soft is not None:
            labels.append(self._soft.labels(centroids))
        if self._clear is not None:
            labels.append(np.array([self._of_clear(centroids)], np.int32))
        return np.concatenate(labels)

    def moments(self, centroids: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """See `Samples.moments`."""
        totals, sums, _ = self._moments(self.settled(centroids))
        return totals, sums

    def moved(
        self, centroids: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], float, NDArray[np.bool_]]:
        """See `Samples.moved`; opaque centroids stay opaque, the clear one keeps its place."""
        means = self.settled(centroids)
        totals, sums, opaque = self._moments(means)
        inertia, used = self.inertia(totals, sums), totals > 0
        free = used.copy()
        # What the bound coordinates add: the squared distance from the place to the mean.
        added = []
        bound = opaque > 0
        missing = ((255 << (self.bits - 8)) * totals - sums[:, -1])[bound].astype(np.float64)
        added += (missing * missing / totals[bound]).tolist()
        if self._clear is not None and len(centroids) > 1:
            own = self._of_clear(means)
            free[own] = False
            off = (sums[own] - totals[own] * self._clear).astype(np.float64)
            added += (off * off / totals[own]).tolist()
        means[free] = self.means(totals[free], sums[free])
        means[bound, -1] = _OPAQUE
        return means, inertia + math.fsum(added), used

    def bound(self, means: NDArray[np.int64], labels: NDArray[Any]) -> NDArray[np.int64]:
        """See `Samples.bound`; what is opaque in the main becomes so, a half of each two at least.

        As halves of one cluster follow one another, an opaque cluster leaves an opaque half.
        """
        if self._opaque is None:
            return means
        k, count = len(means), len(self._opaque)
        opaque = np.bincount(labels[:count], self._opaque.weights, k)
        most = opaque.reshape(-1, 2).max(axis=1).repeat(2)
        solid = (opaque > 0) & (
            (opaque == most) | (2 * opaque > np.bincount(labels, self.weights, k))
        )
        means[solid, -1] = _OPAQUE
        return means

    def merged(self, centroids: NDArray[np.int64], weights: tuple[int, int]) -> list[int]:
        """See `Samples.merged`; what is opaque stays where it is beside what is not."""
        opaque = centroids[:, -1] >= _OPAQUE
        if opaque[0] != opaque[1]:
            kept: list[int] = centroids[int(opaque[1])].tolist()
            return kept
        return super().merged(centroids, weights)

    def reduced(self, bits: int) -> AlphaSamples:
        """See `Samples.reduced`; what is opaque stays apart."""
        opaque, soft = (
            None if part is None else part.reduced(bits) for part in (self._opaque, self._soft)
        )
        finer = self.shift - next(part.shift for part in (opaque, soft) if part is not None)
        clear = None if self._clear is None else self._clear << finer
        return AlphaSamples(opaque, soft, clear, self._clear_weight)

    def _moments(
        self, settled: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """What `moments` tells, and the weight of the opaque points of each centroid."""
        k, dims = settled.shape
        totals, opaque = np.zeros((2, k), np.int64)
        sums = np.zeros((k, dims), np.int64)
        if self._opaque is not None:
            entries = np.flatnonzero(settled[:, -1] == _OPAQUE)
            opaque[entries], sums[entries] = self._opaque.moments(settled[entries])
            totals += opaque
        if self._soft is not None:
            of_soft, sums_of_soft = self._soft.moments(settled)
            totals += of_soft
            sums += sums_of_soft
        if self._clear is not None:
            own = self._of_clear(settled)
            totals[own] += self._clear_weight
            sums[own] += self._clear_weight * self._clear
        return totals, sums, opaque

    def _of_clear(self, settled: NDArray[np.int64]) -> int:
        """The number of the centroid of the clear point."""
        assert self._clear is not None
        difference = settled - (self._clear << self.shift)
        return int((difference * difference).sum(axis=1).argmin())
