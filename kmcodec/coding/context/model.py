"""The context coder in readable form: the definition of the algorithm (spec/context.md).

Its compiled twin, model.pxi and its includes, does the same in the same order for each profile. A
test compares the two.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kmcodec.coding.choice import Choice, Chooser
from kmcodec.coding.colortree import ColorTree
from kmcodec.coding.context.arithmetic import BitCoder, BitDecoder, BitEncoder
from kmcodec.coding.context.candidates import elect
from kmcodec.coding.context.contexts import FLAG_CONTEXTS, TREE_CONTEXTS
from kmcodec.coding.context.decisions import Flags, Tree
from kmcodec.coding.context.learned import LearnedColor
from kmcodec.coding.context.memory import (
    MAP_LIMIT,
    TRUST_LIMIT,
    HashTable,
    Head,
    Slots,
    adapted,
    new_slots,
)
from kmcodec.coding.context.mixer import Decision, Stage
from kmcodec.coding.context.neighborhood import MASK, Neighborhood, scrambled
from kmcodec.coding.context.pixel import NE, NW, N, Pixel, Point, W, compare, expect
from kmcodec.coding.context.profiles import Profile
from kmcodec.coding.context.tables import adaptive, starts
from kmcodec.parallel import heed_stop

__all__ = ["Model", "decode", "encode"]

_NODE_MULTIPLIER = 0x85EBCA6B
_CERTAIN = 64


class Model:
    """The learned state of a strip, and the order of its coded symbols.

    Parameters
    ----------
    coder : BitCoder
    rows, width : int
    tree : ColorTree
    profile : Profile
    chooser : Chooser, optional
        Chooses symbols to code instead of those passed to `code_row`.
    """

    def __init__(
        self,
        coder: BitCoder,
        rows: int,
        width: int,
        tree: ColorTree,
        profile: Profile,
        chooser: Chooser | None = None,
    ) -> None:
        self._coder = coder
        self._chooser = chooser
        self._width = width
        self._bits = tree.bits
        self._profile = profile
        colors: list[Point] = [(a, b, c) for a, b, c, *_ in tree.color.tolist()]
        self._colors = colors
        self._learned = LearnedColor(colors) if profile.geometries > 2 else None
        self._rows = Neighborhood(width)
        self._flag_stage, self._tree_stage = (Stage(profile, start) for start in starts(profile))
        self._flags = Flags(profile, colors)
        self._tree = Tree(profile, tree)
        self._flag_contexts = FLAG_CONTEXTS[: profile.flag_contexts]
        self._tree_contexts = TREE_CONTEXTS[: profile.tree_contexts]
        bits = profile.head_bits(rows * width)
        self._heads = [HashTable(bits, Head) for _ in self._flag_contexts]
        self._lines = [HashTable(bits - 2, new_slots) for _ in self._tree_contexts]
        self._trust = [adaptive(1, 2, 2)] * 128
        self._runs = [adaptive(4, 5, 2)] * (8 * 256)

    def code_row(self, own: list[int]) -> None:
        """Code a row of symbols; a decoder fills it in."""
        self._rows.begin_row()
        x = asked = 0
        while x < self._width and not self._coder.exhausted:
            heed_stop()
            near = self._rows.near(x)
            # After a denied run, code no other run flag until its end.
            length = self._rows.run_ahead(x, near) if x >= asked else 0
            symbols = []
            if length >= self._profile.least_run:
                asked = x + length
                symbols = self._code_run(own, x, length, near[W])
            if not symbols:
                symbols = [self._code_pixel(self._rows.look(x, near), own[x])]
            for symbol in symbols:
                own[x] = symbol
                self._rows.put(x, symbol)
                x += 1

    def _code_run(self, own: list[int], x: int, length: int, symbol: int) -> list[int]:
        """Code whether the next pixels repeat the one before; return them, or an empty list."""
        run = [symbol] * length
        size = (length // self._profile.least_run).bit_length() - 1
        at = size << 8 | symbol & 255
        p = min(65532, max(4, self._runs[at] >> 16))
        hits = own[x : x + length] == run
        if self._chooser:
            hits = self._chooser.prefers_run(x, self._rows.y, symbol, length, p)
        hit = self._coder.code(int(hits), p)
        self._runs[at] = adapted(self._runs[at], hit, MAP_LIMIT)
        return run if hit else []

    def _code_pixel(self, pixel: Pixel, symbol: int) -> int:
        """Code a pixel and return its symbol; a decoder ignores the argument."""
        keys = [scrambled(hashed(pixel)) for hashed in self._flag_contexts]
        pixel.heads = [heads.find(key) for heads, key in zip(self._heads, keys, strict=True)]
        expect(pixel, self._colors)
        if self._learned:
            self._learned.expect(pixel)
        compare(pixel)
        elect(pixel)
        if self._chooser:
            symbol = self._chosen(self._chooser, pixel, symbol)
        found = self._code_flags(pixel, symbol)
        if found is None:
            found = self._code_tree(pixel, symbol)
        if self._profile.trust:
            at = _trust_class(pixel)
            right = int(found == pixel.candidates[0])
            self._trust[at] = adapted(self._trust[at], right, TRUST_LIMIT)
        if self._learned:
            self._learned.learn(pixel, found)
        for heads, key, head in zip(self._heads, keys, pixel.heads, strict=True):
            head.remember(found)
            heads.keep(key, head)
        return found

    def _chosen(self, chooser: Chooser, pixel: Pixel, nearest: int) -> int:
        """Return the chooser's symbol of a pixel by the model's predictions, without learning."""
        flags = {}
        for rank in range(self._flags_of(pixel)):
            decision = self._flags.decision(pixel, rank, self._rows.rows)
            flags[pixel.candidates[rank]] = self._flag_stage.predict(decision)
            pixel.excluded.append(pixel.candidates[rank])
        chances: dict[int, int] = {}

        def path_cost(symbol: int) -> int:
            return self._path_cost(chooser, pixel, symbol, chances)

        neighbors = [pixel.near[i] for i in (W, N, NW, NE)]
        chosen = chooser.choose(pixel.x, pixel.y, nearest, flags, neighbors, path_cost)
        pixel.excluded.clear()
        return chosen

    def _path_cost(
        self, chooser: Chooser, pixel: Pixel, symbol: int, chances: dict[int, int]
    ) -> int:
        """Return the cost of the path to a symbol in 1/256 bits; `chances` caches nodes."""
        hashes = [hashed(pixel) for hashed in self._tree_contexts]
        cost = 0
        for depth in range(self._bits):
            number = (symbol | 1 << self._bits) >> (self._bits - depth)
            bit = symbol >> (self._bits - 1 - depth) & 1
            if self._tree.forced(pixel, number, depth) is None:
                if number not in chances:
                    keys = self._line_keys(hashes, number >> (depth & 3))
                    lines = [of.find(key) for key, of in zip(keys, self._lines, strict=True)]
                    decision = self._tree.decision(pixel, number, depth, lines, self._rows.rows)
                    chances[number] = self._tree_stage.predict(decision)
                p = chances[number]
                cost += chooser.cost(p if bit else 65535 - p)
        return cost

    def _code_flags(self, pixel: Pixel, symbol: int) -> int | None:
        """Code whether the pixel is a candidate, and return that candidate or None."""
        for rank in range(self._flags_of(pixel)):
            candidate = pixel.candidates[rank]
            decision = self._flags.decision(pixel, rank, self._rows.rows)
            if self._code(self._flag_stage, decision, int(symbol == candidate)):
                return candidate
            pixel.excluded.append(candidate)
        return None

    def _flags_of(self, pixel: Pixel) -> int:
        """Return the number of candidates to code flags for."""
        profile = self._profile
        if profile.trust and self._trust[_trust_class(pixel)] >> 16 < profile.trust:
            return 0
        return profile.flags if pixel.strengths[1] else 1

    def _code_tree(self, pixel: Pixel, symbol: int) -> int:
        """Code the path from the root to a leaf that no flag has excluded."""
        hashes = [hashed(pixel) for hashed in self._tree_contexts]
        number = 1
        lines: list[Slots] = []
        for depth in range(self._bits):
            if depth % 4 == 0:
                lines = []
            bit = self._tree.forced(pixel, number, depth)
            if bit is None:
                if not lines:
                    lines = self._take_lines(hashes, number >> (depth & 3))
                decision = self._tree.decision(pixel, number, depth, lines, self._rows.rows)
                bit = symbol >> (self._bits - 1 - depth) & 1
                bit = self._code(self._tree_stage, decision, bit)
            number = 2 * number + bit
        return number - (1 << self._bits)

    def _take_lines(self, hashes: list[int], top: int) -> list[Slots]:
        """Return the slots of four levels from the node `top` down, for each context."""
        lines = []
        for key, of in zip(self._line_keys(hashes, top), self._lines, strict=True):
            line = of.find(key)
            of.keep(key, line)
            lines.append(line)
        return lines

    @staticmethod
    def _line_keys(hashes: list[int], top: int) -> list[int]:
        return [scrambled(hashed + top * _NODE_MULTIPLIER & MASK) for hashed in hashes]

    def _code(self, stage: Stage, decision: Decision, bit: int) -> int:
        p = stage.predict(decision)
        bit = self._coder.code(bit, p)
        # Skip learning from a nearly certain decision.
        if (65536 - p if bit else p) >= _CERTAIN:
            stage.learn(decision, bit)
        return bit


def _trust_class(pixel: Pixel) -> int:
    first, second = pixel.strengths
    return 8 * min(15, first // 150) + 8 * second // (first + 1)


def encode(
    symbols: NDArray[np.uint16], tree: ColorTree, profile: Profile, choice: Choice | None = None
) -> tuple[bytes, NDArray[np.uint16]]:
    """Code a strip.

    Parameters
    ----------
    symbols : ndarray, shape (rows, width), uint16
        Leaves of the tree, no holes.
    tree : ColorTree
        With at least one level.
    profile : Profile
    choice : Choice, optional
        Chooses symbols to code instead.

    Returns
    -------
    payload : bytes
    coded : ndarray, shape (rows, width), uint16
        `symbols`, or the chosen ones.
    """
    coder = BitEncoder()
    rows, width = symbols.shape
    image = symbols.tolist()
    chooser = None if choice is None else Chooser(choice, image)
    model = Model(coder, rows, width, tree, profile, chooser)
    for row in image:
        model.code_row(row)
    return coder.finish(), np.array(image, np.uint16)


def decode(
    payload: bytes, rows: int, width: int, tree: ColorTree, profile: Profile, wanted: int
) -> tuple[NDArray[np.uint16], int, int]:
    """Decode the first `wanted` rows of a strip.

    Any bytes decode to something. `encode` writes one byte more than the coder's shifts, and the
    last byte is the highest byte of `low` plus 1. If the payload is shorter, decoding stops at the
    first pixel where that is certain.

    Returns
    -------
    symbols : ndarray, shape (wanted, width), uint16
    shifts : int
    low : int
        The lower end of the coder's last interval.
    """
    coder = BitDecoder(payload)
    model = Model(coder, rows, width, tree, profile)
    symbols = np.zeros((wanted, width), np.uint16)
    for y in range(wanted):
        row = [0] * width
        model.code_row(row)
        symbols[y] = row
        if coder.exhausted:
            break
    return symbols, coder.shifts, coder.low
