"""Rate-distortion choice: for each pixel a symbol that is cheap to code and near enough.

Entropy-constrained vector quantisation (Chou, Lookabaugh and Gray 1989, "Entropy-constrained vector
quantization", IEEE Trans. ASSP 37), with the coder itself as the entropy model: the cost of a
symbol is its cost at this point, after all pixels before it. The effect on later pixels is an
estimate: a symbol that the pixels ahead are likely to have makes them cheaper.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kmcodec.coding.carry import Carried, Carry

if TYPE_CHECKING:
    from kmcodec.coding.colortree import ColorTree

__all__ = ["Choice", "Chooser", "Criterion", "choice_of"]

# Least cost, in 1/256 bits, of a pixel that differs from all its neighbours.
_SPECK = 2048
# The most error that may ever be added to a pixel.
_MOST_ADDED = 1 << 30
# Number of coordinates of points and entries.
_COORDINATES = 4
# Entries near the nearest one to try.
_NEAR = 12
# Above this many entries the distances of all pairs take too much memory.
_MOST_PAIRS = 4096


@dataclass(frozen=True)
class Criterion:
    """The criterion of a choice.

    Parameters
    ----------
    targets : ndarray, shape (rows, width, D), int16
        Coordinates of the pixels of the source, D at most 4.
    entries : ndarray, shape (K, D), int16
        Coordinates of the palette entries.
    kinds : ndarray, shape (K,), uint8
        Only entries of the same kind replace each other.
    lagrangian : int
        The price of a bit: squared error in 1/256, at least 1.
    allowance : int
        Maximum squared error to add to a pixel at a weight of 1.
    ahead : ndarray, shape (rows, width), optional
        The likely entries of the pixels; by default the nearest ones.
    saving : int
        1/256 bits that an entry saves at the pixel to the right or below if that pixel is likely
        to have it too; three quarters of that diagonally below. At most 2**16.
    carry : Carry, optional
        Carries the errors of chosen entries to the pixels around.
    weights : ndarray, shape (rows, width), uint16, optional
        Factors of the price and the allowance at each pixel, in 1/256; 1 by default.
    """

    targets: NDArray[np.int16]
    entries: NDArray[np.int16]
    kinds: NDArray[np.uint8]
    lagrangian: int
    allowance: int
    ahead: NDArray[Any] | None = None
    saving: int = 512
    carry: Carry | None = None
    weights: NDArray[np.uint16] | None = None


@dataclass(frozen=True)
class Choice:
    """A criterion by symbols of the tree instead of palette entries, for the model.

    Parameters
    ----------
    targets : ndarray, shape (rows, width, 4), int16
    entries : ndarray, shape (2 ** bits, 4), int16
    kinds : ndarray, shape (2 ** bits,), uint8
    neighbors : ndarray, shape (2 ** bits, M), uint16
        Symbols near each symbol, nearest first.
    costs : ndarray, shape (4096,), uint16
        Cost of a decision in 1/256 bits, by its probability in 1/4096.
    ahead, weights : ndarray, shape (rows, width), uint16
    lagrangian, allowance, saving, carry
        See `Criterion`.
    """

    targets: NDArray[np.int16]
    entries: NDArray[np.int16]
    kinds: NDArray[np.uint8]
    neighbors: NDArray[np.uint16]
    costs: NDArray[np.uint16]
    ahead: NDArray[np.uint16]
    weights: NDArray[np.uint16]
    lagrangian: int
    allowance: int
    saving: int
    carry: Carry | None


def choice_of(criterion: Criterion, tree: ColorTree, nearest: NDArray[Any]) -> Choice:
    """Return the choice of a criterion; `nearest` are the nearest entries."""
    padding = [(0, 0), (0, _COORDINATES - criterion.entries.shape[1])]
    targets = criterion.targets
    if padding[-1][1]:
        targets = np.pad(targets, [(0, 0), *padding])
    weights = criterion.weights
    if weights is None:
        weights = np.full(targets.shape[:2], 256, np.uint16)
    near = _neighbors(criterion.entries.astype(np.int64), tree)
    return Choice(
        targets=np.ascontiguousarray(targets),
        entries=np.pad(criterion.entries[tree.entries], padding),
        kinds=criterion.kinds[tree.entries],
        neighbors=tree.symbols[near][tree.entries],
        costs=_costs(),
        ahead=tree.symbols[nearest if criterion.ahead is None else criterion.ahead],
        weights=np.ascontiguousarray(weights),
        lagrangian=criterion.lagrangian,
        allowance=criterion.allowance,
        saving=criterion.saving,
        carry=criterion.carry,
    )


def _neighbors(points: NDArray[np.int64], tree: ColorTree) -> NDArray[Any]:
    """Return the entries nearest to each entry, or beside it in the tree if there are many."""
    count = min(_NEAR, len(points) - 1)
    if len(points) > _MOST_PAIRS:
        steps = np.arange(1, count // 2 + 1)
        places = tree.symbols.argsort()
        rank = np.empty(len(points), np.int64)
        rank[places] = np.arange(len(points))
        beside = (rank[:, np.newaxis] + np.concatenate([steps, -steps])) % len(points)
        return np.asarray(places[beside])
    near = np.empty((len(points), count), np.int64)
    for i, point in enumerate(points):
        squares = ((points - point) ** 2).sum(axis=1)
        squares[i] = np.iinfo(np.int64).max
        near[i] = squares.argsort(kind="stable")[:count]
    return near


@functools.cache
def _costs() -> NDArray[np.uint16]:
    return np.array([_cost(2 * p + 1, 8192) for p in range(4096)], np.uint16)


def _cost(part: int, whole: int) -> int:
    """Return the binary logarithm of whole / part, in 1/256, rounded down."""
    cost = (whole // part).bit_length() - 1
    part <<= cost
    for _ in range(8):
        part, whole, cost = part * part, whole * whole, 2 * cost
        if whole >= 2 * part:
            part, cost = 2 * part, cost + 1
    return cost


@dataclass(frozen=True)
class _Wanted:
    """A colour, the symbol nearest to it, and the most error that another symbol may add."""

    target: list[int]
    nearest: int
    allowance: int


class Chooser:
    """Choose symbols for the model in Python; choice.pxi is the twin.

    Parameters
    ----------
    choice : Choice
    image : list of list of int
        The symbols before the choice; the chosen symbols replace them.
    """

    def __init__(self, choice: Choice, image: list[list[int]]) -> None:
        self._choice = choice
        self._image = image
        self._targets: list[list[list[int]]] = choice.targets.tolist()
        self._entries: list[list[int]] = choice.entries.tolist()
        self._kinds: list[int] = choice.kinds.tolist()
        self._costs: list[int] = choice.costs.tolist()
        self._ahead: list[list[int]] = choice.ahead.tolist()
        self._weights: list[list[int]] = choice.weights.tolist()
        self._carried = None
        if choice.carry is not None:
            self._carried = Carried(choice.carry, choice.ahead.shape[1])

    def choose(
        self,
        x: int,
        y: int,
        nearest: int,
        flags: Mapping[int, int],
        neighbors: Sequence[int],
        path_cost: Callable[[int], int],
    ) -> int:
        """Return the symbol with the least error and cost.

        Parameters
        ----------
        x, y : int
        nearest : int
            The symbol nearest to the pixel's colour.
        flags : mapping of int to int
            The probability, in 1/65536, of each candidate for which a flag would be coded, in
            their order.
        neighbors : sequence of int
            The symbols to the left, above, above to the left and above to the right.
        path_cost : callable
            Returns the cost in 1/256 bits of a symbol that is no such candidate.
        """
        target, carried = self._targets[y][x], self._carried
        # An exact pixel neither takes nor passes on errors.
        if carried is None or not self._error(nearest, target):
            wanted = _Wanted(target, nearest, self._allowance(x, y))
            return self._choose_for(wanted, x, y, flags, neighbors, path_cost)
        carried.begin_line(y)
        fine, target = carried.wanted(target, x)
        wanted = _Wanted(target, self._nearest_to(target, nearest), self._most_added(x, y))
        symbol = self._choose_for(wanted, x, y, flags, neighbors, path_cost)
        carried.diffuse(fine, self._entries[symbol], x)
        return symbol

    def _choose_for(
        self,
        wanted: _Wanted,
        x: int,
        y: int,
        flags: Mapping[int, int],
        neighbors: Sequence[int],
        path_cost: Callable[[int], int],
    ) -> int:
        """Return the symbol with the least error and cost for a colour."""
        target, nearest = wanted.target, wanted.nearest
        costs: dict[int, int] = {}
        denied = 0
        for symbol, p in flags.items():
            costs[symbol] = denied + self.cost(p)
            denied += self.cost(65535 - p)
        near = self._choice.neighbors[nearest].tolist()
        price = self._price(x, y)
        for symbol in (nearest, *near, *neighbors):
            if symbol not in costs and self._may_replace(symbol, wanted):
                costs[symbol] = denied + path_cost(symbol)
        values = {
            symbol: (self._error(symbol, target) << 16)
            + price * (cost - self._foresight(symbol, x, y))
            for symbol, cost in costs.items()
            if self._may_replace(symbol, wanted)
        }
        # The first one wins a tie.
        return min(values, key=values.__getitem__)

    def prefers_run(self, x: int, y: int, symbol: int, length: int, p: int) -> bool:
        """Return True if a run saves more than it adds in error, and then carry its errors."""
        carried, entry = self._carried, self._entries[symbol]
        if carried is None:
            return self._run_value(x, y, symbol, length, p) <= 0
        carried.begin_line(y)
        place = carried.place()
        value = self._run_value(x, y, symbol, length, p)
        carried.restore(place)
        if value > 0:
            return False
        for at in range(x, x + length):
            target = self._targets[y][at]
            if self._error(self._image[y][at], target):
                fine, _ = carried.wanted(target, at)
                carried.diffuse(fine, entry, at)
        return True

    def _run_value(self, x: int, y: int, symbol: int, length: int, p: int) -> float:
        """Return what a run adds in error less what it saves; infinity if a pixel adds too much."""
        value = self._price(x, y) * (self.cost(p) - self.cost(65535 - p))
        for at in range(x, x + length):
            own, target = self._image[y][at], self._targets[y][at]
            allowance = self._most_added(at, y)
            if self._carried is None or not self._error(own, target):
                allowance = self._allowance(at, y)
            else:
                fine, target = self._carried.wanted(target, at)
                own = self._nearest_to(target, own)
                self._carried.miss(fine, self._entries[symbol], at)
            if own != symbol:
                if not self._may_replace(symbol, _Wanted(target, own, allowance)):
                    return math.inf
                value += (self._error(symbol, target) - self._error(own, target)) << 16
                value -= self._price(at, y) * _SPECK
        return value

    def cost(self, p: int) -> int:
        """Return the cost in 1/256 bits of a decision by its probability in 1/65536."""
        return self._costs[p >> 4]

    def _nearest_to(self, target: list[int], symbol: int) -> int:
        """Return the symbol nearest to a colour, found step by step from one not far from it."""
        before = -1
        while symbol != before:
            before = symbol
            near = self._choice.neighbors[before].tolist()
            same = [each for each in near if self._kinds[each] == self._kinds[before]]
            # The first of equally near ones.
            symbol = min([before, *same], key=lambda each: self._error(each, target))
        return symbol

    def _price(self, x: int, y: int) -> int:
        """Return the price of a bit at a pixel."""
        return max(1, self._choice.lagrangian * self._weights[y][x] >> 8)

    def _most_added(self, x: int, y: int) -> int:
        """Return the most error to add to a pixel that is not flat."""
        return min(self._choice.allowance * self._weights[y][x] >> 8, _MOST_ADDED)

    def _allowance(self, x: int, y: int) -> int:
        """Return the most error to add to a pixel: none if those to the right and below equal it.

        People see a flat area change, and each pixel of it would pay for the few bits that another
        entry saves where the area begins.
        """
        if x + 1 == len(self._targets[y]) or y + 1 == len(self._targets):
            return self._most_added(x, y)
        own = self._targets[y][x]
        flat = own == self._targets[y][x + 1] == self._targets[y + 1][x]
        return 0 if flat else self._most_added(x, y)

    def _may_replace(self, symbol: int, wanted: _Wanted) -> bool:
        target, nearest = wanted.target, wanted.nearest
        added = self._error(symbol, target) - self._error(nearest, target)
        return added <= wanted.allowance and self._kinds[symbol] == self._kinds[nearest]

    def _foresight(self, symbol: int, x: int, y: int) -> int:
        """Return the likely savings at pixels ahead that have the symbol, too."""
        shares = 0
        for right, down, share in ((1, 0, 4), (0, 1, 4), (-1, 1, 3), (1, 1, 3)):
            row = self._ahead[y + down] if y + down < len(self._ahead) else []
            if 0 <= x + right < len(row) and row[x + right] == symbol:
                shares += share
        return self._choice.saving * shares // 4

    def _error(self, symbol: int, target: list[int]) -> int:
        return sum((a - b) ** 2 for a, b in zip(target, self._entries[symbol], strict=True))
