"""Conforming files of busy content, one for each profile, to show the numbers of context.md.

Small vectors leave most of the initial weights, hashes and contexts without effect: they have too
few pixels that meet a context again. These have what photos have, gradients, edges, noise and parts
that come again, and lines on a ground. See coders.py for where the payloads come from.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from coders import entries_of, profiled
from good_context import Tree
from parts import Good, Rows

SMOOTH = 6  # pixels between the points of the shading


def within(value: int, count: int) -> int:
    return max(0, min(count - 1, value))


def shading(width: int, height: int, levels: int, source: random.Random) -> Rows:
    """Levels between random points, with the darkest and the brightest ones cut off."""
    points = [
        [source.randrange(-levels // 4, levels + levels // 4) for _ in range(width // SMOOTH + 2)]
        for _ in range(height // SMOOTH + 2)
    ]
    rows: Rows = []
    for y in range(height):
        down, v = divmod(y, SMOOTH)
        row = []
        for x in range(width):
            right, u = divmod(x, SMOOTH)
            upper, lower = (
                points[at][right] * (SMOOTH - u) + points[at][right + 1] * u
                for at in (down, down + 1)
            )
            row.append(within((upper * (SMOOTH - v) + lower * v) // SMOOTH**2, levels))
        rows.append(row)
    return rows


def photo(width: int, height: int, across: int, down: int, seed: int) -> Rows:
    """Two shadings with an edge and some noise: an index is of `across` levels by `down`."""
    source = random.Random(seed)
    first = shading(width, height, across, source)
    second = shading(width, height, down, source)
    rows: Rows = []
    for y in range(height):
        row = []
        for x in range(width):
            a, b = first[y][x], second[y][x]
            if 3 * x + y > 2 * width:
                a = across - 1 - a
            if source.randrange(4) == 0:
                a = within(a + source.randrange(-1, 2) * max(1, across // 32), across)
            row.append(a * down + b)
        rows.append(row)
    return rows


def again(rows: Rows, lines: int, faults: int, seed: int) -> Rows:
    """Take the first lines once more, moved by a few pixels, with some faults a line."""
    source = random.Random(seed)
    found = [row[5:] + row[:5] for row in rows[:lines]]
    for row in found:
        for _ in range(faults):
            row[source.randrange(len(row))] = rows[0][0]
    return found


def wires(width: int, height: int, grounds: tuple[int, int], ink: int, seed: int) -> Rows:
    """Lines from above to below on two grounds, which go one pixel left or right at random.

    What is above a pixel of ground is ground again, so that it is trusted; of wider contexts most
    are new.
    """
    source = random.Random(seed)
    places = [*range(3, width - 3, 9)]
    rows: Rows = []
    for _ in range(height):
        rows.append([grounds[x * 5 > 2 * width] for x in range(width)])
        if source.randrange(3) == 0:
            places = [within(place + source.randrange(-1, 2), width) for place in places]
        for place in places:
            rows[-1][place] = ink
    return rows


def colour_plane(across: int, down: int) -> bytes:
    """Red by the one part of an index, green by the other, and blue by both."""
    return b"".join(
        bytes([a * 255 // (across - 1), b * 255 // (down - 1), (37 * a + 11 * b * b) % 256])
        for a in range(across)
        for b in range(down)
    )


def good_busy() -> Iterator[Good]:
    """Sides of two of them give powers of two, where the size of tables changes."""
    for coding, profile, width, lines, levels, palette, channels in (
        (3, "default", 64, (7, 16, 9, 5), (5, 5), colour_plane(5, 5), 3),
        (4, "max", 36, (28, 10, 8, 3), (8, 8), colour_plane(8, 8), 3),
    ):
        entry_of = Tree(entries_of(palette, channels)).entry_of
        leaves = sorted(entry_of)
        grounds = entry_of[leaves[-2]], entry_of[leaves[-1]]
        rows = photo(width, lines[1], *levels, coding)
        rows = [
            *wires(width, lines[0], grounds, entry_of[leaves[5]], coding),
            *rows,
            *again(rows, *lines[2:], coding),
        ]
        yield profiled(
            f"busy-{profile}",
            f"{width} x {len(rows)} pixels, {len(entry_of)} entries, with lines on two grounds,"
            " then as busy as a photo, parts of it twice.",
            rows,
            palette,
            coding,
            channels=channels,
        )
