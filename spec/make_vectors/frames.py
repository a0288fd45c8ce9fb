"""Files of several frames (kmc-1.md, section 4.1), good and bad."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

from coders import encode, entries_of
from good import good
from parts import (
    EXAMPLE_PALETTE,
    EXAMPLE_ROWS,
    KEND,
    Bad,
    Good,
    Rows,
    bits_needed,
    colours,
    crc,
    damaged,
    header,
    pack,
    palette_part,
    strips,
    text,
    u32,
)

# Section 9.1: two frames of 3 x 2 pixels.
TWO = [[[0, 1, 2], [0, 0, 1]], [[0, 1, 1], [0, 2, 1]]]


def table(
    count: int = 2,
    durations: tuple[int, ...] = (80,),
    loop: int = 0,
    flags: int | None = None,
    scene_table: bytes = b"",
) -> bytes:
    """Make a frame table; flags as the durations ask for if they are not given."""
    if flags is None:
        flags = 2 * (len(durations) > 1)
    body = u32(count) + bytes([flags]) + u32(loop) + b"".join(map(u32, durations)) + scene_table
    return body + crc(body)


def sheet(frames: list[Rows], *, interleaved: bool) -> Rows:
    """Put the rows of all frames side by side or below each other."""
    together = zip(*frames, strict=True)
    if interleaved:
        return [row for rows in together for row in rows]
    return [[index for row in rows for index in row] for rows in together]


def animated(
    name: str,
    about: str,
    frames: list[Rows],
    palette: bytes,
    *,
    durations: tuple[int, ...] = (80,),
    loop: int = 0,
    flags: int = 0,
    rows_per_strip: int = 0,
    **options: Any,
) -> Good:
    """Make a vector; `flags` of the frame table, `rows_per_strip` of a frame."""
    interleaved = bool(flags & 1)
    laid = sheet(frames, interleaved=interleaved)
    times = len(frames) if interleaved else 1
    name, data, expected = good(
        name, about, laid, palette, rows_per_strip=rows_per_strip * times, **options
    )
    if not data:
        return name, data, expected
    height, width = len(frames[0]), len(frames[0][0])
    channels = options.get("channels", 3)
    plain = len(palette)
    head = header(
        width,
        height,
        plain // channels,
        channels=channels,
        coding=options.get("coding", 0),
        rows_per_strip=rows_per_strip,
        flags=data[11] | 4,
    )
    end = 28 + plain + 4
    data = head + data[28:end] + table(len(frames), durations, loop, flags) + data[end:]
    every = list(durations) if flags & 2 else list(durations) * len(frames)
    expected |= {"width": width, "height": height, "rows_per_strip": rows_per_strip}
    facts = {"count": len(frames), "durations": every, "loop": loop, "interleaved": interleaved}
    if "indices" in expected:
        del expected["indices"]
        expected = expected | {"frames": facts, "indices": [row for f in frames for row in f]}
    return name, data, expected


def noisy(count: int, width: int, height: int, entries: int) -> list[Rows]:
    """Make frames of which each has some pixels other than the one before."""
    source = random.Random(5)
    frames = [[[source.randrange(entries) for _ in range(width)] for _ in range(height)]]
    while len(frames) < count:
        frames.append(
            [
                [index if source.random() < 0.7 else source.randrange(entries) for index in row]
                for row in frames[-1]
            ]
        )
    return frames


def coder(coding: int, palette: bytes, channels: int = 3) -> Callable[[Rows], bytes] | None:
    """Take the encoder of the second reader, for the codings that it has."""
    if coding < 2:
        return None
    return lambda rows: encode(rows, entries_of(palette, channels), coding)


def good_frames() -> Iterator[Good]:
    few, many = noisy(5, 7, 6, 5), noisy(3, 9, 5, 300)
    yield animated("frames-example", "Section 9.1: two frames, side by side.", TWO, EXAMPLE_PALETTE)
    yield animated(
        "frames-example-interleaved",
        "Two frames, their rows below each other, 80 ms and 0 ms, shown 3 times.",
        TWO,
        EXAMPLE_PALETTE,
        durations=(80, 0),
        loop=3,
        flags=3,
    )
    yield animated(
        "frames-one",
        "One frame in a frame table, with the longest duration and the highest loop count.",
        [EXAMPLE_ROWS],
        EXAMPLE_PALETTE,
        durations=(2**32 - 1,),
        loop=2**32 - 1,
    )
    yield animated(
        "frames-one-own-duration",
        "One frame that has its own duration, interleaved with nothing.",
        [EXAMPLE_ROWS],
        EXAMPLE_PALETTE,
        flags=3,
    )
    yield animated(
        "frames-sections",
        "Frames with a text.",
        TWO,
        EXAMPLE_PALETTE,
        sections=[text("Title", "x")],
        metadata={"text": {"Title": "x"}},
    )
    yield animated("frames-one-entry", "Frames of one colour.", noisy(4, 3, 3, 1), b"abc")
    for flags, layout in ((0, "side"), (1, "below")):
        for coding in range(7):
            yield animated(
                f"frames-{layout}-coding-{coding}",
                f"Five frames, coding {coding}, in strips of 4 of the 6 rows.",
                few,
                colours(5),
                coding=coding,
                flags=flags,
                rows_per_strip=4,
                code=coder(coding, colours(5)),
            )
        yield animated(
            f"frames-{layout}-300-entries",
            "Three frames, 300 entries, each frame with its own duration.",
            many,
            colours(300, 4),
            channels=4,
            coding=1,
            flags=flags | 2,
            durations=(10, 20, 30),
        )


def bad_frame_tables() -> Iterator[Bad]:
    packed = strips(pack(sheet(TWO, interleaved=False), bits_needed(3)))
    head = header(3, 2, rows_per_strip=0, flags=4) + palette_part()
    right = head + table() + packed

    def with_table(own: bytes) -> bytes:
        return head + own + packed

    plain = header(flags=4) + palette_part() + strips(b"\x18\x40\x56\x80", b"\x80\x80")
    yield "flag-bit-2", "Flag bit 2 is 1, but there is no frame table.", plain
    yield (
        "frames-no-flag",
        "There is a frame table, but flag bit 2 is 0.",
        (header(3, 2, rows_per_strip=0) + right[28:]),
    )
    yield "frames-crc", "The CRC of the frame table is wrong.", damaged(right, len(head) + 13)
    yield "frames-duration", "A duration was damaged.", damaged(right, len(head) + 9)
    for count in (0, 1, 3):
        reason = f"The frame table says {count} frames, there are 2."
        yield f"frames-{count}", reason, with_table(table(count))
    reason = "Frame flag bit 2 says that there are several scenes, but there is no scene table."
    yield "frames-flags-4", reason, with_table(table(flags=4))
    for flags in (8, 128):
        reason = f"Reserved flags, {flags}, of the frame table are 1."
        yield f"frames-flags-{flags}", reason, with_table(table(flags=flags))
    yield (
        "frames-own-missing",
        "Own durations are said, and there is one of two.",
        with_table(table(flags=2)),
    )
    yield (
        "frames-own-too-many",
        "Two durations where one is said.",
        with_table(table(durations=(80, 80), flags=0)),
    )
    yield "frames-0-own", "No frames, with own durations.", with_table(table(0, (), 0, 2))
    reason = f"{2**32 - 1} frames, more than 65536."
    yield "frames-most", reason, with_table(table(2**32 - 1))
    for name, size, many, reason in (
        ("65537", (1, 1), 65537, "65537 frames of 1 x 1 pixel, one more than there may be."),
        ("wide", (32768, 1), 65536, "65536 frames of 32768 x 1 pixels: rows of 2147483648."),
        ("high", (1, 32768), 65536, "65536 frames of 1 x 32768 pixels: 2147483648 rows."),
    ):
        one = header(*size, 1, rows_per_strip=0, flags=4) + palette_part(b"abc")
        yield f"frames-{name}", reason, one + table(many) + strips(b"")
    for size, where in ((0, "before"), (8, "in the head of"), (11, "in a duration of"), (16, "in")):
        reason = f"The file ends {where} the frame table."
        yield f"frames-truncated-{size:02}", reason, right[: len(head) + size]
    own = head + table(durations=(1, 2))
    yield "frames-truncated-own", "The file ends before the second duration.", own[: len(head) + 13]
    yield "frames-trailing", "A zero byte follows the strip.", right + b"\0"
    yield "frames-before-kend", "KEND follows, but flag bit 0 is 0.", right + KEND
    rows = sheet(TWO, interleaved=False)
    rows[1][5] = 3
    data = head + table() + strips(pack(rows, bits_needed(3)))
    yield "frames-index-3", "An index of the second frame is 3, but there are 3 entries.", data


def large_frames() -> Iterator[Bad]:
    head = header(1000, 1000, 1, rows_per_strip=0, flags=4) + palette_part(b"abc")
    yield (
        "frames",
        "60 bytes declare 65536 frames of 1000 x 1000 pixels of one colour.",
        head + table(65536) + strips(b""),
    )
