"""Decisions about a pixel: if it is a candidate, and its side at a node of the tree.

See spec/context.md, sections 9 and 10. Making a decision changes nothing that is learned.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from kmcodec.coding.colortree import ColorTree
from kmcodec.coding.context.contexts import (
    FLAG_PATTERNS,
    FLAG_SETS,
    PAIRS,
    TREE_PATTERNS,
    TREE_SETS,
    Flag,
    Node,
    nearest,
    together,
)
from kmcodec.coding.context.memory import Head, Slots, new_slots
from kmcodec.coding.context.mixer import Decision
from kmcodec.coding.context.neighborhood import places
from kmcodec.coding.context.pixel import Pixel, Point
from kmcodec.coding.context.profiles import Profile

__all__ = ["Flags", "Tree"]


class Flags:
    """Decisions about candidates.

    Parameters
    ----------
    profile : Profile
    colors : sequence of Point
        By symbol.
    """

    def __init__(self, profile: Profile, colors: Sequence[Point]) -> None:
        self._colors = colors
        self._geometries = profile.geometries
        self._sets = FLAG_SETS[: profile.sets]
        # By rank, then by pattern: each has its own slots.
        self._patterns: list[list[tuple[Callable[[Flag], int], Slots]]] = [
            [(index, new_slots()) for index in FLAG_PATTERNS[: profile.flag_patterns]]
            for _ in range(2)
        ]

    def decision(self, pixel: Pixel, rank: int, rows: list[list[int]]) -> Decision:
        """Return the decision whether the pixel is the candidate of this rank.

        Parameters
        ----------
        pixel : Pixel
        rank : int
        rows : list of list of int
            Rows of the neighbourhood.
        """
        flag = self._flag(pixel, rank, rows)
        symbol = flag.symbol
        expected = (pixel.median, pixel.average, pixel.learned)[: self._geometries]
        agree = flag.relations.count(1)
        return Decision(
            kind=rank,
            slots=[head.flags[rank] for head in pixel.heads],
            patterns=[slots[index(flag)] for index, slots in self._patterns[rank]],
            runs=_runs(flag.relations, pixel.heads),
            distances=[
                pixel.activity << 6 | _distance(color, self._colors[symbol]) for color in expected
            ],
            pairs=[],
            sets=[number(flag) for number in self._sets],
            final=rank * (len(pixel.heads) + 1) + agree,
            curve=rank << 8 | symbol & 255,
        )

    @staticmethod
    def _flag(pixel: Pixel, rank: int, rows: list[list[int]]) -> Flag:
        symbol, other = pixel.candidates[rank], pixel.candidates[1 - rank]
        own, above, second, third = places(rows, pixel.x, symbol)
        other_own, other_above, other_second, _ = places(rows, pixel.x, other)
        return Flag(
            pixel=pixel,
            rank=rank,
            symbol=symbol,
            relations=[_relation(head, symbol) for head in pixel.heads],
            own=own,
            above=above,
            second=second,
            third=third,
            other=nearest(other_own, other_above, other_second),
        )


class Tree:
    """Decisions on the path through the colour tree.

    Parameters
    ----------
    profile : Profile
    tree : ColorTree
    """

    def __init__(self, profile: Profile, tree: ColorTree) -> None:
        self._bits = tree.bits
        self._leaves = 1 << tree.bits
        self._color: list[list[int]] = tree.color.tolist()
        self._hole: list[int] = tree.hole.tolist()
        self._axis: list[int] = tree.axis.tolist()
        self._middle: list[int] = tree.middle.tolist()
        self._scale: list[int] = tree.scale.tolist()
        self._geometries = profile.geometries
        self._pairs = PAIRS[: profile.pairs]
        self._sets = TREE_SETS[: profile.sets]
        self._patterns: list[tuple[Callable[[Node], int], Slots]] = [
            (index, new_slots()) for index in TREE_PATTERNS[: profile.tree_patterns]
        ]

    def forced(self, pixel: Pixel, number: int, depth: int) -> int | None:
        """Return the only possible side at a node, or None if both are possible.

        One side may hold only holes and excluded symbols. That happens at the last three levels
        at most: at most two symbols are excluded, and two holes are never siblings.
        """
        left = self._bits - 1 - depth
        if left > 2:
            return None
        if left:
            leaves = (symbol | self._leaves for symbol in pixel.excluded)
            if not any(leaf >> (left + 1) == number for leaf in leaves):
                return None
        way = None
        for side in range(2):
            first = ((2 * number + side) << left) - self._leaves
            symbols = range(first, first + (1 << left))
            if all(self._hole[symbol] or symbol in pixel.excluded for symbol in symbols):
                way = 1 - side
        # If both sides are empty, as a damaged file can cause, this is 0.
        return way

    def decision(
        self,
        pixel: Pixel,
        number: int,
        depth: int,
        lines: list[Slots],
        rows: list[list[int]],
    ) -> Decision:
        """Return the decision for a side at a node.

        Parameters
        ----------
        pixel : Pixel
        number, depth : int
            Number and depth of the node.
        lines : list of Slots
            For each context the slots of four levels, including the level of the node.
        rows : list of list of int
            Rows of the neighbourhood.
        """
        node = self._node(pixel, number, depth, rows)
        # The number of the node in the subtree of these four levels, 1 to 15.
        level = 1 << (depth & 3)
        in_line = number & (level - 1) | level
        axis = self._axis[number]
        expected = (pixel.median, pixel.average, pixel.learned)[: self._geometries]
        return Decision(
            kind=depth,
            slots=[line[in_line] for line in lines],
            patterns=[slots[index(node)] for index, slots in self._patterns],
            runs=_runs(node.relations, pixel.heads),
            distances=[pixel.activity << 6 | self._side(color[axis], number) for color in expected],
            pairs=self._pairs_of(pixel, number),
            sets=[choose(node) for choose in self._sets],
            final=depth,
            curve=min(255, number),
        )

    def _node(self, pixel: Pixel, number: int, depth: int, rows: list[list[int]]) -> Node:
        left = self._bits - 1 - depth
        # The nodes of the next level on the two sides.
        ways = [0, 2 * number, 2 * number + 1]
        sides = near_sides = 0
        for count, symbol in enumerate(pixel.near[:9], 1):
            way = (symbol | self._leaves) >> left
            sides = 3 * sides + (ways.index(way) if way in ways else 0)
            if count == 3:
                near_sides = sides
        leaves = [symbol | self._leaves for symbol in pixel.near]
        zeros, ones = (
            sum(1 << i for i, leaf in enumerate(leaves) if leaf >> left == way) for way in ways[1:]
        )
        relations = [self._relation(head, pixel, number, left) for head in pixel.heads]
        return Node(
            pixel=pixel,
            number=number,
            depth=depth,
            near_sides=near_sides,
            sides=sides,
            zeros=zeros,
            ones=ones,
            first=together(*places(rows, pixel.x, pixel.candidates[0])),
            relations=relations,
        )

    def _pairs_of(self, pixel: Pixel, number: int) -> list[int]:
        """Return the positions between the sides of the two levels of each pair."""
        axis = self._axis[number]
        levels = [self._color[symbol][axis] for symbol in pixel.near]
        pairs = [levels_of(levels) for levels_of in self._pairs]
        return [self._side(one, number) << 6 | self._side(other, number) for one, other in pairs]

    def _relation(self, head: Head, pixel: Pixel, number: int, left: int) -> int:
        """Return the relation of a context's last symbols to a node; see `Node`."""
        if head.run:
            for relation, symbol in ((2, head.last), (4, head.before)):
                way = (symbol | self._leaves) >> left
                if way >> 1 == number and symbol not in pixel.excluded:
                    return relation + (way & 1)
        return 0

    def _side(self, level: int, number: int) -> int:
        """Return a colour's position in eighths of the distance between the sides: 0 to 63."""
        eighths = (16 * level - self._middle[number]) * self._scale[number] >> 13
        return min(63, max(0, eighths + 32))


def _relation(head: Head, symbol: int) -> int:
    """Return the relation of a context's last symbols to a candidate; see `Flag`."""
    if head.run == 0:
        return 0
    return 1 if head.last == symbol else 2 if head.before == symbol else 3


def _runs(relations: list[int], heads: list[Head]) -> list[int]:
    """Return relations combined with runs; see `Decision`."""
    return [
        relation << 5 | min(31, head.run) if relation else -1
        for relation, head in zip(relations, heads, strict=True)
    ]


def _distance(one: Point, other: Point) -> int:
    """Return about twice the binary logarithm of the squared distance: 0 to 35."""
    squared = sum((a - b) ** 2 for a, b in zip(one, other, strict=True))
    shift = max(0, squared.bit_length() - 2)
    return 2 * shift + (squared >> shift)
