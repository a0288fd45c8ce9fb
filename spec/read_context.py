"""The context coder of KMC 1 (coding 3 and 4), written from context.md alone.

"Section" in a comment is a section of that text. Python standard library only. One model
serves both directions; only the coder of bits differs. To be read, not to be fast: a
thousand pixels take about a second.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from operator import mul
from typing import Any

from read_context_parts import (
    ALL,
    M32,
    NEAR,
    NEIGHBOURS,
    PROFILES,
    SHAPE,
    TALL,
    VOTES,
    WIDE,
    BadPayload,
    Choice,
    Decoder,
    Encoder,
    Estimate,
    HashTable,
    Lazy,
    Slot,
    Stage,
    Tree,
    U,
    clamp,
    hashed,
    key,
    log2,
    spread,
)


class Head:
    """`last` and `before` mean nothing while `run` is 0."""

    def __init__(self) -> None:
        self.last = self.before = self.run = 0
        self.slots = Slot(), Slot()

    def note(self, s: int) -> None:  # section 7, after the pixel
        if self.run == 0:
            self.last, self.before, self.run = s, s, 1
        elif s == self.last:
            self.run = min(255, self.run + 1)
        else:
            self.before, self.last, self.run = self.last, s, 1


@dataclass
class Pixel:
    """The surroundings of a pixel (section 6)."""

    model: Model
    x: int
    y: int
    n: tuple[int, ...]
    heads: list[Head] = field(default_factory=list)
    candidates: list[int] = field(default_factory=list)
    votes: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        n, colour = self.n, self.model.tree.colour
        w, north, nw, ne = (colour[s] for s in n[:4])
        four = list(zip(w, north, nw, ne, strict=True))
        median = [clamp(a + b - c, min(a, b), max(a, b)) for a, b, c, _ in four]
        average = [(3 * a + 3 * b + c + e + 4) >> 3 for a, b, c, e in four]
        self.median, self.average, self.learned = median, average, average
        if self.model.profile.colours > 2:
            self.away = [[v - a for v, a in zip(colour[s], average, strict=True)] for s in n[:14]]
            self.learned = self.learned_colour()
        self.expected = [median, average, self.learned][: self.model.profile.colours]
        t = sum(abs(a - c) + abs(b - e) + abs(b - c) for a, b, c, e in four)
        self.activity = 0 if t < 4 else min(7, log2(t) - 1)
        i = 0 if n[0] == n[1] else 1 if n[0] == n[2] else 2
        j = 0 if n[1] == n[3] else 1 if n[1] == n[2] else 2
        k = 0 if n[2] == n[3] else 1 if n[0] == n[4] else 2
        self.equality = 9 * i + 3 * j + k
        pairs = (3, 6), (2, 10), (1, 5), (0, 4), (0, 2), (1, 3), (0, 1)
        bits = [n[a] > n[b] for a, b in pairs]
        bits += [abs(n[a] - n[b]) > 4 for a, b in ((0, 2), (1, 3), (0, 1))]
        self.comparison = sum(bit << place for place, bit in enumerate(bits))
        self.tall, self.low = self.summary(6, 6, 3, 8), self.summary(2, 3, 2, 4)

    def learned_colour(self) -> list[int]:
        shares = self.model.shares
        moves = [sum(map(mul, u, shares)) + 32768 >> 16 for u in zip(*self.away, strict=True)]
        return [clamp(a + m, 0, 255) for a, m in zip(self.average, moves, strict=True)]

    def move_shares(self, symbol: int) -> None:
        errors = [v - w for v, w in zip(self.model.tree.colour[symbol], self.learned, strict=True)]
        k = log2(256 + sum(v * v for u in self.away for v in u))
        for i, u in enumerate(self.away):
            step = sum(256 * e * v for e, v in zip(errors, u, strict=True)) >> (k - 4)
            self.model.shares[i] = clamp(self.model.shares[i] + step, -65536, 65536)

    def s(self, i: int, j: int) -> int:
        return self.model.at(self.x + i, self.y - j)

    def summary(self, left: int, right: int, rows: int, west: int) -> int:
        c = [sum(self.s(i, j + 1) * TALL[j] for j in range(rows)) for i in range(-left, right + 1)]
        return (hashed(*c) * U + hashed(*(self.s(i, 0) for i in range(-west, 0)))) & M32

    def bits(self, parts: tuple[tuple[int, int, int], ...], v: int) -> int:  # section 9
        result = place = 0
        for first, last, j in parts:
            for i in range(first, last + 1):
                result |= (self.s(i, j) == v) << place
                place += 1
        return result

    def flag_keys(self) -> list[int]:  # section 7
        n = self.n
        values = hashed(*n[:9]), self.tall, hashed(n[0], n[4], n[9]), hashed(*n[:14])
        values += hashed(*n[:4]), hashed(n[1], n[5]), hashed(n[0], self.x >> 5), self.low
        return [key(v) for v in values]

    def tree_values(self, excluded: int) -> tuple[int, ...]:  # section 10
        n, x, y = self.n, self.x, self.y

        def of(*numbers: int) -> int:
            return hashed(*(n[number] for number in numbers))

        return (
            *(hashed(*self.candidates, excluded), hashed(n[0], x >> 5), of(0, 1, 2, 3)),
            hashed(self.activity, *(v >> 4 for v in self.median)),
            *(hashed(n[3], x >> 5), of(0, 4), of(1, 5), self.tall, hashed(x >> 5, y >> 5)),
            *(of(0, 4, 9), hashed(n[1], x >> 5), of(*range(9)), of(*range(14)), self.low),
            *(of(1), of(0), hashed(x >> 4, y >> 3), hashed(*(v >> 3 for v in self.learned))),
            *(0, of(2, 3), of(0, 7), of(0, 8), of(4, 5, 0), of(3, 7, 14), of(0, 3), of(1, 3)),
            of(0, 1, 2),
        )

    def vote(self) -> None:  # section 7
        votes: dict[int, int] = {}

        def give(symbol: int, count: int) -> None:
            votes[symbol] = votes.get(symbol, 0) + count

        for head in self.heads:
            if head.run:
                count = VOTES[min(head.run, 31)]
                give(head.last, count)
                if head.before != head.last:
                    give(head.before, 80 - (count >> 2))
        for number, count in ((0, 150), (1, 150), (3, 75), (2, 37)):
            give(self.n[number], count)
        first = max(votes, key=lambda s: votes[s])  # of equals the first in the dict
        v0 = votes.pop(first)
        second = max(votes, key=lambda s: votes[s]) if votes else first
        self.candidates, self.votes = [first, second], [v0, votes.get(second, 0)]


class Strip:
    """The rows of a strip, filled with symbols as they become known."""

    def __init__(self, rows: int, width: int) -> None:
        self.width = width
        self.rows: list[list[int]] = [[0] * width for _ in range(rows)]

    def at(self, column: int, row: int) -> int:  # section 6, beyond the image
        if row < 0 or column >= self.width:
            return 0
        if column >= 0:
            return self.rows[row][column]
        return self.rows[row - 1][0] if row else 0


class Model(Strip):
    def __init__(self, coder: Encoder, tree: Tree, rows: int, width: int, coding: int) -> None:
        super().__init__(rows, width)
        self.coder, self.tree = coder, tree
        self.profile = p = PROFILES[coding]
        h = clamp((rows * width - 1).bit_length(), 8, p.table_bits)  # section 2
        self.heads = [HashTable(h, Head) for _ in range(p.flag_contexts)]
        self.lines = [
            HashTable(h - 2, lambda: Lazy(lambda _: Slot())) for _ in range(p.tree_contexts)
        ]
        self.flags, self.nodes = Stage(p, coding, "flags"), Stage(p, coding, "tree")
        self.runs = Lazy(lambda _: Estimate(4, 5, 2))
        self.trust = Lazy(lambda _: Estimate(1, 2, 2))
        self.shares = [0] * 14

    def indices(self, y: int) -> list[int]:
        return [self.tree.entry_of[symbol] for symbol in self.rows[y]]

    def neighbours(self, x: int, y: int) -> tuple[int, ...]:
        n = [self.at(x + i, y - j) for i, j in NEIGHBOURS]
        if y == 0:
            n[1] = n[2] = n[3] = n[7] = n[8] = n[0]
        if y < 2:
            n[5], n[6], n[10] = n[1], n[3], n[2]
        if y < 3:
            n[11] = n[5]
        return tuple(n)

    def code_row(self, y: int, wanted: list[int] | None) -> None:  # section 6
        x = asked = 0
        row = self.rows[y]
        while x < self.width:
            n = self.neighbours(x, y)
            if x >= asked and (ahead := self.ahead(x, y, n)) >= self.profile.least_run:
                asked = x + ahead
                flat = wanted is not None and all(s == n[0] for s in wanted[x:asked])
                if self.code_run(ahead, n[0], int(flat)):
                    row[x:asked] = [n[0]] * ahead
                    x = asked
                    continue
            row[x] = self.code_pixel(Pixel(self, x, y, n), wanted[x] if wanted else None)
            x += 1

    def ahead(self, x: int, y: int, n: tuple[int, ...]) -> int:
        if y < 2 or any(n[number] != n[0] for number in (1, 2, 3, 4, 5, 8)):
            return 0
        above = self.rows[y - 1]
        k, most = 0, min(self.width - x, 1024)
        while k < most and above[x + k] == n[0]:
            k += 1
        return k

    def code_run(self, ahead: int, symbol: int, bit: int) -> int:
        number = log2(ahead // self.profile.least_run) * 256 + (symbol & 255)
        estimate = self.runs[number]
        bit = self.coder.code(clamp(estimate.p >> 6, 4, 65532), bit)
        estimate.teach(bit, 255)
        return bit

    def code_pixel(self, pixel: Pixel, wanted: int | None) -> int:  # section 11
        keys = pixel.flag_keys()[: self.profile.flag_contexts]
        pixel.heads = [table.fetch(q) for table, q in zip(self.heads, keys, strict=True)]
        pixel.vote()
        v0, v1 = pixel.votes
        trust = self.trust[8 * min(15, v0 // 150) + 8 * v1 // (v0 + 1)]
        excluded: list[int] = []
        symbol = None
        if self.profile.trust is None or trust.p >> 6 >= self.profile.trust:
            symbol = self.code_flags(pixel, wanted, excluded)
        if symbol is None:
            symbol = self.code_tree(pixel, wanted, excluded)
        if self.profile.trust is not None:
            trust.teach(int(symbol == pixel.candidates[0]), 1023)
        if self.profile.colours > 2:
            pixel.move_shares(symbol)
        for head in pixel.heads:
            head.note(symbol)
        return symbol

    def code_flags(self, pixel: Pixel, wanted: int | None, excluded: list[int]) -> int | None:
        for rank in range(self.profile.flags):
            if rank == 0 or pixel.votes[1] > 0:
                candidate = pixel.candidates[rank]
                choice = self.flag_choice(pixel, rank)
                if self.flags.decide(self.coder, choice, pixel, int(wanted == candidate)):
                    return candidate
                excluded.append(candidate)
        return None

    def flag_choice(self, pixel: Pixel, r: int) -> Choice:  # section 9
        p, c, o = self.profile, pixel.candidates[r], pixel.candidates[1 - r]
        relations = [
            0 if h.run == 0 else 1 if h.last == c else 2 if h.before == c else 3
            for h in pixel.heads
        ]
        known, agree = sum(h.run > 0 for h in pixel.heads), relations.count(1)
        run, wide = pixel.heads[0].run, pixel.bits(WIDE, c)
        z = pixel.bits(SHAPE, c) * 1024 + pixel.activity * 128 + (pixel.comparison & 127)
        patterns = (
            spread(pixel.bits(NEAR, c) * 512 + pixel.bits(NEAR, o), 16),
            *(spread(pixel.bits(ALL, c), 16), spread(z, 16)),
            *(hashed(wide, c) >> 16, hashed(wide, run) >> 16),
        )
        sets = (
            *(r * 256 + (c & 255), r * 27 + pixel.equality),
            (r * (p.flag_contexts + 1) + known) * (p.flag_contexts + 1) + agree,
            *(pixel.x >> 3 & 127, r * 8 + pixel.activity, pixel.comparison),
            *((pixel.x + pixel.y) >> 5 & 255, r * 32 + min(run, 31)),
        )
        return Choice(
            kind=r,
            slots=[h.slots[r] for h in pixel.heads],
            patterns=[self.flags.patterns[i, r, at] for i, at in enumerate(patterns[: p.patterns])],
            relations=relations,
            distances=[far(colour, self.tree.colour[c]) for colour in pixel.expected],
            pairs=[],
            sets=sets[: p.mixers],
            final=r * (p.flag_contexts + 1) + agree,
            curve=r * 256 + (c & 255),
        )

    def code_tree(self, pixel: Pixel, wanted: int | None, excluded: list[int]) -> int:
        node, tops, lines = 1, -1, []
        values = pixel.tree_values(len(excluded))[: self.profile.tree_contexts]
        for d in range(self.tree.bits):
            open_0, open_1 = (self.tree.possible(2 * node + i, excluded) for i in (0, 1))
            side = int(open_1)
            if open_0 and open_1:
                top = node >> (d & 3)
                if top != tops:
                    tops = top
                    keys = [key((v + top * 0x85EBCA6B) & M32) for v in values]
                    lines = [table.fetch(q) for table, q in zip(self.lines, keys, strict=True)]
                choice = self.node_choice(pixel, node, d, excluded, lines)
                bit = 0 if wanted is None else self.tree.side(d, wanted)
                side = self.nodes.decide(self.coder, choice, pixel, bit)
            node = 2 * node + side
        return node - (1 << self.tree.bits)

    def node_choice(
        self, pixel: Pixel, node: int, d: int, excluded: list[int], lines: list[Any]
    ) -> Choice:  # section 10
        tree, p, low = self.tree, self.profile, d & 3
        relations = [self.relation(h, node, d, excluded) for h in pixel.heads]
        zeros, ones = relations.count(2), relations.count(3)
        g = [1 + tree.side(d, s) if tree.above(node, d, s) else 0 for s in pixel.n]
        z, o = (sum((v == side) << i for i, v in enumerate(g)) for side in (1, 2))
        patterns = (
            spread(27 * node + base_3(g[:3]), 17),
            spread(19683 * d + base_3(g[:9]), 17),
            d * 8192 + pixel.comparison * 8 + pixel.activity,
            *(hashed(node, pixel.y) >> 15, hashed(node, pixel.x) >> 15, hashed(node, z, o) >> 15),
            hashed(node, pixel.bits(ALL, pixel.candidates[0])) >> 15,
        )
        sets = (
            *(min(node, 255), d * 27 + pixel.equality),
            *((d * 6 + min(ones, 5)) * 6 + min(zeros, 5), pixel.x >> 3 & 127),
            *(d * 8 + pixel.activity, pixel.comparison, (pixel.x + pixel.y) >> 5 & 255),
            d * 32 + min(pixel.heads[0].run, 31),
        )
        axis = tree.axis[node]
        w, n, nw, ne, ww, nn = (tree.colour[s][axis] for s in pixel.n[:6])
        pairs = ((ne, w + n - nw), (2 * n - nn, 2 * w - ww))
        return Choice(
            kind=d,
            slots=[line[(node & ((1 << low) - 1)) | 1 << low] for line in lines],
            patterns=[self.nodes.patterns[at] for at in enumerate(patterns[: p.tree_patterns])],
            relations=relations,
            distances=[tree.distance(node, colour[axis]) for colour in pixel.expected],
            pairs=[(tree.distance(node, v), tree.distance(node, u)) for v, u in pairs[: p.pairs]],
            sets=sets[: p.mixers],
            final=d,
            curve=min(node, 255),
        )

    def relation(self, head: Head, node: int, d: int, excluded: list[int]) -> int:
        if head.run:
            for first, symbol in ((2, head.last), (4, head.before)):
                if self.tree.above(node, d, symbol) and symbol not in excluded:
                    return first + self.tree.side(d, symbol)
        return 0


def far(one: list[int], other: tuple[int, ...]) -> int:  # section 9, distance
    a = sum((v - w) ** 2 for v, w in zip(one, other, strict=True))
    k = 0 if a < 4 else log2(a) - 1
    return 2 * k + (a >> k)


def base_3(digits: list[int]) -> int:
    result = 0
    for digit in digits:
        result = 3 * result + digit
    return result


def decode_by(
    decoder: Any,
    model_of: Any,
    payload: bytes,
    size: tuple[int, int],
    palette: list[tuple[int, ...]],
    coding: int,
) -> list[list[int]]:
    """Return the rows of indices of a strip by a decoder and a model, or raise BadPayload."""
    rows, width = size
    if len(palette) == 1:
        if payload:
            raise BadPayload(f"{len(payload)} bytes of payload, none expected")
        return [[0] * width for _ in range(rows)]
    coder, tree = decoder(payload), Tree(palette)
    model = model_of(coder, tree, rows, width, coding)
    for y in range(rows):
        model.code_row(y, None)
    coder.end()
    return [model.indices(y) for y in range(rows)]


def encode_by(
    encoder: Any,
    model_of: Any,
    rows: list[list[int]],
    palette: list[tuple[int, ...]],
    coding: int,
) -> bytes:
    """Return the payload of a strip by an encoder and a model."""
    if len(palette) == 1:
        return b""
    coder, tree = encoder(), Tree(palette)
    model = model_of(coder, tree, len(rows), len(rows[0]), coding)
    for y, row in enumerate(rows):
        model.code_row(y, [tree.symbol_of[index] for index in row])
    payload: bytes = coder.end()
    return payload


def decode(
    payload: bytes, rows: int, width: int, palette: list[tuple[int, ...]], coding: int
) -> list[list[int]]:
    """Return the rows of indices of a strip, or raise BadPayload."""
    return decode_by(Decoder, Model, payload, (rows, width), palette, coding)


def encode(rows: list[list[int]], palette: list[tuple[int, ...]], coding: int) -> bytes:
    """Return the payload of a strip."""
    return encode_by(Encoder, Model, rows, palette, coding)
