"""What the additive coder sees around a pixel, and the candidates (spec/additive.md, 6, 8, 9)."""

from __future__ import annotations

from dataclasses import dataclass

from kmcodec.coding.additive.profiles import Profile

__all__ = ["MULTIPLIERS", "Candidates", "Heads", "Rows", "Surroundings", "hashed", "top"]

MULTIPLIERS = A, B, C, D, E = 0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D, 0x27D4EB2F, 0x165667B1
"""The multipliers of hashes."""

_MASK = 0xFFFFFFFF
_MOST_RUN = 1024

# NWW NW N NE NEE W WW WWW, and four of the second row; columns to the right, rows up.
_PLACES = (
    *((-2, 1), (-1, 1), (0, 1), (1, 1), (2, 1), (-1, 0), (-2, 0), (-3, 0)),
    *((-1, 2), (0, 2), (1, 2), (2, 2)),
)
# What the second head sees, four places for each multiplier.
_TALL = (
    *((i, j) for j in (1, 2) for i in range(-4, 4)),
    *((-1, 0), (-2, 0), (-3, 0), (-4, 0)),
)
# The run that a head needs against a vote of each strength.
_TRUST = ((0, 0, 0, 0, 0, 1, 1, 2), (0, 0, 0, 0, 1, 1, 2, 2))


def hashed(*terms: int) -> int:
    """Return the sum of the products of numbers with A, B, C, D and E, modulo 2 ** 32."""
    return sum(v * k for v, k in zip(terms, MULTIPLIERS, strict=False)) & _MASK


def top(number: int, bits: int) -> int:
    """Return the highest bits of a number of 32."""
    return number >> (32 - bits)


def _joined(tags: list[int]) -> int:
    return int.from_bytes(bytes(tags), "little")


class Rows:
    """The symbols of a strip as far as they are coded.

    Parameters
    ----------
    width : int
    is_wide : bool
        Whether there are more than 256 entries, so that tags are not the symbols.
    """

    def __init__(self, width: int, is_wide: bool) -> None:
        self._width = width
        self._is_wide = is_wide
        # This row and the two above it; a list for each, and what is left of it.
        self._rows = [[0] * width for _ in range(3)]
        self._left = [0, 0, 0]

    def begin_row(self) -> None:
        self._left = [self._rows[0][0], *self._left[:2]]
        self._rows = [[0] * self._width, *self._rows[:2]]

    def put(self, x: int, symbol: int) -> None:
        self._rows[0][x] = symbol

    def symbol(self, x: int, up: int) -> int:
        """Return the symbol at a column, so many rows up."""
        if x < 0:
            return self._left[up]
        return self._rows[up][x] if x < self._width else 0

    def tag(self, symbol: int) -> int:
        """Return the tag of a symbol, 0 to 255."""
        return symbol + (symbol >> 8) * 101 & 255 if self._is_wide else symbol

    def look(self, x: int) -> Surroundings:
        """Return what is seen from a pixel of this row."""
        symbols = [self.symbol(x + i, j) for i, j in _PLACES]
        return Surroundings(x, symbols, [self.tag(symbol) for symbol in symbols])

    def tall(self, x: int) -> list[int]:
        """Return the tags that the second head sees."""
        return [self.tag(self.symbol(x + i, j)) for i, j in _TALL]

    def run_ahead(self, around: Surroundings) -> int:
        """Return how far the row above goes on with the symbol that all around have, or 0."""
        w = around.w
        if len(set(around.tags[:8])) > 1 or any(around.symbols[i] != w for i in (0, 1, 6, 7)):
            return 0
        above = self._rows[1][around.x : around.x + _MOST_RUN]
        return next((i for i, symbol in enumerate(above) if symbol != w), len(above))


@dataclass(frozen=True)
class Surroundings:
    """The twelve numbered places around a pixel.

    Parameters
    ----------
    x : int
        The column of the pixel.
    symbols, tags : list of int
    """

    x: int
    symbols: list[int]
    tags: list[int]

    @property
    def w(self) -> int:
        """The symbol to the left."""
        return self.symbols[5]

    @property
    def n(self) -> int:
        """The symbol above."""
        return self.symbols[2]

    @property
    def nw(self) -> int:
        """The symbol above to the left."""
        return self.symbols[1]

    @property
    def ne(self) -> int:
        """The symbol above to the right."""
        return self.symbols[3]

    def equalities(self, tag: int) -> int:
        """Return at which of the first eleven places a tag is, a bit for each."""
        return sum((self.tags[i] == tag) << i for i in range(11))


@dataclass(frozen=True)
class Candidates:
    """The candidates for a pixel, and what their flags depend on.

    Parameters
    ----------
    symbols, tags : list of int
        One or two.
    strength : int
        Of the neighbours' vote, 0 to 7.
    runs, lasts : tuple of int
        Of each head; 0 for one that the profile has not.
    """

    symbols: list[int]
    tags: list[int]
    strength: int
    runs: tuple[int, int]
    lasts: tuple[int, int]


@dataclass
class _Head:
    check: int = 0
    last: int = 0
    run: int = 0


class Heads:
    """The heads of a strip: for each surroundings, the symbol that came last.

    Parameters
    ----------
    profile : Profile
    bits : int
        There are 2 ** bits heads in a table.
    """

    def __init__(self, profile: Profile, bits: int) -> None:
        self.has_two = profile.has_two_heads
        self._bits = bits
        self._tables: tuple[dict[int, _Head], dict[int, _Head]] = ({}, {})
        self._found: list[tuple[int, int]] = []

    def nominate(self, rows: Rows, around: Surroundings) -> Candidates:
        """Return the candidates for a pixel."""
        runs, lasts = self._find(rows, around)
        w, n = around.tags[5], around.tags[2]
        nw, ne = around.tags[1], around.tags[3]
        for_w = (w == nw) + 2 * (w == ne) + 4 * (w == n)
        for_n = (n == nw) + 2 * (n == ne) + 4 * (n == w)
        strength = max(for_w, for_n)
        vote = around.n if for_n > for_w else around.w
        voted = lasts[1] if runs[1] > _TRUST[1][strength] else vote
        first = lasts[0] if runs[0] > _TRUST[0][strength] else voted
        heads = [last for last, run in zip(lasts, runs, strict=True) if run]
        order = (voted, vote, *heads, around.n, around.w, around.ne, around.nw)
        others = [symbol for symbol in order if symbol != first]
        symbols = [first, *others[:1]]
        tags = [rows.tag(symbol) for symbol in symbols]
        return Candidates(symbols, tags, strength, runs, lasts)

    def _find(self, rows: Rows, around: Surroundings) -> tuple[tuple[int, int], tuple[int, int]]:
        tags = list(around.tags)
        seen = [tags]
        if self.has_two:
            tags[7] = 0
            seen.append(rows.tall(around.x))
        self._found = []
        runs, lasts = [0, 0], [0, 0]
        for i, tags in enumerate(seen):
            v = hashed(*(_joined(tags[j : j + 4]) for j in range(0, len(tags), 4)))
            v = (v ^ v >> 15) * D & _MASK
            place, check = top(v, self._bits), v & 0xFFF
            self._found.append((place, check))
            head = self._tables[i].get(place, _Head())
            runs[i] = head.run if head.check == check else 0
            lasts[i] = head.last
        return (runs[0], runs[1]), (lasts[0], lasts[1])

    def remember(self, symbol: int) -> None:
        """Learn the symbol of the pixel that candidates were nominated for."""
        for table, (place, check) in zip(self._tables, self._found, strict=False):
            head = table.get(place)
            if head and head.run and head.check == check and head.last == symbol:
                head.run = min(15, head.run + 1)
            else:
                table[place] = _Head(check, symbol, 1)
