"""Conforming files with coding 6, the label coder: what an encoder makes.

"Section" is one of labels.md. The payloads come from the encoder in ../read_labels.py: see
coders.py. Here they are coded even where packed rows are shorter; see good_labels_strange.py for
those, and for what no encoder makes.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from coded_palettes import coded_part, ordered
from coders import LABELS, entries_of, profiled, read_labels
from good_busy import colour_plane, photo
from good_context import EXAMPLE_PALETTE, EXAMPLE_ROWS, mostly_flat, patches
from parts import PROFILE, Good, Rows, colours, noise, stored, text

ENTRIES = (1, 2, 3, 4, 5, 16, 17, 200, 255, 256, 257, 1000, 4097)
WIDTHS = (1, 2, 3, 7, 8, 9, 10, 16, 17, 1024, 1025, 1026, 1034, 1100)


def greys(entries: int) -> bytes:
    return bytes(at * 255 // (entries - 1) for at in range(entries))


def labels(name: str, about: str, rows: Rows, palette: bytes, **options: Any) -> Good:
    options.setdefault("channels", 1)
    return profiled(name, about, rows, palette, LABELS, **options)


def sliced(name: str, about: str, rows: Rows, palette: bytes, h: int, **options: Any) -> Good:
    """Make a vector whose strips are stacks of slices of `h` rows."""
    entries = entries_of(palette, options.get("channels", 1))

    def code(part: Rows) -> bytes:
        return read_labels.encode(part, entries, h=h)

    return labels(name, about, rows, palette, code=code, **options)


def cells(width: int, height: int, slices: int, entries: int, count: int, seed: int) -> Rows:
    """Areas around random points of a volume, with some wrong pixels; slice below slice."""
    source = random.Random(seed)
    points = [
        (*(source.randrange(side) for side in (width, height)), source.randrange(-3, slices + 3))
        for _ in range(count)
    ]
    of = [source.randrange(entries) for _ in points]
    rows: Rows = []
    for z in range(slices):
        for y in range(height):
            row = []
            for x in range(width):
                far = [(x - a) ** 2 + (y - b) ** 2 + 9 * (z - c) ** 2 for a, b, c in points]
                wrong = source.randrange(40) == 0
                row.append(source.randrange(entries) if wrong else of[far.index(min(far))])
            rows.append(row)
    return rows


def stretches(width: int, height: int, lengths: tuple[int, ...], seed: int) -> Rows:
    """Rows of few labels, each like the one above but for some stretches."""
    source = random.Random(seed)
    rows: Rows = [[0] * width]
    while len(rows) < height:
        row, x = [*rows[-1]], 0
        while x < width:
            length = source.choice(lengths)
            if source.random() < 0.2:
                row[x : x + length] = [source.choice((0, 0, 1, 2))] * length
            x += length
        rows.append(row[:width])
    return rows


def good_labels() -> Iterator[Good]:
    yield labels(
        "example",
        "The worked example of section 9 of labels.md.",
        EXAMPLE_ROWS,
        EXAMPLE_PALETTE,
        channels=3,
    )
    for place, entries in enumerate(ENTRIES):
        width = 2 * place + 3
        yield labels(
            f"k{entries}",
            f"{entries} entries, {width} x 6 pixels.",
            patches(width, 6, entries),
            colours(entries, 1),
        )
    most = ordered([(grey, alpha) for grey in range(256) for alpha in range(256)])
    yield labels(
        "k65536",
        "65,536 entries: all greys with all alphas, in a coded palette.",
        patches(12, 5, 65536),
        b"".join(map(bytes, most)),
        channels=2,
        coded_palette=lambda: coded_part(most),
    )
    yield labels("noise", "Noise of 37 entries.", noise(39, 6, 37), colours(37, 1))
    for name, what, rows in (
        ("in-order", "in their order", [list(range(y, y + 20)) for y in range(12)]),
        ("backwards", "backwards", [list(range(y + 20, y, -1)) for y in range(11, -1, -1)]),
        (
            "in-steps",
            "in their order, but not all: the last one comes before the first",
            [[31, *range(1 + 4 * y, 5 + 4 * y), 0, *range(4 * y)] + [9] * 30 for y in range(7)],
        ),
    ):
        rows = [row[: min(map(len, rows))] for row in rows]
        yield labels(f"fresh-{name}", f"Symbols occur {what}.", rows, greys(32))
    yield labels(
        "all-occurred",
        "All of five symbols occur in the first row: no bit tells whether one has not.",
        [[0, 4, 1, 3, 2] * 4, *noise(20, 9, 5)],
        greys(5),
    )


def good_labels_runs() -> Iterator[Good]:
    for width in WIDTHS:
        yield labels(
            f"width-{width}",
            f"{width} x 5 pixels, flat but for a border and two pixels.",
            mostly_flat(width, 5, 5),
            colours(5, 1),
        )
    for width in (8, 1024, 1025, 1026, 1040, 2100):
        yield labels(
            f"flat-{width}",
            f"{width} x 5 pixels of one index: the first of each run ends at the right or after "
            "1,024.",
            [[4] * width for _ in range(5)],
            colours(5, 1),
        )
    for name, width, height, lengths in (
        ("short", 200, 24, (1, 2, 7, 8, 9, 10, 11, 12, 13)),
        ("middle", 600, 16, (1, 12, 15, 16, 17, 24, 25, 31, 32, 33, 48, 60)),
        ("long", 2600, 10, (1, 60, 100, 130, 200, 260, 400, 520, 800, 1030)),
    ):
        rows = stretches(width, height, lengths, len(name))
        about = f"{width} x {height} pixels with {name} runs, some of which are denied."
        yield labels(f"runs-{name}", about, rows, greys(3))
        rows = [*rows, *stretches(width, 5, lengths, 0), *rows[3:9]]
        about = f"The same and more, in slices of {height + 2} rows."
        yield sliced(f"runs-{name}-slices", about, rows, greys(3), height + 2)
    rows = [[0] * 1600 for _ in range(8)]
    rows[6][1590:] = [1] * 10
    yield labels("runs-1025", "Runs of 1,024 and of 576, one of which is denied.", rows, greys(2))


def good_labels_shapes() -> Iterator[Good]:
    for name, width, height in (("pixel", 1, 1), ("row", 50, 1), ("column", 1, 50)):
        rows = patches(width, height, 6)
        yield labels(f"one-{name}", f"{width} x {height} pixels.", rows, colours(6, 1))
    for rows_per_strip in (1, 3):
        yield labels(
            f"rows-per-strip-{rows_per_strip}",
            f"{rows_per_strip} rows a strip, 7 rows: every strip begins anew.",
            patches(34, 7, 9),
            colours(9, 1),
            rows_per_strip=rows_per_strip,
        )
    yield labels("k1-strips", "One entry: empty payloads.", [[0] * 5] * 3, b"a", rows_per_strip=1)
    yield labels(
        "sections",
        "Two strips, then sections.",
        patches(38, 5, 7),
        colours(7),
        channels=3,
        rows_per_strip=4,
        sections=[stored(b"iccp", PROFILE), text("Title", "labels")],
        metadata={"icc": PROFILE.hex(), "text": {"Title": "labels"}},
    )
    repeated = bytes.fromhex("FF0000 00FF00 FF0000 0000FF FF0000")
    about = "Indices 0, 2 and 4 have one colour: they are symbols of their own."
    yield labels("palette-repeated", about, patches(36, 5, 5), repeated, channels=3)


def good_labels_slices() -> Iterator[Good]:
    for h, slices, last in ((2, 3, 1), (2, 4, 2), (3, 3, 3), (9, 2, 1), (9, 3, 4), (9, 1, 1)):
        rows = cells(21, h, slices + 1, 12, 9, h + last)[: h * slices + last]
        yield sliced(
            f"slices-{h}-rows-{len(rows)}",
            f"{len(rows)} rows in slices of {h}; the last one has {last}.",
            rows,
            colours(12, 1),
            h,
        )
    for width in (1, 2, 7, 8):
        rows = cells(width, 9, 5, 4, 6, width)
        about = f"{width} x 45 pixels in slices of 9 rows."
        yield sliced(f"slices-width-{width}", about, rows, greys(4), 9)
    rows = cells(20, 6, 8, 300, 9, 3)
    about = "Two strips, each of four slices of six rows, and a third of one."
    entries = entries_of(colours(300, 1), 1)
    yield labels(
        "slices-strips",
        about,
        [*rows, *rows[:6]],
        colours(300, 1),
        rows_per_strip=24,
        code=lambda part: read_labels.encode(part, entries, h=6 if len(part) > 6 else 0),
    )
    start = noise(9, 3, 5)
    flat = [[1] * 9 for _ in range(4093)]
    about = "Slices of 4,096 rows, the most that there may be; the second one has three rows."
    yield sliced("slices-4096", about, [*start, *flat, *start], greys(5), 4096)
    about = "Slices of 259 rows, a number of two bytes."
    flat = [[1] * 9 for _ in range(256)]
    yield sliced("slices-259", about, [*start, *flat, *start], greys(5), 259)


def good_labels_busy() -> Iterator[Good]:
    """Tables, hashes, masks, weights and rates: all need many pixels."""
    for name, rows, palette, channels in (
        ("25", photo(64, 34, 5, 5, 6), colour_plane(5, 5), 3),
        ("600", photo(64, 34, 600, 1, 9), greys(600), 1),
        ("noise", noise(40, 40, 40, seed=6), colours(40, 1), 1),
        ("cells", cells(64, 40, 1, 300, 25, 6), greys(300), 1),
    ):
        about = f"{len(rows[0])} x {len(rows)} pixels of {len(palette) // channels} entries, busy."
        yield labels(f"busy-{name}", about, rows, palette, channels=channels)
    for name, rows, h in (
        ("cells", cells(40, 16, 5, 9, 30, 7), 16),
        ("changing", cells(40, 9, 8, 5, 90, 8), 9),
        ("photo", photo(40, 60, 3, 2, 7), 7),
        ("noise", noise(30, 20, 60, seed=7), 4),
    ):
        entries = max(map(max, rows)) + 1
        size = f"{len(rows[0])} x {len(rows)} pixels"
        about = f"{size} of {entries} entries in slices of {h} rows, busy."
        yield sliced(f"busy-slices-{name}", about, rows, greys(entries), h)
