"""Files of several scenes (kmc-1.md, section 4.2), good ones, and the parts they are made of."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from coded_palettes import coded_part
from coders import PROFILES, entries_of
from frames import TWO, coder, noisy, sheet, table
from good import good, payloads_of
from good_coded import shorter
from parts import (
    EXAMPLE_PALETTE,
    KEND,
    PROFILE,
    Good,
    Rows,
    colours,
    header,
    noise,
    palette_part,
    stored,
    strips,
    text,
    u32,
)

METHODS = ((0, "packed"), (1, "deflate"), *PROFILES)


@dataclass(frozen=True)
class Scene:
    """Frames of one palette."""

    frames: list[Rows]
    palette: bytes
    interleaved: bool = False
    coded: bool = False

    def palette_part(self, channels: int) -> bytes:
        if not self.coded:
            return palette_part(self.palette)
        part = coded_part(entries_of(self.palette, channels))
        assert len(part) < len(self.palette) + 4
        return part


def row_of(frames: int, entries: int, flags: int = 0) -> bytes:
    """Make the 7 bytes of a scene after the first."""
    return u32(frames) + struct.pack("<BH", flags, entries - 1)


def scene_table(scenes: list[Scene], channels: int = 3) -> bytes:
    data = u32(len(scenes)) + u32(len(scenes[0].frames))
    for scene in scenes[1:]:
        flags = scene.interleaved + 2 * scene.coded
        data += row_of(len(scene.frames), len(scene.palette) // channels, flags)
    return data


@dataclass(frozen=True)
class Parts:
    """A file in pieces, to be changed."""

    head: bytes  # with the palette of the first scene
    table: bytes
    palettes: list[bytes]
    payloads: list[bytes]
    end: bytes = b""

    def before_strips(self) -> bytes:
        return self.head + self.table + b"".join(self.palettes)

    def file(self) -> bytes:
        return self.before_strips() + strips(*self.payloads) + self.end


def parts_of(
    scenes: list[Scene],
    *,
    channels: int = 3,
    coding: int = 0,
    rows_per_strip: int = 0,
    durations: tuple[int, ...] = (80,),
    loop: int = 0,
    sections: list[bytes] | None = None,
) -> Parts:
    first = scenes[0]
    height, width = len(first.frames[0]), len(first.frames[0][0])
    payloads = []
    for scene in scenes:
        laid = sheet(scene.frames, interleaved=scene.interleaved)
        step = (rows_per_strip or height) * (len(scene.frames) if scene.interleaved else 1)
        entries, code = len(scene.palette) // channels, coder(coding, scene.palette, channels)
        payloads += payloads_of(laid, entries, coding, step, code=code)
    head = header(
        width,
        height,
        len(first.palette) // channels,
        channels=channels,
        coding=coding,
        rows_per_strip=rows_per_strip,
        flags=(sections is not None) + 2 * first.coded + 4,
    )
    count = sum(len(scene.frames) for scene in scenes)
    flags = first.interleaved + 2 * (len(durations) > 1) + 4
    return Parts(
        head + first.palette_part(channels),
        table(count, durations, loop, flags, scene_table(scenes, channels)),
        [scene.palette_part(channels) for scene in scenes[1:]],
        payloads,
        b"" if sections is None else b"".join(sections) + KEND,
    )


def several(
    name: str,
    about: str,
    scenes: list[Scene],
    *,
    metadata: dict[str, Any] | None = None,
    **options: Any,
) -> Good:
    """Make a vector; what is expected is that of the first frame alone, made more."""
    every = [frame for scene in scenes for frame in scene.frames]
    told = {
        key: options[key] for key in ("channels", "rows_per_strip", "sections") if key in options
    }
    one, data, expected = good(
        f"scenes-{name}", about, every[0], scenes[0].palette, metadata=metadata, **told
    )
    if not data:
        return one, data, expected
    pieces, channels = parts_of(scenes, **options), options.get("channels", 3)
    durations = options.get("durations", (80,))
    expected |= {"coding": options.get("coding", 0), "strips": len(pieces.payloads)}
    del expected["indices" if "indices" in expected else "indices_sha256"]
    rows = [row for frame in every for row in frame]
    expected["frames"] = {
        "count": len(every),
        "durations": list(durations) * (1 if len(durations) > 1 else len(every)),
        "loop": options.get("loop", 0),
        "interleaved": scenes[0].interleaved,
        "scenes": [as_told(scene) for scene in scenes],
    }
    if len(rows) * len(rows[0]) > 4096:
        flat = b"".join(struct.pack(f"<{len(row)}H", *row) for row in rows)
        expected["indices_sha256"] = hashlib.sha256(flat).hexdigest()
    else:
        expected["indices"] = rows
    assert all(max(map(max, f)) < len(s.palette) // channels for s in scenes for f in s.frames)
    return one, pieces.file(), expected


def as_told(scene: Scene) -> dict[str, Any]:
    told: dict[str, Any] = {"frames": len(scene.frames), "interleaved": scene.interleaved}
    if len(scene.palette) > 4096:
        return told | {"palette_sha256": hashlib.sha256(scene.palette).hexdigest()}
    return told | {"palette": scene.palette.hex()}


def plain(entries: int, channels: int = 3) -> bytes:
    """Return the bytes of a palette that is shorter coded."""
    return b"".join(map(bytes, shorter(entries, channels)))


# Section 9.2: a frame of three colours, then two of two, their rows below each other.
EXAMPLE = [
    Scene([[[0, 1, 2], [0, 0, 1]]], EXAMPLE_PALETTE),
    Scene(
        [[[0, 1, 1], [1, 1, 1]], [[0, 0, 1], [1, 0, 1]]],
        bytes.fromhex("457B9D F1FAEE"),
        interleaved=True,
    ),
]


def good_scenes() -> Iterator[Good]:
    yield several("example", "Section 9.2: two scenes, two strips each.", EXAMPLE, rows_per_strip=1)
    for number, (coding, method) in enumerate(METHODS):
        channels = 1 + (number + 2) % 4
        few, many, two = noisy(2, 6, 5, 5), noisy(1, 6, 5, 17), noisy(3, 6, 5, 2)
        yield several(
            method,
            f"Scenes of 2, 1 and 3 frames and 5, 17 and 2 entries, {channels} channels, in "
            f"strips of 2 of the 5 rows, coding {coding}.",
            [
                Scene(few, colours(5, channels)),
                Scene(many, colours(17, channels, 2)),
                Scene(two, colours(2, channels, 3), interleaved=True),
            ],
            channels=channels,
            coding=coding,
            rows_per_strip=2,
            durations=(10, 20, 30, 40, 50, 60),
            loop=2,
        )
        one = [[[0] * 4] * 3]
        yield several(
            f"one-entry-{method}",
            f"The second of three scenes has one entry, coding {coding}.",
            [Scene(noisy(2, 4, 3, 4), colours(4)), Scene(one, b"abc"), Scene(one * 2, colours(2))],
            coding=coding,
            rows_per_strip=2,
        )


def good_scenes_palettes() -> Iterator[Good]:
    small, other = noisy(2, 4, 3, 17), noisy(1, 5, 4, 17)
    for (coding, profile), coded in zip(
        PROFILES, ((0, 1, 0), (1, 0, 1), (1, 1, 1), (0, 0, 1), (1, 1, 0)), strict=True
    ):
        which = ["coded" if flag else "plain" for flag in coded]
        scenes = [
            Scene(small, plain(17), number == 1, bool(flag)) for number, flag in enumerate(coded)
        ]
        yield several(
            f"coded-{profile}",
            f"Three scenes of one palette, {', '.join(which)}; the frames of the second are "
            f"interleaved; profile {profile}.",
            scenes,
            coding=coding,
        )
    wide = noisy(1, 10, 9, 86)
    yield several(
        "coded-lengths",
        "The lengths of coded palettes of 258, 51 and 258 bytes: a u16, a u8, a u16.",
        [
            Scene(wide, plain(86), coded=True),
            Scene(noisy(1, 10, 9, 17), plain(17), coded=True),
            Scene(wide, plain(86), coded=True),
        ],
        coding=2,
    )
    yield several(
        "equal-palettes",
        "Two scenes of the same palette and the same pixels.",
        [Scene(other, colours(17))] * 2,
    )
    repeated = bytes.fromhex("FF0000 00FF00 FF0000 0000FF FF0000")
    yield several(
        "repeated",
        "Entries of the second scene's palette repeat, others are not used.",
        [Scene(TWO, EXAMPLE_PALETTE), Scene(TWO, repeated)],
        coding=3,
    )
    for coding, method in METHODS[:2]:
        yield several(
            f"larger-{method}",
            f"One entry, then 300 for 300 pixels, the most that there may be; coding {coding}.",
            [Scene([[[0] * 20] * 15], b"abc"), Scene([noise(20, 15, 300)], colours(300))],
            coding=coding,
        )
    twelve = [[[0, 1, 2], [3, 4, 5]], [[6, 7, 8], [9, 10, 11]]]
    yield several(
        "entries-as-pixels",
        "The second scene has as many entries, 12, as pixels in its two frames.",
        [Scene(TWO, EXAMPLE_PALETTE), Scene(twelve, colours(12))],
    )
    yield several(
        "first-unused",
        "The first scene has 300 entries for 6 pixels: only others may not have so many.",
        [Scene(TWO[:1], colours(300)), Scene(TWO[1:], EXAMPLE_PALETTE)],
    )
    yield several(
        "65536-entries",
        "The second scene has 65,536 entries of grey for as many pixels, the first has one.",
        [
            Scene([[[0] * 256] * 256], b"\x80"),
            Scene(
                [[[0] * 256] * 255 + [list(range(65280, 65536))]],
                bytes(index >> 8 for index in range(65536)),
            ),
        ],
        channels=1,
        coding=1,
    )


def good_scenes_tables() -> Iterator[Good]:
    yield several(
        "one", "One scene, of two frames, in a scene table.", [Scene(TWO, EXAMPLE_PALETTE)]
    )
    yield several(
        "one-interleaved",
        "One scene in a scene table, interleaved.",
        [Scene(TWO, EXAMPLE_PALETTE, interleaved=True)],
    )
    alone = Scene(TWO[:1], EXAMPLE_PALETTE, interleaved=True)
    yield several("one-frame", "One scene of one frame, interleaved with nothing.", [alone])
    yield several(
        "two-frames",
        "Two scenes of one frame, both interleaved with nothing, shown once.",
        [alone, Scene(TWO[1:], EXAMPLE_PALETTE[::-1], interleaved=True)],
        loop=1,
    )
    yield several(
        "interleaved-first",
        "The frames of the first scene are interleaved, those of the second side by side; each "
        "has a duration.",
        [Scene(TWO, EXAMPLE_PALETTE, interleaved=True), Scene(TWO, EXAMPLE_PALETTE[::-1])],
        durations=(0, 1, 65536, 2**32 - 1),
    )
    yield several(
        "rows-per-strip-65535",
        "Rows per strip beyond the height: a strip for each scene.",
        EXAMPLE,
        rows_per_strip=65535,
    )
    dots = [Scene([[[0]]], bytes([number % 256])) for number in range(300)]
    yield several(
        "300",
        "300 scenes of one pixel: the strip's number needs more than a byte.",
        dots,
        channels=1,
    )
    yield several(
        "all-flags",
        "All flags of the header are 1: sections, coded palettes, a frame table.",
        [
            Scene(noisy(1, 6, 4, 17), plain(17), coded=True),
            Scene(noisy(1, 6, 4, 17), plain(17), coded=True),
        ],
        coding=2,
        sections=[text("Title", "flags")],
        metadata={"text": {"Title": "flags"}},
    )
    yield several(
        "sections",
        "Two scenes with strips of one row, then sections.",
        EXAMPLE,
        rows_per_strip=1,
        sections=[stored(b"iccp", PROFILE), text("Title", "scenes")],
        metadata={"icc": PROFILE.hex(), "text": {"Title": "scenes"}},
    )
