"""Exact nearest neighbours: the same answer on every machine, ties to the lower index."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kmcodec.parallel import heed_stop, in_threads, thread_count
from kmcodec.quantization import kernels
from kmcodec.quantization.colorspace import ColorSpace, has_alpha

__all__ = ["BruteForce", "Parallel", "nearest_centroids", "nearest_entries", "searcher"]

# Entries of a table of distances, so that it stays in the cache.
_TABLE = 1 << 18

# Fewer points take less time than it takes to start a thread.
_POINTS_A_THREAD = 8192


def nearest_centroids(points: NDArray[np.int64], centroids: NDArray[np.int64]) -> NDArray[np.int32]:
    """Return the nearest centroid of each point, ties to the lower index.

    BLAS computes the products in any order and may fuse instructions. That is harmless: every
    intermediate result is a whole number below 2**53, which float64 holds exactly.

    Parameters
    ----------
    points : ndarray, shape (N, D), int64
    centroids : ndarray, shape (K, D), int64
        Both in the same unit, in 0 ... 2**24 - 1, D at most 4.

    Returns
    -------
    ndarray, shape (N,), int32
    """
    transposed = -2.0 * centroids.T.astype(np.float64)
    norms = (centroids * centroids).sum(axis=1).astype(np.float64)
    labels = np.empty(len(points), np.int32)
    step = max(1, _TABLE // len(centroids))
    for start in range(0, len(points), step):
        heed_stop()
        table = points[start : start + step].astype(np.float64) @ transposed
        table += norms
        labels[start : start + step] = table.argmin(axis=1)
    return labels


class BruteForce:
    """Compare every point with every centroid: the twin of the compiled `FilterTree`.

    Parameters
    ----------
    points : ndarray, shape (N, D), int64
    weights : ndarray, shape (N,), int64
    shift : int
        Centroids are given in units of ``2**-shift`` of a coordinate.
    """

    def __init__(self, points: NDArray[np.int64], weights: NDArray[np.int64], shift: int) -> None:
        self._points = points
        self._on_grid = points << shift
        self._weights = weights

    def labels(self, centroids: NDArray[np.int64]) -> NDArray[np.int32]:
        """See `Samples.labels`."""
        return nearest_centroids(self._on_grid, centroids)

    def moments(self, centroids: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """See `Samples.moments`."""
        labels, k = self.labels(centroids), len(centroids)
        # bincount sums in float64: exact, because all of its sums are whole and below 2**53.
        totals = np.bincount(labels, self._weights, k).astype(np.int64)
        columns = [np.bincount(labels, self._weights * x, k) for x in self._points.T]
        return totals, np.stack(columns, axis=1).astype(np.int64)


class Parallel:
    """A compiled `FilterTree`, searched in several threads if that is faster.

    Parameters
    ----------
    points, weights, shift
        See `BruteForce`.
    """

    def __init__(self, points: NDArray[np.int64], weights: NDArray[np.int64], shift: int) -> None:
        self._tree = kernels.FilterTree(points, weights, shift)
        self._parts = min(thread_count(), 1 + len(points) // _POINTS_A_THREAD)

    def labels(self, centroids: NDArray[np.int64]) -> NDArray[np.int32]:
        """See `Samples.labels`."""
        labels = np.empty(self._tree.count, np.int32)
        in_threads(
            lambda part, parts: self._tree.label(centroids, labels, part, parts), self._parts
        )
        return labels

    def moments(self, centroids: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """See `Samples.moments`."""
        found = in_threads(
            lambda part, parts: self._tree.moments(centroids, part, parts), self._parts
        )
        # Whole numbers have the same sums however the points were divided.
        return sum(totals for totals, _ in found), sum(sums for _, sums in found)


def searcher(
    points: NDArray[np.int64], weights: NDArray[np.int64], shift: int
) -> Parallel | BruteForce:
    """Return the compiled search if available, else its twin."""
    return (Parallel if kernels.FilterTree else BruteForce)(points, weights, shift)


def nearest_entries(
    colors: NDArray[np.uint8], palette: NDArray[np.uint8], space: str = "srgb"
) -> NDArray[np.int32]:
    """Return the nearest palette entry of each colour, ties to the lower index.

    Opaque colours go to opaque entries, if the palette has any: otherwise edges of alpha would
    look frayed.

    Parameters
    ----------
    colors : ndarray, shape (N, C), uint8
    palette : ndarray, shape (K, C), uint8
    space : {'srgb', 'oklab'}

    Returns
    -------
    ndarray, shape (N,), int32
    """
    channels = colors.shape[1]
    if has_alpha(channels):
        of_colors, of_entries = colors[:, -1] == 255, palette[:, -1] == 255
        if of_colors.any() and of_entries.any() and not of_entries.all():
            labels = np.empty(len(colors), np.int32)
            entries = np.flatnonzero(of_entries).astype(np.int32)
            labels[of_colors] = entries[_nearest(colors[of_colors], palette[of_entries], space)]
            labels[~of_colors] = _nearest(colors[~of_colors], palette, space)
            return labels
    return _nearest(colors, palette, space)


def _nearest(
    colors: NDArray[np.uint8], palette: NDArray[np.uint8], space: str
) -> NDArray[np.int32]:
    if not len(colors):
        return np.empty(0, np.int32)
    coordinates = ColorSpace(space, colors.shape[1])
    points = coordinates.to_coordinates(colors)
    weights = np.ones(len(points), np.int64)
    return searcher(points, weights, 0).labels(coordinates.to_coordinates(palette))
