"""The label coder of KMC 1 (coding 6), written from labels.md alone.

"Section" in a comment is a section of that text. Python standard library only. One model serves
both directions; only the coder of bits differs. To be read, not to be fast.
"""

from __future__ import annotations

from read_additive import RUNS_AND_FLAGS as FLOOR
from read_additive import TREE as SYMBOL_FLOOR
from read_additive import A, B, C, D, Decoder, Encoder, Slot, code_bit, top
from read_context import Strip
from read_context_parts import BadPayload, Lazy, log2

NEAR = (  # the bits of q, section 6
    *((i, 0) for i in range(-8, 0)),
    *((i, j) for j in (1, 2, 3) for i in range(-3, 5)),
)
BEFORE = tuple((i, j) for j in (0, 1) for i in range(-3, 5))  # the bits of z
LONG, LEAST = 1025, 8  # section 4
MOST_ROWS = 4096  # section 2


class Pixel:
    """What is around a pixel (section 3), and its candidates (section 5)."""

    def __init__(self, model: Model, x: int, y: int) -> None:
        self.model, self.x, self.y = model, x, y
        self.w, self.n, self.nw, self.ne = (
            self.s(i, j) for i, j in ((-1, 0), (0, 1), (-1, 1), (1, 1))
        )
        w = (self.w == self.nw) + 2 * (self.w == self.ne)
        n = (self.n == self.nw) + 2 * (self.n == self.ne)
        self.vote = self.n if n > w else self.w
        listed = [self.vote, self.n, self.w, self.ne, self.nw]
        self.has_before = model.has_before(y)
        if self.has_before:
            beside = (self.p(i, j) for i, j in ((-1, 0), (0, -1), (-1, -1), (1, -1)))
            known = (self.w, self.n, self.nw, self.ne)
            self.agree = sum(a == b for a, b in zip(beside, known, strict=True))
            listed.insert(0 if self.agree >= 3 else 1, self.p(0, 0))
        self.candidates = list(dict.fromkeys(listed))[:4]

    def s(self, i: int, j: int) -> int:
        return self.model.at(self.x + i, self.y - j)

    def p(self, i: int, j: int) -> int:
        return self.s(i, self.model.h - j)

    def values(self, rank: int) -> list[int]:  # section 6
        c, other = self.candidates[rank], self.candidates[:1] if rank else self.candidates[1:2]
        near = [self.s(i, j) for i, j in NEAR]
        own = sum((s == c) << bit for bit, s in enumerate(near))
        rest = sum((s in other) << bit for bit, s in enumerate(near))
        v = [
            (own & 0x1C3EC0) * A ^ (rest & 0x083E80) * B,
            (own & 0xFF7F80) * B,
            self.w * C + self.n * A + c * B + (65536 * self.nw ^ self.ne) * D,
            (own & 0x3E3E3EC0) * C + (rest & 0x3E80) * D,
            (own & 0x7F7F7F80) * C,
            (own & 0x1C0080) * A + (rest & 0x1C00) * B,
        ]
        if self.has_before:
            z = sum((self.p(i, j) == c) << bit for bit, (i, j) in enumerate(BEFORE)) + 0x10000
            g = 1 + self.agree + 8 * (self.p(0, 0) == self.vote)
            v[1] = (z & 0x13E1E) * A + (own & 0x1C80) * B + g * C
            v[3] = (z & 0x10C1C) * A + (own & 0x1E3CE0) * B
            v[5] = z * A + (own & 0x1E80) * B
        return v


class Model(Strip):
    def __init__(self, coder: Encoder, entries: int, rows: int, width: int, h: int) -> None:
        super().__init__(rows, width)
        self.coder, self.entries, self.h = coder, entries, h
        self.bits = (entries - 1).bit_length()
        self.runs = Lazy(lambda _: Slot(15000))
        self.flags = Lazy(lambda at: Slot(0 if at[0] else 4000))  # at[0]: the rank
        self.fresh, self.next = Lazy(lambda _: Slot()), Slot()
        self.symbols = Lazy(lambda _: Slot())
        self.occurred, self.m = {0}, 0  # section 7

    def at(self, column: int, row: int) -> int:  # section 3, beyond the image
        if row < 0:
            return 0
        if column < 0:
            return self.at(0, row - 1)
        return self.rows[row][min(column, self.width - 1)]

    def has_before(self, y: int) -> bool:
        return 0 < self.h <= y

    def code_row(self, y: int, wanted: list[int] | None) -> None:
        x = limit = 0
        row = self.rows[y]
        while x < self.width:
            if x >= limit and (n := self.ahead(x, y)) >= LEAST:
                limit, w = x + n, self.at(x - 1, y)
                same = wanted is not None and all(s == w for s in wanted[x:limit])
                if self.code_run(n, limit, int(same)):
                    row[x:limit] = [w] * n
                    self.occurred.add(w)
                    x = limit
                    continue
            row[x] = self.code_pixel(Pixel(self, x, y), wanted[x] if wanted else None)
            self.occurred.add(row[x])
            x += 1

    def ahead(self, x: int, y: int) -> int:  # section 4
        w = self.at(x - 1, y)
        if any(self.at(x + i, y - j) != w for i, j in ((-2, 0), (-1, 1), (0, 1))):
            return 0
        rows = [y - 1, y - self.h] if self.has_before(y) else [y - 1]
        n, most = 0, min(LONG, self.width - x)
        while n < most and all(self.at(x + n, row) == w for row in rows):
            n += 1
        return n if n == self.width - x else n - 1

    def code_run(self, n: int, limit: int, bit: int) -> int:
        highest = log2(n)
        number = 4 * highest + 2 * (n >> (highest - 1) & 1) + (limit < self.width)
        return code_bit(self.coder, [self.runs[number]], FLOOR, bit)

    def code_pixel(self, pixel: Pixel, wanted: int | None) -> int:  # section 6
        for rank, c in enumerate(pixel.candidates):
            places = enumerate(pixel.values(rank))
            slots = [self.flags[min(rank, 2), t, top(v, 12)] for t, v in places]
            if code_bit(self.coder, slots, FLOOR, int(wanted == c)):
                return c
        return self.code_rest(pixel, wanted)

    def code_rest(self, pixel: Pixel, wanted: int | None) -> int:  # section 7
        if len(self.occurred) < self.entries:
            slots = [self.fresh[len(pixel.candidates)]]
            if code_bit(self.coder, slots, FLOOR, int(self.is_fresh(wanted))):
                self.m = self.code_fresh(wanted)
                return self.m
        k = 1
        while k >> self.bits == 0:
            w, n = pixel.w * B, pixel.n * C
            slots = [self.symbols[t, top(k * A + v, 12)] for t, v in enumerate((0, w, n, n + w))]
            k = 2 * k + code_bit(self.coder, slots, SYMBOL_FLOOR, self.bit_of(wanted, k))
        return self.checked(k)

    def is_fresh(self, wanted: int | None) -> bool:
        return wanted not in self.occurred

    def code_fresh(self, wanted: int | None) -> int:
        following = self.m + 1
        possible, bit = following < self.entries, int(wanted == following)
        if possible and code_bit(self.coder, [self.next], FLOOR, bit):
            return following
        k = 1
        while k >> self.bits == 0:
            k = 2 * k + self.coder.bit(32768, self.bit_of(wanted, k))
        return self.checked(k)

    def bit_of(self, wanted: int | None, k: int) -> int:
        """Return the bit of a symbol that follows those in `k`."""
        return 0 if wanted is None else wanted >> (self.bits - k.bit_length()) & 1

    def checked(self, k: int) -> int:
        symbol = k - (1 << self.bits)
        if symbol >= self.entries:
            raise BadPayload(f"symbol {symbol} of {self.entries} entries")
        return symbol


def opened(payload: bytes, rows: int) -> tuple[bytes, int]:
    """Return what section 2 calls the coded strip, and the rows of a slice or 0."""
    if payload[:1] == b"\0":
        return payload[1:], 0
    if payload[:1] != b"\1":
        raise BadPayload(f"first byte {payload[:1].hex() or 'missing'}, 00, 01 or FF expected")
    if len(payload) < 3:
        raise BadPayload("the rows of a slice are missing")
    h = int.from_bytes(payload[1:3], "little")
    if not 2 <= h <= MOST_ROWS or h >= rows:
        raise BadPayload(f"slices of {h} rows in a strip of {rows}")
    return payload[3:], h


def decode(
    payload: bytes, rows: int, width: int, palette: list[tuple[int, ...]], *_coding: int
) -> list[list[int]]:
    """Return the rows of indices of a strip that is coded, or raise BadPayload."""
    if len(palette) == 1:
        if payload:
            raise BadPayload(f"{len(payload)} bytes of payload, none expected")
        return [[0] * width for _ in range(rows)]
    coded, h = opened(payload, rows)
    coder = Decoder(coded)
    model = Model(coder, len(palette), rows, width, h)
    for y in range(rows):
        model.code_row(y, None)
    coder.end()
    return model.rows


def encode(
    rows: list[list[int]], palette: list[tuple[int, ...]], *_coding: int, h: int = 0
) -> bytes:
    """Return the payload of a strip as it is coded, with slices of `h` rows if that is not 0."""
    if len(palette) == 1:
        return b""
    coder = Encoder()
    model = Model(coder, len(palette), len(rows), len(rows[0]), h)
    for y, row in enumerate(rows):
        model.code_row(y, row)
    return (b"\1" + h.to_bytes(2, "little") if h else b"\0") + coder.end()
