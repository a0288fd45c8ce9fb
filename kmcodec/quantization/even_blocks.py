"""Find even blocks of 8 x 8 pixels, of an image in memory or of one that passes by in rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["BlockFinder", "EvenBlocks", "Grid", "even_blocks"]

_BLOCK = 8
# The greatest range of a channel in an even block: what grain and the grid of a screen have.
_EVEN = 40
# Of large images only some blocks are looked at: about so many in all, and in a row.
_MOST_BLOCKS, _MOST_ACROSS = 8192, 1024


@dataclass(frozen=True)
class Grid:
    """Which blocks of an image are looked at.

    Parameters
    ----------
    down, across : int
        Every so many rows of blocks, and blocks of a row.
    """

    down: int
    across: int

    @classmethod
    def of(cls, height: int, width: int) -> Grid:
        """Return the grid for an image of so many pixels."""
        rows, columns = height // _BLOCK, width // _BLOCK
        across = max(1, columns // _MOST_ACROSS)
        return cls(max(1, rows * (columns // across) // _MOST_BLOCKS), across)


@dataclass(frozen=True, eq=False)
class EvenBlocks:
    """The even blocks of an image, or of a part of it.

    Parameters
    ----------
    means : ndarray, shape (N, 3), int64
        Mean colours; none of an image in grey, and of one with alpha only of opaque blocks.
    count : int
        Blocks that were looked at.
    step : int
        Of so many blocks one was looked at; the same for all parts of an image.
    """

    means: NDArray[np.int64]
    count: int
    step: int

    def __add__(self, other: EvenBlocks) -> EvenBlocks:
        """Return the blocks of two parts of an image."""
        means = np.concatenate([self.means, other.means])
        return EvenBlocks(means, self.count + other.count, self.step)


def even_blocks(pixels: NDArray[np.uint8], grid: Grid | None = None, top: int = 0) -> EvenBlocks:
    """Return the even blocks of an image, or of a part of a larger one.

    Parameters
    ----------
    pixels : ndarray, shape (H, W) or (H, W, C), uint8
    grid : Grid, optional
        That of the whole image; of these pixels if not given.
    top : int
        The row of the whole image where these pixels begin.
    """
    height, width = pixels.shape[:2]
    finder = BlockFinder(height, width, grid, top)
    finder.add(pixels)
    return finder.result()


class BlockFinder:
    """Find the even blocks of an image whose rows pass by.

    Parameters
    ----------
    height, width : int
    grid, top
        See `even_blocks`.
    """

    def __init__(self, height: int, width: int, grid: Grid | None = None, top: int = 0) -> None:
        self._rows, self._columns = height // _BLOCK, width // _BLOCK
        self._grid = grid or Grid.of(height, width)
        self._above = top // _BLOCK
        self._done = 0
        # Of the blocks that have begun, at most _BLOCK rows of `_MOST_ACROSS` to twice as many.
        self._begun: list[NDArray[np.uint8]] = []
        self._means = [np.zeros((0, 3), np.int64)]
        self._count = 0

    def add(self, pixels: NDArray[np.uint8]) -> None:
        """Look at the next rows, shape (n, W) or (n, W, C)."""
        start, self._done = self._done, self._done + len(pixels)
        if pixels.ndim == 2 or pixels.shape[2] < 3:
            return
        for row in range(start // _BLOCK, min(self._rows, -(-self._done // _BLOCK))):
            if (self._above + row) % self._grid.down == 0:
                top = row * _BLOCK - start
                self._add_to_band(pixels[max(0, top) : top + _BLOCK])

    def result(self) -> EvenBlocks:
        """Return the blocks found so far."""
        step = self._grid.down * self._grid.across
        return EvenBlocks(np.concatenate(self._means), self._count, step)

    def _add_to_band(self, rows: NDArray[np.uint8]) -> None:
        height, channels = len(rows), rows.shape[2]
        shape = (height, self._columns, _BLOCK, channels)
        blocks = rows[:, : self._columns * _BLOCK].reshape(shape)[:, :: self._grid.across]
        chosen = blocks.reshape(height, blocks.shape[1] * _BLOCK, channels)
        if height == _BLOCK:
            self._look_at(chosen)
            return
        self._begun.append(chosen.copy())
        if sum(map(len, self._begun)) == _BLOCK:
            self._look_at(np.concatenate(self._begun))
            self._begun = []

    def _look_at(self, band: NDArray[np.uint8]) -> None:
        """Look at a row of blocks."""
        channels = band.shape[2]
        by_column = (band.shape[1] // _BLOCK, _BLOCK, channels)
        # Reduce rows first: they are contiguous.
        low = band.min(axis=0).reshape(by_column).min(axis=1)
        high = band.max(axis=0).reshape(by_column).max(axis=1)
        even = (high[:, :3] - low[:, :3] <= _EVEN).all(axis=1)
        if channels == 4:
            even &= low[:, 3] == 255
        sums = band.sum(axis=0, dtype=np.uint16).reshape(by_column).sum(axis=1, dtype=np.int64)
        self._means.append((2 * sums[even, :3] + _BLOCK**2) // (2 * _BLOCK**2))
        self._count += len(low)
