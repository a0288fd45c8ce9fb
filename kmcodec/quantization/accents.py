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
from kmcodec.quantization.squares import CELLS, SIDE, Squares, cells_of, squares_at

__all__ = ["Accents", "find_accents", "lost_hue", "rare_squares"]

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
    """What of an image, or of several, should stay visible in a palette.

    Parameters
    ----------
    colors : ndarray, shape (N, 3), uint8
        A colour of each accent, the most important first.
    tints : ndarray, shape (M, 2, 3), uint8
        Pairs of areas that differ by a weak tint; see `find_tints`.
    """

    colors: NDArray[np.uint8]
    tints: NDArray[np.uint8]


def find_accents(squares: Squares) -> NDArray[np.uint8]:
    """Return a colour for each accent, the largest accent first.

    Parameters
    ----------
    squares : Squares
        Of an image, or of several together.

    Returns
    -------
    ndarray, shape (N, 3), uint8
        At most 8. Of images with alpha only opaque pixels count.
    """
    rare = _rare_cells(squares.pixels, squares.sums[:, 0])
    sums = squares.sums[rare & (squares.sums[:, 1] > 0), 1:]
    # The most frequent chroma first; ties stay in the order of their cells.
    sums = sums[np.argsort(-sums[:, 0], kind="stable")]
    counts = 4 * sums[:, :1]
    means = (2 * sums[:, 1:] + counts) // (2 * np.maximum(1, counts))
    chroma = to_oklab(means.astype(np.uint8))[:, 1:]
    found: list[tuple[int, NDArray[np.uint8]]] = []
    while len(sums):
        own = (np.abs(chroma - chroma[0]) <= _ALIKE).all(axis=1)
        count, *color = sums[own].sum(axis=0).tolist()
        mean = np.array([(c + 2 * count) // (4 * count) for c in color], np.uint8)
        found.append((count, mean))
        sums, chroma = sums[~own], chroma[~own]
    found.sort(key=lambda group: -group[0])
    return np.array([mean for _, mean in found[:_MOST_ACCENTS]], np.uint8).reshape(-1, 3)


def rare_squares(pixels: NDArray[np.uint8], colors: Histogram, places: ColorMap) -> Squares:
    """Return of an image in memory the squares that `find_accents` looks at.

    Nearly all images have few of them, so this takes less time than to count all.

    Parameters
    ----------
    pixels : ndarray, shape (H, W, C), uint8
        C = 3 or 4.
    colors : Histogram
    places : ColorMap
        See `index_colors`.
    """
    opaque = colors.colors[:, 3] == 255 if colors.colors.shape[1] == 4 else slice(None)
    cells = cells_of(colors.colors)
    sums = np.zeros((CELLS, 5), np.int64)
    # bincount sums in float64, exact below 2**53.
    sums[:, 0] = np.bincount(cells[opaque], colors.counts[opaque], CELLS)
    total = int(colors.counts.sum())
    rare = _rare_cells(total, sums[:, 0])[cells]
    if rare.any():
        rows, columns = np.nonzero(places.replace(rare)[:-1, :-1])
        sums[:, 1:] = squares_at(pixels, rows, columns)
    return Squares(total, sums)


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


def _rare_cells(total: int, plane: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return which cells have a chroma that few pixels have, apart from all other chromas."""
    near, far = (_around(plane, cells_away) for cells_away in (_NEAR, _FAR))
    few = (near >= _LEAST) & (near <= max(_FEW, total // _SHARE))
    apart = far <= np.maximum(_MOST_AROUND * near, total // _SHARE_AROUND)
    return np.asarray(few & apart & (plane > 0))


def _around(plane: NDArray[np.int64], cells_away: int) -> NDArray[np.int64]:
    """Return the sum of the square of cells around each cell of the plane."""
    padded = np.pad(plane.reshape(SIDE, SIDE), (cells_away + 1, cells_away))
    sums = padded.cumsum(axis=0).cumsum(axis=1)
    width = 2 * cells_away + 1
    lower, upper = sums[width:] - sums[:-width], width
    return np.asarray((lower[:, upper:] - lower[:, :-upper]).ravel())
