"""Faults of transfer, of the header, the palette and the order of the parts."""

from __future__ import annotations

from collections.abc import Iterator

from parts import (
    EXAMPLE_STRIPS,
    KEND,
    SIGNATURE,
    Bad,
    colours,
    crc,
    damaged,
    example,
    header,
    palette_part,
    strip,
    strips,
    text,
    u32,
)

CUTS = (
    (7, "in the signature"),
    (24, "before the header CRC"),
    (27, "in the header CRC"),
    (33, "in the palette"),
    (39, "in the palette CRC"),
    (41, "before the first strip"),
    (45, "before the CRC of strip 0"),
    (49, "before the payload of strip 0"),
    (53, "before strip 1, which is missing"),
    (62, "in the payload of strip 1"),
)
SECTION_CUTS = (
    (6, "in the length of a section"),
    (12, "in the payload of a section"),
    (28, "before the CRC of KEND"),
)


def bad_transfer() -> Iterator[Bad]:
    whole = example()
    yield "text-mode-crlf-to-lf", "Every CR LF became LF.", whole.replace(b"\r\n", b"\n")
    yield "text-mode-lf-to-crlf", "Every LF became CR LF.", whole.replace(b"\n", b"\r\n")
    utf_8 = whole.decode("latin-1").encode()
    yield "text-mode-utf-8", "Every byte above 7F was coded as UTF-8.", utf_8
    yield "empty", "The file has no bytes.", b""
    other = example(signature=b"\x89PNG\r\n\x1a\n")
    yield "signature-other", "The signature is that of another format.", other
    other = example(signature=SIGNATURE[:7] + b"\x0b")
    yield "signature-last-byte", "The last byte of the signature is 0B.", other
    yield "leading-byte", "A zero byte stands before the signature.", b"\0" + whole
    yield "trailing-byte", "A zero byte follows the last strip.", whole + b"\0"
    yield "trailing-strip", "A third strip follows the two that there are.", whole + strip(2, b"")
    for size, where in CUTS:
        yield f"truncated-{size:02}", f"The file ends {where}.", whole[:size]
    end = text("Title", "x") + KEND
    for size, where in SECTION_CUTS:
        data = example(flags=1) + end[:size]
        yield f"truncated-section-{size:02}", f"The file ends {where}.", data


def bad_crc() -> Iterator[Bad]:
    whole = example()
    yield "crc-header", "The header CRC is wrong.", damaged(whole, 24)
    yield "crc-header-version", "The version was damaged: its CRC is wrong.", damaged(whole, 8, 3)
    big_endian = whole[:24] + whole[24:28][::-1] + whole[28:]
    yield "crc-header-big-endian", "The header CRC has its high byte first.", big_endian
    yield "crc-palette", "The palette CRC is wrong.", damaged(whole, 37)
    yield "crc-strip-1", "The CRC of strip 1 is wrong.", damaged(whole, 57, 128)
    other = damaged(whole, 49, 0x40)
    yield "crc-strip-payload", "A payload was damaged to another valid one.", other
    head = header() + palette_part()
    first, second = EXAMPLE_STRIPS
    for name, what, covered in (
        ("no-number", "length and payload, not the number", (u32(4), u32(2))),
        ("no-length", "number and payload, not the length", (u32(0), u32(1))),
        ("from-one", "a number that counts from 1", (u32(1) + u32(4), u32(2) + u32(2))),
    ):
        body = u32(4) + crc(covered[0] + first) + first
        body += u32(2) + crc(covered[1] + second) + second
        yield f"crc-strip-{name}", f"The CRC of a strip is that of {what}.", head + body
    head = header(5, 2, rows_per_strip=1) + palette_part()
    top, below = strip(0, b"\x18\x40"), strip(1, b"\x56\x80")
    yield "strips-swapped", "Two strips of equal length changed places.", head + below + top
    yield "strip-repeated", "Strip 0 stands in the place of strip 1 too.", head + top + top
    head = header(5, 3, rows_per_strip=1) + palette_part()
    last = strip(2, b"\x80\x80")
    yield "strip-missing", "Strip 1 of three is missing.", head + top + last


def bad_header() -> Iterator[Bad]:
    for version in (0, 2):
        data = example(version=version)
        yield f"version-{version}", f"Version {version}, with a right CRC.", data
    yield "coding-7", "Coding 7 is not defined.", example(coding=7)
    for channels in (0, 5):
        data = header(channels=channels) + palette_part(colours(3, channels))
        data += strips(*EXAMPLE_STRIPS)
        yield f"channels-{channels}", f"{channels} channels are not defined.", data
    for bit in (4, 7):
        yield f"flag-bit-{bit}", f"Reserved flag bit {bit} is 1.", example(flags=1 << bit)
    empty = palette_part() + strip(0, b"")
    yield "width-0", "The width is 0.", header(0, 3, rows_per_strip=0) + empty
    yield "height-0", "The height is 0, with one strip.", header(5, 0, rows_per_strip=0) + empty
    one = palette_part(b"abc") + strip(0, b"")
    side = 2**31
    yield f"width-{side}", f"The width is {side}.", header(side, 1, 1, rows_per_strip=0) + one
    yield f"height-{side}", f"The height is {side}.", header(1, side, 1, rows_per_strip=0) + one
    yield "entries-2", "2 entries, but the palette has 3.", example(entries=2)
    yield "entries-65536", "65,536 entries, but the palette has 3.", example(entries=65536)
    many = header(1, 2**24, 1, rows_per_strip=1) + palette_part(b"abc") + strip(0, b"")
    yield "strips-too-many", "16,777,216 strips in a file of 43 bytes.", many
    few = header(1, 100, 1, rows_per_strip=1) + palette_part(b"abc") + strips(*[b""] * 99)
    yield "strips-one-too-few", "100 strips of 8 bytes each, of which one is missing.", few


def large() -> Iterator[Bad]:
    one = palette_part(b"\x80") + strip(0, b"")
    yield (
        "both-sides",
        "41 bytes declare 2147483647 x 2147483647 pixels of one colour.",
        header(2**31 - 1, 2**31 - 1, 1, channels=1, rows_per_strip=0) + one,
    )
