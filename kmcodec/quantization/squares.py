"""Count even squares of 2 x 2 pixels by their chroma: what tells a mark from noise.

The counts of parts of an image, or of several images, add up. So no image need be in memory, and
none need be read twice.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kmcodec.model.pixels import to_channels
from kmcodec.quantization import kernels
from kmcodec.quantization.oklab import to_oklab
from kmcodec.quantization.row_groups import groups_of_rows

__all__ = ["CELLS", "SIDE", "Squares", "cells_of", "no_squares", "squares_at", "squares_of"]

# Upper bits of a sample that count for the chroma of a colour: a photo then has some ten thousand.
_SAMPLE_BITS = 6
_KEYS = 1 << (3 * _SAMPLE_BITS)
# The plane of Oklab's a and b in cells of 2**5 units, 1/128 of the range of lightness.
_CELL_BITS, _SIDE_BITS = 5, 7
SIDE = 1 << _SIDE_BITS
CELLS = SIDE * SIDE
"""Cells of the plane of Oklab's a and b, row by row of `SIDE`."""

# How many cells apart in a and in b the pixels of an even square may be: grain of 12 levels, and
# what JPEG leaves of a mark. With more, edges in photos are even too.
_EVEN = 4
# The cell of what is not opaque.
_NONE = (1 << 16) - 1
_CORNERS = ((0, 0), (0, 1), (1, 0), (1, 1))


@dataclass(frozen=True, eq=False)
class Squares:
    """Pixels and even squares, of an image or of several.

    Parameters
    ----------
    pixels : int
        All pixels, opaque or not.
    sums : ndarray, shape (CELLS, 5), int64
        For each cell: opaque pixels; even squares whose upper left pixel it has; and the sums of
        red, green and blue of the four pixels of these.
    """

    pixels: int
    sums: NDArray[np.int64]

    def __add__(self, other: Squares) -> Squares:
        """Return the squares of both; those across the border count for neither."""
        return Squares(self.pixels + other.pixels, self.sums + other.sums)


def no_squares() -> Squares:
    """Return the squares of no image, to add others to."""
    return Squares(0, np.zeros((CELLS, 5), np.int64))


def squares_of(pixels: NDArray[np.uint8], above: NDArray[np.uint8] | None = None) -> Squares:
    """Count the pixels and the even squares of an image.

    Parameters
    ----------
    pixels : ndarray, shape (H, W) or (H, W, C), uint8
    above : ndarray, shape (W,) or (W, C), uint8, optional
        The row above, which counts in squares only.
    """
    pixels = np.atleast_3d(pixels)
    height, width, channels = pixels.shape
    above = pixels[:0] if above is None else above.reshape(1, width, channels)
    sums = np.zeros((CELLS, 5), np.int64)
    in_color = 4 if channels in (2, 4) else 3
    own, before = (np.ascontiguousarray(to_channels(p, in_color)) for p in (pixels, above))
    (kernels.add_squares or _add_squares)(own, before, _table(), sums)
    return Squares(height * width, sums)


def cells_of(colors: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """Return the cell of each colour, shape (N,), whether opaque or not.

    Parameters
    ----------
    colors : ndarray, shape (N, C), uint8
        C = 3 or 4.
    """
    keys = _keys_of(colors)
    seen = np.zeros(_KEYS, bool)
    seen[keys] = True
    known = np.flatnonzero(seen)
    cells = np.zeros(_KEYS, np.uint16)
    cells[known] = _cells_of_keys(known)
    return cells[keys]


def squares_at(
    pixels: NDArray[np.uint8], rows: NDArray[np.intp], columns: NDArray[np.intp]
) -> NDArray[np.int64]:
    """Return the columns 1 to 4 of `Squares.sums` for some squares.

    Parameters
    ----------
    pixels : ndarray, shape (H, W, C), uint8
        C = 3 or 4.
    rows, columns : ndarray, shape (N,), intp
        Of the upper left pixels.

    Returns
    -------
    ndarray, shape (CELLS, 4), int64
    """
    corners = np.stack([pixels[rows + y, columns + x] for y, x in _CORNERS])
    flat = corners.reshape(-1, corners.shape[2])
    cells = np.where(_is_opaque(flat), cells_of(flat), _NONE).reshape(4, -1)
    return _summed(cells, corners[..., :3].sum(axis=0, dtype=np.int64))


def _add_squares(
    pixels: NDArray[np.uint8],
    above: NDArray[np.uint8],
    table: NDArray[np.uint16],
    sums: NDArray[np.int64],
) -> None:
    """The twin of the kernel: add pixels, and squares of them and at most one row above."""
    for rows in groups_of_rows(pixels):
        group = np.concatenate([above, pixels[rows]])
        cells = np.where(_is_opaque(group), table[_keys_of(group)], np.uint16(_NONE))
        own = cells[len(above) :]
        sums[:, 0] += np.bincount(own[own != _NONE], minlength=CELLS)
        above = group[-1:]
        height, width = cells.shape
        corners = [(slice(y, height - 1 + y), slice(x, width - 1 + x)) for y, x in _CORNERS]
        colors = sum(group[corner][..., :3].astype(np.int64) for corner in corners)
        squares = np.stack([cells[corner].ravel() for corner in corners])
        sums[:, 1:] += _summed(squares, np.asarray(colors).reshape(-1, 3))


def _summed(cells: NDArray[np.uint16], colors: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the even squares by the first of their cells, and the sums of their colours.

    Parameters
    ----------
    cells : ndarray, shape (4, N), uint16
    colors : ndarray, shape (N, 3), int64
        Sums of the four colours.
    """
    even = (cells != _NONE).all(axis=0)
    for part in (cells >> _SIDE_BITS, cells & (SIDE - 1)):
        even &= part.max(axis=0) - part.min(axis=0) <= _EVEN
    first = cells[0, even]
    # bincount sums in float64, exact below 2**53.
    columns = [np.bincount(first, minlength=CELLS)]
    columns += [np.bincount(first, channel, CELLS) for channel in colors[even].T]
    return np.stack(columns, axis=1).astype(np.int64)


def _is_opaque(pixels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return which pixels, shape (..., C), are opaque."""
    if pixels.shape[-1] == 3:
        return np.ones(pixels.shape[:-1], bool)
    return np.asarray(pixels[..., 3] == 255)


@functools.cache
def _table() -> NDArray[np.uint16]:
    """Return the cell of each key."""
    return _cells_of_keys(np.arange(_KEYS))


def _keys_of(colors: NDArray[np.uint8]) -> NDArray[np.intp]:
    """Return the upper bits of colours, shape (..., C), in one number each."""
    keys = np.zeros(colors.shape[:-1], np.intp)
    for channel in range(3):
        keys = (keys << _SAMPLE_BITS) | (colors[..., channel] >> (8 - _SAMPLE_BITS))
    return keys


def _cells_of_keys(keys: NDArray[np.intp]) -> NDArray[np.uint16]:
    shifts = np.array([2, 1, 0]) * _SAMPLE_BITS
    middles = (keys[:, np.newaxis] >> shifts & ((1 << _SAMPLE_BITS) - 1)) << (8 - _SAMPLE_BITS)
    middles += 1 << (7 - _SAMPLE_BITS)
    chroma = to_oklab(middles.astype(np.uint8))[:, 1:] >> _CELL_BITS
    return (chroma[:, 0] << _SIDE_BITS | chroma[:, 1]).astype(np.uint16)
