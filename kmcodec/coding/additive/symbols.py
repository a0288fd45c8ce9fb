"""How the additive coder codes symbols that are no candidates (spec/additive.md, 11 and 12).

A path through the tree, a bit for each node, or values of four bits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from kmcodec.coding.additive.memory import Distribution, Slots
from kmcodec.coding.additive.range_coder import RangeCoder
from kmcodec.coding.additive.start import Start
from kmcodec.coding.additive.surroundings import (
    Candidates,
    Surroundings,
    hashed,
    top,
)

__all__ = ["Paths", "Values"]

_FLOOR = 1200
_TABLES = 6
_TABLE_BITS = 15


class Paths:
    """Code symbols as paths from the root to a leaf.

    Parameters
    ----------
    start : Start
    """

    def __init__(self, start: Start) -> None:
        self._bits = start.bits
        self._leaves: list[int] = start.leaves.tolist()
        self._slots = Slots(start, _TABLES << _TABLE_BITS, _FLOOR)

    def code(
        self, coder: RangeCoder, around: Surroundings, candidates: Candidates, symbol: int
    ) -> int:
        """Code a symbol and return it; a decoder ignores the argument."""
        node = 1
        while node < 1 << self._bits:
            depth = node.bit_length() - 1
            bit = self._forced(node, candidates)
            if bit is None:
                bit = symbol >> (self._bits - 1 - depth) & 1
                places = self._places(node, around, candidates)
                bit = self._slots.code(coder, bit, places)
            node = 2 * node + bit
        return node - (1 << self._bits)

    def cost(
        self,
        around: Surroundings,
        candidates: Candidates,
        symbol: int,
        cost_of: Callable[[int], int],
    ) -> int:
        """Return what `code` would cost, by what a decision of a probability costs."""
        cost = 0
        leaf = symbol | 1 << self._bits
        for depth in range(self._bits):
            node = leaf >> (self._bits - depth)
            if self._forced(node, candidates) is None:
                p = self._slots.chance(self._places(node, around, candidates))
                is_one = leaf >> (self._bits - 1 - depth) & 1
                cost += cost_of(p if is_one else 65535 - p)
        return cost

    def _is_above(self, node: int, symbol: int) -> int:
        depth = node.bit_length() - 1
        return (symbol | 1 << self._bits) >> (self._bits - depth) == node

    def _side(self, node: int, symbol: int) -> int:
        return symbol >> (self._bits - node.bit_length()) & 1

    def _forced(self, node: int, candidates: Candidates) -> int | None:
        """Return the side where all leaves are that can be coded, if there is one."""
        if not self._leaves[node]:
            return None
        counts = [self._leaves[node] & 3, self._leaves[node] >> 2]
        for symbol in candidates.symbols:
            if self._is_above(node, symbol):
                counts[self._side(node, symbol)] -= 1
        if counts[0] <= 0:
            return 1
        return 0 if counts[1] <= 0 else None

    def _places(self, node: int, around: Surroundings, candidates: Candidates) -> list[int]:
        depth = node.bit_length() - 1
        first = (self._bits - 1 & 3) + 1
        within = depth if depth < first else depth - first & 3
        uppermost = node >> within
        number = node & (1 << within) - 1 | 1 << within
        both = candidates.symbols[0], candidates.symbols[-1]
        terms = ((around.w,), (around.n,), (around.ne,), (around.nw,), both)
        places = [
            i << _TABLE_BITS | top(hashed(uppermost, *term), _TABLE_BITS - 4) << 4 | number
            for i, term in enumerate(terms)
        ]
        same = sides = 0
        for i, symbol in enumerate(around.symbols[:8]):
            if self._is_above(node, symbol):
                same |= 1 << i
                sides |= self._side(node, symbol) << i
        return [
            *places,
            5 << _TABLE_BITS | top(hashed(depth << 16 | same << 8 | sides), _TABLE_BITS),
        ]


class Values:
    """Code symbols as values of four bits; the highest one has the one to four that are left.

    Parameters
    ----------
    start : Start
    """

    def __init__(self, start: Start) -> None:
        self._bits = start.bits
        self._is_wide = start.bits > 8
        self._first, self._others = (
            Distribution.start(bounds.tolist()) for bounds in start.distributions(1, 1)[[0, -1]]
        )
        self._tables: dict[tuple[int, int, int], Distribution] = {}

    def code(
        self, coder: RangeCoder, around: Surroundings, candidates: Candidates, symbol: int
    ) -> int:
        """Code a symbol and return it; a decoder ignores the argument."""
        node = 1
        for below, take in self._parts():
            both = self._distributions(node, below, around, candidates)
            value = coder.code_value(symbol >> below & (1 << take) - 1, _bounds(both))
            for distribution in both:
                distribution.learn(value)
            node = node << take | value & (1 << take) - 1
        return node - (1 << self._bits)

    def cost(
        self,
        around: Surroundings,
        candidates: Candidates,
        symbol: int,
        cost_of: Callable[[int], int],
    ) -> int:
        """Return what `code` would cost, by what a decision of a probability costs."""
        cost = 0
        leaf = symbol | 1 << self._bits
        for below, take in self._parts():
            bounds = _bounds(self._distributions(leaf >> below + take, below, around, candidates))
            value = leaf >> below & (1 << take) - 1
            cost += cost_of(bounds[value + 1] - bounds[value] - 1)
        return cost

    def _parts(self) -> Iterator[tuple[int, int]]:
        """Yield the bits that follow each value, and those that it has."""
        first = (self._bits - 1 & 3) + 1
        yield self._bits - first, first
        for below in range(self._bits - first - 4, -1, -4):
            yield below, 4

    def _part(self, symbol: int, node: int, below: int) -> int:
        value = (symbol | 1 << self._bits) >> below
        return value & 15 if value >> 4 == node else 16

    def _distributions(
        self, node: int, below: int, around: Surroundings, candidates: Candidates
    ) -> list[Distribution]:
        seen = (around.w, around.n, around.ne, candidates.symbols[0], candidates.symbols[-1])
        if node == 1:
            w, n, ne, first, second = (symbol >> below for symbol in seen)
            numbers = [w << 8 | n << 4 | ne, first << 4 | second]
            if self._bits > 4:
                numbers[1] = candidates.tags[0]
        else:
            w, n, _, first, second = (self._part(symbol, node, below) for symbol in seen)
            before = node ^ 1 << node.bit_length() - 1
            if self._is_wide:
                before = top(hashed(before), 4)
            numbers = [(before * 17 + w) * 17 + n, (before * 17 + first) * 17 + second]
        return [self._distribution((below, i, number)) for i, number in enumerate(numbers)]

    def _distribution(self, key: tuple[int, int, int]) -> Distribution:
        if key not in self._tables:
            is_first = key[0] + 4 >= self._bits
            self._tables[key] = (self._first if is_first else self._others).copy()
        return self._tables[key]


def _bounds(distributions: list[Distribution]) -> list[int]:
    f, g = distributions
    inner = [a + b for a, b in zip(f.bounds, g.bounds, strict=True)]
    return [0, *inner[1:], 65536]
