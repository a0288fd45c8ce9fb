"""Conforming files: palettes, and zlib streams of any make."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator

from good import good
from parts import Good, colours, noise
from streams import deflate_blocks, deflate_farthest, deflate_stored, deflate_with


def good_palettes() -> Iterator[Good]:
    yield good(
        "palette-repeated",
        "Entries repeat and must be kept apart: indices 0, 2 and 4 have one colour.",
        noise(9, 5, 5),
        bytes.fromhex("FF0000 00FF00 FF0000 0000FF FF0000"),
    )
    yield good(
        "palette-unused",
        "Only entries 3 and 199 of 200 are used; b is that of the whole palette.",
        [[3, 199, 3], [3, 3, 199]],
        colours(200),
    )
    yield good(
        "palette-transparent",
        "Alpha 0, 1, 128, 254 and 255; two transparent entries differ in colour only.",
        noise(8, 4, 6),
        bytes.fromhex("00000000 FFFFFF00 10203001 40506080 708090FE A0B0C0FF"),
        channels=4,
    )
    yield good(
        "palette-grey-transparent",
        "Grey with alpha: straight, so a transparent entry keeps its grey.",
        noise(8, 4, 4),
        bytes.fromhex("FF00 8000 8080 00FF"),
        channels=2,
        coding=1,
    )
    yield good(
        "palette-no-grey",
        "Three equal channels stay three channels.",
        noise(8, 4, 4),
        bytes.fromhex("000000 555555 AAAAAA FFFFFF"),
    )
    yield good(
        "line-ends-in-data",
        "CR LF, LF and 1A in the palette and the payload: no text mode, please.",
        [[0x0D, 0x0A, 0x0D, 0x0A, 0x1A, 0x0A, 0x0D]],
        b"\r\n\x1a\n" * 192,
    )


def good_streams() -> Iterator[Good]:
    rows, palette, far = noise(30, 20, 20), colours(20), noise(256, 128, 256)
    streams: list[tuple[str, str, Callable[[bytes], bytes]]] = [
        ("stored-blocks", "stored blocks of 100 bytes", lambda d: deflate_stored(d, 100)),
        ("blocks", "several blocks, with empty stored blocks between them", deflate_blocks),
        ("fixed", "fixed Huffman codes", lambda d: deflate_with(d, strategy=zlib.Z_FIXED)),
        ("window-512", "a window of 512 bytes", lambda d: deflate_with(d, level=9, wbits=9)),
    ]
    for name, what, compress in streams:
        yield good(
            f"zlib-{name}",
            f"The zlib stream of each strip has {what}.",
            rows,
            palette,
            coding=1,
            rows_per_strip=15,
            compress=compress,
        )
    yield good(
        "zlib-distance-32768",
        "Two rows are repeated at a distance of 32,768 bytes, the farthest there is.",
        far[:128] + far[:2],
        colours(256),
        coding=1,
        compress=deflate_farthest,
    )
    yield good(
        "zlib-empty-stored",
        "One entry; the zlib stream of no bytes is one empty stored block.",
        [[0, 0]],
        b"abc",
        coding=1,
        compress=deflate_stored,
    )
    yield good(
        "zlib-highly-compressed",
        "400 x 300 pixels of one index of 256: compressed nearly as far as deflate can.",
        [[9] * 400 for _ in range(300)],
        colours(256),
        coding=1,
    )
