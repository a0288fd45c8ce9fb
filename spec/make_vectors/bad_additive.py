"""Faults of the payloads of coding 2 and 5 (additive.md, section 3).

The right payloads come from the encoder in ../read_additive.py; see coders.py. A wrong one is often
the right one of other pixels, so for some faults a search finds the image.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from bad_context import changed
from coders import ADDITIVE, encode, entries_of, read_additive
from good_context import EXAMPLE_PALETTE, EXAMPLE_ROWS, patches
from parts import Bad, Rows, bits_needed, colours, header, noise, pack, palette_part, strips

PALETTE = colours(9)
ENTRIES = entries_of(PALETTE)


def file_of(
    *payloads: bytes, size: tuple[int, int] = (20, 4), coding: int, palette: bytes
) -> bytes:
    entries, rows = len(palette) // 3, size[1] // len(payloads)
    head = header(*size, entries, coding=coding, rows_per_strip=rows)
    return head + palette_part(palette) + strips(*payloads)


def refused(payload: bytes, coding: int) -> bool:
    try:
        read_additive.decode(payload, 4, 20, ENTRIES, coding)
    except read_additive.BadPayload:
        return True
    return False


def searched(coding: int, fault: Callable[[bytes], bytes]) -> bytes:
    """Return the first wrong payload that is not the right one of other pixels."""
    seed = 0
    while True:
        rows: Rows = patches(20, 4, 9, seed)
        wrong = fault(encode(rows, ENTRIES, coding))
        if wrong and refused(wrong, coding):
            return wrong
        seed += 1


def coded(coding: int, seed: int) -> read_additive.Encoder:
    """Return an encoder that has coded a strip, but has not ended it."""
    coder, tree = read_additive.Encoder(), read_additive.Tree(ENTRIES)
    model = read_additive.Model(coder, tree, 4, 20, coding)
    for y, row in enumerate(patches(20, 4, 9, seed)):
        model.code_row(y, [tree.symbol_of[index] for index in row])
    return coder


def padded(coding: int) -> bytes:
    """Return a payload with a bit after the end of the code."""
    seed = 0
    while True:
        coder = coded(coding, seed)
        if coder.shifts % 8 == 3:  # the last byte has 4 bits of the code, 4 after it
            return changed(coder.end(), 1)
        seed += 1


def other_end(coding: int) -> bytes:
    """Return a payload whose end is the next multiple of 8000h: the code there is 8000h or more.

    Where `range` is large enough, this multiple lies within the last part, too.
    """
    seed = 0
    while True:
        coder = coded(coding, seed)
        first = -(-coder.low // 0x8000) * 0x8000
        seed += 1
        if first + 0x8000 < coder.low + coder.range:
            coder.low = first + 0x8000
            return coder.end()


def bad_additive() -> Iterator[Bad]:
    for coding, profile in ADDITIVE:
        right = encode(patches(20, 4, 9), ENTRIES, coding)
        for name, what, payload in (
            ("short", "lacks its last byte", searched(coding, lambda p: p[:-1])),
            ("half", "is cut in half", right[: len(right) // 2]),
            ("one-byte", "ends after its first byte", right[:1]),
            ("empty", "is empty, but there are nine entries", b""),
            ("long", "is followed by a zero byte", right + b"\0"),
            ("long-1", "is followed by a byte of 80h", right + b"\x80"),
            ("twice", "stands there twice", right * 2),
            ("pad-bit", "has a bit after its end that is 1", padded(coding)),
            ("other-end", "ends at the wrong multiple of 8000h", other_end(coding)),
        ):
            data = file_of(payload, coding=coding, palette=PALETTE)
            yield f"additive-{name}-{profile}", f"The payload {what}, profile {profile}.", data
        about = f"One entry needs no payload, but there is a byte, profile {profile}."
        for name, byte in ("k1", b"\0"), ("k1-ff", b"\xff"):
            data = file_of(byte, size=(1, 1), coding=coding, palette=b"abc")
            yield f"additive-{name}-{profile}", about, data
        other = next(number for number, _ in ADDITIVE if number != coding)
        wrong = encode(EXAMPLE_ROWS, entries_of(EXAMPLE_PALETTE), other)
        data = file_of(wrong, size=(5, 4), coding=coding, palette=EXAMPLE_PALETTE)
        yield f"additive-profile-{profile}", "The payload is that of the other profile.", data


def bad_additive_packed() -> Iterator[Bad]:
    rows = noise(5, 4, 9)
    packed = pack(rows, bits_needed(9))
    high = pack([[*rows[0][:4], 9], *rows[1:]], bits_needed(9))
    for coding, profile in ADDITIVE:
        for name, what, body in (
            ("alone", "are missing", b""),
            ("short", "lack their last byte", packed[:-1]),
            ("long", "are followed by a byte", packed + b"\0"),
            ("pad-bit", "have a pad bit that is 1", changed(packed, 1)),
            ("index", "have an index of 9 for 9 entries", high),
            ("coded", "are coded instead", encode(rows, ENTRIES, coding)),
            ("twice", "begin with another FFh", b"\xff" + packed),
        ):
            data = file_of(b"\xff" + body, size=(5, 4), coding=coding, palette=PALETTE)
            yield f"additive-packed-{name}-{profile}", f"The packed rows after FFh {what}.", data


def bad_additive_strips() -> Iterator[Bad]:
    rows = patches(20, 10, 9)
    for coding, profile in ADDITIVE:
        whole, first, second = (
            encode(part, ENTRIES, coding) for part in (rows, rows[:5], rows[5:])
        )
        for name, about, payloads in (
            (
                "truncated",
                "The payload of the second of two strips is cut in half.",
                (first, second[: len(second) // 2]),
            ),
            (
                "cut",
                "One payload is cut across two strips.",
                (whole[: len(first)], whole[len(first) :]),
            ),
        ):
            data = file_of(*payloads, size=(20, 10), coding=coding, palette=PALETTE)
            yield f"additive-{name}-{profile}", about, data
