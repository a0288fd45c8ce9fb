"""Slots and distributions of the additive coder (spec/additive.md, sections 4 and 5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kmcodec.coding.additive.range_coder import RangeCoder

__all__ = ["Distribution", "Slots"]

# The shift of learning, by the count of values learned.
_SHIFTS = (1, 2, 2, 3, 3, 3, 3, *(4,) * 13, 5)


class Start(Protocol):
    """What slots begin with.

    Attributes
    ----------
    slot : int
        A weight in the lower 16 bits, a rate in the upper ones.
    squash : ndarray, shape (8192,), uint16
        See `wrapped_squash`.
    """

    @property
    def slot(self) -> int: ...

    @property
    def squash(self) -> NDArray[np.uint16]: ...


class Slots:
    """Weights that are added to predict a bit, and the rates at which they learn.

    Parameters
    ----------
    start : Start
    count : int
    floor : int
        The least rate.
    initial : int, optional
        A weight in the lower 16 bits, a rate in the upper ones.
    """

    def __init__(self, start: Start, count: int, floor: int, initial: int | None = None) -> None:
        slot = start.slot if initial is None else initial
        self._weights = [slot & 0xFFFF] * count
        self._rates = [slot >> 16] * count
        self._floor = floor
        self._squash: list[int] = start.squash.tolist()

    def chance(self, places: Sequence[int]) -> int:
        """Return the probability of 1, in 1/65536, by the slots at some places."""
        total = sum(self._weights[at] for at in places) >> 6
        return self._squash[total]

    def code(self, coder: RangeCoder, bit: int, places: Sequence[int]) -> int:
        """Code a bit, teach the slots at these places, and return the bit."""
        p = self.chance(places)
        bit = coder.code_bit(bit, p)
        error = (bit << 16) - p >> 1
        for at in places:
            rate = self._rates[at]
            weight = self._weights[at] + (error * rate >> 16)
            self._weights[at] = min(32767, max(-32768, weight))
            self._rates[at] = max(self._floor, rate - (rate * rate >> 16))
        return bit


@dataclass
class Distribution:
    """How often values from 0 to 15 occur.

    Parameters
    ----------
    count : int
        Values learned, at most 20.
    bounds : list of int
        The probability of all values below each value, in 1/32768.
    """

    count: int
    bounds: list[int]

    @classmethod
    def start(cls, bounds: list[int]) -> Distribution:
        """Return a distribution that has learned nothing."""
        return cls(0, bounds)

    def copy(self) -> Distribution:
        return Distribution(self.count, list(self.bounds))

    def learn(self, value: int) -> None:
        shift = _SHIFTS[self.count]
        for i in range(1, 16):
            target = 4 * i if i <= value else 32768 - 4 * (16 - i)
            self.bounds[i] += target - self.bounds[i] >> shift
        self.count = min(20, self.count + 1)
