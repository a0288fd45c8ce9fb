"""The frame table of a `.kmc` file of several frames (spec/kmc-1.md, section 4.1)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from kmcodec.image import MAX_SIDE

__all__ = ["FRAME_TABLE_HEAD", "MAX_DURATION", "ONE_FRAME", "FrameTable"]

FRAME_TABLE_HEAD = 9
"""Bytes that tell how many follow."""

MAX_DURATION = 2**32 - 1
"""The longest that a frame can be shown, in milliseconds; also the highest loop count."""

INTERLEAVED = 0x01
OWN_DURATIONS = 0x02

_HEAD = struct.Struct("<IBI")


@dataclass(frozen=True)
class FrameTable:
    """How many frames there are, and how they are shown and laid out.

    Parameters
    ----------
    count : int
        Frames, at least 1.
    durations : tuple of int
        Milliseconds, one for all frames or one for each.
    loop : int
        How often all frames are shown; 0 is forever.
    interleaved : bool
        Whether frames are coded with their rows below each other, not side by side.
    """

    count: int = 1
    durations: tuple[int, ...] = (0,)
    loop: int = 1
    interleaved: bool = False

    def build(self) -> bytes:
        """The bytes of the table, without its CRC."""
        own = len(self.durations) > 1
        flags = INTERLEAVED * self.interleaved | OWN_DURATIONS * own
        head = _HEAD.pack(self.count, flags, self.loop)
        return head + struct.pack(f"<{len(self.durations)}I", *self.durations)

    @staticmethod
    def size_of(head: bytes) -> int:
        """Bytes of a whole table, without its CRC, by its first bytes."""
        count, flags, _ = _HEAD.unpack(head)
        return FRAME_TABLE_HEAD + 4 * int(count if flags & OWN_DURATIONS else 1)

    @classmethod
    def parse(cls, data: bytes, longest: int) -> FrameTable:
        """Take a table to pieces.

        Parameters
        ----------
        data : bytes
            Without the CRC.
        longest : int
            The longer side of a frame.

        Raises
        ------
        ValueError
            If it says what is not allowed; with a text for people.
        """
        count, flags, loop = _HEAD.unpack(data[:FRAME_TABLE_HEAD])
        if count == 0:
            raise ValueError("there are 0 frames")
        if flags & ~(INTERLEAVED | OWN_DURATIONS):
            raise ValueError(f"flags {flags:#04x} of the frame table are not supported")
        if count * longest > MAX_SIDE:
            raise ValueError(f"{count:,} frames in a row have sides of more than {MAX_SIDE:,}")
        durations = struct.unpack(
            f"<{(len(data) - FRAME_TABLE_HEAD) // 4}I", data[FRAME_TABLE_HEAD:]
        )
        return cls(count, durations, loop, bool(flags & INTERLEAVED))


ONE_FRAME = FrameTable()
"""That of a file which has no table."""
