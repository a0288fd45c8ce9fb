"""The choice of the strongest profile that an image can afford."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Survey", "affordable_effort", "count_unsurprising"]

# Approximate nanoseconds of the compiled decoder on one core of a machine of 2024: for each pixel,
# and for each bit of the index of a pixel that differs from its neighbours; strongest first.
_PIXEL = {"max": 20, "default": 15, "fast": 4}
_BIT = {"max": 1000, "default": 150, "fast": 20}
_LAST = "fastest"
_BUDGET = 500_000_000


def count_unsurprising(rows: NDArray[Any]) -> int:
    """How many pixels are as their left and upper neighbours, and so take next to nothing.

    Parameters
    ----------
    rows : ndarray, shape (rows, width)
        Indices; the first row and the first column only serve as neighbours.
    """
    inside = rows[1:, 1:]
    return int(((inside == rows[1:, :-1]) & (inside == rows[:-1, 1:])).sum())


class Survey:
    """Inspect the indices of an image to find the strongest profile that it can afford.

    Parameters
    ----------
    width, height : int
    """

    def __init__(self, width: int, height: int) -> None:
        self._pixels = width * height
        self._busy = self._pixels
        self._above: NDArray[Any] | None = None

    @property
    def is_decided(self) -> bool:
        """Whether the size alone requires the fastest profile."""
        return not self._affords(next(reversed(_BIT)), 0, 1)

    def add(self, indices: NDArray[Any]) -> None:
        """Inspect the next rows, shape (rows, width)."""
        if self._above is not None:
            self._busy -= count_unsurprising(np.concatenate([self._above, indices[:1]]))
        self._busy -= count_unsurprising(indices)
        self._above = indices[-1:]

    def effort(self, entries: int) -> str:
        """Return the name of a profile, after all rows were added.

        Parameters
        ----------
        entries : int
            Number of palette entries.
        """
        bits = max(1, (entries - 1).bit_length())
        return next((e for e in _BIT if self._affords(e, self._busy, bits)), _LAST)

    def _affords(self, effort: str, busy: int, bits: int) -> bool:
        return self._pixels * _PIXEL[effort] + busy * bits * _BIT[effort] <= _BUDGET


def affordable_effort(indices: NDArray[Any], entries: int) -> str:
    """Return the strongest profile whose compiled decoder takes about half a second on one core.

    Parameters
    ----------
    indices : ndarray, shape (height, width), integer
    entries : int
        Number of palette entries.

    Returns
    -------
    str
        ``'max'``, ``'default'``, ``'fast'``, or ``'fastest'`` if no other does; it depends on the
        image alone, not on the machine.
    """
    survey = Survey(indices.shape[1], indices.shape[0])
    survey.add(indices)
    return survey.effort(entries)
