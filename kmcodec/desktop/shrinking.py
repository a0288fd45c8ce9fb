"""Make an image smaller by the mean of the pixels below each new one, while its rows arrive."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Shrinker", "fitted"]

# So many pixels at a time, which take some 70 bytes each.
_AT_ONCE = 1 << 17


def fitted(width: int, height: int, most: int) -> tuple[int, int]:
    """Return the width and height of an image scaled to fit a square; never larger than it is."""
    longest = max(width, height)
    if longest <= most:
        return width, height
    wide, high = (max(1, (2 * side * most + longest) // (2 * longest)) for side in (width, height))
    return wide, high


class Shrinker:
    """The sums of an image's colours over each pixel of a smaller one, exact in integers.

    A pixel that lies over two of the smaller ones counts for each with the area that they share.

    Parameters
    ----------
    palette : ndarray, shape (K, C), uint8
        C as in `IndexedImage`. Colours count by their alpha, so that the colour of transparent
        pixels does not show.
    size, small : tuple of int
        Width and height of the image and of the smaller one: at most 2^31 pixels to one.
    """

    def __init__(
        self, palette: NDArray[np.uint8], size: tuple[int, int], small: tuple[int, int]
    ) -> None:
        (self._width, self._height), (self._columns, self._rows) = size, small
        alpha = palette[:, -1:] if palette.shape[1] in (2, 4) else np.full((len(palette), 1), 255)
        alpha = alpha.astype(np.int64)
        color = palette[:, : 1 if palette.shape[1] < 3 else 3].astype(np.int64)
        self._values = np.hstack([color * alpha, alpha])
        self._sums = np.zeros((self._rows, self._columns, self._values.shape[1]), np.int64)
        self._weights = np.zeros(self._rows, np.int64)
        # In units of which a pixel has `columns`, and a new one `width`.
        self._edges = np.arange(self._columns + 1, dtype=np.int64) * self._width

    def add(self, first: int, indices: NDArray[Any]) -> None:
        """Add rows of the image, in any order, each at most once.

        Parameters
        ----------
        first : int
            The number of the first of these rows.
        indices : ndarray, shape (rows, W)
        """
        step = max(1, _AT_ONCE // self._width)
        for start in range(0, len(indices), step):
            self._add(first + start, self._narrowed(indices[start : start + step]))

    def _narrowed(self, indices: NDArray[Any]) -> NDArray[np.int64]:
        """Return the sums of rows over each new column, shape (rows, columns, values)."""
        made = np.zeros((len(indices), *self._sums.shape[1:]), np.int64)
        for left in range(0, self._width, _AT_ONCE):
            values = self._values[indices[:, left : left + _AT_ONCE]]
            width = values.shape[1]
            before = np.zeros((len(values), width + 1, values.shape[2]), np.int64)
            np.cumsum(values, axis=1, out=before[:, 1:])
            edges = np.clip(self._edges - left * self._columns, 0, width * self._columns)
            whole, part = np.divmod(edges, self._columns)
            cut = values[:, np.minimum(whole, width - 1)] * part[:, np.newaxis]
            made += np.diff(before[:, whole] * self._columns + cut, axis=1)
        return made

    def _add(self, first: int, rows: NDArray[np.int64]) -> None:
        # In units of which a row has `self._rows`, and a new one `self._height`.
        top = (first + np.arange(len(rows), dtype=np.int64)) * self._rows
        bottom = top + self._rows
        for row in range(int(top[0]) // self._height, (int(bottom[-1]) - 1) // self._height + 1):
            start, end = row * self._height, (row + 1) * self._height
            over = slice(max(0, start // self._rows - first), -(-end // self._rows) - first)
            shared = np.minimum(bottom[over], end) - np.maximum(top[over], start)
            self._sums[row] += np.tensordot(shared, rows[over], 1)
            self._weights[row] += shared.sum()

    def result(self) -> NDArray[np.uint8]:
        """Return the smaller image, shape (rows, columns, 4), uint8: RGB and straight alpha.

        A row below which nothing was added is like the one above, or else like the first that has
        something.
        """
        (filled,) = np.nonzero(self._weights)
        like = filled[np.maximum(np.searchsorted(filled, np.arange(self._rows), "right") - 1, 0)]
        sums, areas = self._sums[like], self._weights[like] * self._width
        alphas = sums[..., -1]
        rgba = np.empty((self._rows, self._columns, 4), np.uint8)
        rgba[..., :3] = _rounded(sums[..., :-1], np.maximum(alphas, 1)[..., np.newaxis])
        rgba[..., 3] = _rounded(alphas, areas[:, np.newaxis])
        return rgba


def _rounded(sums: NDArray[np.int64], weights: NDArray[np.int64]) -> NDArray[np.int64]:
    means: NDArray[np.int64] = (2 * sums + weights) // (2 * weights)
    return means
