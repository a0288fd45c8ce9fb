"""Which pixels of an image are worth dithering by a mask: the rules of `diffusion`, row by row.

A pixel of a thin line or of texture has few similar neighbours; one of a flat area has no slight
difference near, which a slow gradient has. Only the rows above and the row itself are known, so
the result does not depend on how many rows are given at once.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kmcodec.quantization.diffusion import FRESH, LIKE, WHOLE

__all__ = ["Surroundings"]


class Surroundings:
    """Look at the rows of an image in turn.

    Parameters
    ----------
    near : int
        See `Reach`.
    """

    def __init__(self, near: int) -> None:
        self._near = near
        self._above: tuple[NDArray[np.uint8], NDArray[np.int64]] | None = None

    def of(self, pixels: NDArray[np.uint8]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Return which pixels of the next rows have few similar neighbours, and which are flat.

        Parameters
        ----------
        pixels : ndarray, shape (rows, W, C), uint8
        """
        few = np.empty(pixels.shape[:2], bool)
        flat = np.empty(pixels.shape[:2], bool)
        for y, row in enumerate(pixels):
            likeness, fresh = self._row(row.astype(np.int64))
            few[y], flat[y] = likeness < LIKE, fresh == 0
            self._above = row.copy(), fresh
        return few, flat

    def _row(self, row: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the likeness of each pixel to its neighbours, and its freshness."""
        beside = _distances(row[1:], row[:-1])
        likeness = 4 * self._pairs(beside, 1) + 4 * self._pairs(beside, 0)
        fresh = self._fresh_along(beside)
        if self._above is None:
            # Beyond the image: no edge.
            return likeness + 8 * WHOLE, fresh
        above, before = self._above
        over = _distances(row, above)
        likeness = likeness + 4 * self._weights(over)
        likeness += 2 * self._pairs(_distances(row[1:], above[:-1]), 1)
        likeness += 2 * self._pairs(_distances(row[:-1], above[1:]), 0)
        handed = np.where(over > 0, FRESH, before - 1)
        return likeness, np.maximum(fresh, np.where(over < 4 * self._near, handed, 0))

    def _weights(self, distances: NDArray[np.int64]) -> NDArray[np.int64]:
        excess = np.maximum(distances - self._near, 0)
        return np.asarray(np.maximum(WHOLE - excess * WHOLE // (3 * self._near), 0))

    def _pairs(self, distances: NDArray[np.int64], first: int) -> NDArray[np.int64]:
        """Return the weights of the pairs of each pixel, from pixel `first` on; else whole."""
        weights = np.full(len(distances) + 1, WHOLE, np.int64)
        weights[first : first + len(distances)] = self._weights(distances)
        return weights

    def _fresh_along(self, beside: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the freshness that slight differences within a row give, on both sides."""
        from_left = self._fresh_after(beside)
        return np.maximum(from_left, self._fresh_after(beside[::-1])[::-1])

    def _fresh_after(self, beside: NDArray[np.int64]) -> NDArray[np.int64]:
        places = np.arange(len(beside) + 1)
        edge = beside >= 4 * self._near
        # Pair i lies before pixel i + 1.
        last = [
            np.maximum.accumulate(np.concatenate([[-1], np.where(chosen, places[1:], -1)]))
            for chosen in (edge, (beside > 0) & ~edge)
        ]
        fresh = np.maximum(FRESH - (places - last[1]), 0)
        return np.where(last[1] > last[0], fresh, 0)


def _distances(colors: NDArray[np.int64], others: NDArray[np.integer[Any]]) -> NDArray[np.int64]:
    return np.asarray(np.square(colors - others).sum(axis=-1))
