"""Faults of scenes (kmc-1.md, section 4.2), most of them in the file of section 9.2."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from coded_palettes import code_palette, coded_part
from frames import TWO, noisy, table
from good_coded import shorter
from parts import (
    EXAMPLE_PALETTE,
    KEND,
    Bad,
    colours,
    crc,
    damaged,
    header,
    pack,
    palette_part,
    strip,
    strips,
    u32,
)
from scenes import EXAMPLE, Parts, Scene, parts_of, plain, row_of

RIGHT = parts_of(EXAMPLE, rows_per_strip=1)
CODED = parts_of(  # the second palette is coded, and shorter so
    [Scene(noisy(1, 6, 4, 3), EXAMPLE_PALETTE), Scene(noisy(1, 6, 4, 17), plain(17), coded=True)],
    coding=2,
)


def with_table(*rows: bytes, first: int = 1, scenes: int = 2, count: int = 3) -> bytes:
    """Make the example with another scene table, and all else as it is."""
    body = u32(scenes) + u32(first) + b"".join(rows)
    return replace(RIGHT, table=table(count, flags=4, scene_table=body)).file()


def bad_scene_tables() -> Iterator[Bad]:
    second = row_of(2, 2, 1)
    whole = replace(RIGHT, table=table(3, flags=4))
    yield "scenes-no-table", "Frame flag bit 2 is 1, but there is no scene table.", whole.file()
    rows = u32(2) + u32(1) + second
    whole = replace(RIGHT, table=table(3, flags=0, scene_table=rows))
    yield "scenes-no-flag", "There is a scene table, but frame flag bit 2 is 0.", whole.file()
    whole = replace(RIGHT, table=table(3, flags=12, scene_table=rows))
    yield "scenes-frame-flags-12", "A reserved flag, 8, of the frame table is 1.", whole.file()
    body = table(3, flags=4)[:-4]
    whole = replace(RIGHT, table=body + rows + crc(body))
    yield "scenes-crc-table", "The CRC of the frame table leaves the scene table out.", whole.file()
    for name, rest in (("", b""), ("-first", u32(3)), ("-rows", u32(1) + second)):
        table_0 = table(3, flags=4, scene_table=u32(0) + rest)
        data = replace(RIGHT, table=table_0).file()
        yield f"scenes-0{name}", f"No scenes, with {len(rest)} bytes after their number.", data
    data = with_table(second, row_of(0, 1), scenes=3)
    yield "scenes-3-empty-last", "A third scene has no frames.", data
    data = with_table(row_of(0, 2), first=3)
    yield "scenes-empty-second", "The second scene has no frames, the first has all 3.", data
    data = with_table(row_of(3, 2), first=0)
    yield "scenes-empty-first", "The first scene has no frames, the second has all 3.", data
    data = with_table(*[row_of(1, 2)] * 3, scenes=4)
    yield "scenes-4-of-3-frames", "Four scenes of three frames, each of one.", data
    for name, first, frames in (("below", 1, 1), ("above", 1, 3), ("first", 2, 2)):
        about = f"Scenes of {first} and {frames} frames, but there are 3."
        yield f"scenes-sum-{name}", about, with_table(row_of(frames, 2, 1), first=first)
    data = with_table(row_of(2**32 - 1, 2, 1), first=4)
    yield "scenes-sum-wraps", "Scenes of 4 and 4294967295 frames: 3 modulo 2^32.", data
    data = with_table(row_of(2**31, 2, 1), first=2**31 + 3)
    yield "scenes-sum-wraps-half", "Two scenes of 2^31 frames and three more: 3 modulo 2^32.", data
    for scenes in (1, 3, 2**16, 2**32 - 1):
        about = f"The scene table says {scenes} scenes, and has two."
        yield f"scenes-said-{scenes}", about, with_table(second, scenes=scenes)
    beside = parts_of([EXAMPLE[0], replace(EXAMPLE[1], interleaved=False)], rows_per_strip=1)
    for flags in (4, 128):
        about = f"Reserved flags, {flags}, of a scene are 1."
        rows = u32(2) + u32(1) + row_of(2, 2, flags)
        whole = replace(beside, table=table(3, flags=4, scene_table=rows))
        yield f"scenes-flags-{flags}", about, whole.file()
    whole = parts_of(EXAMPLE, rows_per_strip=1, durations=(10, 20))
    yield "scenes-durations", "A duration for each scene, not for each frame.", whole.file()
    half, one = 2**15, palette_part(b"abc")
    rows = u32(2) + u32(half) + row_of(half, 1)
    head = (
        header(32768, 1, 1, rows_per_strip=0, flags=4)
        + one
        + table(2 * half, flags=4, scene_table=rows)
    )
    yield (
        "scenes-wide",
        "65536 frames of 32768 x 1 pixels in two scenes: only each by itself is a row.",
        head + one + strips(b"", b""),
    )


def bad_scene_palettes() -> Iterator[Bad]:
    whole, (second,) = RIGHT.file(), RIGHT.palettes
    at = len(RIGHT.head + RIGHT.table)
    yield "scenes-crc-palette", "The CRC of the second palette is wrong.", damaged(whole, at + 6)
    yield "scenes-palette-damaged", "A byte of the second palette was damaged.", damaged(whole, at)
    other = RIGHT.head[28:]
    for name, about, palettes in (
        ("missing", "The second palette is missing.", []),
        ("both", "The palettes of both scenes follow the table.", [other, second]),
        ("alpha", "The second palette has four channels.", [palette_part(colours(2, 4))]),
        ("one-crc", "One CRC for the palettes of both scenes.", [second[:6] + crc(whole[28:37])]),
        (
            "seeded",
            "The second CRC goes on from the first.",
            [second[:6] + crc(other + second[:6])],
        ),
    ):
        yield f"scenes-palette-{name}", about, replace(RIGHT, palettes=palettes).file()
    before = RIGHT.head + second + RIGHT.table + strips(*RIGHT.payloads)
    yield "scenes-palette-before", "The second palette stands before the frame table.", before
    head, (top, below, *others) = RIGHT.head + RIGHT.table, RIGHT.payloads
    late = strip(0, top) + strip(1, below) + second
    late += b"".join(strip(number, payload) for number, payload in enumerate(others, 2))
    yield "scenes-palette-late", "The second palette follows the strips of the first.", head + late
    for entries in (1, 3, 12):
        about = f"The scene table says {entries} entries, the second palette has 2."
        yield f"scenes-entries-{entries}", about, with_table(row_of(2, entries, 1))
    many = [Scene(TWO, EXAMPLE_PALETTE), Scene(TWO, colours(13))]
    about = "The second scene has 13 entries for 12 pixels."
    yield "scenes-entries-above", about, parts_of(many).file()
    many = [Scene(TWO, colours(12)), Scene(TWO[:1], colours(7))]
    about = "The second scene has 7 entries for 6 pixels; both have 18 pixels."
    yield "scenes-entries-above-own", about, parts_of(many).file()


def bad_scenes_coded() -> Iterator[Bad]:
    entries = shorter(17, 3)
    right = code_palette(entries)
    for coding in (0, 1):
        scenes = [EXAMPLE[0], Scene([[[0, 1, 2], [2, 1, 0]]] * 3, plain(17), coded=True)]
        about = f"The second palette is coded, with coding {coding}."
        yield f"scenes-coded-coding-{coding}", about, parts_of(scenes, coding=coding).file()
    frames = [noisy(1, 6, 4, 3), noisy(1, 6, 4, 17)]
    other = parts_of([Scene(frames[0], EXAMPLE_PALETTE), Scene(frames[1], plain(17))], coding=2)
    only = replace(other, table=CODED.table)
    yield "scenes-coded-flag-only", "The second palette is not coded, as is said.", only.file()
    only = replace(CODED, table=other.table)
    yield "scenes-coded-no-flag", "The second palette is coded, which is not said.", only.file()
    for name, about, body in (
        ("length-0", "has length 0", b"\0"),
        ("length-equal", "has 51 bytes, as many as if it were not coded", b"\x33" + bytes(51)),
        ("length-u16", "has a u16 for its length", len(right).to_bytes(2, "little") + right),
        ("length-all", "has a length of 50 bytes, more than there are", b"\x32" + right),
        ("half", "is cut in half", bytes([len(right) // 2]) + right[: len(right) // 2]),
        ("long", "is followed by a zero byte", bytes([len(right) + 1]) + right + b"\0"),
        ("first-byte", "has another first byte", bytes([len(right)]) + damaged(right, 0, 128)),
    ):
        palette = body + crc(body)
        about = f"The coded palette of the second scene {about}."
        yield f"scenes-coded-{name}", about, replace(CODED, palettes=[palette]).file()
    palette = right + crc(right)
    data = replace(CODED, palettes=[bytes([len(right)]) + palette]).file()
    yield "scenes-coded-crc", "The CRC of the second, coded palette leaves out the length.", data
    twice = coded_part([*entries[:5], *entries[4:-1]])
    data = replace(CODED, palettes=[twice]).file()
    yield "scenes-coded-repeat", "Two entries of the second, coded palette are equal.", data


def renumbered(*numbers: int, parts: Parts = RIGHT) -> bytes:
    pairs = zip(numbers, parts.payloads, strict=True)
    return parts.before_strips() + b"".join(strip(number, payload) for number, payload in pairs)


def bad_scene_strips() -> Iterator[Bad]:
    before, payloads = RIGHT.before_strips(), RIGHT.payloads
    for name, about, numbers in (
        ("anew", "The strips of the second scene are numbered from 0 again.", (0, 1, 0, 1)),
        ("by-frame", "The second scene's strips are numbered on from its frames.", (0, 1, 1, 2)),
        ("by-strip", "The strips are numbered first by strip, then by scene.", (0, 2, 1, 3)),
        ("gap", "The strips are numbered as if each frame had two.", (0, 1, 4, 5)),
    ):
        yield f"scenes-strips-{name}", about, renumbered(*numbers)
    same = parts_of([Scene(TWO[:1], EXAMPLE_PALETTE), Scene(TWO[1:], EXAMPLE_PALETTE)])
    for name, about, numbers in (
        ("swapped", "The strips of two scenes, which are as long, changed places.", (1, 0)),
        ("repeated", "The strip of the first scene stands in the place of the second too.", (0, 0)),
    ):
        given = b"".join(strip(number, same.payloads[number]) for number in numbers)
        yield f"scenes-strips-{name}", about, same.before_strips() + given
    for name, about, given in (
        ("one-scene", "Only the first scene has strips.", payloads[:2]),
        ("one-too-few", "The second scene has one strip of two.", payloads[:3]),
        ("one-too-many", "A fifth strip follows the four of two scenes.", [*payloads, b"\0"]),
        (
            "per-frame",
            "There are two strips for each of the three frames.",
            payloads + payloads[2:],
        ),
    ):
        yield f"scenes-strips-{name}", about, before + strips(*given)
    scenes = u32(2) + u32(1) + row_of(1, 1)
    head = header(1, 2**20, 1, rows_per_strip=1, flags=4) + palette_part(b"abc")
    head += table(2, flags=4, scene_table=scenes) + palette_part(b"abc")
    about = "2097152 strips in a file of 82 bytes, half of them of the second scene."
    yield "scenes-strips-too-many", about, head + strips(b"")
    data = before + strips(*payloads[:2], payloads[2][:1], payloads[3])
    yield "scenes-first-only", "A strip of the second scene has one frame of two.", data


def bad_scene_indices() -> Iterator[Bad]:
    three, five = EXAMPLE_PALETTE, colours(5)
    wide, low = [[[0, 1, 4], [3, 2, 1]]], [[[0, 1, 2], [2, 1, 0]]]
    right = parts_of([Scene(low, five), Scene(low, three)])
    for name, what, given, bits in (
        ("3", "is 3, less than the entries of the first, 5", [[0, 1, 3], [2, 1, 0]], 2),
        ("bits-first", "has 3 bits, as in the first; it has 3 entries", low[0], 3),
    ):
        payload = pack(given, bits)
        data = replace(right, payloads=[right.payloads[0], payload]).file()
        yield f"scenes-index-{name}", f"An index of the second scene {what}.", data
    right = parts_of([Scene(low, three), Scene(wide, five)])
    data = replace(right, payloads=[pack([[0, 1, 3], [0, 0, 0]], 2), right.payloads[1]]).file()
    about = "An index of the first scene is 3, less than the entries of the second, 5."
    yield "scenes-index-3-first", about, data
    wrong = [*RIGHT.payloads[:3], damaged(RIGHT.payloads[3], 0)]
    about = "A pad bit of the second scene is 1."
    yield "scenes-pad-bit", about, replace(RIGHT, payloads=wrong).file()
    # Side by side it is 6 bits a row; below each other two rows of 3.
    beside = [pack([[0, 1, 1, 0, 0, 1]], 1), pack([[1, 1, 1, 1, 0, 1]], 1)]
    about = "The second scene has its frames side by side, though they are said to be interleaved."
    yield "scenes-layout", about, replace(RIGHT, payloads=[*RIGHT.payloads[:2], *beside]).file()
    one = [Scene(low, three), Scene([[[0] * 3] * 2], b"abc")]
    for coding in (0, 2):
        parts = parts_of(one, coding=coding)
        data = replace(parts, payloads=[parts.payloads[0], b"\x01"]).file()
        about = f"A scene of one entry has a payload, coding {coding}."
        yield f"scenes-one-entry-payload-{coding}", about, data
    parts = parts_of([Scene([[[0] * 3] * 2], b"abc"), Scene(low, three)], coding=2)
    data = replace(parts, payloads=[b"", b""]).file()
    yield "scenes-empty-payload", "A scene of three entries has an empty payload, coding 2.", data


def bad_scene_ends() -> Iterator[Bad]:
    whole, head = RIGHT.file(), len(RIGHT.head)
    ends = len(RIGHT.head + RIGHT.table)
    for at, where in (
        (head + 13, "before the scene table"),
        (head + 15, "in the number of scenes"),
        (head + 17, "before the frames of the first scene"),
        (head + 21, "before the second scene's row"),
        (head + 25, "before the flags of the second scene"),
        (head + 26, "before the entries of the second scene"),
        (head + 27, "in the entries of the second scene"),
        (head + 28, "before the CRC of the frame table"),
        (ends, "before the second palette"),
        (ends + 5, "in the second palette"),
        (ends + 6, "before the CRC of the second palette"),
        (ends + 10, "before the first strip"),
        (ends + 28, "before the strips of the second scene"),
        (ends + 38, "between the strips of the second scene"),
        (len(whole) - 1, "in the last payload"),
    ):
        yield f"scenes-truncated-{at:03}", f"The file ends {where}.", whole[:at]
    before, start = CODED.before_strips(), len(CODED.head + CODED.table)
    for at, where in (
        (start, "before the length of the second, coded palette"),
        (start + 1, "after the length of the second, coded palette"),
        (len(before) - 5, "in the second, coded palette"),
        (len(before) - 1, "in the CRC of the second, coded palette"),
    ):
        yield f"scenes-truncated-coded-{at:03}", f"The file ends {where}.", before[:at]
    yield "scenes-trailing", "A zero byte follows the last strip.", whole + b"\0"
    yield "scenes-before-kend", "KEND follows, but flag bit 0 is 0.", whole + KEND
    kend = parts_of(EXAMPLE, rows_per_strip=1, sections=[])
    at = len(kend.before_strips() + strips(*kend.payloads[:2]))
    early = kend.file()[:at] + KEND + kend.file()[at : -len(KEND)]
    yield "scenes-kend-early", "KEND stands before the strips of the second scene.", early


def large_scenes() -> Iterator[Bad]:
    head = header(1000, 1000, 1, rows_per_strip=0, flags=4) + palette_part(b"abc")
    rows = u32(2) + u32(1) + row_of(65535, 1)
    yield (
        "scenes",
        "A scene of one frame and one of 65535, of 1000 x 1000 pixels of one colour each.",
        head + table(65536, flags=4, scene_table=rows) + palette_part(b"abc") + strips(b"", b""),
    )
