"""The label coder in readable form: the definition of the algorithm (spec/labels.md).

Its compiled twin, map.h, does the same in the same order. A test compares the two.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kmcodec.coding.additive.memory import Slots
from kmcodec.coding.additive.range_coder import RangeCoder, RangeDecoder, RangeEncoder
from kmcodec.coding.labels.start import Start
from kmcodec.parallel import heed_stop

__all__ = ["decode", "encode"]

_A, _B, _C, _D = 0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D, 0x27D4EB2F
_BITS = 12
_TABLES = 6
_FLOOR, _TREE_FLOOR = 2600, 1200
_LEAST_RUN, _MOST_RUN = 8, 1025
_MOST_CANDIDATES = 4
# The places in bits 0 to 31 of `equalities`: columns from here on, rows above.
_NEAR = tuple((i, j) for j in range(4) for i in range(-3 - 5 * (j == 0), 5 - 5 * (j == 0)))
_BEFORE = tuple((i, j) for j in (0, -1) for i in range(-3, 5))


class Rows:
    """The symbols of a strip so far, and what stands for those outside.

    Parameters
    ----------
    width : int
    slice_rows : int
        See `Start`.
    """

    def __init__(self, width: int, slice_rows: int) -> None:
        self._width = width
        self._rows: list[list[int]] = []
        self.slice_rows = slice_rows

    def begin_row(self) -> list[int]:
        """Return the next row, to be filled."""
        self._rows.append([])
        return self._rows[-1]

    @property
    def has_before(self) -> bool:
        """Whether a slice lies before the last row."""
        return 0 < self.slice_rows < len(self._rows)

    def at(self, x: int, above: int) -> int:
        """Return the symbol at a column, some rows above the last row."""
        y = len(self._rows) - 1 - above
        if y < 0:
            return 0
        if x < 0:
            return self._rows[y - 1][0] if y else 0
        return self._rows[y][min(x, self._width - 1)]


@dataclass(frozen=True)
class Pixel:
    """The surroundings of a pixel.

    Parameters
    ----------
    rows : Rows
    x : int
    """

    rows: Rows
    x: int

    def near(self, i: int, above: int) -> int:
        """Return the symbol some columns to the right and some rows above."""
        return self.rows.at(self.x + i, above)

    def before(self, i: int, above: int) -> int:
        """Return the same of the slice before."""
        return self.near(i, above + self.rows.slice_rows)

    def equalities(self, symbol: int) -> int:
        """Return where a symbol occurs around the pixel, a bit for each place."""
        return sum((self.near(*place) == symbol) << i for i, place in enumerate(_NEAR))

    def equalities_before(self, symbol: int) -> int:
        """Return the same for the slice before, and bit 16."""
        return 1 << 16 | sum(
            (self.before(*place) == symbol) << i for i, place in enumerate(_BEFORE)
        )

    def run_ahead(self) -> int:
        """Return the length of the run that may begin here; 0 if a symbol around differs."""
        w = self.near(-1, 0)
        if not w == self.near(-2, 0) == self.near(-1, 1) == self.near(0, 1):
            return 0
        left = self.rows._width - self.x
        length = 0
        while length < min(_MOST_RUN, left) and self._goes_on(length, w):
            length += 1
        return length if length == left else max(0, length - 1)

    def _goes_on(self, i: int, symbol: int) -> bool:
        if self.near(i, 1) != symbol:
            return False
        return not self.rows.has_before or self.before(i, 0) == symbol

    def candidates(self) -> tuple[list[int], int]:
        """Return the candidates, and the trust in the slice before (g in the text)."""
        w, n, nw, ne = (self.near(*place) for place in ((-1, 0), (0, 1), (-1, 1), (1, 1)))
        for_w = (w == nw) + 2 * (w == ne)
        for_n = (n == nw) + 2 * (n == ne)
        vote = n if for_n > for_w else w
        listed, trust = [vote, n, w, ne, nw], 0
        if self.rows.has_before:
            same = self.before(0, 0)
            pairs = ((-1, 0, w), (0, 1, n), (-1, 1, nw), (1, 1, ne))
            agree = sum(self.before(i, j) == symbol for i, j, symbol in pairs)
            trust = 1 + agree + 8 * (same == vote)
            listed.insert(0 if agree >= 3 else 1, same)
        return list(dict.fromkeys(listed))[:_MOST_CANDIDATES], trust


class Model:
    """The learned state of a strip, and the order of what is coded.

    Parameters
    ----------
    coder : RangeCoder
    width : int
    start : Start
    """

    def __init__(self, coder: RangeCoder, width: int, start: Start) -> None:
        self._coder = coder
        self._width = width
        self._start = start
        self._rows = Rows(width, start.slice_rows)
        table = 1 << _BITS
        self._flags = (
            Slots(start, _TABLES * table, _FLOOR, start.first_flag),
            *(Slots(start, _TABLES * table, _FLOOR) for _ in range(2)),
        )
        self._runs = Slots(start, 48, _FLOOR, start.run)
        self._fresh = Slots(start, _MOST_CANDIDATES + 1, _FLOOR)
        self._next = Slots(start, 1, _FLOOR)
        self._tree = Slots(start, 4 * table, _TREE_FLOOR)
        self._occurred = {0}
        self._newest = 0
        self.is_wrong = False

    def code_row(self, own: list[int]) -> None:
        """Code a row of symbols; a decoder fills it in."""
        row = self._rows.begin_row()
        asked = 0
        while len(row) < self._width and not self._coder.exhausted and not self.is_wrong:
            heed_stop()
            x = len(row)
            pixel = Pixel(self._rows, x)
            # After a denied run, code no other run bit until its end.
            length = pixel.run_ahead() if x >= asked else 0
            symbols = []
            if length >= _LEAST_RUN:
                asked = x + length
                symbols = self._code_run(own[x:asked], pixel, length)
            row += symbols or [self._code_pixel(pixel, own[x])]
        own[: len(row)] = row

    def _code_run(self, own: list[int], pixel: Pixel, length: int) -> list[int]:
        """Code whether the next pixels repeat the one before; return them, or an empty list."""
        run = [pixel.near(-1, 0)] * length
        log = length.bit_length() - 1
        is_inside = pixel.x + length < self._width
        place = 4 * log + 2 * (length >> log - 1 & 1) + is_inside
        return run if self._runs.code(self._coder, int(own == run), [place]) else []

    def _code_pixel(self, pixel: Pixel, symbol: int) -> int:
        """Code a pixel and return its symbol; a decoder ignores the argument."""
        candidates, trust = pixel.candidates()
        near = [pixel.equalities(candidate) for candidate in candidates]
        others = [*near[1:2], 0][:1] + near[:1] * 3
        for rank, candidate in enumerate(candidates):
            places = _flag_places(pixel, candidate, near[rank], others[rank], trust)
            if self._flags[min(rank, 2)].code(self._coder, int(symbol == candidate), places):
                return candidate
        found = self._code_rest(pixel, len(candidates), symbol)
        self._occurred.add(found)
        self.is_wrong = found >= self._start.entries
        return found

    def _code_rest(self, pixel: Pixel, count: int, symbol: int) -> int:
        """Code a symbol that is no candidate; a decoder ignores the argument."""
        if len(self._occurred) < self._start.entries:
            is_fresh = int(symbol not in self._occurred)
            if self._fresh.code(self._coder, is_fresh, [count]):
                self._newest = self._code_fresh(symbol)
                return self._newest
        w, n = pixel.near(-1, 0), pixel.near(0, 1)
        node = 1
        for below in reversed(range(self._start.bits)):
            sums = (0, w * _B, n * _C, n * _C + w * _B)
            places = [_place(i, node * _A + add) for i, add in enumerate(sums)]
            node = 2 * node + self._tree.code(self._coder, symbol >> below & 1, places)
        return node - (1 << self._start.bits)

    def _code_fresh(self, symbol: int) -> int:
        """Code a symbol that has not occurred; a decoder ignores the argument."""
        following = self._newest + 1
        can_follow = following < self._start.entries
        if can_follow and self._next.code(self._coder, int(symbol == following), [0]):
            return following
        found = 0
        for below in reversed(range(self._start.bits)):
            found = 2 * found + self._coder.code_bit(symbol >> below & 1, 1 << 15)
        return found


def _place(table: int, value: int) -> int:
    """Return the place of a slot in one of several tables, by the hash of a number."""
    return table << _BITS | (value & 0xFFFFFFFF) >> 32 - _BITS


def _flag_places(pixel: Pixel, candidate: int, q: int, other: int, trust: int) -> list[int]:
    """Return the slots of the flag of a candidate, one of each table of its rank."""
    w, n, nw, ne = (pixel.near(*place) for place in ((-1, 0), (0, 1), (-1, 1), (1, 1)))
    around = w * _C + n * _A + candidate * _B + (nw << 16 ^ ne) * _D
    sums: Sequence[int]
    if trust:
        z = pixel.equalities_before(candidate)
        sums = (
            (q & 0x1C3EC0) * _A ^ (other & 0x083E80) * _B,
            (z & 0x13E1E) * _A + (q & 0x1C80) * _B + trust * _C,
            around,
            (z & 0x10C1C) * _A + (q & 0x1E3CE0) * _B,
            (q & 0x7F7F7F80) * _C,
            z * _A + (q & 0x1E80) * _B,
        )
    else:
        sums = (
            (q & 0x1C3EC0) * _A ^ (other & 0x083E80) * _B,
            (q & 0xFF7F80) * _B,
            around,
            (q & 0x3E3E3EC0) * _C + (other & 0x3E80) * _D,
            (q & 0x7F7F7F80) * _C,
            (q & 0x1C0080) * _A + (other & 0x1C00) * _B,
        )
    return [_place(i, value) for i, value in enumerate(sums)]


def encode(symbols: NDArray[np.unsignedinteger], start: Start) -> bytes:
    """Code a strip.

    Parameters
    ----------
    symbols : ndarray, shape (rows, width), uint8 or uint16
        Each below `start.entries`.
    start : Start

    Returns
    -------
    bytes
    """
    coder = RangeEncoder()
    model = Model(coder, symbols.shape[1], start)
    for row in symbols.tolist():
        model.code_row(row)
    return coder.finish()


def decode(
    payload: bytes, rows: int, width: int, start: Start
) -> tuple[NDArray[np.uint16], int, int, bool]:
    """Decode the first rows of a strip.

    Any bytes decode to something; `check_end` tells whether an encoder wrote them. If the payload
    is too short, decoding stops at the first pixel where that is certain; also at a symbol that is
    no entry.

    Returns
    -------
    symbols : ndarray, shape (rows, width), uint16
    shifts, code : int
        Of the decoder after its last decision.
    is_wrong : bool
        Whether a symbol is no entry.
    """
    coder = RangeDecoder(payload)
    model = Model(coder, width, start)
    symbols = np.zeros((rows, width), np.uint16)
    for y in range(rows):
        row = [0] * width
        model.code_row(row)
        symbols[y] = row
        if coder.exhausted or model.is_wrong:
            break
    return symbols, coder.shifts, coder.code, model.is_wrong
