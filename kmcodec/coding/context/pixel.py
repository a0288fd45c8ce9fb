"""The context of a pixel before it is coded (spec/context.md, section 6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from kmcodec.coding.context.memory import Head

__all__ = ["Pixel", "Point", "compare", "expect"]

W, N, NW, NE, WW, NN, NNE, NEE, NWW, WWW, NNW, NNN, NNEE, NNWW, NEEE = range(15)
"""Positions of neighbours in `Pixel.near`: west, north and so on."""

Point = tuple[int, int, int]
"""A colour by its three coordinates."""

_FAR = 4


@dataclass(slots=True)
class Pixel:
    """The pixel to code next.

    Parameters
    ----------
    x, y : int
    near : list of int
        Symbols of 15 neighbours.
    tall, low : int
        Hashes of larger neighbourhoods.
    median, average, learned : tuple of int
        The colours of three predictors.
    activity : int
        Colour difference between the neighbours, 0 to 7.
    equality : int
        Equality of neighbours, 0 to 26.
    comparison : int
        Comparisons of neighbours' symbols, 10 bits.
    heads : list of Head
        One for each context.
    candidates : tuple of int
        The two symbols with most votes; a single one twice.
    strengths : tuple of int
        Their votes.
    excluded : list of int
        Candidates that the pixel is known not to be.
    """

    x: int
    y: int
    near: list[int]
    tall: int
    low: int
    median: Point = (0, 0, 0)
    average: Point = (0, 0, 0)
    learned: Point = (0, 0, 0)
    activity: int = 0
    equality: int = 0
    comparison: int = 0
    heads: list[Head] = field(default_factory=list)
    candidates: tuple[int, int] = (0, 0)
    strengths: tuple[int, int] = (0, 0)
    excluded: list[int] = field(default_factory=list)


def expect(pixel: Pixel, colors: Sequence[Point]) -> None:
    """Fill in the predicted colours, except the learned one, and the activity.

    Parameters
    ----------
    pixel : Pixel
    colors : sequence of Point
        By symbol.
    """
    near = pixel.near
    median, average, differences = [], [], 0
    neighbors = (colors[near[W]], colors[near[N]], colors[near[NW]], colors[near[NE]])
    for w, n, nw, ne in zip(*neighbors, strict=True):
        # The median predictor: the median of both neighbours and of the plane through all three.
        median.append(min(max(w, n), max(min(w, n), w + n - nw)))
        average.append((3 * w + 3 * n + nw + ne + 4) >> 3)
        differences += abs(w - nw) + abs(n - ne) + abs(n - nw)
    pixel.median = (median[0], median[1], median[2])
    pixel.average = (average[0], average[1], average[2])
    pixel.activity = min(7, max(0, differences.bit_length() - 2))


def compare(pixel: Pixel) -> None:
    """Fill in the comparisons of the neighbours' symbols."""
    w, n, nw, ne, ww, nn, nne = pixel.near[:7]
    nnw = pixel.near[NNW]
    pixel.equality = (
        9 * (0 if w == n else 1 if w == nw else 2)
        + 3 * (0 if n == ne else 1 if n == nw else 2)
        + (0 if nw == ne else 1 if w == ww else 2)
    )
    # Near symbols have near colours.
    pixel.comparison = (
        (ne > nne)
        | (nw > nnw) << 1
        | (n > nn) << 2
        | (w > ww) << 3
        | (w > nw) << 4
        | (n > ne) << 5
        | (w > n) << 6
        | (abs(w - nw) > _FAR) << 7
        | (abs(n - ne) > _FAR) << 8
        | (abs(w - n) > _FAR) << 9
    )
