"""The additive coder of KMC 1 (coding 2 and 5), written from additive.md alone.

"Section" in a comment is a section of that text. Python standard library only. One model serves
both directions; only the coder of bits and values differs. To be read, not to be fast.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

from read_context import Strip, decode_by, encode_by
from read_context_parts import M32, BadPayload, Lazy, Tree, clamp, log2, squash

A, B, C, D, E = 0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D, 0x27D4EB2F, 0x165667B1  # section 2
FAST = 2
PLACES = (  # section 6: i, j
    *((-2, 1), (-1, 1), (0, 1), (1, 1), (2, 1), (-1, 0), (-2, 0), (-3, 0)),
    *((-1, 2), (0, 2), (1, 2), (2, 2)),
)
NWW, NW, N, NE, NEE, W, WW, WWW, _, NN = range(10)
HOLD = {"X": (0, 0, 0, 0, 0, 1, 1, 2), "Y": (0, 0, 0, 0, 1, 1, 2, 2)}  # section 9, by strength
STEPS = (1, 2, 2, *(3,) * 4, *(4,) * 13, 5)  # section 5, by n
LONG, LEAST = 1024, 16  # section 7


def top(v: int, k: int) -> int:
    return (v & M32) >> (32 - k)


def packed(v0: int, v1: int, v2: int, v3: int) -> int:
    """`bytes` of section 2."""
    return v0 + (v1 << 8) + (v2 << 16) + (v3 << 24)


# ---------------------------------------------------------------- range coder (section 3)


class Encoder:
    def __init__(self) -> None:
        self.low, self.range, self.shifts = 0, 0xFF00, 0

    def bit(self, p: int, bit: int) -> int:
        return 1 - self.value([0, self.range * p >> 16], 1 - bit)

    def value(self, bounds: list[int], v: int) -> int:
        v = self.decide(bounds, v)
        self.range = [*bounds, self.range][v + 1] - bounds[v]
        while self.range < 0x8000:
            self.range *= 2
            self.shifts += 1
            self.shift()
        return v

    def decide(self, bounds: list[int], v: int) -> int:
        self.low += bounds[v]
        return v

    def shift(self) -> None:
        self.low *= 2

    def end(self) -> bytes:
        number = -(-self.low // 0x8000) * 0x8000
        bits = self.shifts + 16
        return (number << -bits % 8).to_bytes((bits + 7) // 8, "big")[: self.shifts // 8 + 1]


class Decoder(Encoder):
    def __init__(self, payload: bytes) -> None:
        super().__init__()
        self.payload = payload
        self.code = int.from_bytes(payload[:2].ljust(2, b"\0"), "big")

    def decide(self, bounds: list[int], v: int) -> int:
        v = bisect_right(bounds, self.code) - 1
        self.code -= bounds[v]
        return v

    def shift(self) -> None:
        if self.shifts >= 8 * len(self.payload):  # the payload is too short: no need to go on
            raise BadPayload(f"{len(self.payload)} bytes of payload, more expected")
        place, bit = divmod(self.shifts + 15, 8)
        following = self.payload[place] if place < len(self.payload) else 0
        self.code = 2 * self.code + (following >> (7 - bit) & 1)

    def end(self) -> bytes:
        expected = self.shifts // 8 + 1
        if len(self.payload) != expected:
            raise BadPayload(f"{len(self.payload)} bytes of payload, {expected} expected")
        if self.payload[-1] & ((1 << (7 - self.shifts % 8)) - 1):
            raise BadPayload("a bit after the end of the code is 1")
        if self.code >= 0x8000:
            raise BadPayload(f"code {self.code:04X} at the end, less than 8000 expected")
        return self.payload


# ---------------------------------------------------------------- weights and distributions


class Slot:  # section 4
    __slots__ = ("r", "w")

    def __init__(self, w: int = 0) -> None:
        self.w, self.r = w, 20000


def code_bit(coder: Encoder, slots: list[Slot], floor: int, bit: int) -> int:
    p = squash(clamp(sum(slot.w for slot in slots) >> 6, -2047, 2047))
    bit = coder.bit(p, bit)
    g = ((bit << 16) - p) >> 1
    for slot in slots:
        slot.w = clamp(slot.w + (g * slot.r >> 16), -32768, 32767)
        slot.r = max(floor, slot.r - (slot.r * slot.r >> 16))
    return bit


RUNS_AND_FLAGS, TREE = 2600, 1200  # floors of rates


class Distribution:  # section 5
    __slots__ = ("d", "n")

    def __init__(self, m: int) -> None:
        self.n = 0
        self.d = [i * (32768 - 4 * (16 - m)) // m for i in range(m)]
        self.d += [32768 - 4 * (16 - i) for i in range(m, 16)]

    def learn(self, v: int) -> None:
        s = STEPS[self.n]
        for i in range(1, 16):
            t = 4 * i if i <= v else 32768 - 4 * (16 - i)
            self.d[i] += t - self.d[i] >> s
        self.n = min(20, self.n + 1)


def code_value(coder: Encoder, f: Distribution, g: Distribution, v: int) -> int:
    v = coder.value([(a + b) * coder.range >> 16 for a, b in zip(f.d, g.d, strict=True)], v)
    f.learn(v)
    g.learn(v)
    return v


# ---------------------------------------------------------------- heads (section 8)


class Head:
    __slots__ = ("check", "last", "run")

    def __init__(self) -> None:
        self.check = self.last = self.run = 0


class Fetched:
    """A head as a pixel sees it: of another check it has no run."""

    def __init__(self, table: Lazy, h: int, v: int) -> None:
        v &= M32
        v = (v ^ (v >> 15)) * D & M32
        self.head, self.check = table[top(v, h)], v & 0xFFF
        self.last = self.head.last
        self.run = self.head.run if self.head.check == self.check else 0

    def note(self, s: int) -> None:
        if self.run and self.last == s:
            self.head.run = min(15, self.run + 1)
        else:
            self.head.check, self.head.last, self.head.run = self.check, s, 1


@dataclass
class Pixel:
    """What is known of a pixel before it is coded."""

    places: list[int]  # symbols
    tags: list[int]
    heads: dict[str, Fetched]
    strength: int = 0
    first: int = 0
    second: int | None = None

    @property
    def other(self) -> int:
        return self.first if self.second is None else self.second


# ---------------------------------------------------------------- a strip


class Model(Strip):
    def __init__(self, coder: Encoder, tree: Tree, rows: int, width: int, coding: int) -> None:
        super().__init__(rows, width)
        self.coder, self.tree, self.fast = coder, tree, coding == FAST
        self.h = clamp((rows * width - 1).bit_length() - 4, 8, 18)
        self.heads = {name: Lazy(lambda _: Head()) for name in "XY"}
        self.runs = Lazy(lambda _: Slot(22713))
        self.flags, self.nodes = Lazy(lambda _: Slot()), Lazy(lambda _: Slot())
        self.uppermost = ((tree.bits - 1) & 3) + 1  # a
        self.distributions = Lazy(
            lambda at: Distribution(16 if at[0] else 1 << self.uppermost)  # at[0]: levels above
        )

    def indices(self, y: int) -> list[int]:
        return [self.entry(symbol) for symbol in self.rows[y]]

    def entry(self, symbol: int) -> int:  # section 12, its end
        while symbol not in self.tree.entry_of:
            symbol -= 1
        return self.tree.entry_of[symbol]

    def tag(self, s: int) -> int:  # section 6
        return s if self.tree.entries <= 256 else s + (s >> 8) * 101 & 255

    def code_row(self, y: int, wanted: list[int] | None) -> None:
        x = limit = 0
        row = self.rows[y]
        while x < self.width:
            places = [self.at(x + i, y - j) for i, j in PLACES]
            if x >= limit and (n := self.ahead(x, y, places)) >= LEAST:
                limit = x + n
                same = wanted is not None and all(s == places[W] for s in wanted[x:limit])
                slot = self.runs[log2(n // LEAST), self.tag(places[W])]
                if code_bit(self.coder, [slot], RUNS_AND_FLAGS, int(same)):
                    row[x:limit] = [places[W]] * n
                    x = limit
                    continue
            row[x] = self.code_pixel(x, y, places, wanted[x] if wanted else None)
            x += 1

    def ahead(self, x: int, y: int, places: list[int]) -> int:  # section 7
        if len({places[i] for i in (NWW, NW, W, WW, WWW)}) > 1:
            return 0
        n, most = 0, min(LONG, self.width - x)
        while n < most and self.at(x + n, y - 1) == places[W]:
            n += 1
        return n

    def code_pixel(self, x: int, y: int, places: list[int], wanted: int | None) -> int:
        tags = [self.tag(s) for s in places]
        pixel = Pixel(places, tags, self.fetch(x, y, tags))
        self.find_candidates(pixel)
        symbol = self.code_flags(pixel, wanted)
        if symbol is None:
            symbol = (self.code_path if self.fast else self.code_values)(pixel, wanted)
        for head in pixel.heads.values():
            head.note(symbol)
        return symbol

    def fetch(self, x: int, y: int, t: list[int]) -> dict[str, Fetched]:  # section 8
        def tags(first: int, last: int, j: int, step: int = 1) -> int:
            return packed(*(self.tag(self.at(x + i, y - j)) for i in range(first, last, step)))

        t_7 = 0 if self.fast else t[7]
        keys = {"X": packed(*t[:4]) * A + packed(*t[4:7], t_7) * B + packed(*t[8:]) * C}
        if self.fast:
            keys["Y"] = tags(-4, 0, 1) * A + tags(0, 4, 1) * B + tags(-4, 0, 2) * C
            keys["Y"] += tags(0, 4, 2) * D + tags(-1, -5, 0, -1) * E
        return {name: Fetched(self.heads[name], self.h, v) for name, v in keys.items()}

    def find_candidates(self, pixel: Pixel) -> None:  # section 9
        t, s = pixel.tags, pixel.places
        w = (t[W] == t[NW]) + 2 * (t[W] == t[NE]) + 4 * (t[W] == t[N])
        n = (t[N] == t[NW]) + 2 * (t[N] == t[NE]) + 4 * (t[N] == t[W])
        vote = s[N] if n > w else s[W]
        pixel.strength = max(w, n)
        voted = self.held(pixel, "Y", vote)
        pixel.first = self.held(pixel, "X", voted)
        further = [voted, vote]
        further += [head.last for head in pixel.heads.values() if head.run]
        further += [s[N], s[W], s[NE], s[NW]]
        pixel.second = next((symbol for symbol in further if symbol != pixel.first), None)

    def held(self, pixel: Pixel, name: str, otherwise: int) -> int:
        head = pixel.heads.get(name)
        return head.last if head and head.run > HOLD[name][pixel.strength] else otherwise

    def code_flags(self, pixel: Pixel, wanted: int | None) -> int | None:  # section 10
        for rank, candidate in enumerate((pixel.first, pixel.second)):
            if candidate is not None:
                places = self.flag_places(pixel, rank, candidate)
                slots = [self.flags[rank, at] for at in enumerate(places)]
                if code_bit(self.coder, slots, RUNS_AND_FLAGS, int(wanted == candidate)):
                    return candidate
        return None

    def flag_places(self, pixel: Pixel, rank: int, c: int) -> list[int]:
        k, t = 14 if self.fast else 13, pixel.tags
        other = self.tag(pixel.first if rank else pixel.other)
        q, q_other = (sum((t[i] == tag) << i for i in range(11)) for tag in (self.tag(c), other))
        heads = 32 * pixel.strength
        for name, place in ("X", 1), ("Y", 256):
            if head := pixel.heads.get(name):
                heads += place * (head.run + 16 * (head.last == c))
        by_tag = self.tag(c) * B
        return [
            heads,
            top((2048 * q + q_other) * A, k),
            top(packed(t[NW], t[N], t[NE], 0) * A + t[W] * C + by_tag, k),
            top(packed(t[W], t[WW], 0, 0) * A + packed(t[NN], t[N], 0, 0) * C + by_tag, k),
        ]

    def code_path(self, pixel: Pixel, wanted: int | None) -> int:  # section 11
        tree, s = self.tree, pixel.places
        rejected = [pixel.first] if pixel.second is None else [pixel.first, pixel.second]
        values = [s[place] * B for place in (W, N, NE, NW)]
        values.append(pixel.first * B + pixel.other * C)
        node, m, j = 1, 1, 1
        for d in range(tree.bits):
            if d in range(self.uppermost, tree.bits, 4):
                m, j = node, 1
            open_0, open_1 = (tree.possible(2 * node + side, rejected) for side in (0, 1))
            side = int(not open_0 or open_1)
            if open_0 and open_1:
                places = [16 * top(m * A + v, 11) + j for v in values]
                places.append(self.neighbours(node, d, s))
                slots = [self.nodes[at] for at in enumerate(places)]
                bit = 0 if wanted is None else tree.side(d, wanted)
                side = code_bit(self.coder, slots, TREE, bit)
            node, j = 2 * node + side, 2 * j + side
        return node - (1 << tree.bits)

    def neighbours(self, node: int, d: int, s: list[int]) -> int:
        same = sides = 0
        for i in range(8):
            if self.tree.above(node, d, s[i]):
                same |= 1 << i
                sides |= self.tree.side(d, s[i]) << i
        return top((65536 * d + 256 * same + sides) * A, 15)

    def code_values(self, pixel: Pixel, wanted: int | None) -> int:  # section 12
        s, first, second = pixel.places, pixel.first, pixel.other
        bits, m, d, above = self.uppermost, 1, 0, 0
        while d < self.tree.bits:
            u = self.tree.bits - d - bits

            def part(symbol: int, m: int = m, d: int = d, u: int = u) -> int:
                return symbol >> u & 15 if self.tree.above(m, d, symbol) else 16

            if d == 0:
                f = 256 * part(s[W]) + 16 * part(s[N]) + part(s[NE])
                g = 16 * part(first) + part(second)
                if self.tree.bits > 4:
                    g = self.tag(first)
            else:
                z = above if self.tree.entries <= 256 else top(above * A, 4)
                f = 289 * z + 17 * part(s[W]) + part(s[N])
                g = 289 * z + 17 * part(first) + part(second)
            two = self.distributions[d, "f", f], self.distributions[d, "g", g]
            v = 0 if wanted is None else wanted >> u & ((1 << bits) - 1)
            v = code_value(self.coder, *two, v) & ((1 << bits) - 1)
            m, d, above, bits = (m << bits) + v, d + bits, (above << bits) + v, 4
        return above


def decode(
    payload: bytes, rows: int, width: int, palette: list[tuple[int, ...]], coding: int
) -> list[list[int]]:
    """Return the rows of indices of a strip that is coded, or raise BadPayload."""
    return decode_by(Decoder, Model, payload, (rows, width), palette, coding)


def encode(rows: list[list[int]], palette: list[tuple[int, ...]], coding: int) -> bytes:
    """Return the payload of a strip as it is coded, be it longer than packed rows or not."""
    return encode_by(Encoder, Model, rows, palette, coding)
