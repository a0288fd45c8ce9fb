"""What the model learns besides weights: slots, heads, hash tables, adaptive probabilities.

See spec/context.md, sections 3 and 7.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Generic, TypeVar

from kmcodec.coding.context.tables import tables

__all__ = ["MAP_LIMIT", "TRUST_LIMIT", "HashTable", "Head", "Slot", "Slots", "adapted", "new_slots"]

MAP_LIMIT = 255
"""Decisions after which an adaptive probability keeps its pace."""

TRUST_LIMIT = 1023
"""The same for the probabilities of whether the first candidate is worth asking for."""

_SLOT_LIMIT = 30
_RECIPROCAL: list[int] = tables().reciprocal.tolist()
_NEXT: list[int] = tables().next.tolist()

T = TypeVar("T")


def adapted(state: int, bit: int, limit: int) -> int:
    """An adaptive probability after one more decision.

    Parameters
    ----------
    state : int
        A probability of 22 bits, below which 10 bits count decisions.
    bit : int
    limit : int
        Where counting ends.
    """
    n, p = state & 1023, state >> 10
    p += ((4194303 if bit else 0) - p) * _RECIPROCAL[n] >> 16
    return p << 10 | (n + 1 if n < limit else n)


class Slot:
    """What is known of a decision in one context.

    Attributes
    ----------
    p : int
        The probability of 1, in 1/65536.
    n : int
        Decisions it was learned from, up to 30.
    history : int
        Zeros and ones seen, four bits each.
    """

    __slots__ = ("history", "n", "p")

    def __init__(self) -> None:
        self.p = 32768
        self.n = 0
        self.history = 0

    def learn(self, bit: int) -> None:
        p, n = self.p, self.n
        self.p = p + (((65535 if bit else 0) - p) * _RECIPROCAL[n] >> 16)
        if n < _SLOT_LIMIT:
            self.n = n + 1
        self.history = _NEXT[2 * self.history + bit]


class Head:
    """What is known of the symbol of a pixel in one context.

    Attributes
    ----------
    last : int
        The symbol that came last.
    before : int
        The one that came before it and was another, if any.
    run : int
        How often `last` came in a row, up to 255; 0 if the context is new.
    flags : tuple of Slot
        Whether the pixel is the candidate, for each rank.
    """

    __slots__ = ("before", "flags", "last", "run")

    def __init__(self) -> None:
        self.last = 0
        self.before = 0
        self.run = 0
        self.flags = (Slot(), Slot())

    def remember(self, symbol: int) -> None:
        if self.run == 0:
            self.last = self.before = symbol
            self.run = 1
        elif self.last == symbol:
            self.run = min(255, self.run + 1)
        else:
            self.before, self.last = self.last, symbol
            self.run = 1


Slots = defaultdict[int, Slot]
"""Slots by number; one that was never asked for is as good as new."""


def new_slots() -> Slots:
    """New slots, however many."""
    return defaultdict(Slot)


class HashTable(Generic[T]):
    """Entries by hash: of those that want one place the last that was kept has it.

    Parameters
    ----------
    bits : int
        There are 2 ** bits places.
    new : callable
        Makes an entry.
    """

    def __init__(self, bits: int, new: Callable[[], T]) -> None:
        self._shift = 32 - bits
        self._new = new
        self._places: dict[int, tuple[int, T]] = {}

    def find(self, key: int) -> T:
        """The entry of a hash of 32 bits, or a new one; nothing changes before it is kept."""
        place = self._places.get(key >> self._shift)
        if place is not None and place[0] == key & 0xFFFF | 1:
            return place[1]
        return self._new()

    def keep(self, key: int, entry: T) -> None:
        """Put an entry that was found by this hash into its place."""
        # 15 bits tell hashes of one place apart: the lowest is set in both twins, so that an empty
        # place of the other, all zeros, is nobody's.
        self._places[key >> self._shift] = (key & 0xFFFF | 1, entry)
