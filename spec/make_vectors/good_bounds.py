"""More conforming files that reach the limits of context.md, for readers with one that is wrong.

In most of them the bits follow no image but a policy: the image is what they decode to. So no
encoder makes them, and what the policy needs, takes few pixels. See good_limits.py for others, and
coders.py for where the payloads come from.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

from coders import entries_of, profiled, read_context
from good import LEFT_OUT
from good_context import Encoder, Model, Tree
from parts import Good, Rows, colours, noise

GREYS = (0, 127, 128, 129, 255)
Pixel = Any


class Guided(Model):
    """Each symbol is what `choose` says of the pixel, when its heads have voted."""

    choose: Callable[[Model, Pixel], int]

    def code_pixel(self, pixel: Pixel, wanted: int | None) -> int:
        keys = pixel.flag_keys()[: self.profile.flag_contexts]
        pixel.heads = [table.fetch(q) for table, q in zip(self.heads, keys, strict=True)]
        pixel.vote()
        return super().code_pixel(pixel, self.choose(pixel))


class Contrary(read_context.Stage):
    """Each bit is the one that the patterns hold for less likely, with a lean to 1."""

    def decide(self, coder: Encoder, choice: Any, pixel: Pixel, bit: int) -> int:
        mean = sum(slot.p for slot in choice.patterns) // len(choice.patterns)
        return super().decide(coder, choice, pixel, int(mean < 36500))


def guided(
    name: str, about: str, model: Model, palette: bytes, coding: int, channels: int = 3
) -> Good:
    """Make a vector of whatever the model codes."""
    if f"context-{name}" in LEFT_OUT:
        return f"context-{name}", b"", {}
    for y in range(len(model.rows)):
        model.code_row(y, None)
    rows = [[model.tree.entry_of[symbol] for symbol in row] for row in model.rows]
    payload = model.coder.end()
    about += " No encoder writes this."
    return profiled(name, about, rows, palette, coding, channels=channels, code=lambda _: payload)


def good_bounds_tables() -> Iterator[Good]:
    palette = bytes(at * 255 // 1999 for at in range(2000))
    yield profiled(
        "limit-check",
        "256 pixels. Keys share a place: of two, the checks would differ but for the bit that is"
        " always 1; two others have one check, though they differ in the bits above it.",
        noise(16, 16, 2000, seed=122),
        palette,
        4,
        channels=1,
    )
    about = "257 pixels: one more than the least table has places."
    yield profiled("limit-257-pixels-default", about, noise(257, 1, 64, seed=3), colours(64), 3)


def good_bounds_runs() -> Iterator[Good]:
    palette = colours(2)
    flat = [[1] * 32 for _ in range(1800)]
    rows = [*flat, *[[1] * 31 + [0] if y % 3 == 0 else [1] * 32 for y in range(12)]]
    about = "1,800 runs: their probability rises to the highest there is. Then, four times, none."
    yield profiled("limit-run-certain", about, rows, palette, 3)


def lean(width: int, height: int, seed: int) -> Rows:
    source = random.Random(seed)
    return [[int(source.random() < 0.2) for _ in range(width)] for _ in range(height)]


def good_bounds_weights() -> Iterator[Good]:
    palette = bytes([0, 255])
    coder = Encoder()
    model = Model(coder, Tree(entries_of(palette, 1)), 400, 32, 3)
    model.flags = Contrary(model.profile, 3, "flags")
    model.nodes = Contrary(model.profile, 3, "tree")
    about = "Bits that are less likely than not: weights reach the least and the greatest value."
    yield guided("limit-weights", about, model, palette, 3, 1)
    about = "One pixel of five is bright, whatever is around: estimates reach their limits."
    yield profiled("limit-maps-default", about, lean(30, 60, 1), palette, 3, channels=1)


class Doubtful(Guided):
    """Each pixel is candidate 0 as long as that is less than trusted, or hardly so."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.source = random.Random(1)

    def choose(self, pixel: Pixel) -> int:
        v0, v1 = pixel.votes
        trust = self.trust[8 * min(15, v0 // 150) + 8 * v1 // (v0 + 1)]
        first = trust.p >> 6 < 62259 + self.source.randrange(-60, 60)
        return pixel.candidates[0] if first else 1 - pixel.candidates[0]


class Sharing(Guided):
    """Choose the symbol that moves two shares most, one up and one down.

    Where all is about the same, that may be far from all that is around.
    """

    def __init__(self, up: int, down: int, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.up, self.down, self.source = up, down, random.Random(1)

    def choose(self, pixel: Pixel) -> int:
        colour = self.tree.colour
        square = sum(v * v for u in pixel.away for v in u)
        near = [s for s in colour if 100 < colour[s][0] < 160]

        def gain(symbol: int) -> int:
            error = colour[symbol][0] - pixel.learned[0]
            return error * (pixel.away[self.up][0] - pixel.away[self.down][0])

        if self.source.random() < 0.1:
            return self.source.choice(near)
        return max(list(colour) if square < 200 else near, key=gain)


def good_bounds_max() -> Iterator[Good]:
    palette = bytes([0, 255])
    model = Doubtful(Encoder(), Tree(entries_of(palette, 1)), 60, 30, 4)
    about = "The trust in candidates stays near the trust needed; estimates reach their limits."
    yield guided("limit-trust", about, model, palette, 4, 1)
    palette = bytes(GREYS)
    for up, down in ((11, 9), (4, 11)):
        model = Sharing(up, down, Encoder(), Tree(entries_of(palette, 1)), 26, 24, 4)
        about = "Shares reach the least and the greatest value."
        yield guided(f"limit-shares-{up}-{down}", about, model, palette, 4, 1)
