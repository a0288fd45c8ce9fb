"""Parts of the second reader of the context coder: numbers, tree, bits, stages.

"Section" in a comment is a section of context.md. Python standard library only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from operator import mul
from typing import Any

S, U, M32 = 0x2F0B4C47, 0x9E3779B1, 0xFFFFFFFF  # section 3
NEIGHBOURS = (  # section 6: i, j
    *((-1, 0), (0, 1), (-1, 1), (1, 1), (-2, 0), (0, 2), (1, 2), (2, 1)),
    *((-2, 1), (-3, 0), (-1, 2), (0, 3), (2, 2), (-2, 2), (3, 1)),
)
TALL = (0x85EBCA77, 0xC2B2AE3D, 0x27D4EB2F)
VOTES = (  # section 7, by run
    *(0, 80, 120, 140, 160, 170, 180, 190, 200, 200, 210, 210),
    *(220,) * 4,
    *(240,) * 8,
    *(250,) * 7,
    260,
)
NEAR = ((-2, -1, 0), (-1, 2, 1), (-1, 1, 2))  # section 9: from i to k, j
ALL = ((-6, -1, 0), (-4, 5, 1), (-3, 3, 2), (-2, 2, 3))
SHAPE = ((-3, -1, 0), (-2, 2, 1), (-1, 1, 2), (0, 0, 3))
WIDE = ((-3, -1, 0), (-3, 3, 1), (-2, 2, 2), (0, 0, 3))


class BadPayload(ValueError):  # noqa: N818 - like Refused
    """The payload is not one that an encoder makes (section 5)."""


@dataclass(frozen=True)
class Profile:  # section 2
    flag_contexts: int
    tree_contexts: int
    patterns: int
    tree_patterns: int
    colours: int
    pairs: int
    mixers: int
    histories: bool
    flags: int
    trust: int | None
    least_run: int
    rate: tuple[int, int, int]
    table_bits: int


PROFILES = {
    3: Profile(5, 4, 3, 3, 1, 0, 3, False, 2, None, 32, (14, 48, 8192), 18),
    4: Profile(8, 27, 5, 7, 3, 2, 8, True, 1, 62259, 64, (6, 24, 4096), 18),
}

# ---------------------------------------------------------------- arithmetic (section 3)


def clamp(v: int, lo: int, hi: int) -> int:
    return lo if v < lo else hi if v > hi else v


def log2(v: int) -> int:
    return v.bit_length() - 1


def squash_table() -> list[int]:
    """For d from -2047 on: squash(d) is at d + 2047."""
    e, right = 1 << 62, []
    for _ in range(2048):
        right.append(min(65535, (1 << 78) // ((1 << 62) + e)))
        e = e * 4593706758521714574 >> 62
    return [65536 - q for q in right[:0:-1]] + right


SQUASH = squash_table()


def squash(d: int) -> int:
    return SQUASH[d + 2047]


def stretch_table() -> list[int]:
    result, d = [], -2047
    for q in range(4096):
        while d < 2047 and squash(d) < 16 * q + 8:
            d += 1
        result.append(d)
    return result


STRETCH = stretch_table()
RECIPROCAL = [655360 // (10 * n + 16) for n in range(1024)]


def hashed(*values: int) -> int:
    """H of the values."""
    result = 0
    for value in values:
        result = (result + value + 1) * S & M32
    return result


def spread(v: int, k: int) -> int:
    return (v * U & M32) >> (32 - k)


def key(v: int) -> int:
    u = v * U & M32
    return u ^ (u >> 15)


class Estimate:
    """est(i, j, n): a probability of 1 in 1/2^22 and a count."""

    __slots__ = ("n", "p")

    def __init__(self, i: int, j: int, n: int) -> None:
        self.p, self.n = clamp((i << 22) // j, 1, 4194303), n

    def teach(self, bit: int, limit: int) -> None:
        self.p += ((4194303 if bit else 0) - self.p) * RECIPROCAL[self.n] >> 16
        self.n += self.n < limit


class Slot:
    """A probability of 1 in 1/65536, a count and a history [zeros, ones]."""

    __slots__ = ("history", "n", "p")

    def __init__(self) -> None:
        self.p, self.n, self.history = 32768, 0, [0, 0]

    def teach(self, bit: int) -> None:
        self.p += ((65535 if bit else 0) - self.p) * RECIPROCAL[self.n] >> 16
        self.n = min(30, self.n + 1)
        self.history[bit] = min(15, self.history[bit] + 1)


class Lazy(dict[Any, Any]):
    """An array of which only the elements that were used exist."""

    def __init__(self, new: Callable[[Any], Any]) -> None:
        self.new = new

    def __missing__(self, number: Any) -> Any:
        self[number] = self.new(number)
        return self[number]


class HashTable:
    """2^k entries, each with a check; what has another check is lost."""

    def __init__(self, k: int, new: Callable[[], Any]) -> None:
        self.shift, self.new = 32 - k, new
        self.entries: dict[int, tuple[int, Any]] = {}

    def fetch(self, q: int) -> Any:
        place, check = q >> self.shift, (q & 0xFFFF) | 1
        if place not in self.entries or self.entries[place][0] != check:
            self.entries[place] = check, self.new()
        return self.entries[place][1]


# ---------------------------------------------------------------- the tree (section 4)


class Tree:
    def __init__(self, palette: list[tuple[int, ...]]) -> None:
        self.entries = len(palette)
        self.bits = b = (self.entries - 1).bit_length()
        colours = [coordinates(entry) for entry in palette]
        order = list(range(self.entries))
        self.axis: dict[int, int] = {}
        self.middle: dict[int, int] = {}
        self.scale: dict[int, int] = {}
        for node in range(1, 1 << b):
            self.split(node, order, colours)
        self.entry_of = {(i << b) // self.entries: entry for i, entry in enumerate(order)}
        self.symbol_of = {entry: symbol for symbol, entry in self.entry_of.items()}
        self.colour = {symbol: colours[entry] for symbol, entry in self.entry_of.items()}

    def places(self, node: int) -> tuple[int, int]:
        d = log2(node)
        j = node - (1 << d)
        return -(-j * self.entries >> d), -(-(j + 1) * self.entries >> d)

    def split(self, node: int, order: list[int], colours: list[tuple[int, ...]]) -> None:
        first, end = self.places(node)
        k = end - first
        if k < 2:
            return
        spreads = []
        for axis in range(3):
            values = [colours[entry][axis] for entry in order[first:end]]
            spreads.append(k * sum(v * v for v in values) - sum(values) ** 2)
        axis = spreads.index(max(spreads))  # of equals the first
        order[first:end] = sorted(order[first:end], key=lambda e: (colours[e][axis], e))
        cut = self.places(2 * node)[1]
        m0, m1 = (
            16 * sum(colours[entry][axis] for entry in side) // len(side)
            for side in (order[first:cut], order[cut:end])
        )
        self.axis[node] = axis
        self.middle[node] = (m0 + m1) >> 1
        self.scale[node] = 65536 // max(1, m1 - m0)

    def above(self, node: int, d: int, symbol: int) -> bool:
        return (symbol + (1 << self.bits)) >> (self.bits - d) == node

    def side(self, d: int, symbol: int) -> int:
        return symbol >> (self.bits - 1 - d) & 1

    def distance(self, node: int, v: int) -> int:  # section 10
        return clamp(((16 * v - self.middle[node]) * self.scale[node] >> 13) + 32, 0, 63)

    def possible(self, node: int, excluded: list[int]) -> bool:
        """Say whether a leaf below the node is neither a hole nor excluded."""
        first, end = self.places(node)
        d = log2(node)
        return end - first > sum(self.above(node, d, symbol) for symbol in excluded)


def coordinates(entry: tuple[int, ...]) -> tuple[int, ...]:
    colour = entry[:3] if len(entry) > 2 else entry[:1] * 3
    if len(entry) in (1, 3):
        return colour
    alpha = entry[-1]
    return tuple(
        (v * alpha + m * (255 - alpha)) // 255 for v, m in zip(colour, (255, 0, 255), strict=True)
    )


# ---------------------------------------------------------------- bits and bytes (section 5)


class Encoder:
    def __init__(self) -> None:
        self.low, self.high, self.out = 0, M32, bytearray()

    def code(self, p: int, bit: int) -> int:
        middle = self.low + ((self.high - self.low) * p >> 16)
        bit = self.decide(middle, bit)
        if bit:
            self.high = middle
        else:
            self.low = middle + 1
        while self.low >> 24 == self.high >> 24:
            self.shift()
            self.low = self.low << 8 & M32
            self.high = (self.high << 8 & M32) | 255
        return bit

    def decide(self, middle: int, bit: int) -> int:
        return bit

    def shift(self) -> None:
        self.out.append(self.high >> 24)

    def end(self) -> bytes:
        return bytes(self.out) + bytes([(self.low >> 24) + 1])


class Decoder(Encoder):
    def __init__(self, payload: bytes) -> None:
        super().__init__()
        self.payload, self.shifts = payload, 0
        self.value = int.from_bytes(payload[:4].ljust(4, b"\0"), "big")

    def decide(self, middle: int, bit: int) -> int:
        return int(self.value <= middle)

    def shift(self) -> None:
        self.shifts += 1
        if self.shifts >= len(self.payload):  # n shifts need n + 1 bytes: no need to go on
            raise BadPayload(f"{len(self.payload)} bytes of payload, more expected")
        following = self.payload[self.shifts + 3 : self.shifts + 4] or b"\0"
        self.value = (self.value << 8 & M32) | following[0]

    def end(self) -> bytes:
        if len(self.payload) != self.shifts + 1:
            raise BadPayload(f"{len(self.payload)} bytes of payload, {self.shifts + 1} expected")
        last = (self.low >> 24) + 1
        if self.payload[-1] != last:
            raise BadPayload(f"last byte {self.payload[-1]:02X}, {last:02X} expected")
        return self.payload


# ---------------------------------------------------------------- a decision (section 8)


@dataclass
class Choice:
    """What sections 9 and 10 choose for a decision."""

    kind: int
    slots: list[Slot]
    patterns: list[Slot]
    relations: list[int]
    distances: list[int]
    pairs: list[tuple[int, int]]
    sets: tuple[int, ...]
    final: int
    curve: int


class Stage:
    def __init__(self, profile: Profile, coding: int, name: str) -> None:
        self.profile, self.flags = profile, name == "flags"
        weights = [int(word) for word in WEIGHTS[coding, name].split()]
        self.weights = Lazy(lambda _: weights[:])
        self.finals = Lazy(lambda _: [65536 // profile.mixers] * profile.mixers)
        curve = [squash(clamp(128 * (i - 16), -2047, 2047)) for i in range(33)]
        self.curves = Lazy(lambda _: curve[:])
        self.patterns = Lazy(lambda _: Slot())
        self.histories = Lazy(lambda at: Estimate(2 * at[3] + 1, 2 * (at[2] + at[3]) + 2, 0))
        self.runs = Lazy(self.new_run)
        self.distances = Lazy(self.new_distance)
        self.pairs = Lazy(lambda _: Estimate(1, 2, 0))
        self.count, self.rate = 0, profile.rate[0] + profile.rate[1]

    def new_run(self, at: tuple[int, int, int, int]) -> Estimate:
        _, _, relation, m = at
        if self.flags and relation == 1:
            return Estimate(2 * m + 2, 2 * m + 3, 2)
        if self.flags and relation == 3:
            return Estimate(3, 10 * m + 15, 2)
        return Estimate(1, 2, 2)

    def new_distance(self, at: tuple[int, int, int, int]) -> Estimate:
        return Estimate(1, 2, 0) if self.flags else Estimate(squash(38 * at[3] - 1197), 65536, 3)

    def inputs(self, choice: Choice, pixel: Any) -> tuple[list[int], list[Estimate]]:
        """Return the inputs, and the estimates used."""
        used: list[Estimate] = []
        inputs: list[int] = []
        number = 0
        for slots in (choice.slots, choice.patterns):
            inputs += [STRETCH[slot.p >> 4] for slot in slots]
            inputs += [(slot.p - 32768) >> 5 for slot in slots]
            if self.profile.histories:
                inputs += self.history_inputs(choice.kind, slots, number, used)
            number += len(slots)
        for head, (relation, h) in enumerate(zip(choice.relations, pixel.heads, strict=True)):
            if relation:
                used.append(self.runs[head, choice.kind, relation, min(h.run, 31)])
            inputs.append(STRETCH[used[-1].p >> 10] if relation else 0)
        for colour, distance in enumerate(choice.distances):
            used.append(self.distances[colour, choice.kind, pixel.activity, distance])
            inputs.append(STRETCH[used[-1].p >> 10])
        for pair, (first, second) in enumerate(choice.pairs):
            used.append(self.pairs[pair, choice.kind, first, second])
            inputs.append(STRETCH[used[-1].p >> 10])
        return [*inputs, 256], used

    def history_inputs(
        self, kind: int, slots: list[Slot], number: int, used: list[Estimate]
    ) -> list[int]:
        history, pure = [], []
        for at, slot in enumerate(slots, number):
            zeros, ones = slot.history
            value = 0
            if zeros or ones:
                used.append(self.histories[at, kind, zeros, ones])
                value = STRETCH[used[-1].p >> 10]
            history.append(value)
            pure.append(0 if zeros and ones else value)
        return history + pure

    def decide(self, coder: Encoder, choice: Choice, pixel: Any, bit: int) -> int:
        inputs, used = self.inputs(choice, pixel)
        sets = [self.weights[at] for at in enumerate(choice.sets)]
        outputs = []
        for weights in sets:
            total = sum(map(mul, inputs, weights)) + (1 << 31) & M32
            outputs.append(clamp((total - (1 << 31)) >> 14, -2047, 2047))
        finals = self.finals[choice.final]
        d = clamp(sum(map(mul, outputs, finals)) >> 16, -2047, 2047)
        q, curve, k, t = squash(d), self.curves[choice.curve], (d + 2048) >> 7, (d + 2048) & 127
        p = (q + (curve[k] * (128 - t) + curve[k + 1] * t >> 7)) >> 1
        bit = coder.code(p, bit)
        if (p < 64 and not bit) or (p > 65472 and bit):
            return bit
        k += t >> 6
        curve[k] += ((65535 if bit else 0) - curve[k]) * 1311 >> 16
        e = ((bit << 16) - q) >> 4
        for i, output in enumerate(outputs):
            finals[i] = clamp(finals[i] + (output * e + 4096 >> 13), -524287, 524287)
            self.learn_weights(sets[i], inputs, (bit << 16) - squash(output))
        for estimate in used:
            estimate.teach(bit, 255)
        for slot in choice.slots + choice.patterns:
            slot.teach(bit)
        self.count += 1
        if self.count % 64 == 0:
            a, b, c = self.profile.rate
            self.rate = a + b * c // (c + min(self.count, 262144))
        return bit

    def learn_weights(self, weights: list[int], inputs: list[int], error: int) -> None:
        if abs(error) < 512:
            return
        g = clamp(error * self.rate >> 6, -32768, 32767)
        weights[:] = [
            clamp(weight + (value * g + 32768 >> 16), -32768, 32767)
            for weight, value in zip(weights, inputs, strict=True)
        ]


# ---------------------------------------------------------------- a pixel (sections 6 and 7)


WEIGHTS = {
    (3, "flags"): """
        930 1292 -483 910 187 368 2948 625 676 1882 282 1522 1160 3576 909 1459 1115 1384 1624
        749 1126 1972 -201""",
    (3, "tree"): """
        4365 4215 3155 3984 1442 -578 -497 -680 1933 2264 1986 -923 1850 -33 3576 3516 3797 3347
        3140 4234 -246""",
    (4, "flags"): """
        798 802 -1449 296 -958 -1132 772 252 2278 2584 2561 1318 3174 3054 2368 1762 -836 -897
        -1424 -1111 -1427 -1387 -72 -1208 376 532 1076 632 323 892 747 286 -1731 408 -1063 639
        532 3869 2539 3604 873 1164 -1937 -1789 -1993 -1075 -899 1663 1616 1833 883 472 1 174
        2043 269 680 2031 2135 467 -1018 -629 689 -2717""",
    (4, "tree"): """
        861 581 -127 243 627 193 957 413 157 398 604 -103 -40 53 81 -394 300 748 -542 370 928 197
        -416 655 172 -27 150 464 367 104 -105 328 627 762 478 -296 399 256 -172 -167 -167 -227
        -342 20 381 -651 280 535 407 -177 515 114 -49 181 406 -178 65 143 -122 108 234 566 -203
        43 -227 67 -44 -80 221 111 -189 261 -1746 -40 103 -144 -18 -105 26 -200 31 675 849 587
        801 630 930 789 693 1307 812 691 834 576 520 1552 1473 861 805 932 673 531 738 1008 584
        461 604 618 -218 770 670 94 371 669 367 40 544 -53 150 -834 205 -34 -158 386 -518 -179
        -197 304 -77 474 414 295 535 556 140 -9 1029 2136 692 1236 657 1073 221 1422 844 97 1540
        494 1159 -223""",
}
