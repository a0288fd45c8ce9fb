"""sRGB colours in Oklab, as whole numbers: distances there are closer to perceived ones.

Ottosson, "A perceptual color space for image processing", 2020,
https://bottosson.github.io/posts/oklab/, section "Converting from linear sRGB to Oklab": linear
light is mixed to the cone responses l, m and s, and their cube roots to L, a and b. This module
uses fixed-point arithmetic, so that coordinates are the same everywhere.
"""

from __future__ import annotations

import functools
from decimal import Decimal, localcontext
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["LIGHT_BITS", "NEUTRAL", "SCALE", "from_oklab", "linear_light", "to_oklab"]

SCALE = 4095
"""Units of all three coordinates: L is 0 for black and 4095 for white."""

NEUTRAL = 2048
"""The coordinates a and b of greys; those of sRGB colours are 772 to 3179."""

LIGHT_BITS = 30
"""Fractional bits of linear light."""

# The weights that mix light have as many fractional bits as light: 60 of the cone responses, hence
# 20 of their cube roots, without a division. With the last matrix, sums stay below 2**50.
_ROOT_BITS = 20
_MIX_BITS = 16

# Fractional bits of centroids.
_CENTROID_BITS = 14

# Colours to convert, and candidates to compare, at a time: intermediate results stay in the cache.
_GROUP = 1 << 14
_CANDIDATES = 1 << 18

_Matrix = tuple[tuple[float, float, float], ...]

# Linear sRGB to l, m, s, and their cube roots to L, a, b, as Ottosson printed them.
_CONES: _Matrix = (
    (0.4122214708, 0.5363325363, 0.0514459929),
    (0.2119034982, 0.6806995451, 0.1073969566),
    (0.0883024619, 0.2817188376, 0.6299787005),
)
_OPPONENTS: _Matrix = (
    (0.2104542553, 0.7936177850, -0.0040720468),
    (1.9779984951, -2.4285922050, 0.4505937099),
    (0.0259040371, 0.7827717662, -0.8086757660),
)


def _fixed(matrix: _Matrix, one: int, sums: tuple[int, int, int]) -> NDArray[np.int64]:
    """Return a matrix in units of 1 / one, its rows adjusted to sum to `sums` exactly.

    The printed rows miss 1, 1, 1 and 1, 0, 0 by up to 4e-8, which would tint greys. The largest
    element of a row takes the difference.
    """
    rows = np.array([[round(element * one) for element in row] for row in matrix], np.int64)
    for row, total in zip(rows, sums, strict=True):
        row[np.abs(row).argmax()] += total * one - int(row.sum())
    return rows


# Inexact inverses: `from_oklab` uses them only to bound its search.
_FROM_CONES = np.linalg.inv(np.array(_CONES))
_FROM_OPPONENTS = np.linalg.inv(np.array(_OPPONENTS))

_TO_CONES = _fixed(_CONES, 1 << LIGHT_BITS, (1, 1, 1))
_TO_OPPONENTS = _fixed(_OPPONENTS, SCALE << _MIX_BITS, (1, 0, 0))


@functools.cache
def linear_light() -> NDArray[np.int64]:
    """Return the linear light of each 8-bit level (IEC 61966-2-1), rounded to 2**-30.

    This uses decimal arithmetic: the power function of the C library differs between platforms.
    """
    with localcontext() as context:
        context.prec = 30
        levels = [Decimal(level) / 255 for level in range(256)]
        light = [
            x / Decimal("12.92")
            if x <= Decimal("0.04045")
            else ((x + Decimal("0.055")) / Decimal("1.055")) ** Decimal("2.4")
            for x in levels
        ]
        return np.array([round(x * (1 << LIGHT_BITS)) for x in light], np.int64)


def to_oklab(colors: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return the Oklab coordinates of sRGB colours.

    Parameters
    ----------
    colors : ndarray, shape (N, 3), uint8

    Returns
    -------
    ndarray, shape (N, 3), int64
        L, a, b in units of 1/4095, a and b plus 2048, rounded; within 0 ... 4095. Greys have
        a = b = 2048 exactly, and their L rises by at least 12 with each level. Where a channel
        hardly counts, as blue in light yellows, up to 10 colours share their coordinates: 5 in
        100 colours share them with another.
    """
    coordinates = np.empty(colors.shape, np.int64)
    for start in range(0, len(colors), _GROUP):
        group = slice(start, start + _GROUP)
        light = linear_light()[colors[group].T]
        coordinates[group] = _mixed(_TO_OPPONENTS, _cube_roots(_mixed(_TO_CONES, light))).T
    coordinates = _rounded(coordinates, _ROOT_BITS + _MIX_BITS)
    coordinates[:, 1:] += NEUTRAL
    return coordinates


def _mixed(matrix: NDArray[np.int64], rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the product of a matrix and rows of values, shape (3, N), in whole numbers.

    NumPy's own product of integer matrices is slower.
    """
    first, second, third = rows
    return np.stack([a * first + b * second + c * third for a, b, c in matrix.tolist()])


def _rounded(values: NDArray[np.int64], bits: int) -> NDArray[np.int64]:
    return np.asarray((values + (1 << (bits - 1))) >> bits)


def _cube_roots(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the cube roots of 0 ... 2**60, rounded down.

    The float estimate is off by at most one, however the C library rounds; comparing cubes of
    whole numbers corrects it.
    """
    roots = np.cbrt(values.astype(np.float64)).astype(np.int64)
    roots -= roots**3 > values
    roots += (roots + 1) ** 3 <= values
    return roots


def from_oklab(centroids: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return the sRGB colours whose Oklab coordinates are nearest to points.

    All 2**24 colours count, with the coordinates of `to_oklab`; of equally near ones the first by
    red, then green, then blue wins. So a colour's coordinates give that colour back, or the first
    one that shares them (no colour shares those of a grey). Points outside the gamut have a
    nearest colour too.

    Parameters
    ----------
    centroids : ndarray, shape (K, 3), float64
        In the unit of `to_oklab`, in 0 ... 4095; rounded to 2**-14 of it.

    Returns
    -------
    ndarray, shape (K, 3), uint8

    Notes
    -----
    The analytic inverse, in floats, gives a colour near each point. The nearest colour is no
    farther away, and that distance bounds its red, green and blue. All colours in this box are
    compared in whole numbers. Rounding may change the box but not the answer, because every box
    that is large enough holds the nearest colour.
    """
    targets = np.rint(centroids * (1 << _CENTROID_BITS)).astype(np.int64)
    roots = _roots_of(targets)
    light = np.clip(np.clip(roots, 0, 1) ** 3 @ _FROM_CONES.T, 0, 1)
    table = linear_light() / float(1 << LIGHT_BITS)
    near = np.searchsorted((table[1:] + table[:-1]) / 2, light).astype(np.uint8)
    low, high = _boxes(roots, np.sqrt(_distances(near, targets)))
    return _nearest_in_boxes(targets, low, high)


def _roots_of(targets: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the cube roots of the cone responses, in floats."""
    lab = targets / float(1 << _CENTROID_BITS) - np.array([0, NEUTRAL, NEUTRAL])
    return np.asarray(lab / SCALE @ _FROM_OPPONENTS.T)


def _distances(colors: NDArray[np.uint8], targets: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the exact squared distances of colours from points, in units of 2**-28."""
    difference = (to_oklab(colors) << _CENTROID_BITS) - targets
    return np.asarray((difference * difference).sum(axis=1))


def _boxes(
    roots: NDArray[np.float64], distances: NDArray[np.float64]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the least and the greatest levels of colours within a distance of points.

    Parameters
    ----------
    roots : ndarray, shape (K, 3), float64
        The points: cube roots of their cone responses.
    distances : ndarray, shape (K,), float64
        Units of 2**-14.
    """
    # Rounding of coordinates adds up to 0.87 to the distance; the rest of the 1 far exceeds the
    # errors of floats.
    radius = (distances / (1 << _CENTROID_BITS) + 1) / SCALE
    # Cauchy-Schwarz: a linear function changes by at most its norm times the distance.
    reach = radius[:, np.newaxis] * np.sqrt(np.square(_FROM_OPPONENTS).sum(axis=1))
    # Cubes are monotonic, so the bounds of the roots give the bounds of the cone responses. A
    # channel is a sum of these: least with the least of the terms with positive weights and the
    # greatest of the others.
    least, most = (np.clip(roots + side, 0, 1) ** 3 for side in (-reach, reach))
    gains, losses = np.maximum(_FROM_CONES, 0).T, np.minimum(_FROM_CONES, 0).T
    table = linear_light() / float(1 << LIGHT_BITS)
    low = np.searchsorted(table, least @ gains + most @ losses, side="left")
    high = np.searchsorted(table, most @ gains + least @ losses, side="right") - 1
    return low, high


def _nearest_in_boxes(
    targets: NDArray[np.int64], low: NDArray[np.intp], high: NDArray[np.intp]
) -> NDArray[np.uint8]:
    """Return the nearest colour to each point with levels from `low` to `high`.

    Boxes are searched in slices of one red level each: 2**16 colours or fewer.
    """
    sizes = high - low + 1
    box, red = _enumerated(sizes[:, 0])
    red += low[box, 0]
    areas = sizes[box, 1] * sizes[box, 2]
    best = np.full(len(targets), np.iinfo(np.int64).max)
    found = np.zeros((len(targets), 3), np.uint8)
    group = np.cumsum(areas) // _CANDIDATES
    for start, end in zip(*_runs(group), strict=True):
        piece, place = _enumerated(areas[start:end])
        owner = box[start:end][piece]
        green, blue = np.divmod(place, sizes[owner, 2])
        candidates = np.stack(
            [red[start:end][piece], green + low[owner, 1], blue + low[owner, 2]], axis=1
        ).astype(np.uint8)
        distances = _distances(candidates, targets[owner])
        # Candidates of a box are in the order of their levels, so the first wins a tie.
        first, last = _runs(owner)
        least = np.minimum.reduceat(distances, first)
        winners = np.flatnonzero(distances == np.repeat(least, last - first))
        winners = winners[np.unique(owner[winners], return_index=True)[1]]
        nearer = winners[distances[winners] < best[owner[winners]]]
        best[owner[nearer]] = distances[nearer]
        found[owner[nearer]] = candidates[nearer]
    return found


def _enumerated(lengths: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the list and the place in it of each item of lists of given lengths."""
    owner = np.repeat(np.arange(len(lengths)), lengths)
    return owner, np.arange(len(owner)) - np.repeat(np.cumsum(lengths) - lengths, lengths)


def _runs(values: NDArray[Any]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the starts and stops of runs of equal values."""
    starts = np.flatnonzero(np.diff(values, prepend=values[:1] - 1))
    return starts, np.append(starts, len(values))[1:]
