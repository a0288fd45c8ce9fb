"""Files with the sections of classes.md, good and bad."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from good import good
from parts import (
    EXAMPLE_PALETTE,
    EXAMPLE_ROWS,
    Bad,
    Good,
    section,
    squeezed,
    stored,
    text,
    with_sections,
)

TITLE = text("Title", "Land")
NAMED = "nodata 0\n1 #0064c8 Water\n2 #006400 Forest, deciduous\n7 - B\u00f6den  \n9 #ff000080\n"
NAMED_FOUND = {
    "nodata": 0,
    "names": {"1": "Water", "2": "Forest, deciduous", "7": "B\u00f6den  "},
    "colors": {"1": "0064c8", "2": "006400", "9": "ff000080"},
}
BOUNDS = f"{-(2**63)} - least\n-1 #000000\n0 - {'n' * 255}\n{2**64 - 1} #ffffffff most\n"
BOUNDS_FOUND = {
    "nodata": None,
    "names": {str(-(2**63)): "least", "0": "n" * 255, str(2**64 - 1): "most"},
    "colors": {"-1": "000000", str(2**64 - 1): "ffffffff"},
}


def tag(number: int, kind: int, count: int, values: bytes) -> bytes:
    return struct.pack("<HHI", number, kind, count) + values


DOUBLES = struct.pack("<3d", 30.0, 30.0, 0.0)
TAGS = [
    (320, 3, 6, bytes(range(12))),
    (33550, 12, 3, DOUBLES),
    (33922, 12, 6, DOUBLES * 2),
    (34264, 12, 16, DOUBLES * 5 + DOUBLES[:8]),
    (34735, 3, 4, b"\1\0\1\0\0\0\0\0"),
    (34736, 12, 1, b"\xff" * 8),
    (34737, 2, 5, b"UTM|\0"),
    (42112, 2, 16, b"<GDALMetadata/>\0"),
    (42113, 2, 4, b"nan\0"),
]


def good_classes() -> Iterator[Good]:
    every = b"".join(tag(*each) for each in TAGS)
    listed = [[number, kind, values.hex()] for number, kind, _, values in TAGS]
    for name, about, sections, found in (
        (
            "named",
            "Names and colours.",
            [stored(b"clas", NAMED.encode())],
            {"classes": NAMED_FOUND},
        ),
        (
            "bounds",
            "The least and the greatest id, the longest name, compressed.",
            [squeezed(b"clas", BOUNDS.encode())],
            {"classes": BOUNDS_FOUND},
        ),
        (
            "nodata",
            "Only the label of no data.",
            [stored(b"clas", b"nodata -9999\n")],
            {"classes": {"nodata": -9999, "names": {}, "colors": {}}},
        ),
        ("tags", "Every tag.", [stored(b"tiff", every)], {"tiff": listed}),
        (
            "both",
            "Both sections, compressed, in the other order.",
            [squeezed(b"tiff", tag(*TAGS[8])), TITLE, squeezed(b"clas", b"nodata 3\n")],
            {
                "tiff": listed[8:],
                "text": {"Title": "Land"},
                "classes": {"nodata": 3, "names": {}, "colors": {}},
            },
        ),
    ):
        yield good(
            f"classes-{name}",
            about,
            EXAMPLE_ROWS,
            EXAMPLE_PALETTE,
            sections=sections,
            metadata=found,
        )


def bad_classes() -> Iterator[Bad]:
    """Files that a reader refuses if it knows the sections; others skip them."""
    for name, reason, data in (
        ("not-utf-8", "A name is not UTF-8.", b"1 - \xff\n"),
        ("no-end", "The last line has no end.", b"1 #000000"),
        ("empty-line", "A line is empty.", b"1 #000000\n\n"),
        ("only-end", "The only line is empty.", b"\n"),
        ("nodata-second", "nodata is not the first line.", b"1 #000000\nnodata 1\n"),
        ("nodata-no-id", "nodata has no id.", b"nodata \n"),
        ("nodata-named", "nodata has a name.", b"nodata 1 none\n"),
        ("nodata-twice", "nodata is there twice.", b"nodata 1\nnodata 1\n"),
        ("zeros", "An id has leading zeros.", b"01 #000000\n"),
        ("minus-zero", "The id is -0.", b"-0 #000000\n"),
        ("plus", "An id has a plus.", b"+1 #000000\n"),
        ("underscore", "An id has an underscore.", b"1_0 #000000\n"),
        ("other-digits", "An id has digits that are not ASCII.", "\u0661 #000000\n".encode()),
        ("too-small", "An id is below -2^63.", f"{-(2**63) - 1} #000000\n".encode()),
        ("too-large", "An id is 2^64.", f"{2**64} #000000\n".encode()),
        ("nodata-large", "The id of no data is 2^64.", f"nodata {2**64}\n".encode()),
        ("no-color", "An id has neither colour nor name.", b"1\n"),
        ("no-name", "An id without a colour has no name.", b"1 -\n"),
        ("empty-name", "A name has no bytes.", b"1 #000000 \n"),
        ("empty-name-alone", "A name without colour has no bytes.", b"1 - \n"),
        ("long-name", "A name has 256 bytes.", b"1 - " + b"n" * 256 + b"\n"),
        ("tab", "A name has a tab.", b"1 - a\tb\n"),
        ("delete", "A name has U+007F.", b"1 - a\x7f\n"),
        ("c1", "A name has U+009F.", "1 - a\u009f\n".encode()),
        ("five-digits", "A colour has five digits.", b"1 #00000\n"),
        ("seven-digits", "A colour has seven digits.", b"1 #0000000\n"),
        ("ten-digits", "A colour has ten digits.", b"1 #0000000000\n"),
        ("capitals", "A colour has capitals.", b"1 #ABCDEF\n"),
        ("no-hash", "A colour has no #.", b"1 000000\n"),
        ("equal", "An id is there twice.", b"1 #000000\n1 - a\n"),
        ("descend", "The ids descend.", b"2 #000000\n1 #000000\n"),
    ):
        yield f"clas-{name}", reason, with_sections(stored(b"clas", data))
    many = "".join(f"{i} #000000\n" for i in range(65537)).encode()
    yield "clas-65537", "65,537 lines describe ids.", with_sections(squeezed(b"clas", many))
    twice = [stored(b"clas", b"nodata 1\n")] * 2
    yield "clas-twice", "The section is there twice.", with_sections(*twice)
    yield "clas-storage", "The storage is 2.", with_sections(section(b"clas", b"\2nodata 1\n"))
    yield "clas-empty", "There are no data.", with_sections(stored(b"clas", b""))
    scale, nodata = tag(*TAGS[1]), tag(*TAGS[8])
    for name, reason, data in (
        ("unknown", "Tag 273 must not occur.", tag(273, 3, 1, b"\0\0")),
        ("type", "A tag has another type.", tag(42113, 3, 1, b"\0\0")),
        ("order", "The tags descend.", nodata + scale),
        ("repeated", "A tag is there twice.", scale + scale),
        ("no-values", "A tag has no values.", tag(42113, 2, 0, b"")),
        ("cut", "The values are truncated.", scale[:-1]),
        ("count", "The count is 2^32 - 1.", tag(42113, 2, 2**32 - 1, b"0\0")),
        ("count-doubles", "The count times 8 has 33 bits.", tag(33550, 12, 2**29, DOUBLES)),
        ("head", "The head of a tag is truncated.", scale + nodata[:7]),
    ):
        yield f"tiff-{name}", reason, with_sections(stored(b"tiff", data))
    yield "tiff-twice", "The section is there twice.", with_sections(*[stored(b"tiff", scale)] * 2)
    yield "tiff-empty", "There are no data.", with_sections(stored(b"tiff", b""))
