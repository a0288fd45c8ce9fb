"""Conforming files with sections."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from good import good
from parts import (
    EXAMPLE_PALETTE,
    EXAMPLE_ROWS,
    PACKET,
    PROFILE,
    TIFF,
    Good,
    colours,
    noise,
    section,
    squeezed,
    stored,
    text,
)

# name, what it is about, the sections without KEND, the metadata they give
Case = tuple[str, str, list[bytes], dict[str, Any]]
SINGLES = (("icc", b"iccp", PROFILE), ("exif", b"exif", TIFF), ("xmp", b"xmpp", PACKET))


def known_cases() -> list[Case]:
    cases: list[Case] = [
        (
            f"{name}-one-byte",
            f"A section {kind.decode()} with one byte of data; what is in it is not checked.",
            [stored(kind, b"M")],
            {name: "4d"},
        )
        for name, kind, _ in SINGLES
    ]
    cases += [
        (
            f"icc-storage-{storage}",
            f"A section iccp with storage {storage}.",
            [make(b"iccp", PROFILE)],
            {"icc": PROFILE.hex()},
        )
        for storage, make in enumerate((stored, squeezed))
    ]
    every = {name: data.hex() for name, _, data in SINGLES}
    parts = [stored(kind, data) for _, kind, data in SINGLES]
    return [
        *cases,
        (
            "sections-1024",
            "As many sections as there may be, of a type that is not known, and KEND.",
            [section(b"zzzz", b"")] * 1024,
            {},
        ),
        ("kend-only", "The flag is set and only KEND follows.", [], {}),
        ("all-types", "All four types.", [*parts, text("a", "b")], {**every, "text": {"a": "b"}}),
        (
            "all-types-reversed",
            "All four types in another order, some compressed.",
            [text("a", "b"), *(squeezed(kind, data) for _, kind, data in SINGLES[::-1])],
            {**every, "text": {"a": "b"}},
        ),
    ]


def text_cases() -> list[Case]:
    tab = b"Title\0line 1\nline 2\ttab"
    e_acute, decomposed = "\u00e9", "e\u0301"
    return [
        (
            "text-storage-0",
            "A text with storage 0, with line ends and a tab.",
            [stored(b"text", tab)],
            {"text": {"Title": "line 1\nline 2\ttab"}},
        ),
        (
            "text-storage-1",
            "A text with storage 1.",
            [squeezed(b"text", tab)],
            {"text": {"Title": "line 1\nline 2\ttab"}},
        ),
        ("text-empty", "A text of no characters.", [text("Empty", "")], {"text": {"Empty": ""}}),
        (
            "text-zero-bytes",
            "A text that has zero bytes and control characters; the first zero ends the keyword.",
            [text("Z", "\0a\0\x1b[31m\x7f\r\n")],
            {"text": {"Z": "\0a\0\x1b[31m\x7f\r\n"}},
        ),
        (
            "text-several",
            "Four texts; keywords that differ in case, and by a space at the end, differ.",
            [text("a", "1"), text("A", "2"), text("a ", "3"), text("b", "1")],
            {"text": {"a": "1", "A": "2", "a ": "3", "b": "1"}},
        ),
        (
            "text-not-ascii",
            "Keyword and text are not ASCII, up to four bytes a character.",
            [text("Ime datoteke \u0161\u4e2d\U0001f3a8", "\u00a0\u20ac\U0001f308")],
            {"text": {"Ime datoteke \u0161\u4e2d\U0001f3a8": "\u00a0\u20ac\U0001f308"}},
        ),
        (
            "text-not-normalised",
            "Two keywords that look the same but have other bytes are two keywords.",
            [text(e_acute, "composed"), text(decomposed, "decomposed")],
            {"text": {e_acute: "composed", decomposed: "decomposed"}},
        ),
        (
            "text-keyword-79-not-ascii",
            "A keyword of 79 bytes, which are 40 characters.",
            [text("\u00df" * 39 + "x", "x")],
            {"text": {"\u00df" * 39 + "x": "x"}},
        ),
        (
            "text-keyword-edges",
            "A keyword of the characters beside those that are not allowed.",
            [text(" ~\u00a0", "x")],
            {"text": {" ~\u00a0": "x"}},
        ),
        (
            "text-long",
            "A text of 20,000 characters with storage 1.",
            [squeezed(b"text", b"long\0" + b"0123456789" * 2000)],
            {"text": {"long": "0123456789" * 2000}},
        ),
    ]


def unknown_cases() -> list[Case]:
    return [
        (
            "optional-unknown",
            "An unknown optional section, which is skipped.",
            [section(b"zzzz", b"whatever"), text("after", "it")],
            {"text": {"after": "it"}},
        ),
        (
            "optional-unknown-case",
            "Types kEND, kend, tEXT and iCCP: optional and unknown, as case counts.",
            [section(kind, b"\7") for kind in (b"kEND", b"kend", b"tEXT", b"iCCP")],
            {},
        ),
        (
            "optional-unknown-twice",
            "An unknown optional section may occur again, and may be empty.",
            [section(b"abCD", b""), section(b"abCD", b""), section(b"zAZz", b"KEND")],
            {},
        ),
    ]


def good_sections() -> Iterator[Good]:
    for name, about, sections, metadata in known_cases() + text_cases() + unknown_cases():
        yield good(
            f"meta-{name}",
            about,
            EXAMPLE_ROWS,
            EXAMPLE_PALETTE,
            rows_per_strip=2,
            sections=sections,
            metadata=metadata,
        )
    yield good(
        "meta-deflate",
        "Sections after deflated strips.",
        noise(30, 20, 20),
        colours(20, 4),
        channels=4,
        coding=1,
        rows_per_strip=7,
        sections=[squeezed(b"iccp", PROFILE), text("Software", "make_vectors.py")],
        metadata={"icc": PROFILE.hex(), "text": {"Software": "make_vectors.py"}},
    )
