"""The additive coder in readable form: the definition of the algorithm (spec/additive.md).

Its compiled twin, strip.h and what that includes, does the same in the same order. A test compares
the two.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kmcodec.coding.additive.memory import Slots
from kmcodec.coding.additive.range_coder import RangeCoder, RangeDecoder, RangeEncoder
from kmcodec.coding.additive.start import Start
from kmcodec.coding.additive.surroundings import (
    Candidates,
    Heads,
    Rows,
    Surroundings,
    hashed,
    top,
)
from kmcodec.coding.additive.symbols import Paths, Values
from kmcodec.coding.choice import Choice, Chooser
from kmcodec.parallel import heed_stop

__all__ = ["decode", "encode"]

_LEAST_RUN = 16
_FLOOR = 2600
_TABLES = 4


class Model:
    """The learned state of a strip, and the order of what is coded.

    Parameters
    ----------
    coder : RangeCoder
    width : int
    start : Start
    chooser : Chooser, optional
        Chooses symbols to code instead of those passed to `code_row`.
    """

    def __init__(
        self, coder: RangeCoder, width: int, start: Start, chooser: Chooser | None = None
    ) -> None:
        self._coder = coder
        self._width = width
        self._chooser = chooser
        self._y = -1
        self._flag_bits = start.profile.flag_bits
        self._rows = Rows(width, start.bits > 8)
        self._heads = Heads(start.profile, start.head_bits)
        self._flags = Slots(start, 2 * _TABLES << self._flag_bits, _FLOOR)
        self._runs = Slots(start, 8 * 256, _FLOOR, start.run)
        self._rest = (Paths if start.has_two_heads else Values)(start)

    def code_row(self, own: list[int]) -> None:
        """Code a row of symbols; a decoder fills it in."""
        self._rows.begin_row()
        self._y += 1
        x = asked = 0
        while x < self._width and not self._coder.exhausted:
            heed_stop()
            around = self._rows.look(x)
            # After a denied run, code no other run bit until its end.
            length = self._rows.run_ahead(around) if x >= asked else 0
            symbols = []
            if length >= _LEAST_RUN:
                asked = x + length
                symbols = self._code_run(own, around, length)
            if not symbols:
                symbols = [self._code_pixel(around, own[x])]
            for symbol in symbols:
                own[x] = symbol
                self._rows.put(x, symbol)
                x += 1

    def _code_run(self, own: list[int], around: Surroundings, length: int) -> list[int]:
        """Code whether the next pixels repeat the one before; return them, or an empty list."""
        run = [around.w] * length
        size = (length // _LEAST_RUN).bit_length() - 1
        places = [size << 8 | self._rows.tag(around.w)]
        hits = own[around.x : around.x + length] == run
        if self._chooser:
            p = self._runs.chance(places)
            hits = self._chooser.prefers_run(around.x, self._y, around.w, length, p)
        return run if self._runs.code(self._coder, int(hits), places) else []

    def _code_pixel(self, around: Surroundings, symbol: int) -> int:
        """Code a pixel and return its symbol; a decoder ignores the argument."""
        candidates = self._heads.nominate(self._rows, around)
        if self._chooser:
            symbol = self._chosen(self._chooser, around, candidates, symbol)
        found = self._code_flags(around, candidates, symbol)
        if found is None:
            found = self._rest.code(self._coder, around, candidates, symbol)
        self._heads.remember(found)
        return found

    def _chosen(
        self, chooser: Chooser, around: Surroundings, candidates: Candidates, nearest: int
    ) -> int:
        """Return the chooser's symbol of a pixel by the model's predictions, without learning."""
        flags = {
            candidate: self._flags.chance(self._flag_places(around, candidates, rank))
            for rank, candidate in enumerate(candidates.symbols)
        }

        def cost(symbol: int) -> int:
            return self._rest.cost(around, candidates, symbol, chooser.cost)

        neighbors = (around.w, around.n, around.nw, around.ne)
        return chooser.choose(around.x, self._y, nearest, flags, neighbors, cost)

    def _code_flags(self, around: Surroundings, candidates: Candidates, symbol: int) -> int | None:
        """Code whether the pixel is a candidate, and return that candidate or None."""
        for rank, candidate in enumerate(candidates.symbols):
            places = self._flag_places(around, candidates, rank)
            if self._flags.code(self._coder, int(symbol == candidate), places):
                return candidate
        return None

    def _flag_places(self, around: Surroundings, candidates: Candidates, rank: int) -> list[int]:
        """Return the slots of the flag of a candidate, one of each table of its rank."""
        symbol = candidates.symbols[rank]
        tag = candidates.tags[rank]
        trust = candidates.runs[0] | (candidates.lasts[0] == symbol) << 4 | candidates.strength << 5
        if self._heads.has_two:
            trust |= candidates.runs[1] << 8 | (candidates.lasts[1] == symbol) << 12
        equal = around.equalities(tag) << 11 | around.equalities(candidates.tags[-1 - rank])
        _, nw, n, ne, _, w, ww, _, _, nn, *_ = around.tags
        places = [
            trust,
            top(hashed(equal), self._flag_bits),
            top(hashed(nw | n << 8 | ne << 16, tag, w), self._flag_bits),
            top(hashed(w | ww << 8, tag, nn | n << 8), self._flag_bits),
        ]
        table = rank * _TABLES
        return [table + i << self._flag_bits | place for i, place in enumerate(places)]


def encode(
    symbols: NDArray[np.uint16], start: Start, choice: Choice | None = None
) -> tuple[bytes, NDArray[np.uint16]]:
    """Code a strip.

    Parameters
    ----------
    symbols : ndarray, shape (rows, width), uint16
        Leaves of the tree, no holes.
    start : Start
    choice : Choice, optional
        Chooses symbols to code instead.

    Returns
    -------
    payload : bytes
    coded : ndarray, shape (rows, width), uint16
        `symbols`, or the chosen ones.
    """
    coder = RangeEncoder()
    image = symbols.tolist()
    chooser = None if choice is None else Chooser(choice, image)
    model = Model(coder, symbols.shape[1], start, chooser)
    for row in image:
        model.code_row(row)
    return coder.finish(), np.array(image, np.uint16)


def decode(
    payload: bytes, rows: int, width: int, start: Start
) -> tuple[NDArray[np.uint16], int, int]:
    """Decode the first rows of a strip.

    Any bytes decode to something; `check_end` tells whether an encoder wrote them. If the payload
    is too short, decoding stops at the first pixel where that is certain.

    Returns
    -------
    symbols : ndarray, shape (rows, width), uint16
    shifts, code : int
        Of the decoder after its last decision.
    """
    coder = RangeDecoder(payload)
    model = Model(coder, width, start)
    symbols = np.zeros((rows, width), np.uint16)
    for y in range(rows):
        row = [0] * width
        model.code_row(row)
        symbols[y] = row
        if coder.exhausted:
            break
    return symbols, coder.shifts, coder.code
