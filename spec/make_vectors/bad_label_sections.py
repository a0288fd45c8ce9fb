"""Faults of a section `labl` (kmc-1.md, section 7.1)."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from label_sections import NAMES, head, least_of, number, table
from parts import Bad, section, stored, with_sections
from streams import bad_streams


def bad(name: str, reason: str, data: bytes) -> Bad:
    return f"labl-{name}", reason, with_sections(stored(b"labl", data))


RIGHT = head(4, [3, 5], 0) + table(4, [3, 4, 9], 1)


def bad_label_fields() -> Iterator[Bad]:
    for size in range(1, len(RIGHT)):
        yield bad(f"cut-{size:02}", f"Only {size} bytes are there.", RIGHT[:size])
    yield bad("trailing", "A byte follows the gaps.", RIGHT + b"\0")
    in_bytes = head(4, [3, 5], 2) + number(9)
    yield bad("bytes-trailing", "A byte follows the least value.", in_bytes + b"\0")
    yield bad("bytes-cut", "The least value is missing.", in_bytes[:-1])
    yield bad("dtype-15", "The dtype is 15.", b"\x0f" + RIGHT[1:])
    yield bad("dtype-255", "The dtype is 255.", b"\xff" + RIGHT[1:])
    many = head(2, [1] * 33, 0) + table(2, [3, 4, 9], 1)
    yield bad("axes-33", "There are 33 axes.", many)
    yield bad("planes-9", "The values have nine bytes.", head(4, [3, 5], 9) + number(9))
    yield bad("planes-255", "The values have 255 bytes.", head(4, [3, 5], 255) + number(9))
    for dtype, side in ((0, 2**63), (2, 2**63), (4, 2**62), (8, 2**61), (14, 2**60)):
        for shape in ([0, side], [side, 0, 1]) if dtype == 2 else ([0, side],):
            data = head(dtype, shape, 0) + table(dtype, [0], 0)
            about = f"The lengths other than 0 give 2^63 bytes, {NAMES[dtype]}."
            yield bad(f"size-{dtype}-{len(shape)}", about, data)
    data = head(2, [2**32, 0, 2**32], 0) + table(2, [0], 0)
    yield bad("size-2-64", "The product of the lengths is 2^64.", data)
    yield "labl-twice", "There are two.", with_sections(*[stored(b"labl", RIGHT)] * 2)
    yield "labl-no-data", "There are no data.", with_sections(stored(b"labl", b""))
    wrong = section(b"labl", b"\2" + RIGHT)
    yield "labl-storage-2", "The storage is 2.", with_sections(wrong)


def bad_label_numbers() -> Iterator[Bad]:
    start, rest = head(2, [], 0)[:1] + b"\2", b"\0" + table(2, [3, 4, 9], 1)
    for name, reason, digits in (
        ("zero", "A number 0 takes two bytes.", b"\x80\0"),
        ("padded", "A number takes a byte too many.", b"\x83\0"),
        ("64-bits", "A number is 2^64.", b"\x80" * 9 + b"\2"),
        ("11-bytes", "A number has eleven bytes.", b"\x80" * 10 + b"\1"),
        ("11-bytes-zero", "A number has eleven bytes, the last 0.", b"\xff" * 10 + b"\0"),
    ):
        yield bad(f"number-{name}", reason, start + b"\0" + digits + rest)
    for dtype in range(15):
        bits = 1 if dtype == 0 else 8 * int(NAMES[dtype][2])
        if bits < 64:
            past = number(2**bits)
            about = f"The first value is above the most of {NAMES[dtype]}."
            yield bad(f"first-{dtype}", about, head(dtype, [3, 5], 0) + b"\0" + past + b"\0")
            yield bad(f"bytes-first-{dtype}", f"{about} In bytes.", head(dtype, [3, 5], 1) + past)
        most = least_of(dtype) + 2**bits - 1
        about = f"The last value is above the most of {NAMES[dtype]}."
        data = head(dtype, [3, 5], 0) + table(dtype, [most - 1, most, most + 1], 0)
        if dtype == 0:
            data = head(0, [3, 5], 0) + table(0, [0, 1, 2], 0)
        yield bad(f"last-{dtype}", about, data)
    far = head(13, [3, 5], 0) + table(13, [-(2**63), 2**63, 2**64], 8)
    yield bad("gaps-far", "Gaps of eight bytes give values above 2^63.", far)


def bad_label_tables() -> Iterator[Bad]:
    start = head(14, [3, 5], 0)
    for size in (9, 15):
        data = start + table(14, [3, 4, 9], size)
        yield bad(f"form-{size}", f"Gaps of {size} bytes.", data)
    for bit in (32, 64, 128):
        data = start + number(2) + number(3) + bytes([bit + 1]) + b"\0\4"
        yield bad(f"form-{bit}", f"The form has bit {bit}.", data)
    data = start + number(65536) + number(3) + b"\0"
    yield bad("values-65537", "There are 65,537 values.", data)
    data = start + number(2**64 - 1) + number(3) + b"\0"
    yield bad("values-2-64", "There are 2^64 values.", data)
    gaps = bytes(range(0, 200, 2))
    begin = start + number(len(gaps)) + number(3) + b"\x11"
    for name, what, planes in (
        ("short", "a gap too few", gaps[:-1]),
        ("long", "a gap too many", gaps + b"\0"),
    ):
        stream = zlib.compress(planes)
        yield bad(
            f"packed-{name}", f"The zlib stream has {what}.", begin + number(len(stream)) + stream
        )
    stream = zlib.compress(gaps)
    past = begin + number(len(stream) + 1) + stream
    yield bad("packed-past", "The zlib stream is longer than the section.", past)
    faults = ("adler", "dictionary", "trailing", "truncated", "no-adler", "raw", "empty")
    for name, what, stream in bad_streams(gaps, *faults):
        data = begin + number(len(stream)) + stream
        yield bad(f"zlib-{name}", f"The zlib stream of the gaps {what}.", data)
