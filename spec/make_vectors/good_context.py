"""Conforming files with coding 3 and 4, the context coder.

"Section" is one of context.md. The payloads come from the encoder in ../read_context.py: see
coders.py.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from coders import CONTEXT, entries_of, profiled, read_context
from parts import PROFILE, Good, Rows, colours, noise, stored, text
from read_context import Encoder, Model, Tree

ENTRIES = (1, 2, 3, 16, 17, 256, 257, 4096)
EXAMPLE_PALETTE = bytes.fromhex("1D3557 E63946 F1FAEE A8DADC 457B9D")  # section 13
EXAMPLE_ROWS = [[0, 0, 4, 4, 3], [0, 0, 4, 3, 3], [0, 4, 4, 3, 2], [1, 1, 4, 3, 2]]
BAYER = ((0, 8, 2, 10), (12, 4, 14, 6), (3, 11, 1, 9), (15, 7, 13, 5))
LETTERS = (
    ("####.", "#...#", "####.", "#...#", "####.", "....."),
    (  # B and T
        *("#####", "..#..", "..#..", "..#..", "..#..", "....."),
    ),
)


def patches(width: int, height: int, entries: int, seed: int = 3) -> Rows:
    """Pixels that mostly repeat the one to the left or above."""
    source = random.Random(seed)
    rows: Rows = []
    for y in range(height):
        row: list[int] = []
        for x in range(width):
            choices = [source.randrange(entries)]
            choices += row[-1:] * 2 + ([rows[-1][x]] * 3 if y else [])
            row.append(source.choice(choices))
        rows.append(row)
    rows[0][0], rows[-1][-1] = 0, entries - 1
    return rows


def dithered(width: int, height: int, entries: int) -> Rows:
    """Shade from left to right, by an ordered dither of 4 x 4."""
    return [
        [(x * (entries - 1) * 16 // width + BAYER[y % 4][x % 4]) // 16 for x in range(width)]
        for y in range(height)
    ]


def written(width: int, height: int) -> Rows:
    """Letters of index 1 on 0, with a shadow of index 2 on their right."""
    rows = []
    for y in range(height):
        line = "".join(LETTERS[at % 2][y % 6] + "." for at in range(width // 6 + 1))[:width]
        shadow = "." + line[:-1]
        rows.append(
            [1 if a == "#" else 2 if b == "#" else 0 for a, b in zip(line, shadow, strict=True)]
        )
    return rows


def mostly_flat(width: int, height: int, entries: int) -> Rows:
    """Index 1, but for a border above, and one pixel in each of the last two rows."""
    rows = [[0] * width, *([1] * width for _ in range(height - 1))]
    rows[-1][width * 3 // 4] = rows[-2][-1] = entries - 1
    return rows


def good_samples(coding: int, profile: str, number: int) -> Iterator[Good]:
    """An ordered dither and letters; `number` makes the widths of each profile its own."""
    yield profiled(
        f"{profile}-dither",
        "An ordered dither of eight shades of grey.",
        dithered(25 + number, 6, 8),
        bytes(range(0, 256, 36)),
        coding,
        channels=1,
    )
    yield profiled(
        f"{profile}-text",
        "Letters and their shadow on a flat ground.",
        written(28 + number, 12),
        bytes.fromhex("FFFFFF 000000 C0C0C0"),
        coding,
    )


def good_context() -> Iterator[Good]:
    for number, (coding, profile) in enumerate(CONTEXT, 1):
        yield profiled(
            f"example-{profile}",
            f"The worked example of section 13 of context.md, profile {profile}.",
            EXAMPLE_ROWS,
            EXAMPLE_PALETTE,
            coding,
        )
        for place, entries in enumerate(ENTRIES):
            width = 3 * place + number + 1
            yield profiled(
                f"{profile}-k{entries}",
                f"{entries} entries, {width} x 5 pixels, profile {profile}.",
                patches(width, 5, entries),
                colours(entries),
                coding,
            )
        yield from good_samples(coding, profile, number)
    yield profiled(
        "deep-tree",
        "4097 entries of grey: 13 levels, and many entries of one colour.",
        patches(9, 5, 4097),
        colours(4097, 1),
        4,
        channels=1,
    )


def good_context_runs() -> Iterator[Good]:
    for coding, profile in CONTEXT:
        least = read_context.PROFILES[coding].least_run
        for name, what, rows in (
            ("flat", "one index", [[4] * 40 for _ in range(5)]),
            ("long-runs", "runs longer than 1024 pixels", mostly_flat(1100, 5, 5)),
            ("least-runs", f"flat rows of {least} pixels", mostly_flat(least, 5, 5)),
        ):
            yield profiled(
                f"{profile}-{name}",
                f"{len(rows[0])} x {len(rows)} pixels: {what}.",
                rows,
                colours(5),
                coding,
            )


def good_context_shapes() -> Iterator[Good]:
    for name, width, height, coding in (
        ("one-row", 50, 1, 4),
        ("one-column", 1, 50, 3),
    ):
        rows = patches(width, height, 6)
        about = f"{width} x {height} pixels, coding {coding}."
        yield profiled(name, about, rows, colours(6), coding)
    for model, width, channels, coding in (
        ("grey-alpha", 32, 2, 3),
        ("rgba", 33, 4, 4),
    ):
        yield profiled(
            model,
            f"{channels} channels: the tree of the palette depends on them.",
            patches(width, 5, 20),
            colours(20, channels),
            coding,
            channels=channels,
        )
    yield profiled(
        "rows-per-strip-3",
        "3 rows a strip, 7 rows: every strip begins anew.",
        patches(35, 7, 9),
        colours(9),
        4,
        rows_per_strip=3,
    )
    noisy = noise(39, 6, 37)
    yield profiled("noise", "Random indices of 37 entries.", noisy, colours(37), 3)


def good_context_palettes() -> Iterator[Good]:
    repeated = bytes.fromhex("FF0000 00FF00 FF0000 0000FF FF0000")
    about = "Entries repeat and must be kept apart: indices 0, 2 and 4 have one colour."
    yield profiled("palette-repeated", about, patches(36, 5, 5), repeated, 3)
    same = bytes([90]) * 11
    about = "All entries are one grey: the tree is that of their numbers."
    yield profiled("palette-all-equal", about, patches(12, 5, 11), same, 4, channels=1)
    hidden = bytes.fromhex("00000000 FFFFFF00 10203001 40506080 708090FE A0B0C0FF")
    about = "Alpha 0, 1, 128, 254 and 255: colours are blended with magenta in the tree."
    yield profiled("palette-transparent", about, patches(8, 5, 6), hidden, 3, channels=4)


def good_context_sections() -> Iterator[Good]:
    yield profiled(
        "sections",
        "Two strips, then sections.",
        patches(38, 5, 7),
        colours(7),
        3,
        rows_per_strip=4,
        sections=[stored(b"iccp", PROFILE), text("Title", "context")],
        metadata={"icc": PROFILE.hex(), "text": {"Title": "context"}},
    )


def good_context_cut() -> Iterator[Good]:
    """The coder does not notice: it is the CRC of the strip that protects a payload."""
    palette = entries_of(EXAMPLE_PALETTE)
    for coding, profile in CONTEXT:
        payload = read_context.encode(EXAMPLE_ROWS, palette, coding)[:-1]
        yield profiled(
            f"cut-{profile}",
            "The payload of the example without its last byte is right, for other pixels.",
            read_context.decode(payload, 4, 5, palette, coding),
            EXAMPLE_PALETTE,
            coding,
            code=lambda _, payload=payload: payload,
        )


# ---------------------------------------------------------------- what no encoder makes


class AlwaysNo(Encoder):
    """Code 0 for every decision, whatever the pixels are."""

    def decide(self, middle: int, bit: int) -> int:
        return 0


class NoRuns(Model):
    """Refuse every run, true or not."""

    def code_run(self, ahead: int, symbol: int, bit: int) -> int:
        return super().code_run(ahead, symbol, 0)


def good_context_strange() -> Iterator[Good]:
    """Section 5: bytes no encoder makes may decode to any indices."""
    for entries, coding, profile in ((2, 3, "default"), (5, 4, "max")):
        palette = colours(entries)
        tree, coder = Tree(entries_of(palette)), AlwaysNo()
        model = Model(coder, tree, 5, 40, coding)
        for y in range(5):
            model.code_row(y, None)
        payload = coder.end()
        yield profiled(
            f"always-no-{profile}",
            f"Every decision is 0, with {entries} entries: no encoder writes this.",
            [[tree.entry_of[symbol] for symbol in row] for row in model.rows],
            palette,
            coding,
            code=lambda _, payload=payload: payload,
        )
    rows, palette = mostly_flat(40, 6, 3), colours(3)
    tree, coder = Tree(entries_of(palette)), Encoder()
    model = NoRuns(coder, tree, 6, 40, 3)
    for y, row in enumerate(rows):
        model.code_row(y, [tree.symbol_of[index] for index in row])
    about = "Runs that are there are denied, and their pixels coded: no encoder writes this."
    yield profiled("runs-denied", about, rows, palette, 3, code=lambda _: coder.end())
