"""Samples of colours with alpha: opaque and clear colours get opaque and clear entries.

Opaque points, soft ones (neither opaque nor clear) and the clear point are clustered together, so
that each kind gets as many entries as lower the total error most. Two rules hold in both the
assignment and the means: opaque points go to opaque centroids only, and one centroid lies exactly
at the clear point. Soft points go to the nearest centroid of any kind.
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kmcodec.quantization.samples import Samples

__all__ = ["AlphaSamples"]


class AlphaSamples(Samples):
    """Weighted points for k-means whose last coordinate is alpha.

    Parameters
    ----------
    opaque, soft : Samples or None
        Opaque points, and all others that are not clear; of the same number of bits.
    clear : ndarray, shape (D,), int64, or None
        The point of all fully transparent colours.
    clear_weight : int
        Positive if there is a clear point.
    full : int
        The alpha of opaque points, in the unit of the points.
    """

    def __init__(
        self,
        opaque: Samples | None,
        soft: Samples | None,
        clear: NDArray[np.int64] | None,
        clear_weight: int,
        full: int,
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
        self._full, self._on_grid = full, full << self.shift
        ends = np.cumsum([0, *map(len, points)]).tolist()
        self.parts = list(itertools.pairwise(ends))
        self.pins = np.zeros((0, self.points.shape[1]), np.int64)
        squares = int((self.points * self.points).sum(axis=1) @ self.weights)
        self._square_sum = float(squares)

    def settled(self, centroids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Move one centroid to the clear point, and make at least one centroid opaque.

        A single centroid for all points only becomes opaque. Pins stay where they are; one that
        is at the clear point or opaque will do.
        """
        settled = self.pinned(centroids.copy())
        pins = len(self.pins)
        free = np.arange(len(centroids)) >= pins
        solid = self._opaque is None or bool((self.pins[:, -1] == self._on_grid).any())
        if self._clear is not None and len(centroids) > 1 and free.sum() > (not solid):
            place = self._clear << self.shift
            difference = settled - place
            distances = (difference * difference).sum(axis=1)
            if distances[:pins].all():
                nearest = pins + int(distances[pins:].argmin())
                settled[nearest] = place
                free[nearest] = False
        if self._opaque is not None and free.any():
            alpha = np.where(free, settled[:, -1], -1)
            if not solid:
                alpha[alpha.argmax()] = self._on_grid
            settled[alpha >= self._on_grid, -1] = self._on_grid
        return settled

    def labels(self, centroids: NDArray[np.int64]) -> NDArray[np.int32]:
        """See `Samples.labels`."""
        centroids = self.settled(centroids)
        labels = []
        if self._opaque is not None:
            entries = np.flatnonzero(centroids[:, -1] == self._on_grid).astype(np.int32)
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
        pins = len(self.pins)
        used[:pins] = True
        free = used.copy()
        free[:pins] = False
        # A bound coordinate adds the squared distance from its place to the mean.
        added = [self.off_pins(totals, sums)]
        bound = opaque > 0
        bound[:pins] = False
        missing = (self._full * totals - sums[:, -1])[bound].astype(np.float64)
        added += (missing * missing / totals[bound]).tolist()
        own = None if self._clear is None else self._of_clear(means)
        if own is not None and free[own] and self._keeps_clear(means, own):
            free[own] = False
            off = (sums[own] - totals[own] * self._clear).astype(np.float64)
            added += (off * off / totals[own]).tolist()
        means[free] = self.means(totals[free], sums[free])
        means[bound, -1] = self._on_grid
        return means, inertia + math.fsum(added), used

    def error(self, centroids: NDArray[np.int64]) -> int:
        """Return the weighted sum of squared distances from centroids at whole coordinates.

        Parameters
        ----------
        centroids : ndarray, shape (K, D), int64
            On the grid.

        Returns
        -------
        int
            In units of the points, less a constant.
        """
        settled = self.settled(centroids)
        totals, sums, _ = self._moments(settled)
        entries = settled >> self.shift
        return int((entries * entries).sum(axis=1) @ totals) - 2 * int((entries * sums).sum())

    def bound(self, means: NDArray[np.int64], labels: NDArray[Any]) -> NDArray[np.int64]:
        """See `Samples.bound`; mostly opaque halves become opaque.

        Halves of one cluster follow one another. Of a cluster with opaque points at least one
        half becomes opaque.
        """
        if self._opaque is None:
            return means
        k, count = len(means), len(self._opaque)
        opaque = np.bincount(labels[:count], self._opaque.weights, k)
        most = opaque.reshape(-1, 2).max(axis=1).repeat(2)
        solid = (opaque > 0) & (
            (opaque == most) | (2 * opaque > np.bincount(labels, self.weights, k))
        )
        means[solid, -1] = self._on_grid
        return means

    def merged(self, centroids: NDArray[np.int64], weights: tuple[int, int]) -> list[int]:
        """See `Samples.merged`; an opaque centroid keeps its place when the other is not."""
        opaque = centroids[:, -1] >= self._on_grid
        if opaque[0] != opaque[1]:
            kept: list[int] = centroids[int(opaque[1])].tolist()
            return kept
        return super().merged(centroids, weights)

    def reduced(self, bits: int) -> AlphaSamples:
        """See `Samples.reduced`; opaque points are not merged with others."""
        opaque, soft = (
            None if part is None else part.reduced(bits) for part in (self._opaque, self._soft)
        )
        finer = self.shift - next(part.shift for part in (opaque, soft) if part is not None)
        clear = None if self._clear is None else self._clear << finer
        reduced = AlphaSamples(opaque, soft, clear, self._clear_weight, self._full << finer)
        reduced.pins = self.pins
        return reduced

    def _moments(
        self, settled: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Return the moments, and the weight of the opaque points of each centroid."""
        k, dims = settled.shape
        totals, opaque = np.zeros((2, k), np.int64)
        sums = np.zeros((k, dims), np.int64)
        if self._opaque is not None:
            entries = np.flatnonzero(settled[:, -1] == self._on_grid)
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

    def _keeps_clear(self, settled: NDArray[np.int64], own: int) -> bool:
        """Return whether the clear point has a centroid in its place, of several."""
        assert self._clear is not None
        return len(settled) > 1 and bool((settled[own] == self._clear << self.shift).all())

    def _of_clear(self, settled: NDArray[np.int64]) -> int:
        """Return the index of the centroid at the clear point."""
        assert self._clear is not None
        difference = settled - (self._clear << self.shift)
        return int((difference * difference).sum(axis=1).argmin())

    # --- clusters, of points of more than one kind ------------------------------------------

    def kinds(self) -> NDArray[np.uint8]:
        """Return the kind of each point: opaque (1), clear (2) or neither (0)."""
        kinds = np.zeros(len(self), np.uint8)
        if self._opaque is not None:
            kinds[: len(self._opaque)] = 1
        if self._clear is not None:
            kinds[-1] = 2
        return kinds

    def explained(
        self, totals: NDArray[np.int64], sums: NDArray[np.int64], kinds: NDArray[np.uint8]
    ) -> NDArray[np.float64]:
        """Return by how much each centroid lowers the weighted sum of squares of its points.

        Parameters
        ----------
        totals : ndarray, shape (K,), int64
            Weights of the clusters, all positive.
        sums : ndarray, shape (K, D), int64
        kinds : ndarray, shape (K,), uint8
            The kinds of their points, combined by OR. With an opaque point the centroid is opaque;
            with the clear point it lies there.
        """
        weights, columns = totals.astype(np.float64), sums.T.astype(np.float64)
        opaque, clear = (kinds & 1) > 0, kinds >= 2
        full = float(self._full)
        # Sum column by column, so that the order is the same everywhere.
        explained: NDArray[np.float64] = np.where(
            opaque, (2 * columns[-1] - weights * full) * full, columns[-1] * columns[-1] / weights
        )
        for column in columns[:-1]:
            explained += column * column / weights
        if clear.any():
            assert self._clear is not None
            place = self._clear.astype(np.float64)
            own = np.zeros(int(clear.sum()))
            for column, at in zip(columns, place, strict=True):
                own += (2 * column[clear] - weights[clear] * at) * at
            explained[clear] = own
            # Forbid clusters of both kinds: opaque points need an opaque centroid.
            explained[clear & opaque] = -1e300
        return explained

    def places(
        self, totals: NDArray[np.int64], sums: NDArray[np.int64], kinds: NDArray[np.uint8]
    ) -> NDArray[np.int64]:
        """Return the centroids of clusters; see `explained`."""
        places = self.means(totals, sums)
        places[(kinds & 1) > 0, -1] = self._on_grid
        if self._clear is not None:
            places[kinds >= 2] = self._clear << self.shift
        return places
