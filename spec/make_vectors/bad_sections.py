"""Faults of sections."""

from __future__ import annotations

from collections.abc import Iterator

from parts import (
    KEND,
    PACKET,
    PROFILE,
    TIFF,
    Bad,
    crc,
    damaged,
    example,
    section,
    squeezed,
    stored,
    text,
    with_sections,
)
from streams import bad_streams

# where, what is before it, what is after it, the bytes that are not UTF-8 and what they are
NOT_UTF_8 = (
    ("keyword", b"a", b"\0x", b"\xff", "a byte FF"),
    ("keyword", b"a", b"\0x", b"\x80", "a continuation byte alone"),
    ("keyword", b"a", b"\0x", b"\xc1\x81", "an overlong form"),
    ("keyword", b"a", b"\0x", b"\xe9", "Latin-1"),
    ("text", b"k\0a", b"b", b"\xe0\x80\xaf", "an overlong form of three bytes"),
    ("text", b"k\0a", b"b", b"\xed\xa0\x80", "a surrogate"),
    ("text", b"k\0a", b"b", b"\xf4\x90\x80\x80", "a character above U+10FFFF"),
)


def bad_types() -> Iterator[Bad]:
    note = text("Title", "x")
    for at, name, byte in (
        (0, "first", 0x5B),
        (0, "first", 0xC4),
        (3, "last", 0x30),
        (3, "last", 0x7B),
    ):
        kind = b"abcd"[:at] + bytes([byte]) + b"abcd"[at + 1 :]
        data = with_sections(section(kind, b""))
        yield f"type-{name}-{byte:02x}", f"The {name} byte of a type is {byte:02X}.", data
    for kind in (b"Text", b"KENd"):
        data = with_sections(section(kind, b"\0x"))
        yield f"required-{kind.hex()}", f"The required section {kind.decode()} is unknown.", data
    data = with_sections(note, section(b"Abcd", b""))
    yield "required-empty", "An unknown required section without payload.", data
    many = [section(b"zzzz", b"")] * 1025
    yield "sections-1025", "There are 1025 sections before KEND.", with_sections(*many)
    yield "kend-payload", "KEND has a payload.", with_sections(end=section(b"KEND", b"x"))
    yield "kend-twice", "KEND is there twice.", with_sections(KEND)
    yield "kend-not-last", "A section follows KEND.", with_sections(end=KEND + note)
    yield "kend-trailing-byte", "A byte follows KEND.", with_sections(end=KEND + b"\0")
    yield "kend-crc", "The CRC of KEND is wrong.", with_sections(end=damaged(KEND, 8))
    yield "kend-missing", "A section is there, but no KEND.", with_sections(note, end=b"")
    yield (
        "sections-without-flag",
        "Sections follow but the flag is not set.",
        example() + note + KEND,
    )
    yield "flag-without-sections", "The flag is set but nothing follows.", example(flags=1)


def bad_frames() -> Iterator[Bad]:
    unknown = section(b"zzzz", b"whatever")
    yield (
        "optional-unknown-crc",
        "An unknown optional section with a wrong CRC.",
        with_sections(damaged(unknown, len(unknown) - 1)),
    )
    yield (
        "optional-unknown-long",
        "An unknown section is longer than the file.",
        with_sections(section(b"zzzz", b"x", 2**32 - 1)),
    )
    yield (
        "section-length-short",
        "The length of a section is one too small.",
        with_sections(section(b"text", b"\0a\0b", 3)),
    )
    kind, length, payload = b"text", b"\4\0\0\0", b"\0a\0b"
    for name, what, covered in (
        ("no-length", "type and payload, not the length", kind + payload),
        ("no-type", "length and payload, not the type", length + payload),
    ):
        data = with_sections(kind + length + payload + crc(covered))
        yield f"section-crc-{name}", f"The CRC of a section is that of {what}.", data


def bad_icc() -> Iterator[Bad]:
    part = stored(b"iccp", PROFILE)
    huge = PROFILE + b" " * (2**24 + 1 - len(PROFILE))
    for name, about, sections in (
        ("crc", "The CRC of iccp is wrong.", [damaged(part, len(part) - 1)]),
        ("crc-type", "The type of iccp was damaged.", [damaged(part, 3, 2)]),
        (
            "twice-storage",
            "A second iccp, with the other storage.",
            [part, squeezed(b"iccp", PROFILE)],
        ),
        ("no-payload", "The payload of iccp has no bytes.", [section(b"iccp", b"")]),
        ("no-data", "The data of iccp has no bytes, storage 0.", [stored(b"iccp", b"")]),
        ("no-data-deflated", "The data of iccp has no bytes, storage 1.", [squeezed(b"iccp", b"")]),
        ("storage-255", "Storage 255 of iccp.", [section(b"iccp", b"\xff" + PROFILE)]),
        ("too-long", "The data of iccp has 16,777,217 bytes.", [squeezed(b"iccp", huge)]),
    ):
        yield f"iccp-{name}", about, with_sections(*sections)


def bad_known() -> Iterator[Bad]:
    """Make what each known type has, and a wrong zlib stream of each kind once."""
    note = b"Title\0some text"
    for kind, data in ((b"iccp", PROFILE), (b"exif", TIFF), (b"xmpp", PACKET), (b"text", note)):
        name, part = kind.decode(), stored(kind, data)
        about = f"A second {name} (of a text: of one keyword)."
        yield f"{name}-twice", about, with_sections(part, text("Later", "x"), part)
        other = with_sections(section(kind, b"\2" + data))
        yield f"{name}-storage-2", f"Storage 2 of {name}.", other
    for kind, data, faults in (
        (b"iccp", PROFILE, ("adler", "dictionary", "trailing", "truncated")),
        (b"text", note, ("no-adler", "raw", "empty")),
    ):
        name = kind.decode()
        for fault, what, stream in bad_streams(data, *faults):
            wrong = with_sections(section(kind, b"\1" + stream))
            yield f"{name}-zlib-{fault}", f"The zlib stream of {name} {what}.", wrong


def bad_texts() -> Iterator[Bad]:
    two = with_sections(text("Title", "one"), text("Title", "two"))
    yield "text-twice-other-text", "Two texts have one keyword.", two
    yield "text-no-zero", "A text has no zero byte.", with_sections(stored(b"text", b"Title"))
    yield "text-no-keyword", "The keyword has no bytes.", with_sections(text("", "x"))
    yield "text-keyword-80", "The keyword has 80 bytes.", with_sections(text("x" * 80, "x"))
    many = with_sections(text("\u00df" * 40, "x"))
    yield "text-keyword-80-not-ascii", "The keyword has 80 bytes in 40 characters.", many
    for code in (0x09, 0x1F, 0x7F, 0x80, 0x9F):
        data = with_sections(text(f"a{chr(code)}b", "x"))
        yield f"text-keyword-u{code:04x}", f"U+{code:04X} in the keyword.", data
    for where, before, after, wrong, what in NOT_UTF_8:
        data = with_sections(stored(b"text", before + wrong + after))
        yield f"text-{where}-utf-8-{wrong.hex()}", f"Not UTF-8 in the {where}: {what}.", data
    cut = with_sections(stored(b"text", b"k\0\xe2\x82"))
    yield "text-utf-8-truncated", "The text ends in the middle of a character.", cut
