"""The colour tree: palette entries as leaves, near colours near each other (spec/context.md, 4).

Encoder and decoder derive it from the palette, so the palette may be in any order.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kmcodec.model.frozen import own_arrays

__all__ = ["ColorTree", "tree_of"]


@dataclass(frozen=True)
class ColorTree:
    """A binary tree of `bits` levels over the entries of a palette.

    A *symbol* is the number of a leaf: its bits, from the highest, are the path from the root
    (0 left, 1 right). With fewer entries than leaves some leaves are *holes*. Inner nodes are
    numbered as in a heap: the root is 1, the children of n are 2 n and 2 n + 1.

    Parameters
    ----------
    bits : int
        The smallest with 2 ** bits >= entries.
    symbols : ndarray, shape (K,), uint16
        The symbol of each palette entry.
    entries : ndarray, shape (2 ** bits,), uint16
        The palette entry of each symbol; a hole has that of the symbol before it.
    color : ndarray, shape (2 ** bits, 4), int16
        Three coordinates of each symbol, and a zero.
    hole : ndarray, shape (2 ** bits,), uint8
        1 for a symbol without an entry.
    axis, middle, scale : ndarray, shape (2 ** bits,), int32
        For each inner node: the coordinate in which its sides differ, the middle between their
        means in 1/16, and 65536 over the difference of the means in 1/16.
    """

    bits: int
    symbols: NDArray[np.uint16]
    entries: NDArray[np.uint16]
    color: NDArray[np.int16]
    hole: NDArray[np.uint8]
    axis: NDArray[np.int32]
    middle: NDArray[np.int32]
    scale: NDArray[np.int32]

    def __post_init__(self) -> None:
        own_arrays(self)

    @functools.cached_property
    def leaves(self) -> NDArray[np.uint8]:
        """Leaves of each node that are no holes, shape (2 ** bits,): side 0, and 4 times side 1.

        At most 3 count; where both sides have 3 or more, it is 0.
        """
        count = (1 - self.hole).astype(np.int64)
        found = np.zeros(1 << self.bits, np.uint8)
        for level in reversed(range(self.bits)):
            sides = np.minimum(count.reshape(-1, 2), 3)
            both = sides[:, 0] | sides[:, 1] << 2
            found[1 << level : 2 << level] = np.where(both == 15, 0, both)
            count = count.reshape(-1, 2).sum(axis=1)
        return found

    @classmethod
    def of(cls, palette: NDArray[np.uint8]) -> ColorTree:
        """Build the tree.

        Parameters
        ----------
        palette : ndarray, shape (K, 1 to 4), uint8
        """
        points = coordinates(palette)
        count = len(points)
        bits = (count - 1).bit_length()
        leaves = 1 << bits
        axis, middle, scale = (np.zeros(leaves, np.int32) for _ in range(3))
        order = np.arange(count)
        for level in range(bits):
            # The entries of node i of this level are those from low[i] to high[i] in `order`.
            ends = np.arange((2 << level) + 1) << (bits - level - 1)
            bounds = -(-ends * count // leaves)
            low, split, high = bounds[:-2:2], bounds[1:-1:2], bounds[2::2]
            widest = _widest(points[order], low, high)
            node = np.repeat(np.arange(1 << level), high - low)
            levels = points[order, widest[node]]
            ranks = np.lexsort((order, levels, node))
            order = order[ranks]
            sums = np.concatenate([[0], levels[ranks].cumsum()])
            (inner,) = np.nonzero(high - low > 1)
            low, split, high = low[inner], split[inner], high[inner]
            zeros = 16 * (sums[split] - sums[low]) // (split - low)
            ones = 16 * (sums[high] - sums[split]) // (high - split)
            inner += 1 << level
            axis[inner] = widest[inner - (1 << level)]
            middle[inner] = (zeros + ones) >> 1
            scale[inner] = 65536 // np.maximum(1, ones - zeros)
        symbols = np.empty(count, np.uint16)
        symbols[order] = (np.arange(count) << bits) // count
        entries = np.empty(leaves, np.uint16)
        hole = np.ones(leaves, np.uint8)
        hole[symbols] = 0
        # No pixel is ever a hole, but it gets the entry before it, which always exists.
        entries[symbols] = np.arange(count)
        (missing,) = np.nonzero(hole)
        entries[missing] = entries[missing - 1]
        color = np.zeros((leaves, 4), np.int16)
        color[:, :3] = points[entries]
        return cls(bits, symbols, entries, color, hole, axis, middle, scale)


def tree_of(palette: NDArray[np.uint8]) -> ColorTree:
    """Return the tree of a palette; a cache keeps recent ones for further strips."""
    return _remembered(palette.tobytes(), palette.shape[1])


@functools.lru_cache(maxsize=4)
def _remembered(samples: bytes, channels: int) -> ColorTree:
    return ColorTree.of(np.frombuffer(samples, np.uint8).reshape(-1, channels))


def coordinates(palette: NDArray[np.uint8]) -> NDArray[Any]:
    """Return three whole coordinates, 0 to 255, for each entry; shape (K, 3).

    Grey counts as three equal samples. Transparent colours are composited over magenta, which is
    far from most colours of palettes.
    """
    samples = palette.astype(np.int64)
    channels = samples.shape[1]
    points: NDArray[Any] = samples[:, :3]
    if channels < 3:
        points = np.repeat(samples[:, :1], 3, axis=1)
    if channels in (2, 4):
        alpha = samples[:, -1:]
        points = (points * alpha + np.array([255, 0, 255]) * (255 - alpha)) // 255
    return points


def _widest(points: NDArray[Any], low: NDArray[Any], high: NDArray[Any]) -> NDArray[Any]:
    """Return the coordinate of largest variance of each group of points; the first wins ties."""
    sums, squares = np.add.reduceat(points, low), np.add.reduceat(points * points, low)
    spread = (high - low)[:, np.newaxis] * squares - sums * sums
    return np.asarray(spread.argmax(axis=1))
