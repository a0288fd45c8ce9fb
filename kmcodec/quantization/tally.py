"""Histograms of images that are larger than memory."""

from __future__ import annotations

import threading
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kmcodec.model.keys import colors_of, keys_of
from kmcodec.parallel import in_turn
from kmcodec.quantization.distinct import distinct_keys
from kmcodec.quantization.histogram import Histogram

__all__ = ["MOST_COLORS", "Tally"]

MOST_COLORS = 1 << 20
"""Above this many distinct colours, similar ones are merged."""

# A table counts colours if it has at most 2**24 counts.
_MOST_TABLE_BITS = 24
# Pixels to count, and counts of the table to scan, at a time.
_GROUP = 1 << 18
_COUNTS = 1 << 18
# Cells that may wait to be joined to the others.
_MOST_WAITING = 1 << 19


class Tally:
    """Count the colours of an image block by block, in several threads at a time.

    Up to a number of distinct colours the histogram is exact. Beyond that, colours that share the
    upper 7 bits of each channel, or 6, or still fewer, count as their mean: the most bits that
    leave few enough such cells. That does not depend on the order of the blocks. The mean of a
    cluster stays the same, except for the rounding of these means to whole levels. Alpha of 0 and
    of 255 is never merged with other alpha.

    Parameters
    ----------
    channels : int
        1 to 4.
    most : int
        Maximum number of distinct colours, or cells.
    """

    def __init__(self, channels: int, most: int = MOST_COLORS) -> None:
        self._channels = channels
        self._cells = _Cells(channels, most)
        self._most = most
        self._lock = threading.Lock()
        self._table: NDArray[np.int64] | None = None
        if 8 * channels <= _MOST_TABLE_BITS:
            # Zeros that are never written take no memory.
            self._table = np.zeros(1 << (8 * channels), np.int64)

    def add(self, pixels: NDArray[np.uint8]) -> None:
        """Count pixels of shape (H, W, C)."""
        flat = pixels.reshape(-1, self._channels)
        for start in range(0, len(flat), _GROUP):
            keys, counts = _distinct(keys_of(flat[start : start + _GROUP]))
            with self._lock:
                if self._table is not None:
                    self._table[keys] += counts
                else:
                    self._cells.add(self._cells.of(keys, counts))

    def result(self) -> tuple[Histogram, bool]:
        """Return the histogram, and True if it is exact."""
        if self._table is not None:
            table, self._table = self._table, None
            if np.count_nonzero(table) > self._most:
                self._cells.coarsen()

            def cells_from(start: int) -> _Part:
                part = table[start : start + _COUNTS]
                keys = np.flatnonzero(part)
                return self._cells.of((keys + start).astype(np.uint32), part[keys])

            for part in in_turn(cells_from, range(0, len(table), _COUNTS)):
                self._cells.add(part)
        return self._cells.result()


class _Part(NamedTuple):
    """Cells by their upper bits: the key of each, and a row of its count and channel sums."""

    bits: int
    keys: NDArray[np.uint32]
    totals: NDArray[np.int64]


class _Cells:
    """Counts and sums of colours that share their upper bits."""

    def __init__(self, channels: int, most: int) -> None:
        self._channels = channels
        self._most = most
        self._bits = 8
        self._waiting: list[_Part] = []

    def of(self, keys: NDArray[np.uint32], counts: NDArray[np.int64]) -> _Part:
        """Return the cells of colours by their distinct keys; threads may share this object."""
        sums = colors_of(keys, self._channels) * counts[:, np.newaxis]
        totals = np.hstack([counts[:, np.newaxis], sums])
        return self._coarser(_Part(8, keys, totals), self._bits)

    def add(self, part: _Part) -> None:
        """Add cells."""
        self._waiting.append(self._coarser(part, self._bits))
        if sum(len(p.keys) for p in self._waiting[1:]) > min(_MOST_WAITING, self._most):
            self._join()

    def coarsen(self) -> None:
        """Continue with one bit less."""
        self._bits -= 1
        self._waiting = [self._coarser(part, self._bits) for part in self._waiting]

    def result(self) -> tuple[Histogram, bool]:
        self._join()
        _, keys, totals = self._waiting[0]
        if self._bits == 8:
            return Histogram(colors_of(keys, self._channels), totals[:, 0].copy()), True
        counts = totals[:, :1]
        # A mean lies between the least and the largest of its colours, so means are distinct.
        means = ((2 * totals[:, 1:] + counts) // (2 * counts)).astype(np.uint8)
        order = np.argsort(keys_of(means))
        return Histogram(means[order], totals[order, 0]), False

    def _join(self) -> None:
        keys = np.concatenate([part.keys for part in self._waiting])
        totals = np.concatenate([part.totals for part in self._waiting])
        self._waiting = [_Part(self._bits, *_summed(keys, totals))]
        while len(self._waiting[0].keys) > self._most:
            self.coarsen()

    def _coarser(self, part: _Part, bits: int) -> _Part:
        if part.bits == bits:
            return part
        return _Part(bits, *_summed(self._cell_keys(part.keys, bits), part.totals))

    def _cell_keys(self, keys: NDArray[np.uint32], bits: int) -> NDArray[np.uint32]:
        colors = colors_of(keys, self._channels)
        cells = colors & np.uint8(256 - (1 << (8 - bits)))
        if self._channels in (2, 4):
            alpha = colors[:, -1]
            cells[:, -1] = np.where(
                (alpha == 0) | (alpha == 255), alpha, np.maximum(cells[:, -1], 1)
            )
        return keys_of(cells)


def _distinct(keys: NDArray[np.uint32]) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    # `numpy.unique` is slower, as it finds more.
    ascending = np.sort(keys)
    first = np.concatenate([[0], np.flatnonzero(ascending[1:] != ascending[:-1]) + 1])
    return ascending[first], np.diff(first, append=len(ascending))


def _summed(
    keys: NDArray[np.uint32], totals: NDArray[np.int64]
) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    distinct, inverse = distinct_keys(keys)
    # bincount sums in float64, exact below 2**53.
    columns = [np.bincount(inverse, column, len(distinct)) for column in totals.T]
    return distinct, np.stack(columns, axis=1).astype(np.int64)
