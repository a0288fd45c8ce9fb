"""Find accents: small compact marks of a hue that the rest of the image lacks.

K-means spends entries where they lower the squared error most, and a mark of a few pixels lowers it
hardly. People look at such a mark first. It is an accent if few pixels have about its hue and
chroma, if a gap separates these from all others, and if they lie together: in squares of 2 x 2
pixels. So noise is no accent, and neither is the thin end of a range of hues.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kmcodec.quantization.histogram import ColorMap, Histogram
from kmcodec.quantization.oklab import NEUTRAL, to_oklab

__all__ = ["Accents", "find_accents", "lost_hue"]

# Upper bits of a sample that count for the chroma of a colour: a photo then has some ten thousand.
_SAMPLE_BITS = 6
# The plane of Oklab's a and b in cells of 2**5 units, 1/128 of the range of lightness.
_CELL_BITS, _SIDE = 5, 128
# Cells from the own one to the border of the same hue, and of the gap around it.
_NEAR, _FAR = 3, 6
# An accent has at most a 400th of all pixels, or so few. Of the pixels up to the border of the gap,
# most have its hue, or they are at most a 4000th of all.
_SHARE, _FEW, _LEAST = 400, 64, 4
_MOST_AROUND, _SHARE_AROUND = 2, 4000
# Units of a and b: how much they may differ in a mark, and must differ from an entry to be lost.
_ALIKE, _APART = 240, 240
_MOST_ACCENTS = 8
# Squares of the cosine of 20 degrees, in 1/1000.
_COSINE = 883


@dataclass(frozen=True, eq=False)
class Accents:
    """What of an image should stay visible in a palette.

    Parameters
    ----------
    colors : ndarray, shape (N, 3), uint8
        A colour of each accent, the most important first.
    tints : ndarray, shape (M, 2, 3), uint8
        Pairs of areas that differ by a weak tint; see `find_tints`.
    """

    colors: NDArray[np.uint8]
    tints: NDArray[np.uint8]


def find_accents(
    pixels: NDArray[np.uint8], colors: Histogram, places: ColorMap
) -> NDArray[np.uint8]:
    """Return a colour for each accent of an image, the largest accent first.

    Parameters
    ----------
    pixels : ndarray, shape (H, W) or (H, W, C), uint8
    colors : Histogram
    places : ColorMap
        See `index_colors`.

    Returns
    -------
    ndarray, shape (N, 3), uint8
        At most 8; none for an image in grey. Of an image with alpha only opaque pixels count.
    """
    none = np.zeros((0, 3), np.uint8)
    if colors.colors.shape[1] < 3:
        return none
    rare = _rare(colors)
    if not rare.any():
        return none
    marks = places.replace(rare)
    rows, columns = np.nonzero(marks[:-1, :-1] & marks[1:, :-1] & marks[:-1, 1:] & marks[1:, 1:])
    if not len(rows):
        return none
    corners = [pixels[rows + y, columns + x, :3] for y in (0, 1) for x in (0, 1)]
    squares = np.stack(corners, axis=1).astype(np.int64)
    chroma = to_oklab(squares.reshape(-1, 3).astype(np.uint8))[:, 1:].reshape(-1, 4, 2)
    alike = (np.ptp(chroma, axis=1) <= _ALIKE).all(axis=1)
    return _grouped(squares[alike].sum(axis=1), chroma[alike].sum(axis=1) // 4)


def lost_hue(accents: NDArray[np.uint8], entries: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return how far accents are from entries that do not keep their hue.

    An entry keeps the hue if it is at most 20 degrees off and has at least half the chroma, or if
    one hardly sees the difference.

    Parameters
    ----------
    accents, entries : ndarray, shape (N, 3), uint8

    Returns
    -------
    ndarray, shape (N,), int64
        Squared distance in a and b; 0 where the hue is kept.
    """
    own, other = (to_oklab(colors)[:, 1:] - NEUTRAL for colors in (accents, entries))
    along = (own * other).sum(axis=1)
    own_square, other_square = (own * own).sum(axis=1), (other * other).sum(axis=1)
    same_hue = (along > 0) & (1000 * along * along >= _COSINE * own_square * other_square)
    difference = own_square + other_square - 2 * along
    kept = (same_hue & (4 * other_square >= own_square)) | (difference < _APART * _APART)
    return np.where(kept, 0, difference)


def _rare(colors: Histogram) -> NDArray[np.bool_]:
    """Return which colours have a chroma that few pixels have, apart from all other chromas."""
    channels, counts = colors.colors.shape[1], colors.counts
    keys = np.zeros(len(counts), np.int64)
    for column in colors.colors.T[:3]:
        keys = (keys << _SAMPLE_BITS) | (column >> (8 - _SAMPLE_BITS))
    opaque = colors.colors[:, 3] == 255 if channels == 4 else np.ones(len(counts), bool)
    weights = np.bincount(keys[opaque], counts[opaque], 1 << (3 * _SAMPLE_BITS))
    known = np.flatnonzero(weights)
    shifts = np.array([2, 1, 0]) * _SAMPLE_BITS
    middles = (known[:, np.newaxis] >> shifts & ((1 << _SAMPLE_BITS) - 1)) << (8 - _SAMPLE_BITS)
    chroma = to_oklab((middles + (1 << (7 - _SAMPLE_BITS))).astype(np.uint8))[:, 1:] >> _CELL_BITS
    cells = chroma[:, 0] * _SIDE + chroma[:, 1]
    plane = np.bincount(cells, weights[known], _SIDE * _SIDE).astype(np.int64)
    near, far = (_around(plane, cells_away)[cells] for cells_away in (_NEAR, _FAR))
    total = int(counts.sum())
    few = (near >= _LEAST) & (near <= max(_FEW, total // _SHARE))
    apart = few & (far <= np.maximum(_MOST_AROUND * near, total // _SHARE_AROUND))
    rare = np.zeros(len(weights), bool)
    rare[known[apart]] = True
    return np.asarray(rare[keys] & opaque)


def _around(plane: NDArray[np.int64], cells_away: int) -> NDArray[np.int64]:
    """Return the sum of the square of cells around each cell of the plane."""
    padded = np.pad(plane.reshape(_SIDE, _SIDE), (cells_away + 1, cells_away))
    sums = padded.cumsum(axis=0).cumsum(axis=1)
    width = 2 * cells_away + 1
    lower, upper = sums[width:] - sums[:-width], width
    return np.asarray((lower[:, upper:] - lower[:, :-upper]).ravel())


def _grouped(squares: NDArray[np.int64], chroma: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Return the mean colour of each group of squares with about the same chroma.

    Parameters
    ----------
    squares : ndarray, shape (N, 3), int64
        Sums of the four colours of a square.
    chroma : ndarray, shape (N, 2), int64
    """
    found: list[tuple[int, NDArray[np.uint8]]] = []
    while len(chroma) and len(found) < _MOST_ACCENTS:
        own = (np.abs(chroma - chroma[0]) <= _ALIKE).all(axis=1)
        pixels = 4 * int(own.sum())
        mean = (2 * squares[own].sum(axis=0) + pixels) // (2 * pixels)
        found.append((pixels, mean.astype(np.uint8)))
        squares, chroma = squares[~own], chroma[~own]
    found.sort(key=lambda group: -group[0])
    return np.array([color for _, color in found], np.uint8).reshape(-1, 3)
