"""Conforming files with coding 2 and 5 that are special: equal tags, packed rows, odd payloads.

No encoder makes most of these payloads: they follow a policy, or deny runs, and the pixels are what
they decode to. "Section" is one of additive.md; see good_additive.py.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from coders import ADDITIVE, entries_of, profiled, read_additive
from good import LEFT_OUT
from good_bounds import lean
from good_context import EXAMPLE_PALETTE, EXAMPLE_ROWS, mostly_flat
from parts import Good, Rows, bits_needed, colours, noise, pack
from read_additive import Encoder, Model, Tree

Will = Callable[[int], int]  # from the number of parts to the part that is coded
NO, YES = 1, 0  # the parts of a bit


class Willed(Encoder):
    """Code what `will` says, whatever the pixels are."""

    def __init__(self, will: Will) -> None:
        super().__init__()
        self.will = will

    def decide(self, bounds: list[int], v: int) -> int:
        return super().decide(bounds, self.will(len(bounds)))


def willed(
    name: str, about: str, size: tuple[int, int], palette: bytes, coding: int, will: Will
) -> Good:
    """Make a vector of grey with whatever is willed."""
    if f"additive-{name}" in LEFT_OUT:
        return f"additive-{name}", b"", {}
    model = Model(Willed(will), Tree(entries_of(palette, 1)), *size, coding)
    for y in range(size[0]):
        model.code_row(y, None)
    rows, payload = [model.indices(y) for y in range(size[0])], model.coder.end()
    about += " No encoder writes this."
    return profiled(name, about, rows, palette, coding, channels=1, code=lambda _: payload)


def with_odds(seed: int, yes: float, values: range = range(16)) -> Will:
    """Say yes as often as told, and values of these at random."""
    source = random.Random(seed)

    def will(parts: int) -> int:
        if parts > 2:
            return source.choice(values)
        return YES if source.random() < yes else NO

    return will


def least_too_high(entries: int) -> int:
    """Return the first value that is 2^a or more, or 15."""
    return min(15, 1 << ((bits_needed(entries) - 1) & 3) + 1)


class Denying(Encoder):
    deny = False

    def decide(self, bounds: list[int], v: int) -> int:
        if self.deny:
            self.deny, v = False, NO
        return super().decide(bounds, v)


class NoRuns(Model):
    """Refuse every run, true or not."""

    def ahead(self, x: int, y: int, places: list[int]) -> int:
        n = super().ahead(x, y, places)
        self.coder.deny = n >= read_additive.LEAST
        return n


def denied(rows: Rows, palette: bytes, coding: int) -> bytes:
    tree, coder = Tree(entries_of(palette)), Denying()
    model = NoRuns(coder, tree, len(rows), len(rows[0]), coding)
    for y, row in enumerate(rows):
        model.code_row(y, [tree.symbol_of[index] for index in row])
    return coder.end()


def good_additive_policies() -> Iterator[Good]:
    for coding, profile in ADDITIVE:
        for entries in (2, 5, 17):
            yield willed(
                f"always-no-{profile}-k{entries}",
                f"Every bit is 0 and every value 2^a or more, or 15, with {entries} entries.",
                (8, 40),
                colours(entries, 1),
                coding,
                with_odds(0, 0, range(least_too_high(entries), 16)),
            )
        for name, entries, yes, what in (
            ("half", 2, 0.5, "bits are 0 or 1 as often"),
            ("half", 300, 0.5, "bits are 0 or 1 as often"),
            ("no", 11, 0.1, "nine bits of ten are 0"),
            ("yes", 37, 0.9, "nine bits of ten are 1"),
        ):
            yield willed(
                f"willed-{name}-{profile}-k{entries}",
                f"At random, {what}, and values are any from 0 to 15: holes, rejected candidates.",
                (20, 20),
                colours(entries, 1),
                coding,
                with_odds(entries, yes),
            )


def good_additive_limits() -> Iterator[Good]:
    palette = colours(2)
    flat = [[1] * 16]
    for coding, profile in ADDITIVE:
        yield profiled(
            f"runs-denied-{profile}",
            "Runs that are there are denied, and their pixels coded: no encoder writes this.",
            mostly_flat(40, 6, 3),
            colours(3),
            coding,
            code=lambda rows, coding=coding: denied(rows, colours(3), coding),
        )
        yield profiled(
            f"limit-run-denied-{profile}",
            "Runs are denied until their weight is the least there is: no encoder writes this.",
            flat * 400,
            palette,
            coding,
            code=lambda rows, coding=coding: denied(rows, palette, coding),
        )
        yield profiled(
            f"limit-run-certain-{profile}",
            "300 runs: their weight is the greatest there is. Then, now and again, none.",
            flat * 300 + [[1] * 15 + [0] if y % 3 == 0 else [1] * 16 for y in range(12)],
            palette,
            coding,
        )
        yield profiled(
            f"limit-lean-{profile}",
            "One pixel of five is bright, whatever is around.",
            lean(30, 60, 1),
            bytes([0, 255]),
            coding,
            channels=1,
        )


def good_additive_ends() -> Iterator[Good]:
    """The first noise whose code at the end is so near 8000h that bits beyond it must be 0."""
    for (coding, profile), seed in zip(ADDITIVE, (522, 1793), strict=True):
        yield profiled(
            f"limit-end-{profile}",
            "The code at the end is nearly 8000h: it is more if a bit beyond the payload is not 0.",
            noise(4, 2, 9, seed),
            colours(9, 1),
            coding,
            channels=1,
        )
    yield willed(
        "limit-sums-fast",
        "Every bit is 0, until the sum of weights is below -2047 * 64.",
        (500, 40),
        colours(5, 1),
        2,
        with_odds(0, 0),
    )


def equal_tags(width: int, height: int, entries: list[int], seed: int) -> Rows:
    """Stretches of few entries, some of them of one tag, often as in the row above."""
    source = random.Random(seed)
    rows: Rows = [[entries[0]] * width]
    while len(rows) < height:
        row, x = [*rows[-1]], 0
        while x < width:
            length = source.choice((1, 2, 20, 40))
            if source.random() < 0.4:
                row[x : x + length] = [source.choice(entries)] * length
            x += length
        rows.append(row[:width])
    return rows


def good_additive_tags() -> Iterator[Good]:
    """Section 6: with more than 256 entries symbols share tags, as 101 and 256 do."""
    for coding, profile in ADDITIVE:
        for entries, symbols in ((512, (101, 256, 202, 357, 7)), (1024, (303, 768, 458, 613, 0))):
            palette = bytes(at * 255 // (entries - 1) for at in range(entries))
            entry_of = Tree(entries_of(palette, 1)).entry_of
            yield profiled(
                f"tags-{profile}-k{entries}",
                f"Of {entries} entries, five whose symbols are {symbols}: some share a tag.",
                equal_tags(70, 16, [entry_of[symbol] for symbol in symbols], coding),
                palette,
                coding,
                channels=1,
            )


def unchanged(rows: Rows, entries: int) -> bytes:
    """Return packed rows as section 3 has them, after the byte FFh."""
    return b"\xff" + pack(rows, bits_needed(entries))


def good_additive_packed() -> Iterator[Good]:
    for coding, profile in ADDITIVE:
        for name, width, height, entries in (
            ("k2", 13, 5, 2),
            ("k5-row", 9, 1, 5),
            ("k200", 7, 4, 200),
            ("k300", 5, 4, 300),
        ):
            yield profiled(
                f"packed-{name}-{profile}",
                f"Noise of {entries} entries: the payload is FFh and packed rows.",
                noise(width, height, entries),
                colours(entries, 1),
                coding,
                channels=1,
                code=lambda rows, entries=entries: unchanged(rows, entries),
            )
        yield profiled(
            f"packed-flat-{profile}",
            "FFh and packed rows, though coded ones are shorter.",
            [[1] * 40] * 6,
            colours(3),
            coding,
            code=lambda rows: unchanged(rows, 3),
        )
        rows = [*[[4] * 30] * 5, *noise(30, 5, 9)]
        yield profiled(
            f"packed-second-{profile}",
            "Two strips: one is coded, the other is FFh and packed rows.",
            rows,
            colours(9),
            coding,
            rows_per_strip=5,
            code=lambda part, coding=coding, rows=rows: (
                unchanged(part, 9)
                if part == rows[5:]
                else read_additive.encode(part, entries_of(colours(9)), coding)
            ),
        )


def good_additive_cut() -> Iterator[Good]:
    """The coder may not notice: it is the CRC of the strip that protects a payload."""
    for coding, profile in ADDITIVE:
        payload = read_additive.encode(EXAMPLE_ROWS, entries_of(EXAMPLE_PALETTE), coding)
        payload, rows = shorter(payload, coding)
        yield profiled(
            f"cut-{profile}",
            "The payload of the example, cut and its end changed, is right for other pixels.",
            rows,
            EXAMPLE_PALETTE,
            coding,
            code=lambda _, payload=payload: payload,
        )


def shorter(payload: bytes, coding: int) -> tuple[bytes, Rows]:
    """Return the longest start of the payload, its last byte changed, that decodes."""
    palette = entries_of(EXAMPLE_PALETTE)
    for size in range(len(payload) - 1, 0, -1):
        for last in range(256):
            cut = payload[: size - 1] + bytes([last])
            try:
                return cut, read_additive.decode(cut, 4, 5, palette, coding)
            except read_additive.BadPayload:
                continue
    raise ValueError("no start of the payload decodes")
