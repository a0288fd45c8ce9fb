"""Histograms of images that are larger than memory."""

from __future__ import annotations

import threading

import numpy as np
from numpy.typing import NDArray

from kmcodec.quantization.histogram import Histogram, colors_from_keys, keys_from_colors

__all__ = ["MOST_COLORS", "Tally"]

MOST_COLORS = 1 << 20
"""With more distinct colours than these, similar ones are put together."""

# Colours are counted in a table where that has at most 2**24 counts.
_MOST_TABLE_BITS = 24
# Pixels that are counted, and counts of the table that are looked through, at a time.
_GROUP = 1 << 18
_COUNTS = 1 << 20
# How many cells may wait to be put together with those that were.
_MOST_WAITING = 1 << 19


class Tally:
    """Counts the colours of an image block by block, in several threads at a time.

    Up to a number of distinct colours the histogram is exact. Beyond that, colours that have the
    upper 7 bits of each channel in common, or 6, or still fewer, count as their mean: as many
    bits as there are few enough such cells. That does not depend on the order of the blocks. The
    mean of a cluster stays where it was, but for the rounding of these means to whole levels.
    Alpha of 0 and of 255 is never put together with other alpha.

    Parameters
    ----------
    channels : int
        1 to 4.
    most : int
        Distinct colours, or cells, that are kept.
    """

    def __init__(self, channels: int, most: int = MOST_COLORS) -> None:
        self._channels = channels
        self._cells = _Cells(channels, most)
        self._most = most
        self._lock = threading.Lock()
        self._table: NDArray[np.int64] | None = None
        if 8 * channels <= _MOST_TABLE_BITS:
            # Memory that is never written to takes none.
            self._table = np.zeros(1 << (8 * channels), np.int64)

    def add(self, pixels: NDArray[np.uint8]) -> None:
        """Count pixels of shape (H, W, C)."""
        flat = pixels.reshape(-1, self._channels)
        for start in range(0, len(flat), _GROUP):
            keys, counts = _distinct(keys_from_colors(flat[start : start + _GROUP]))
            with self._lock:
                if self._table is not None:
                    self._table[keys] += counts
                else:
                    self._cells.add(keys, counts)

    def result(self) -> tuple[Histogram, bool]:
        """The histogram, and whether it is exact."""
        if self._table is not None:
            table, self._table = self._table, None
            for start in range(0, len(table), _COUNTS):
                part = table[start : start + _COUNTS]
                keys = np.flatnonzero(part)
                self._cells.add((keys + start).astype(np.uint32), part[keys])
        return self._cells.result()


class _Cells:
    """Counts and sums of the colours that have their upper bits in common."""

    def __init__(self, channels: int, most: int) -> None:
        self._channels = channels
        self._most = most
        self._bits = 8
        # Of each cell its key, and in a row of a table its count and the sums of its channels.
        self._waiting: list[tuple[NDArray[np.uint32], NDArray[np.int64]]] = []

    def add(self, keys: NDArray[np.uint32], counts: NDArray[np.int64]) -> None:
        """Count colours by their keys, which are distinct."""
        sums = colors_from_keys(keys, self._channels) * counts[:, np.newaxis]
        totals = np.hstack([counts[:, np.newaxis], sums])
        cells = self._cell_keys(keys), totals
        self._waiting.append(cells if self._bits == 8 else _summed(*cells))
        if sum(len(keys) for keys, _ in self._waiting[1:]) > min(_MOST_WAITING, self._most):
            self._join()

    def result(self) -> tuple[Histogram, bool]:
        self._join()
        keys, totals = self._waiting[0]
        if self._bits == 8:
            return Histogram(colors_from_keys(keys, self._channels), totals[:, 0].copy()), True
        counts = totals[:, :1]
        # Between the least and the largest of its colours: distinct, as the cells are.
        means = ((2 * totals[:, 1:] + counts) // (2 * counts)).astype(np.uint8)
        order = np.argsort(keys_from_colors(means))
        return Histogram(means[order], totals[order, 0]), False

    def _join(self) -> None:
        while True:
            keys = np.concatenate([keys for keys, _ in self._waiting])
            totals = np.concatenate([totals for _, totals in self._waiting])
            self._waiting = [_summed(keys, totals)]
            if len(self._waiting[0][0]) <= self._most:
                return
            self._bits -= 1
            keys, totals = self._waiting[0]
            self._waiting = [(self._cell_keys(keys), totals)]

    def _cell_keys(self, keys: NDArray[np.uint32]) -> NDArray[np.uint32]:
        if self._bits == 8:
            return keys
        colors = colors_from_keys(keys, self._channels)
        cells = colors & np.uint8(256 - (1 << (8 - self._bits)))
        if self._channels in (2, 4):
            alpha = colors[:, -1]
            cells[:, -1] = np.where(
                (alpha == 0) | (alpha == 255), alpha, np.maximum(cells[:, -1], 1)
            )
        return keys_from_colors(cells)


def _distinct(keys: NDArray[np.uint32]) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    # By hand: numpy's own is slower where it looks for more.
    ascending = np.sort(keys)
    first = np.concatenate([[0], np.flatnonzero(ascending[1:] != ascending[:-1]) + 1])
    return ascending[first], np.diff(first, append=len(ascending))


def _summed(
    keys: NDArray[np.uint32], totals: NDArray[np.int64]
) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    distinct, inverse = np.unique(keys, return_inverse=True)
    # bincount sums in float64, exact below 2**53.
    columns = [np.bincount(inverse, column, len(distinct)) for column in totals.T]
    return distinct, np.stack(columns, axis=1).astype(np.int64)
