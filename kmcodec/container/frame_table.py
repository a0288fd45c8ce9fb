"""The frame table of a `.kmc` file of several frames (spec/kmc-1.md, sections 4.1 and 4.2)."""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace

from kmcodec.container.header import Header
from kmcodec.model.image import MAX_SIDE

__all__ = [
    "FRAME_TABLE_HEAD",
    "HAS_SCENES",
    "MAX_DURATION",
    "MAX_FRAMES",
    "ONE_FRAME",
    "SCENES_HEAD",
    "SCENE_SIZE",
    "FrameTable",
    "Scene",
    "loop_in_words",
]

FRAME_TABLE_HEAD = 9
"""Bytes of the fixed part, which gives the number of durations and the flag of scenes."""

SCENES_HEAD = 8
"""Bytes before the further scenes: the number of all scenes, and the frames of the first."""

SCENE_SIZE = 7
"""Bytes of a further scene."""

MAX_DURATION = 2**32 - 1
"""The longest duration of a frame, in milliseconds; also the highest loop count."""

MAX_FRAMES = 65_536
"""The most frames of a file."""

INTERLEAVED = 0x01
OWN_DURATIONS = 0x02
HAS_SCENES = 0x04
"""The flag of a frame table with scenes."""

SCENE_PALETTE_CODED = 0x02

_HEAD = struct.Struct("<IBI")
_SCENES = struct.Struct("<II")
_SCENE = struct.Struct("<IBH")
_CRC_SIZE = 4
_STRIP_FRAME_SIZE = 8


@dataclass(frozen=True, slots=True)
class Scene:
    """Consecutive frames with their own palette, coded independently.

    Parameters
    ----------
    frames : int
        At least 1.
    entries : int
        Palette entries, 1 to 65,536.
    interleaved : bool
        Whether rows of frames are coded below each other, not side by side.
    palette_coded : bool
        Whether the palette is stored as the context coder codes it.
    """

    frames: int
    entries: int
    interleaved: bool = False
    palette_coded: bool = False

    def header_in(self, header: Header) -> Header:
        """Return the header of a file with this scene alone: it describes the scene's palette.

        Parameters
        ----------
        header : Header
            Of the file with all scenes.
        """
        return replace(header, entries=self.entries, palette_coded=self.palette_coded)


@dataclass(frozen=True)
class FrameTable:
    """The number, timing and layout of the frames of a file.

    Parameters
    ----------
    count : int
        Frames, 1 to 65,536.
    durations : tuple of int
        Milliseconds, one for all frames or one for each.
    loop : int
        Number of times to show all frames; 0 is forever.
    interleaved : bool
        Whether the frames of the first scene are interleaved.
    further : tuple of Scene
        All scenes except the first, which has the other frames and the palette of the file.
    """

    count: int = 1
    durations: tuple[int, ...] = (0,)
    loop: int = 1
    interleaved: bool = False
    further: tuple[Scene, ...] = ()

    @property
    def first_frames(self) -> int:
        """Frames of the first scene."""
        return self.count - sum(scene.frames for scene in self.further)

    def scenes(self, header: Header) -> tuple[Scene, ...]:
        """Return all scenes of a file; table and header together describe the first."""
        first = Scene(self.first_frames, header.entries, self.interleaved, header.palette_coded)
        return first, *self.further

    def build(self) -> bytes:
        """Return the bytes of the table, without its CRC."""
        own = len(self.durations) > 1
        scenes = bool(self.further)
        flags = INTERLEAVED * self.interleaved | OWN_DURATIONS * own | HAS_SCENES * scenes
        head = _HEAD.pack(self.count, flags, self.loop)
        table = head + struct.pack(f"<{len(self.durations)}I", *self.durations)
        if not scenes:
            return table
        table += _SCENES.pack(1 + len(self.further), self.first_frames)
        return table + b"".join(
            _SCENE.pack(
                scene.frames,
                INTERLEAVED * scene.interleaved | SCENE_PALETTE_CODED * scene.palette_coded,
                scene.entries - 1,
            )
            for scene in self.further
        )

    @staticmethod
    def size_of(start: bytes) -> int:
        """Return the size of a table, without its CRC, as far as its first bytes give it.

        Parameters
        ----------
        start : bytes
            At least `FRAME_TABLE_HEAD`. If the table has scenes and these bytes end before the
            first further scene, the result may be the size up to there only.
        """
        count, flags, _ = _HEAD.unpack(start[:FRAME_TABLE_HEAD])
        size = FRAME_TABLE_HEAD + 4 * int(count if flags & OWN_DURATIONS else 1)
        if not flags & HAS_SCENES:
            return size
        scenes = start[size : size + SCENES_HEAD]
        size += SCENES_HEAD
        if len(scenes) < SCENES_HEAD:
            return size
        return size + SCENE_SIZE * max(0, int(_SCENES.unpack(scenes)[0]) - 1)

    @classmethod
    def parse(cls, data: bytes, header: Header, room: int) -> FrameTable:
        """Parse a table.

        Parameters
        ----------
        data : bytes
            Without the CRC, as many as `size_of` returns.
        header : Header
            Of the file.
        room : int
            Bytes of the file after the table.

        Raises
        ------
        ValueError
            If a value is not allowed; with a message for users.
        """
        count, flags, loop = _HEAD.unpack(data[:FRAME_TABLE_HEAD])
        if count == 0:
            raise ValueError("there are 0 frames")
        if count > MAX_FRAMES:
            raise ValueError(f"{count:,} frames are more than {MAX_FRAMES:,}")
        if flags & ~(INTERLEAVED | OWN_DURATIONS | HAS_SCENES):
            raise ValueError(f"flags {flags:#04x} of the frame table are not supported")
        if count * max(header.width, header.height) > MAX_SIDE:
            raise ValueError(f"{count:,} frames in a row have sides of more than {MAX_SIDE:,}")
        end = FRAME_TABLE_HEAD + 4 * (count if flags & OWN_DURATIONS else 1)
        durations = struct.unpack(f"<{(end - FRAME_TABLE_HEAD) // 4}I", data[FRAME_TABLE_HEAD:end])
        further = _parse_scenes(data[end:], count, header, room) if flags & HAS_SCENES else ()
        return cls(count, durations, loop, bool(flags & INTERLEAVED), further)


def _parse_scenes(data: bytes, frames: int, header: Header, room: int) -> tuple[Scene, ...]:
    """Return all scenes except the first from a table with `frames` frames."""
    scenes, first = _SCENES.unpack(data[:SCENES_HEAD])
    if not 1 <= scenes <= frames:
        raise ValueError(f"{scenes:,} scenes of {frames:,} frames")
    # The least size of palettes and strips: refuse more scenes than the file can hold.
    least = (scenes - 1) * (header.channels + _CRC_SIZE)
    least += scenes * header.strip_count * _STRIP_FRAME_SIZE
    if least > room:
        raise ValueError(f"{room:,} bytes follow, too few for {scenes:,} scenes (truncated?)")
    if first == 0:
        raise ValueError("scene 0 has 0 frames")
    further = []
    for number, (own, flags, last) in enumerate(_SCENE.iter_unpack(data[SCENES_HEAD:]), 1):
        if own == 0:
            raise ValueError(f"scene {number:,} has 0 frames")
        if flags & ~(INTERLEAVED | SCENE_PALETTE_CODED):
            raise ValueError(f"flags {flags:#04x} of scene {number:,} are not supported")
        if flags & SCENE_PALETTE_CODED and not header.allows_coded_palette:
            raise ValueError(
                f"scene {number:,} has a coded palette with coding method {header.coding}"
            )
        pixels = own * header.width * header.height
        if last >= pixels:
            raise ValueError(f"scene {number:,} has {last + 1:,} entries for {pixels:,} pixels")
        coded = bool(flags & SCENE_PALETTE_CODED)
        further.append(Scene(own, last + 1, bool(flags & INTERLEAVED), coded))
    together = first + sum(scene.frames for scene in further)
    if together != frames:
        raise ValueError(f"the scenes have {together:,} frames together, not {frames:,}")
    return tuple(further)


ONE_FRAME = FrameTable()
"""The table of a file that stores none."""


def loop_in_words(loop: int) -> str:
    """Describe a loop count for users."""
    if loop < 2:
        return "shown once" if loop else "forever"
    return f"shown {loop:,} times"
