"""Faults of the payloads of coding 3 and 4: their length and last byte (context.md, 5).

The right payloads come from the encoder in ../read_context.py; see coders.py. A wrong one
often is the right one of other pixels (see good_context_cut), so the images here were searched
for: SEEDS are the first with which all four faults show.
"""

from __future__ import annotations

from collections.abc import Iterator

from coders import CONTEXT, encode, entries_of
from good_context import EXAMPLE_PALETTE, EXAMPLE_ROWS, patches
from parts import Bad, Rows, colours, damaged, header, palette_part, strips

SEEDS = {3: 4, 4: 5}


def changed(payload: bytes, by: int) -> bytes:
    return payload[:-1] + bytes([payload[-1] + by])


def example_with(coding: int, payload: bytes) -> bytes:
    """Make the file of the example of context.md with another payload."""
    head = header(5, 4, 5, coding=coding, rows_per_strip=0)
    return head + palette_part(EXAMPLE_PALETTE) + strips(payload)


def payload_of(rows: Rows, coding: int) -> bytes:
    return encode(rows, entries_of(EXAMPLE_PALETTE), coding)


def bad_context() -> Iterator[Bad]:
    for coding, profile in CONTEXT:
        rows, palette = patches(20, 4, 9, SEEDS[coding]), colours(9)
        right = encode(rows, entries_of(palette), coding)
        head = header(20, 4, 9, coding=coding, rows_per_strip=0) + palette_part(palette)
        for name, what, payload in (
            ("short", "lacks its last byte", right[:-1]),
            ("long", "is followed by a zero byte", right + b"\0"),
            ("last-higher", "has a last byte that is one too high", changed(right, 1)),
            ("last-lower", "has a last byte that is one too low", changed(right, -1)),
        ):
            about = f"The payload {what}, profile {profile}."
            yield f"context-{name}-{profile}", about, head + strips(payload)
    right = payload_of(EXAMPLE_ROWS, 3)
    for name, what, payload in (
        ("empty", "The payload is empty, but there are five entries.", b""),
        ("one-byte", "The payload ends after its first byte.", right[:1]),
        ("twice", "The payload stands there twice.", right * 2),
        ("last-zero", "The last byte of the payload is 0.", right[:-1] + b"\0"),
        ("first-byte", "The first byte of the payload was changed.", damaged(right, 0, 128)),
        ("profile", "The payload is that of profile max.", payload_of(EXAMPLE_ROWS, 4)),
    ):
        yield f"context-{name}", what, example_with(3, payload)


def bad_context_strips() -> Iterator[Bad]:
    for coding, profile in CONTEXT:
        head = header(1, 1, 1, coding=coding, rows_per_strip=0) + palette_part(b"abc")
        about = f"One entry needs no payload, but there is a byte, profile {profile}."
        yield f"context-k1-{profile}", about, head + strips(b"\1")
    rows, palette = patches(20, 10, 9), colours(9)
    first, second = (encode(part, entries_of(palette), 3) for part in (rows[:5], rows[5:]))
    head = header(20, 10, 9, coding=3, rows_per_strip=5) + palette_part(palette)
    half = second[: len(second) // 2]
    about = "The payload of the second of two strips is cut in half."
    yield "context-truncated", about, head + strips(first, half)
    whole = encode(rows, entries_of(palette), 3)
    cut = len(first)
    about = "One payload is cut across two strips."
    yield "context-cut", about, head + strips(whole[:cut], whole[cut:])
