"""Faults of the payloads of coding 6 (labels.md, section 2, and additive.md, section 3).

The right payloads come from the encoder in ../read_labels.py; see coders.py. A wrong one is often
the right one of other pixels, so for some faults a search finds the image.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from bad_context import changed
from coders import LABELS, encode, entries_of, read_labels
from good_context import patches
from good_labels import cells
from good_labels_strange import with_head
from parts import Bad, Rows, bits_needed, colours, header, noise, pack, palette_part, strips
from read_labels import Encoder, Model

PALETTE = colours(9)
ENTRIES = entries_of(PALETTE)


def file_of(*payloads: bytes, size: tuple[int, int] = (20, 4), palette: bytes = PALETTE) -> bytes:
    entries, rows = len(palette) // 3, size[1] // len(payloads)
    head = header(*size, entries, coding=LABELS, rows_per_strip=rows)
    return head + palette_part(palette) + strips(*payloads)


def searched(fault: Callable[[bytes], bytes]) -> bytes:
    """Return the first wrong payload that is not the right one of other pixels."""
    seed = 0
    while True:
        wrong = fault(encode(patches(20, 4, 9, seed), ENTRIES, LABELS))
        try:
            read_labels.decode(wrong, 4, 20, ENTRIES)
        except read_labels.BadPayload:
            return wrong
        seed += 1


def coded(rows: Rows, h: int = 0) -> Encoder:
    """Return an encoder that has coded a strip, but has not ended it."""
    coder = Encoder()
    model = Model(coder, 9, len(rows), len(rows[0]), h)
    for y, row in enumerate(rows):
        model.code_row(y, row)
    return coder


def padded() -> bytes:
    """Return a payload with a bit after the end of the code."""
    seed = 0
    while True:
        coder = coded(patches(20, 4, 9, seed))
        if coder.shifts % 8 == 3:  # the last byte has 4 bits of the code, 4 after it
            return with_head(changed(coder.end(), 1))
        seed += 1


def other_end() -> bytes:
    """Return a payload whose end is the next multiple of 8000h: the code there is 8000h or more."""
    seed = 0
    while True:
        coder = coded(patches(20, 4, 9, seed))
        first = -(-coder.low // 0x8000) * 0x8000
        seed += 1
        if first + 0x8000 < coder.low + coder.range:
            coder.low = first + 0x8000
            return with_head(coder.end())


def bad_labels() -> Iterator[Bad]:
    rows = patches(20, 10, 9)
    right = encode(rows[:4], ENTRIES, LABELS)
    for name, what, payload in (
        ("short", "lacks its last byte", searched(lambda p: p[:-1])),
        ("half", "is cut in half", right[: len(right) // 2]),
        ("two-bytes", "ends after its second byte", right[:2]),
        ("long", "is followed by a zero byte", right + b"\0"),
        ("long-1", "is followed by a byte of 80h", right + b"\x80"),
        ("twice", "stands there twice", right * 2),
        ("pad-bit", "has a bit after its end that is 1", padded()),
        ("other-end", "ends at the wrong multiple of 8000h", other_end()),
    ):
        yield f"labels-{name}", f"The payload {what}.", file_of(payload)
    for byte in (0, 1, 255):
        about = f"One entry needs no payload, but there is a byte of {byte:02X}h."
        data = file_of(bytes([byte]), size=(1, 1), palette=b"abc")
        yield f"labels-k1-{byte:02x}", about, data
    whole, first, second = (encode(part, ENTRIES, LABELS) for part in (rows, rows[:5], rows[5:]))
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
        yield f"labels-{name}", about, file_of(*payloads, size=(20, 10))


def bad_labels_forms() -> Iterator[Bad]:
    rows = cells(20, 6, 3, 9, 9, 1)
    size, body = (20, 18), coded(rows).end()
    yield (
        "labels-empty",
        "The payload is empty, but there are nine entries.",
        file_of(b"", size=size),
    )
    yield "labels-head-only", "The payload is a byte of 00h.", file_of(b"\0", size=size)
    for byte in (2, 3, 128, 254):
        about = f"The first byte of the payload is {byte:02X}h."
        yield f"labels-first-{byte:02x}", about, file_of(bytes([byte]) + body, size=size)
    yield "labels-no-first", "The first byte of the payload is missing.", file_of(body, size=size)
    for name, what, h in (
        ("0", "no row", 0),
        ("1", "one row", 1),
        ("18", "18 rows, as many as the strip", 18),
        ("19", "19 rows, more than the strip", 19),
        ("1536", "1,536 rows, more than the strip: six with the high byte first", 1536),
    ):
        payload = b"\1" + h.to_bytes(2, "little") + coded(rows, h).end()
        yield f"labels-slices-{name}", f"Slices of {what}.", file_of(payload, size=size)
    high = [*noise(9, 3, 9), *[[1] * 9 for _ in range(4096)]]
    payload = b"\1" + (4097).to_bytes(2, "little") + coded(high, 4097).end()
    about = "Slices of 4,097 rows, more than there may be."
    yield "labels-slices-4097", about, file_of(payload, size=(9, 4099))
    for name, what, payload in (
        ("head-1", "after its first byte", b"\1"),
        ("head-2", "within the rows of a slice", b"\1\6"),
        ("head-3", "after the rows of a slice", b"\1\6\0"),
        ("slices-half", "in its middle", with_head(coded(rows, 6).end(), 6)[:20]),
    ):
        about = f"The payload, a stack of slices, ends {what}."
        yield f"labels-{name}", about, file_of(payload, size=size)
    small = noise(5, 4, 9)
    packed = pack(small, bits_needed(9))
    high = [[*small[0][:4], 9], *small[1:]]
    for name, what, body in (
        ("alone", "are missing", b""),
        ("short", "lack their last byte", packed[:-1]),
        ("long", "are followed by a byte", packed + b"\0"),
        ("pad-bit", "have a pad bit that is 1", changed(packed, 1)),
        ("index", "have an index of 9 for 9 entries", pack(high, bits_needed(9))),
        ("coded", "are coded instead", encode(small, ENTRIES, LABELS)),
        ("twice", "begin with another FFh", b"\xff" + packed),
    ):
        data = file_of(b"\xff" + body, size=(5, 4))
        yield f"labels-packed-{name}", f"The packed rows after FFh {what}.", data


class Unchecked(Model):
    """Code symbols that there are not, as if they had occurred or as if they had not."""

    fresh_if_high = True

    def checked(self, k: int) -> int:
        return k - (1 << self.bits)

    def is_fresh(self, wanted: int | None) -> bool:
        if wanted is not None and wanted >= self.entries:
            return self.fresh_if_high
        return super().is_fresh(wanted)


def bad_labels_symbols() -> Iterator[Bad]:
    some, all_nine = [0, 3, 3, 5, 1], [0, 8, 1, 2, 7, 3, 4, 6, 5]
    for name, before, symbol, fresh, what in (
        ("fresh-9", some, 9, True, "coded as if it had not occurred"),
        ("fresh-15", some, 15, True, "coded as if it had not occurred"),
        ("following-9", [0, 8], 9, True, "coded as the one that has not occurred after symbol 8"),
        ("occurred-9", some, 9, False, "coded as if it had occurred"),
        ("occurred-15", some, 15, False, "coded as if it had occurred"),
        ("all-occurred-9", all_nine, 9, False, "coded after all others have occurred"),
    ):
        for where, after in (("last", []), ("within", [2, 2, 1])):
            row = [*before, symbol, *after]
            model = Unchecked(Encoder(), 9, 1, len(row), 0)
            model.fresh_if_high = fresh
            model.code_row(0, row)
            data = file_of(with_head(model.coder.end()), size=(len(row), 1))
            about = f"Pixel {len(before)} of {len(row)} is symbol {symbol} of 9, {what}."
            yield f"labels-symbol-{name}-{where}", about, data
