"""Which profile of the context coder an image can afford."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Survey", "affordable_effort", "count_unsurprising"]

# Nanoseconds that a decoder takes on one core of a machine of 2024, roughly: for each pixel, and
# for each bit of the index of a pixel that is not as its neighbours.
_PIXEL = {"max": 20, "default": 15}
_BIT = {"max": 1000, "default": 150}
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
    """Looks at the indices of an image to tell the strongest profile that it can afford.

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
        """Whether the size alone says that the answer is the fastest."""
        return not self._affords("default", 0, 1)

    def add(self, indices: NDArray[Any]) -> None:
        """Look at the next rows, shape (rows, width)."""
        if self._above is not None:
            self._busy -= count_unsurprising(np.concatenate([self._above, indices[:1]]))
        self._busy -= count_unsurprising(indices)
        self._above = indices[-1:]

    def effort(self, entries: int) -> str:
        """``'max'``, ``'default'`` or ``'fast'``, once all rows were added.

        Parameters
        ----------
        entries : int
            Of the palette.
        """
        bits = max(1, (entries - 1).bit_length())
        efforts = ("max", "default")
        return next((e for e in efforts if self._affords(e, self._busy, bits)), "fast")

    def _affords(self, effort: str, busy: int, bits: int) -> bool:
        return self._pixels * _PIXEL[effort] + busy * bits * _BIT[effort] <= _BUDGET


def affordable_effort(indices: NDArray[Any], entries: int) -> str:
    """The strongest profile that decodes in about half a second on one core.

    Parameters
    ----------
    indices : ndarray, shape (height, width), integer
    entries : int
        Of the palette.

    Returns
    -------
    str
        ``'max'``, ``'default'`` or ``'fast'``: by the image alone, not by the machine.
    """
    survey = Survey(indices.shape[1], indices.shape[0])
    survey.add(indices)
    return survey.effort(entries)
