"""Conforming files with coding 6 that are special: packed rows, odd payloads, limits.

No encoder makes most of these payloads: they follow a policy, or deny runs, and the pixels are what
they decode to. "Section" is one of labels.md; see good_labels.py.
"""

from __future__ import annotations

from collections.abc import Iterator

from coders import entries_of, read_labels
from good import LEFT_OUT
from good_additive_strange import NO, Denying, Will, Willed, unchanged, with_odds
from good_bounds import lean
from good_context import EXAMPLE_PALETTE, EXAMPLE_ROWS, mostly_flat
from good_labels import greys, labels
from parts import Good, Rows, noise
from read_labels import Encoder, Model


def with_head(coded: bytes, h: int = 0) -> bytes:
    return (b"\1" + h.to_bytes(2, "little") if h else b"\0") + coded


def willed(name: str, about: str, size: tuple[int, int], entries: int, h: int, will: Will) -> Good:
    """Make a vector of grey with whatever is willed."""
    if f"labels-{name}" in LEFT_OUT:
        return f"labels-{name}", b"", {}
    model = Model(Willed(will), entries, *size, h)
    for y in range(size[0]):
        model.code_row(y, None)
    payload = with_head(model.coder.end(), h)
    about += " No encoder writes this."
    return labels(name, about, model.rows, greys(entries), code=lambda _: payload)


class NoRuns(Model):
    """Refuse every run, true or not."""

    def ahead(self, x: int, y: int) -> int:
        n = super().ahead(x, y)
        self.coder.deny = n >= read_labels.LEAST
        return n


def denied(rows: Rows, entries: int) -> bytes:
    model = NoRuns(Denying(), entries, len(rows), len(rows[0]), 0)
    for y, row in enumerate(rows):
        model.code_row(y, row)
    return with_head(model.coder.end())


class Confused(Model):
    """Code symbols as ones that have not occurred, or that have, now and then against the truth."""

    def is_fresh(self, wanted: int | None) -> bool:
        return super().is_fresh(wanted) != (wanted is not None and wanted % 3 == 1)


def confused(rows: Rows, entries: int) -> bytes:
    model = Confused(Encoder(), entries, len(rows), len(rows[0]), 0)
    for y, row in enumerate(rows):
        model.code_row(y, row)
    return with_head(model.coder.end())


def good_labels_willed() -> Iterator[Good]:
    for entries, h in ((2, 0), (16, 0), (4, 3)):
        yield willed(
            f"always-no-k{entries}",
            f"Every bit is 0, with {entries} entries.",
            (8, 40),
            entries,
            h,
            with_odds(0, 0),
        )
    for name, entries, yes, h, what in (
        ("half", 2, 0.5, 0, "bits are 0 or 1 as often"),
        ("half", 256, 0.5, 0, "bits are 0 or 1 as often"),
        ("half", 4096, 0.5, 4, "bits are 0 or 1 as often"),
        ("no", 16, 0.1, 0, "nine bits of ten are 0"),
        ("no", 8, 0.1, 5, "nine bits of ten are 0"),
        ("yes", 32, 0.9, 0, "nine bits of ten are 1"),
        ("yes", 4, 0.9, 2, "nine bits of ten are 1"),
    ):
        yield willed(
            f"willed-{name}-k{entries}",
            f"At random, {what}: symbols that have occurred as ones that have not, and so on.",
            (20, 20),
            entries,
            h,
            with_odds(entries, yes),
        )
    rows = noise(30, 10, 11)
    yield labels(
        "confused",
        "Of each three symbols one is coded as if it had occurred where it has not, and the other "
        "way round. No encoder writes this.",
        rows,
        greys(40),
        code=lambda part: confused(part, 40),
    )


def good_labels_limits() -> Iterator[Good]:
    yield labels(
        "runs-denied",
        "Runs that are there are denied, and their pixels coded: no encoder writes this.",
        mostly_flat(40, 6, 3),
        greys(3),
        code=lambda rows: denied(rows, 3),
    )
    flat = [[1] * 8]
    yield labels(
        "limit-run-certain",
        "300 runs: their weight grows no more. Then, now and again, none.",
        flat * 300 + [[1] * 7 + [0] if y % 3 == 0 else [1] * 8 for y in range(12)],
        greys(2),
    )
    yield labels(
        "limit-lean",
        "One pixel of five is bright, whatever is around.",
        lean(30, 60, 1),
        greys(2),
    )
    yield willed(
        "limit-sums",
        "Every bit is 0, until the sum of weights is below -2047 * 64.",
        (1600, 4),
        2,
        0,
        lambda _: NO,
    )


def nearly_higher(seed: int) -> bool:
    """Say whether a 1 in place of each bit beyond the payload would make the code 8000h or more."""
    coder = Encoder()
    model = Model(coder, 9, 2, 4, 0)
    for y, row in enumerate(noise(4, 2, 9, seed)):
        model.code_row(y, row)
    rounded = -(-coder.low // 0x8000) * 0x8000
    code, unknown = rounded - coder.low, coder.shifts % 8 + 8
    return code + (1 << min(15, unknown)) - 1 >= 0x8000


def good_labels_ends() -> Iterator[Good]:
    """The first noise whose code at the end is so near 8000h that bits beyond it must be 0."""
    seed = next(seed for seed in range(10000) if nearly_higher(seed))
    yield labels(
        "limit-end",
        "The code at the end is nearly 8000h: it is more if a bit beyond the payload is not 0.",
        noise(4, 2, 9, seed),
        greys(9),
    )


def good_labels_packed() -> Iterator[Good]:
    for name, width, height, entries in (
        ("k2", 13, 5, 2),
        ("k5-row", 9, 1, 5),
        ("k200", 7, 4, 200),
        ("k300", 5, 4, 300),
    ):
        yield labels(
            f"packed-{name}",
            f"Noise of {entries} entries: the payload is FFh and packed rows.",
            noise(width, height, entries),
            greys(entries),
            code=lambda rows, entries=entries: unchanged(rows, entries),
        )
    rows = [*[[4] * 30] * 5, *noise(30, 5, 9), *[[4] * 30] * 5]
    forms = iter(
        (
            read_labels.encode(rows[:5], entries_of(greys(9), 1)),
            unchanged(rows[5:10], 9),
            read_labels.encode(rows[10:], entries_of(greys(9), 1), h=2),
        )
    )
    yield labels(
        "packed-second",
        "Three strips: one is coded, one is FFh and packed rows, one has slices.",
        rows,
        greys(9),
        rows_per_strip=5,
        code=lambda _: next(forms),
    )


def good_labels_cut() -> Iterator[Good]:
    """The coder may not notice: it is the CRC of the strip that protects a payload."""
    payload, rows = shorter(read_labels.encode(EXAMPLE_ROWS, entries_of(EXAMPLE_PALETTE)))
    yield labels(
        "cut",
        "The payload of the example, cut and its end changed, is right for other pixels.",
        rows,
        EXAMPLE_PALETTE,
        channels=3,
        code=lambda _: payload,
    )


def shorter(payload: bytes) -> tuple[bytes, Rows]:
    """Return the longest start of the payload, its last byte changed, that decodes."""
    palette = entries_of(EXAMPLE_PALETTE)
    for size in range(len(payload) - 1, 1, -1):
        for last in range(256):
            cut = payload[: size - 1] + bytes([last])
            try:
                return cut, read_labels.decode(cut, 4, 5, palette)
            except read_labels.BadPayload:
                continue
    raise ValueError("no start of the payload decodes")
