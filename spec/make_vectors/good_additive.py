"""Conforming files with coding 2 and 5, the additive coder: what an encoder makes.

"Section" is one of additive.md. The payloads come from the encoder in ../read_additive.py: see
coders.py. Here they are coded even where packed rows are shorter; see good_additive_strange.py for
those, and for what no encoder makes.
"""

from __future__ import annotations

from collections.abc import Iterator

from coded_palettes import coded_part, ordered
from coders import ADDITIVE, profiled
from good_busy import colour_plane, photo
from good_context import EXAMPLE_PALETTE, EXAMPLE_ROWS, good_samples, mostly_flat, patches
from good_limits import textured
from parts import PROFILE, Good, Rows, colours, noise, stored, text

ENTRIES = (1, 2, 3, 4, 5, 16, 17, 31, 32, 64, 200, 255, 256, 257, 600, 2049, 4096, 4097)
WIDTHS = (1, 2, 3, 4, 15, 16, 17, 31, 32, 33, 1024, 1025, 1100)


def good_additive() -> Iterator[Good]:
    for number, (coding, profile) in enumerate(ADDITIVE):
        yield profiled(
            f"example-{profile}",
            f"The worked example of section 13 of additive.md, profile {profile}.",
            EXAMPLE_ROWS,
            EXAMPLE_PALETTE,
            coding,
        )
        for place, entries in enumerate(ENTRIES):
            width = 2 * place + number + 1
            yield profiled(
                f"{profile}-k{entries}",
                f"{entries} entries, {width} x 6 pixels, profile {profile}.",
                patches(width, 6, entries),
                colours(entries, 1),
                coding,
                channels=1,
            )
        yield from good_samples(coding, profile, number)
        yield profiled(
            f"{profile}-noise", "Noise of 37 entries.", noise(39, 6, 37), colours(37), coding
        )


def good_additive_most() -> Iterator[Good]:
    greys = ordered([(grey, alpha) for grey in range(256) for alpha in range(256)])
    yield profiled(
        "fastest-k65536",
        "65,536 entries: all greys with all alphas, in a coded palette.",
        patches(12, 5, 65536),
        b"".join(map(bytes, greys)),
        5,
        channels=2,
        coded_palette=lambda: coded_part(greys),
    )


def good_additive_runs() -> Iterator[Good]:
    for coding, profile in ADDITIVE:
        for width in WIDTHS:
            yield profiled(
                f"{profile}-width-{width}",
                f"{width} x 5 pixels, flat but for a border and two pixels.",
                mostly_flat(width, 5, 5),
                colours(5),
                coding,
            )
        for width in (16, 1040, 2100):
            yield profiled(
                f"{profile}-flat-{width}",
                f"{width} x 5 pixels of one index: the first of each run ends at the right or "
                "after 1,024.",
                [[4] * width for _ in range(5)],
                colours(5),
                coding,
            )
        yield profiled(
            f"{profile}-runs-1024",
            "1,600 x 8 pixels: runs of 1,024 and of 576, one of which is denied.",
            [*([[0] * 1600] * 6), [0] * 1590 + [1] * 10, [0] * 1600],
            bytes([0, 255]),
            coding,
            channels=1,
        )
        yield profiled(
            f"{profile}-runs",
            "Runs that are there and that are not, behind a left border, of 1 to 40 pixels.",
            broken(80, 41),
            colours(6),
            coding,
        )


def broken(width: int, height: int) -> Rows:
    """Flat rows with a border of changing width, and now and then a pixel further right."""
    rows = [[5] * (1 + y % 7) + [y // 9] * width for y in range(height)]
    for y in range(0, height, 3):
        rows[y][5 + 11 * y % width] = 5
    return [row[:width] for row in rows]


def good_additive_shapes() -> Iterator[Good]:
    for number, (coding, profile) in enumerate(ADDITIVE):
        for name, width, height in (("pixel", 1, 1), ("row", 50, 1), ("column", 1, 50)):
            yield profiled(
                f"{profile}-one-{name}",
                f"{width} x {height} pixels.",
                patches(width, height, 6),
                colours(6),
                coding,
            )
        for model, width, channels in (
            ("grey", 31, 1),
            ("grey-alpha", 32, 2),
            ("rgb", 34, 3),
            ("rgba", 33, 4),
        ):
            yield profiled(
                f"{profile}-{model}",
                f"{channels} channels: the tree of the palette depends on them.",
                patches(width + number, 5, 20),
                colours(20, channels),
                coding,
                channels=channels,
            )
        for rows_per_strip in (1, 3):
            yield profiled(
                f"{profile}-rows-per-strip-{rows_per_strip}",
                f"{rows_per_strip} rows a strip, 7 rows: every strip begins anew.",
                patches(34 + number, 7, 9),
                colours(9),
                coding,
                rows_per_strip=rows_per_strip,
            )
        yield profiled(
            f"{profile}-k1-strips",
            "One entry: empty payloads.",
            [[0] * 5] * 3,
            b"abc",
            coding,
            rows_per_strip=1,
        )
        yield profiled(
            f"{profile}-sections",
            "Two strips, then sections.",
            patches(38, 5, 7),
            colours(7),
            coding,
            rows_per_strip=4,
            sections=[stored(b"iccp", PROFILE), text("Title", "additive")],
            metadata={"icc": PROFILE.hex(), "text": {"Title": "additive"}},
        )


def good_additive_palettes() -> Iterator[Good]:
    repeated = bytes.fromhex("FF0000 00FF00 FF0000 0000FF FF0000")
    hidden = bytes.fromhex("00000000 FFFFFF00 10203001 40506080 708090FE A0B0C0FF")
    unused = [[[3, 199, 77][index] for index in row] for row in patches(37, 5, 3)]
    for coding, profile in ADDITIVE:
        for name, about, rows, palette, channels in (
            ("repeated", "Indices 0, 2 and 4 have one colour.", patches(36, 5, 5), repeated, 3),
            ("all-equal", "All entries are one grey.", patches(12, 5, 11), bytes([90]) * 11, 1),
            ("unused", "Only entries 3, 77 and 199 of 200 are used.", unused, colours(200), 3),
            ("transparent", "Alpha 0, 1, 128, 254 and 255.", patches(8, 5, 6), hidden, 4),
        ):
            yield profiled(
                f"{profile}-palette-{name}", about, rows, palette, coding, channels=channels
            )


def good_additive_busy() -> Iterator[Good]:
    """Tables, hashes, checks, long runs of heads, weights and rates: all need many pixels."""
    for coding, profile in ADDITIVE:
        for name, rows, palette, channels in (
            ("busy-25", photo(64, 34, 5, 5, coding), colour_plane(5, 5), 3),
            ("busy-600", photo(64, 34, 600, 1, 9), bytes(at * 255 // 599 for at in range(600)), 1),
            ("busy-noise", noise(64, 64, 40, seed=coding), colours(40, 1), 1),
            ("busy-stripes", textured(60, 40, 5, coding), bytes([0, 255, 128, 64, 1]), 1),
        ):
            yield profiled(
                f"{name}-{profile}",
                f"{len(rows[0])} x {len(rows)} pixels of {len(palette) // channels} entries, busy.",
                rows,
                palette,
                coding,
                channels=channels,
            )


def good_additive_tables() -> Iterator[Good]:
    """Heads: 2^8 up to 4,096 pixels, twice as many from 2^12 + 1 and 2^13 + 1 on, 2^18 at most."""
    for coding, profile in ADDITIVE:
        for width, height in ((64, 64), (17, 241), (64, 128), (2731, 3), (2048, 2049)):
            if height > 2000 and profile != "fast":
                continue  # takes long
            across, down = min(width, 64), 2 if height < 2000 else 45
            block = noise(across, 8 if width == 17 else down, 16, seed=coding)
            twice = [*block, *block]
            if height == 3:  # once more on the right, as the row above counts
                line = [1] * 9 + block[0] + block[1]
                twice = [line + line]
            flat = [[1] * width for _ in range(height - len(twice))]
            rows = [*flat, *(row + [1] * (width - len(row)) for row in twice)]
            yield profiled(
                f"{profile}-tables-{width * height}",
                f"{width * height} pixels: a flat, then noise, and the same noise again.",
                rows,
                colours(16),
                coding,
            )
