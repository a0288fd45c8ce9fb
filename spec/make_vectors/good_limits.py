"""Conforming files that reach the limits that context.md sets: of tables, maps and counts.

Small images never do, and a reader with a wrong limit reads them. See coders.py for where
the payloads come from. Most pixels of the large images are in runs, which cost neither bytes
nor time.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from coders import CONTEXT, entries_of, profiled, read_context
from good_context import Encoder, Model, NoRuns, Tree
from parts import Good, Rows, colours, noise

# By coding: sides of noise, and its entries; enough for some contexts to share a place.
NOISE = {3: (10, 16), 4: (3, 16)}
TEXTURES = 7  # periods of good_limits_counts


def twice_below_flat(coding: int) -> Rows:
    """More pixels than the tables have places; the noise at the end is there twice."""
    width = 130
    height = 2 ** read_context.PROFILES[coding].table_bits // width + 1
    lines, entries = NOISE[coding]
    block = noise(width, lines, entries, seed=coding)
    return [[1] * width for _ in range(height)] + block + block


def good_limits_tables() -> Iterator[Good]:
    for coding, profile in CONTEXT:
        rows = twice_below_flat(coding)
        about = "More pixels than the tables have places, then noise, and the same noise again."
        yield profiled(f"limit-tables-{profile}", about, rows, colours(NOISE[coding][1]), coding)


def denied(rows: Rows, palette: bytes, coding: int) -> bytes:
    """Code no run, though there are some."""
    coder: Encoder = Encoder()
    tree = Tree(entries_of(palette))
    model: Model = NoRuns(coder, tree, len(rows), len(rows[0]), coding)
    for y, row in enumerate(rows):
        model.code_row(y, [tree.symbol_of[index] for index in row])
    return coder.end()


def good_limits_runs() -> Iterator[Good]:
    palette = colours(2)
    yield profiled(
        "limit-run-probability",
        "A run is denied 1,600 times: its probability falls to the least there is.",
        [[1] * 32 for _ in range(1602)],
        palette,
        3,
        code=lambda rows: denied(rows, palette, 3),
    )
    yield profiled(
        "limit-run-counts",
        "300 runs and then, again and again, none: the count of their estimate is at its limit.",
        [[1] * 32 for _ in range(300)] + [[1] * 32 if y % 3 else [1] * 31 + [0] for y in range(60)],
        palette,
        3,
    )
    for coding, profile in CONTEXT:
        yield profiled(
            f"limit-run-symbols-{profile}",
            "Runs of entries that share an estimate, as their symbols differ by 256.",
            shared_runs(read_context.PROFILES[coding].least_run),
            bytes(at * 255 // 511 for at in range(512)),
            coding,
            channels=1,
        )


def shared_runs(least: int) -> Rows:
    """Flat rows of four indices, two of which are 256 apart, and as are their symbols."""
    rows: Rows = []
    for number in range(10):
        index = (3, 259, 3, 200, 259, 456)[number % 6]
        rows += [[index] * least for _ in range(5)]
        rows[-1][-1 - number] = 5
    return rows


def textured(width: int, height: int, entries: int, seed: int) -> Rows:
    """Stripes of several periods and angles, each for some rows, with faults here and there."""
    source = random.Random(seed)
    rows: Rows = []
    for y in range(height):
        if y % 8 == 0:
            period, slope = source.randrange(2, TEXTURES), source.randrange(-2, 3)
        rows.append([(x + slope * y) % period % entries for x in range(width)])
        for x in range(width):
            if source.random() < 0.02:
                rows[-1][x] = source.randrange(entries)
    return rows


def good_limits_counts() -> Iterator[Good]:
    greys = bytes([0, 255, 128, 64, 1])
    for coding, profile, width, height in (
        (3, "default", 50, 50),
        (4, "max", 40, 48),
    ):
        yield profiled(
            f"limit-counts-{profile}",
            "Stripes, again and again, with faults: counts reach their limits.",
            textured(width, height, 5, coding),
            greys,
            coding,
            channels=1,
        )
