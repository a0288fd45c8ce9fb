"""The lists of the specification: contexts, patterns, and selectors of weights.

Each profile uses the first items of each list. See spec/context.md, sections 7, 9 and 10.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kmcodec.coding.context.neighborhood import MASK, MULTIPLIER, joined
from kmcodec.coding.context.pixel import NE, NEE, NEEE, NN, NW, NWW, WW, WWW, N, Pixel, W

__all__ = [
    "FLAG_CONTEXTS",
    "FLAG_PATTERNS",
    "FLAG_SETS",
    "PAIRS",
    "TREE_CONTEXTS",
    "TREE_PATTERNS",
    "TREE_SETS",
    "Flag",
    "Node",
    "nearest",
    "together",
]


@dataclass(slots=True)
class Flag:
    """The decision whether a pixel is a candidate.

    Parameters
    ----------
    pixel : Pixel
    rank : int
        0 for the first candidate, 1 for the second.
    symbol : int
        The candidate.
    relations : list of int
        For each context: 1 if the candidate came last, 2 if it came before that, 3 if only others
        did, 0 if the context is new.
    own, above, second, third : int
        Places of the candidate in this row and the rows above: 6, 10, 7 and 5 bits, from columns
        x - 6, x - 4, x - 3 and x - 2 on.
    other : int
        Places of the other candidate in the nearest 9 pixels.
    """

    pixel: Pixel
    rank: int
    symbol: int
    relations: list[int]
    own: int
    above: int
    second: int
    third: int
    other: int


@dataclass(slots=True)
class Node:
    """The decision for the left or right side at an inner node of the colour tree.

    Parameters
    ----------
    pixel : Pixel
    number, depth : int
        Number and depth of the node.
    near_sides, sides : int
        Sides of the first 3 and the first 9 neighbours, in base 3: 0 elsewhere, 1 left, 2 right.
    zeros, ones : int
        A bit for each of the 15 neighbours: set if it went left, or right.
    first : int
        Places of the first candidate, 28 bits.
    relations : list of int
        For each context of flags: 2 or 3 if the last symbol is to the left or right of the node,
        4 or 5 if the one before it is, else 0.
    """

    pixel: Pixel
    number: int
    depth: int
    near_sides: int
    sides: int
    zeros: int
    ones: int
    first: int
    relations: list[int]


FLAG_CONTEXTS: tuple[Callable[[Pixel], int], ...] = (
    lambda p: joined(p.near[:9]),
    lambda p: p.tall,
    lambda p: joined((p.near[W], p.near[WW], p.near[WWW])),
    lambda p: joined(p.near[:14]),
    lambda p: joined(p.near[:4]),
    lambda p: joined((p.near[N], p.near[NN])),
    lambda p: joined((p.near[W], p.x >> 5)),
    lambda p: p.low,
)
"""Hashes of contexts of the candidates."""

TREE_CONTEXTS: tuple[Callable[[Pixel], int], ...] = (
    lambda p: joined((*p.candidates, len(p.excluded))),
    lambda p: joined((p.near[W], p.x >> 5)),
    lambda p: joined(p.near[:4]),
    lambda p: joined((p.activity, *(level >> 4 for level in p.median))),
    lambda p: joined((p.near[NE], p.x >> 5)),
    lambda p: joined((p.near[W], p.near[WW])),
    lambda p: joined((p.near[N], p.near[NN])),
    lambda p: p.tall,
    lambda p: joined((p.x >> 5, p.y >> 5)),
    lambda p: joined((p.near[W], p.near[WW], p.near[WWW])),
    lambda p: joined((p.near[N], p.x >> 5)),
    lambda p: joined(p.near[:9]),
    lambda p: joined(p.near[:14]),
    lambda p: p.low,
    lambda p: joined((p.near[N],)),
    lambda p: joined((p.near[W],)),
    lambda p: joined((p.x >> 4, p.y >> 3)),
    lambda p: joined(level >> 3 for level in p.learned),
    lambda _: 0,
    lambda p: joined((p.near[NW], p.near[NE])),
    lambda p: joined((p.near[W], p.near[NEE])),
    lambda p: joined((p.near[W], p.near[NWW])),
    lambda p: joined((p.near[WW], p.near[NN], p.near[W])),
    lambda p: joined((p.near[NE], p.near[NEE], p.near[NEEE])),
    lambda p: joined((p.near[W], p.near[NE])),
    lambda p: joined((p.near[N], p.near[NE])),
    lambda p: joined((p.near[W], p.near[N], p.near[NW])),
)
"""Hashes of contexts in the tree."""


def _spread(value: int, bits: int) -> int:
    """Return `bits` well mixed bits of a number."""
    return (value * MULTIPLIER & MASK) >> (32 - bits)


def _all_places(f: Flag) -> int:
    return _spread(together(f.own, f.above, f.second, f.third), 16)


def together(own: int, above: int, second: int, third: int) -> int:
    """Return 28 places as one number."""
    return own | above << 6 | second << 16 | third << 23


def _both_candidates(f: Flag) -> int:
    return _spread(nearest(f.own, f.above, f.second) << 9 | f.other, 16)


def nearest(own: int, above: int, second: int) -> int:
    """Return 9 of the places: two to the left, four above and three above these."""
    return own >> 4 | (above >> 3 & 15) << 2 | (second >> 2 & 7) << 6


def _shape_and_colors(f: Flag) -> int:
    shape = (
        f.own >> 3 | (f.above >> 2 & 31) << 3 | (f.second >> 2 & 7) << 8 | (f.third >> 2 & 1) << 11
    )
    colors = f.pixel.activity << 7 | f.pixel.comparison & 127
    return _spread(shape << 10 | colors, 16)


def _wide_shape(f: Flag) -> int:
    return (
        f.own >> 3
        | (f.above >> 1 & 127) << 3
        | (f.second >> 1 & 31) << 10
        | (f.third >> 2 & 1) << 15
    )


FLAG_PATTERNS: tuple[Callable[[Flag], int], ...] = (
    _both_candidates,
    _all_places,
    _shape_and_colors,
    lambda f: joined((_wide_shape(f), f.symbol)) >> 16,
    lambda f: joined((_wide_shape(f), f.pixel.heads[0].run)) >> 16,
)
"""Places of a candidate among the neighbours: the number of a slot, 16 bits."""

TREE_PATTERNS: tuple[Callable[[Node], int], ...] = (
    lambda n: _spread(n.number * 27 + n.near_sides, 17),
    lambda n: _spread(n.sides + n.depth * 19683, 17),
    lambda n: n.depth << 13 | n.pixel.comparison << 3 | n.pixel.activity,
    lambda n: joined((n.number, n.pixel.y)) >> 15,
    lambda n: joined((n.number, n.pixel.x)) >> 15,
    lambda n: joined((n.number, n.zeros, n.ones)) >> 15,
    lambda n: joined((n.number, n.first)) >> 15,
)
"""Sides of the neighbours in the tree: the number of a slot, 17 bits."""

PAIRS: tuple[Callable[[Sequence[int]], tuple[int, int]], ...] = (
    lambda near: (near[NE], near[W] + near[N] - near[NW]),
    lambda near: (2 * near[N] - near[NN], 2 * near[W] - near[WW]),
)
"""Pairs of levels, from those of the neighbours on the axis of a node."""


def _agreement(f: Flag) -> int:
    contexts = len(f.relations)
    known = contexts - f.relations.count(0)
    return (f.rank * (contexts + 1) + known) * (contexts + 1) + f.relations.count(1)


def _sides_of_heads(n: Node) -> int:
    zeros, ones = (min(5, n.relations.count(relation)) for relation in (2, 3))
    return (n.depth * 6 + ones) * 6 + zeros


FLAG_SETS: tuple[Callable[[Flag], int], ...] = (
    lambda f: f.rank << 8 | f.symbol & 255,
    lambda f: f.rank * 27 + f.pixel.equality,
    _agreement,
    lambda f: f.pixel.x >> 3 & 127,
    lambda f: f.rank << 3 | f.pixel.activity,
    lambda f: f.pixel.comparison,
    lambda f: (f.pixel.x + f.pixel.y) >> 5 & 255,
    lambda f: f.rank << 5 | min(31, f.pixel.heads[0].run),
)
"""The set of weights of each mixer for a candidate."""

TREE_SETS: tuple[Callable[[Node], int], ...] = (
    lambda n: min(255, n.number),
    lambda n: n.depth * 27 + n.pixel.equality,
    _sides_of_heads,
    lambda n: n.pixel.x >> 3 & 127,
    lambda n: n.depth << 3 | n.pixel.activity,
    lambda n: n.pixel.comparison,
    lambda n: (n.pixel.x + n.pixel.y) >> 5 & 255,
    lambda n: n.depth << 5 | min(31, n.pixel.heads[0].run),
)
"""The set of weights of each mixer at a node."""
