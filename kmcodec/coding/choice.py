"""Rate-distortion choice: for each pixel a symbol that is cheap to code and near enough.

Entropy-constrained vector quantisation (Chou, Lookabaugh and Gray 1989, "Entropy-constrained vector
quantization", IEEE Trans. ASSP 37), with the coder itself as the entropy model: the cost of a
symbol is its cost at this point, after all pixels before it. The effect on later pixels is an
estimate: a symbol that the pixels ahead are likely to have makes them cheaper.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from kmcodec.coding.colortree import ColorTree

__all__ = ["Choice", "Chooser", "Criterion", "choice_of"]

# Least cost, in 1/256 bits, of a pixel that differs from all its neighbours.
_SPECK = 2048
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
        Maximum squared error to add to a pixel.
    ahead : ndarray, shape (rows, width), optional
        The likely entries of the pixels; by default the nearest ones.
    saving : int
        1/256 bits that an entry saves at the pixel to the right or below if that pixel is likely
        to have it too; three quarters of that diagonally below. At most 2**16.
    """

    targets: NDArray[np.int16]
    entries: NDArray[np.int16]
    kinds: NDArray[np.uint8]
    lagrangian: int
    allowance: int
    ahead: NDArray[Any] | None = None
    saving: int = 512


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
    ahead : ndarray, shape (rows, width), uint16
    lagrangian, allowance, saving : int
        See `Criterion`.
    """

    targets: NDArray[np.int16]
    entries: NDArray[np.int16]
    kinds: NDArray[np.uint8]
    neighbors: NDArray[np.uint16]
    costs: NDArray[np.uint16]
    ahead: NDArray[np.uint16]
    lagrangian: int
    allowance: int
    saving: int


def choice_of(criterion: Criterion, tree: ColorTree, nearest: NDArray[Any]) -> Choice:
    """Return the choice of a criterion; `nearest` are the nearest entries."""
    padding = [(0, 0), (0, _COORDINATES - criterion.entries.shape[1])]
    targets = criterion.targets
    if padding[-1][1]:
        targets = np.pad(targets, [(0, 0), *padding])
    near = _neighbors(criterion.entries.astype(np.int64), tree)
    return Choice(
        targets=np.ascontiguousarray(targets),
        entries=np.pad(criterion.entries[tree.entries], padding),
        kinds=criterion.kinds[tree.entries],
        neighbors=tree.symbols[near][tree.entries],
        costs=_costs(),
        ahead=tree.symbols[nearest if criterion.ahead is None else criterion.ahead],
        lagrangian=criterion.lagrangian,
        allowance=criterion.allowance,
        saving=criterion.saving,
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
        costs: dict[int, int] = {}
        denied = 0
        for symbol, p in flags.items():
            costs[symbol] = denied + self.cost(p)
            denied += self.cost(65535 - p)
        near = self._choice.neighbors[nearest].tolist()
        for symbol in (nearest, *near, *neighbors):
            if symbol not in costs and self._may_replace(nearest, symbol, x, y):
                costs[symbol] = denied + path_cost(symbol)
        values = {
            symbol: self._value(symbol, x, y, cost)
            for symbol, cost in costs.items()
            if self._may_replace(nearest, symbol, x, y)
        }
        # The first one wins a tie.
        return min(values, key=values.__getitem__)

    def prefers_run(self, x: int, y: int, symbol: int, length: int, p: int) -> bool:
        """Return True if a run saves more than it adds in error."""
        bit = self._choice.lagrangian
        value = bit * (self.cost(p) - self.cost(65535 - p))
        for at in range(x, x + length):
            own = self._image[y][at]
            if own != symbol:
                if not self._may_replace(own, symbol, at, y):
                    return False
                value += (self._error(symbol, at, y) - self._error(own, at, y)) << 16
                value -= bit * _SPECK
        return value <= 0

    def cost(self, p: int) -> int:
        """Return the cost in 1/256 bits of a decision by its probability in 1/65536."""
        return self._costs[p >> 4]

    def _may_replace(self, nearest: int, symbol: int, x: int, y: int) -> bool:
        added = self._error(symbol, x, y) - self._error(nearest, x, y)
        return added <= self._choice.allowance and self._kinds[symbol] == self._kinds[nearest]

    def _value(self, symbol: int, x: int, y: int, cost: int) -> int:
        """Return the error plus lambda times the bits, less likely savings at pixels ahead."""
        shares = 0
        for right, down, share in ((1, 0, 4), (0, 1, 4), (-1, 1, 3), (1, 1, 3)):
            row = self._ahead[y + down] if y + down < len(self._ahead) else []
            if 0 <= x + right < len(row) and row[x + right] == symbol:
                shares += share
        cost -= self._choice.saving * shares // 4
        return (self._error(symbol, x, y) << 16) + self._choice.lagrangian * cost

    def _error(self, symbol: int, x: int, y: int) -> int:
        pairs = zip(self._targets[y][x], self._entries[symbol], strict=True)
        return sum((a - b) ** 2 for a, b in pairs)
