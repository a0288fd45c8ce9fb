"""Conforming files with a coded palette (kmc-1.md, section 4; context.md, section 12).

The palettes are coded by coded_palettes.py. The payloads of the strips, of few pixels, come
from the encoders of coders.py.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from coded_palettes import Entry, code_palette, coded_part, ordered
from coders import PROFILES, profiled
from good_context import patches
from parts import PROFILE, Good, stored, text

MODELS = {1: "grey", 2: "grey-alpha", 3: "rgb", 4: "rgba"}


def shaded(entries: int, channels: int, seed: int) -> list[Entry]:
    """Make distinct entries near the line from dark to bright; some of them clear."""
    source = random.Random(seed)
    found: set[Entry] = set()
    while len(found) < entries:
        light = source.randrange(256)
        near = [min(255, max(0, light + source.randint(-2, 2))) for _ in range(3)]
        alpha = source.choice((0, 255, 255, 255, light))
        found.add(tuple((near if channels > 2 else near[:1]) + [alpha] * (channels % 2 == 0)))
    return ordered(list(found))


def scattered(entries: int, channels: int, seed: int) -> list[Entry]:
    source = random.Random(seed)
    found: set[Entry] = set()
    while len(found) < entries:
        found.add(tuple(source.randbytes(channels)))
    return ordered(list(found))


def shorter(entries: int, channels: int) -> list[Entry]:
    """Return a shaded palette that is shorter coded; few short ones are."""
    seed = 0
    while True:
        palette = shaded(entries, channels, seed)
        if len(code_palette(palette)) < entries * channels:
            return palette
        seed += 1


def coded(name: str, about: str, entries: list[Entry], coding: int, **options: Any) -> Good:
    channels, plain = len(entries[0]), b"".join(map(bytes, entries))
    assert entries == ordered(entries)
    assert len(set(entries)) == len(entries)

    def part() -> bytes:
        data = code_palette(entries)
        assert len(data) < len(plain)
        return coded_part(entries, data)

    return profiled(
        f"palette-coded-{name}",
        about,
        options.pop("rows", patches(4, 2, len(entries))),
        plain,
        coding,
        channels=channels,
        coded_palette=part,
        **options,
    )


def good_coded() -> Iterator[Good]:
    number = 0
    for channels, model in MODELS.items():
        for entries in (1, 2, 3, 16, 17, 256, 257):
            if entries * channels == 1 or entries > 256**channels:
                continue
            coding, profile = PROFILES[number % 3]
            number += 1
            yield coded(
                f"k{entries}-{model}",
                f"{entries} entries of {channels} channels near the line from dark to bright, "
                f"profile {profile}.",
                shorter(entries, channels),
                coding,
            )
    for coding, profile in PROFILES:
        about = f"The same for all profiles; two strips, profile {profile}."
        rows = patches(4, 3, 17)
        yield coded(profile, about, shorter(17, 3), coding, rows=rows, rows_per_strip=2)


def good_coded_sizes() -> Iterator[Good]:
    """The length is a u8 up to 256 bytes of palette, and a u16 up to 65,536."""
    for entries, channels, what in (
        (64, 4, "256 bytes: the most whose length is a u8"),
        (86, 3, "258 bytes: the length is a u16"),
        (129, 2, "258 bytes: the length is a u16, and its high byte is 0"),
    ):
        yield coded(
            f"{entries * channels}-bytes-{MODELS[channels]}",
            f"{entries} scattered entries, {what}.",
            scattered(entries, channels, 1),
            2,
        )
    for first, entries, what in (
        (2**32 - 16384, 16384, "65,536 bytes: the most whose length is a u16; all nearly white"),
        (0, 16385, "65,540 bytes: the length is a u32; all nearly black, and many clear"),
    ):
        palette = ordered([corner(first + at) for at in range(entries)])
        yield coded(f"{entries * 4}-bytes", f"{entries} entries, {what}.", palette, 2)


def corner(number: int) -> Entry:
    """Return the entry of four channels whose bits, interleaved as they are coded, are a number."""
    bits = f"{number:032b}"
    green, red, blue, alpha = (int(bits[at::4], 2) for at in range(4))
    return red, green, blue, alpha


def good_coded_cut() -> Iterator[Good]:
    """The coder does not notice: it is the CRC that protects a coded palette."""
    for seed, entry, other in (
        (0, (252, 251, 252), (253, 253, 253)),
        (2, (234, 232, 233), (234, 234, 234)),
    ):
        entries = shaded(24, 3, seed)
        cut = [other if found == entry else found for found in entries]
        assert cut == ordered(cut)
        assert code_palette(cut) == code_palette(entries)[:-1]
        about = f"Bytes that are right with one more for {entry}, and without it for {other}."
        yield coded(f"cut-{seed}", about, cut, 2)


def good_coded_palettes() -> Iterator[Good]:
    for entries, channels in ((256, 3), (257, 4)):
        yield coded(
            f"scattered-{MODELS[channels]}",
            f"{entries} scattered entries: every case of every channel.",
            scattered(entries, channels, 2),
            3,
        )
    greys = [(grey,) for grey in range(256)]
    yield coded("all-greys", "All 256 greys: the most of one channel.", greys, 4)
    few = [(grey, alpha) for grey in (0, 90, 255) for alpha in range(0, 256, 15)]
    about = "Three greys with 18 alphas each: those with alpha 0 are first, the rest by grey."
    yield coded("alpha-0-grey", about, ordered(few), 2)
    white = [(255, 255, 255, 0), (255, 254, 255, 0), (0, 0, 0, 0), (0, 1, 0, 0)]
    ramp = [(v, v, v, a) for v in range(0, 80, 5) for a in (1, 254, 255)]
    about = "Clear entries, some white, are before all others; of one colour, low alpha first."
    yield coded("alpha-0-rgba", about, ordered(white + ramp), 3)
    # 299 * 15 - 587 * 9 + 114 * 7 = 299 * 11 + 587 * 1 - 114 * 34 = 0
    ties = [
        (60 + 15 * i + 11 * j, 150 - 9 * i + j, 100 + 7 * i - 34 * j)
        for i in range(9)
        for j in range(3)
    ]
    about = "27 entries as bright as each other are in the order of red."
    yield coded("ties", about, ordered(ties), 4)
    yield coded(
        "sections",
        "Flags 3: a coded palette, and sections after three strips.",
        shorter(40, 3),
        3,
        rows=patches(4, 5, 40),
        rows_per_strip=2,
        sections=[stored(b"iccp", PROFILE), text("Title", "coded")],
        metadata={"icc": PROFILE.hex(), "text": {"Title": "coded"}},
    )
