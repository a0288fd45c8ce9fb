"""Carry the errors of chosen symbols to the pixels around, so that neighbours make up for them.

Error diffusion (Floyd and Steinberg, "An adaptive algorithm for spatial grey scale", Proceedings of
the SID 17(2), 1976) inside the choice: a pixel wants its own colour and a share of the errors
around, and what the chosen symbol misses of that is carried on. Rows go from left to right, as the
coder does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Carried", "Carry"]

_Color = Sequence[int]


@dataclass(frozen=True)
class Carry:
    """How errors are carried.

    Parameters
    ----------
    share : int
        Share of the errors to carry, in 1/256, at least 1.
    limit : int
        Maximum error to make up for at a pixel, in 1/16 of a coordinate, at most 2**16.
    colors : int
        Number of coordinates that carry errors: all but alpha.
    below : int
        Number of lines from a row to the next of the same frame.
    """

    share: int
    limit: int
    colors: int
    below: int = 1


class Carried:
    """The errors that pixels carried so far; carry.pxi is the twin.

    Parameters
    ----------
    carry : Carry
    width : int
    """

    def __init__(self, carry: Carry, width: int) -> None:
        self._carry = carry
        self._width = width
        self._line = -1
        # For each line with errors four numbers a column, and a column on either side.
        self._lines: dict[int, list[list[int]]] = {}
        self._right = [0] * 4
        self._last = -2

    def begin_line(self, line: int) -> None:
        """Turn to a line."""
        if line > self._line:
            self._line, self._last = line, -2
            self._lines = {at: errors for at, errors in self._lines.items() if at >= line}

    def wanted(self, target: _Color, x: int) -> tuple[list[int], list[int]]:
        """Return what is wanted of a pixel: its colour, and a share of the errors carried to it.

        Returns
        -------
        fine : list of int
            In 1/16 of a coordinate.
        wanted : list of int
            In whole coordinates.
        """
        carry = self._carry
        errors = self._errors(self._line)[x + 1]
        fine = [16 * value for value in target]
        for i in range(carry.colors):
            error = errors[i] + (self._right[i] if self._last == x - 1 else 0)
            error = (error * carry.share + 2048) >> 12
            fine[i] += min(max(error, -carry.limit), carry.limit)
        return fine, [(value + 8) >> 4 for value in fine]

    def miss(self, fine: _Color, entry: _Color, x: int) -> None:
        """Carry to the next pixel what an entry misses of what is wanted."""
        for i in range(self._carry.colors):
            self._right[i] = 7 * (fine[i] - 16 * entry[i])
        self._last = x

    def diffuse(self, fine: _Color, entry: _Color, x: int) -> None:
        """Carry it to the next pixel and to the three below."""
        self.miss(fine, entry, x)
        under = self._errors(self._line + self._carry.below)
        for i in range(self._carry.colors):
            for at, part in ((x, 3), (x + 1, 5), (x + 2, 1)):
                under[at][i] += part * (fine[i] - 16 * entry[i])

    def place(self) -> tuple[list[int], int]:
        """Return what the last pixel passes on, for `restore`."""
        return self._right.copy(), self._last

    def restore(self, place: tuple[list[int], int]) -> None:
        """Forget what was carried to the next pixel since."""
        self._right, self._last = place[0].copy(), place[1]

    def _errors(self, line: int) -> list[list[int]]:
        if line not in self._lines:
            self._lines[line] = [[0] * 4 for _ in range(self._width + 2)]
        return self._lines[line]
