"""The rows around a pixel, and hashes of their symbols (spec/context.md, section 6)."""

from __future__ import annotations

from collections.abc import Iterable

from kmcodec.coding.context.pixel import NE, NN, NW, NWW, WW, N, Pixel, W

__all__ = ["BORDER", "MASK", "MULTIPLIER", "Neighborhood", "joined", "places", "scrambled"]

BORDER = 8
"""Pixels of border on each side of a row."""

MASK = 0xFFFFFFFF
"""Hashes are numbers modulo 2 ** 32."""

MULTIPLIER = 0x9E3779B1
"""Spreads a number over the higher bits."""

_STEP = 0x2F0B4C47
_STEP_4, _STEP_6, _STEP_8, _STEP_13 = (pow(_STEP, power, MASK + 1) for power in (4, 6, 8, 13))
_ROW_1, _ROW_2, _ROW_3 = 0x85EBCA77, 0xC2B2AE3D, 0x27D4EB2F

_RUN_MOST = 1024


def joined(values: Iterable[int]) -> int:
    """Return the hash of a sequence of numbers."""
    hashed = 0
    for value in values:
        hashed = (hashed + value + 1) * _STEP & MASK
    return hashed


def scrambled(hashed: int) -> int:
    """Return a hash whose highest and lowest bits depend on all others."""
    hashed = hashed * MULTIPLIER & MASK
    return hashed ^ hashed >> 15


def _matches(row: list[int], start: int, stop: int, symbol: int) -> int:
    """Return a mask whose bit i is set if row[start + i] is the symbol."""
    mask, bit = 0, 1
    for other in row[start:stop]:
        if other == symbol:
            mask |= bit
        bit += bit
    return mask


def places(rows: list[list[int]], x: int, symbol: int) -> tuple[int, int, int, int]:
    """Return the places of a symbol around a pixel: 6 bits for its row, 10, 7 and 5 above.

    They begin at columns x - 6, x - 4, x - 3 and x - 2.
    """
    at = x + BORDER
    return (
        _matches(rows[0], at - 6, at, symbol),
        _matches(rows[1], at - 4, at + 6, symbol),
        _matches(rows[2], at - 3, at + 4, symbol),
        _matches(rows[3], at - 2, at + 3, symbol),
    )


class Neighborhood:
    """The current row and the three above it, with borders.

    Parameters
    ----------
    width : int

    Attributes
    ----------
    y : int
        The number of the row.
    rows : list of list of int
        Symbols, this row first. The pixel of column x is at x + BORDER.
    """

    def __init__(self, width: int) -> None:
        self.y = -1
        self.rows = [[0] * (width + 2 * BORDER) for _ in range(4)]
        self._width = width
        # Hashes of each row's symbols before each position; the difference of two is the hash of
        # the symbols between them.
        self._left: list[int] = []
        self._low: list[int] = []
        self._tall: list[int] = []

    def begin_row(self) -> None:
        """Start the next row."""
        self.y += 1
        # The left border is the first pixel of the row above, the right border is zeros.
        edge = self.rows[0][BORDER]
        row = [edge] * BORDER + [0] * (self._width + BORDER)
        self.rows = [row, *self.rows[:3]]
        self._left = [0]
        for symbol in row[:BORDER]:
            self._left.append((self._left[-1] + symbol + 1) * _STEP & MASK)
        low = tall = 0
        self._low, self._tall = [low], [tall]
        for one, two, three in zip(*self.rows[1:], strict=True):
            column = one * _ROW_1 + two * _ROW_2
            low = (low + column + 1) * _STEP & MASK
            tall = (tall + column + three * _ROW_3 + 1) * _STEP & MASK
            self._low.append(low)
            self._tall.append(tall)

    def put(self, x: int, symbol: int) -> None:
        """Add a pixel; the pixels of a row come in order."""
        self.rows[0][x + BORDER] = symbol
        self._left.append((self._left[-1] + symbol + 1) * _STEP & MASK)

    def near(self, x: int) -> list[int]:
        """Return the symbols of 15 neighbours, in the order of the names in `pixel`."""
        at = x + BORDER
        r0, r1, r2, r3 = self.rows
        w, ww = r0[at - 1], r0[at - 2]
        # In the first rows other neighbours replace those beyond the edge.
        n = nw = ne = nee = nww = w
        if self.y > 0:
            n, nw, ne, nee, nww = r1[at], r1[at - 1], r1[at + 1], r1[at + 2], r1[at - 2]
        nn, nne, nnw = n, ne, nw
        if self.y > 1:
            nn, nne, nnw = r2[at], r2[at + 1], r2[at - 1]
        nnn = r3[at] if self.y > 2 else nn
        farther = [r0[at - 3], nnw, nnn, r2[at + 2], r2[at - 2], r1[at + 3]]
        return [w, n, nw, ne, ww, nn, nne, nee, nww, *farther]

    def look(self, x: int, near: list[int]) -> Pixel:
        """Return the pixel of a column with these neighbours."""
        return Pixel(x, self.y, near, self._tall_template(x), self._low_template(x))

    def _tall_template(self, x: int) -> int:
        """Return the hash of 13 columns of three rows above, and 8 pixels to the left."""
        left, tall = self._left, self._tall
        above = tall[x + BORDER + 7] - tall[x + BORDER - 6] * _STEP_13
        return above * MULTIPLIER + left[x + BORDER] - left[x + BORDER - 8] * _STEP_8 & MASK

    def _low_template(self, x: int) -> int:
        """Return the hash of 6 columns of two rows above, and 4 pixels to the left."""
        left, low = self._left, self._low
        above = low[x + BORDER + 4] - low[x + BORDER - 2] * _STEP_6
        return above * MULTIPLIER + left[x + BORDER] - left[x + BORDER - 4] * _STEP_4 & MASK

    def run_ahead(self, x: int, near: list[int]) -> int:
        """Return how far the row above keeps the one colour around here, or 0 if colours differ."""
        w = near[W]
        if self.y < 2 or any(near[i] != w for i in (N, NW, NE, WW, NN, NWW)):
            return 0
        above, start = self.rows[1], x + BORDER
        most = min(self._width - x, _RUN_MOST)
        return next((n for n in range(1, most) if above[start + n] != w), most)
