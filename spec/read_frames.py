"""The frame table of KMC 1 and its scenes, written from sections 4.1 and 4.2 of kmc-1.md alone.

"Section" in a comment is a section of that text. Python standard library only.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass, field
from typing import Any

from read_input import Input, check_crc, refuse

MAX_SIDE = 2**31 - 1  # sections 3 and 4.1
MAX_FRAMES = 65536  # section 4.1
LONG = 4096  # bytes of a palette that is told by its hash


@dataclass
class Scene:
    """Frames that are coded together; a file without a scene table is one."""

    frames: int
    interleaved: bool
    entries: int
    coded: bool
    palette: list[tuple[int, ...]] = field(default_factory=list)

    def facts(self) -> dict[str, Any]:
        palette = b"".join(map(bytes, self.palette))
        if len(palette) > LONG:
            told = {"palette_sha256": hashlib.sha256(palette).hexdigest()}
        else:
            told = {"palette": palette.hex()}
        return {"frames": self.frames, "interleaved": self.interleaved, **told}


@dataclass
class Frames:
    """A frame table; as many durations as frames of all scenes."""

    count: int
    durations: list[int]
    loop: int
    scenes: list[Scene]
    has_scene_table: bool

    def facts(self) -> dict[str, Any]:
        """Return what the test vectors tell of frames."""
        told = {"count": self.count, "durations": self.durations, "loop": self.loop}
        told["interleaved"] = self.scenes[0].interleaved
        if self.has_scene_table:
            told["scenes"] = [scene.facts() for scene in self.scenes]
        return told


def read_frames(
    source: Input, first: Scene, size: tuple[int, int], coding: int, max_pixels: int
) -> Frames:
    """Read the table of section 4.1; the palettes of the scenes in it are yet to be read."""
    at = source.at
    count, flags, loop = struct.unpack("<IBI", source.take(9, "frame table"))
    stored = count if flags & 2 else 1
    content = source.take(4 * stored, "frame table")
    scenes_at, rows = source.at, []
    if flags & 4:
        number, first_frames = struct.unpack("<II", source.take(8, "scene table"))
        if number == 0:
            refuse("scene table", scenes_at, "0 scenes")
        rows = list(struct.iter_unpack("<IBH", source.take(7 * (number - 1), "scene table")))
    end = source.at
    check_crc(source.u32("frame table CRC"), source.data[at:end], "frame table CRC", end)
    if count == 0 or flags > 7:
        refuse("frame table", at, f"{count} frames, flags {flags:08b}")
    if count > MAX_FRAMES:
        refuse("frame table", at, f"{count} frames, at most {MAX_FRAMES} are allowed")
    if count * max(size) > MAX_SIDE:
        refuse("frame table", at, f"{count} frames in a row have a side of more than {MAX_SIDE}")
    pixels = size[0] * size[1]
    first.frames, first.interleaved = count, bool(flags & 1)
    scenes = [first]
    if flags & 4:
        first.frames = first_frames
        for place, (frames, scene_flags, entries_less_1) in enumerate(rows):
            if scene_flags > 3 or (scene_flags & 2 and coding < 2):
                row_at, problem = scenes_at + 8 + 7 * place, f"flags {scene_flags:08b}"
                refuse("scene table", row_at, f"{problem} are not supported with coding {coding}")
            interleaved, coded = bool(scene_flags & 1), bool(scene_flags & 2)
            scenes.append(Scene(frames, interleaved, entries_less_1 + 1, coded))
        check_scenes(scenes, count, pixels, scenes_at)
    if count * pixels > max_pixels:
        refuse("frame table", at, f"too large: {count} frames")
    durations = list(struct.unpack(f"<{stored}I", content)) * (1 if flags & 2 else count)
    return Frames(count, durations, loop, scenes, bool(flags & 4))


def check_scenes(scenes: list[Scene], count: int, pixels: int, at: int) -> None:  # section 4.2
    together = sum(scene.frames for scene in scenes)
    if together != count:
        refuse("scene table", at, f"{together} frames in all scenes, {count} expected")
    for number, scene in enumerate(scenes):
        if scene.frames == 0:
            refuse("scene table", at, f"scene {number} has no frames")
        if number and scene.entries > scene.frames * pixels:
            entries, most = scene.entries, scene.frames * pixels
            refuse("scene table", at, f"scene {number} has {entries} entries for {most} pixels")
