"""Counts and sums of the pixels of each entry."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kmcodec.model.image import IndexedImage

__all__ = ["Moments"]


class Moments:
    """Counts and sums of pixels by their entry.

    Trials differ from their base in some pixels: only these are counted again.

    Parameters
    ----------
    points : ndarray, shape (H, W, D), integer
    """

    def __init__(self, points: NDArray[Any]) -> None:
        self._points = points.reshape(-1, points.shape[2])
        self._square: int | None = None
        self._base: IndexedImage | None = None

    def of(
        self, base: IndexedImage, indices: NDArray[Any]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return counts, shape (K,), and sums, shape (K, D), for indices chosen from a base.

        Parameters
        ----------
        base : IndexedImage
        indices : ndarray, shape (H, W), uint8 or uint16
        """
        k = len(base.palette)
        if self._base is not base:
            self._base = base
            self._own = _moments(base.indices.ravel(), self._points, k)
        own, chosen = base.indices.ravel(), indices.ravel()
        changed = np.flatnonzero(own != chosen)
        points = self._points[changed]
        lost, gained = _moments(own[changed], points, k), _moments(chosen[changed], points, k)
        counts, sums = (
            kept - less + more for kept, less, more in zip(self._own, lost, gained, strict=True)
        )
        return counts, sums

    def error(
        self, entries: NDArray[Any], counts: NDArray[np.int64], sums: NDArray[np.int64]
    ) -> int:
        """Return the sum of squared distances of all points from their entries.

        Parameters
        ----------
        entries : ndarray, shape (K, D), integer
        counts, sums
            See `of`.
        """
        if self._square is None:
            self._square = sum(_square(column) for column in self._points.T)
        entries = entries.astype(np.int64)
        own = int(counts @ np.square(entries).sum(axis=1))
        return self._square + own - 2 * int((entries * sums).sum())


def _moments(
    indices: NDArray[Any], points: NDArray[Any], k: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    # bincount sums weights in float64, exact for whole numbers below 2**53.
    sums = [np.bincount(indices, column, k) for column in points.T]
    return np.bincount(indices, minlength=k).astype(np.int64), np.stack(sums, axis=1).astype(
        np.int64
    )


def _square(column: NDArray[Any]) -> int:
    values = column.astype(np.int64)
    return int(values @ values)
