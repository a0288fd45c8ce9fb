"""The model's memory besides weights: slots, heads, hash tables, adaptive probabilities.

See spec/context.md, sections 3 and 7.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Generic, TypeVar

from kmcodec.coding.context.tables import tables

__all__ = ["MAP_LIMIT", "TRUST_LIMIT", "HashTable", "Head", "Slot", "Slots", "adapted", "new_slots"]

MAP_LIMIT = 255
"""Decisions after which the rate of an adaptive probability stays constant."""

TRUST_LIMIT = 1023
"""The same for the probabilities that decide whether to code the first candidate's flag."""

_SLOT_LIMIT = 30
_RECIPROCAL: list[int] = tables().reciprocal.tolist()
_NEXT: list[int] = tables().next.tolist()

T = TypeVar("T")


def adapted(state: int, bit: int, limit: int) -> int:
    """Return an adaptive probability updated by one decision.

    Parameters
    ----------
    state : int
        A probability of 22 bits above a count of decisions of 10 bits.
    bit : int
    limit : int
        The largest count.
    """
    n, p = state & 1023, state >> 10
    p += ((4194303 if bit else 0) - p) * _RECIPROCAL[n] >> 16
    return p << 10 | (n + 1 if n < limit else n)


class Slot:
    """The statistics of a decision in one context.

    Attributes
    ----------
    p : int
        The probability of 1, in 1/65536.
    n : int
        Decisions learned from, up to 30.
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
    """The statistics of a pixel's symbol in one context.

    Attributes
    ----------
    last : int
        The symbol that came last.
    before : int
        The last different symbol before it, if any.
    run : int
        Length of the run of `last`, up to 255; 0 if the context is new.
    flags : tuple of Slot
        The decision whether the pixel is the candidate, for each rank.
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
"""Slots by number; a missing one is created on access."""


def new_slots() -> Slots:
    """Return an empty collection of slots."""
    return defaultdict(Slot)


class HashTable(Generic[T]):
    """Entries by hash; the entry kept last replaces any other in its place.

    Parameters
    ----------
    bits : int
        The table has 2 ** bits places.
    new : callable
        Makes an entry.
    """

    def __init__(self, bits: int, new: Callable[[], T]) -> None:
        self._shift = 32 - bits
        self._new = new
        self._places: dict[int, tuple[int, T]] = {}

    def find(self, key: int) -> T:
        """Return the entry of a 32-bit hash, or a new one; the table does not change."""
        place = self._places.get(key >> self._shift)
        if place is not None and place[0] == key & 0xFFFF | 1:
            return place[1]
        return self._new()

    def keep(self, key: int, entry: T) -> None:
        """Store an entry that `find` returned for this hash."""
        # 15 bits distinguish hashes of one place. Both twins set the lowest bit, so that no hash
        # matches an empty place of the compiled twin, which is all zeros.
        self._places[key >> self._shift] = (key & 0xFFFF | 1, entry)
