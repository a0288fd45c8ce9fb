"""Write animated GIF files: the changed part of each frame, in its own block."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from struct import Struct

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from kmcodec.errors import KmcInputError
from kmcodec.formats.compose import Box, bounding_box
from kmcodec.model.image import IndexedImage
from kmcodec.model.keys import keys_of
from kmcodec.model.pixels import to_channels

__all__ = ["MAX_DELAY", "write_gif"]

MAX_DELAY = 65_535
"""The most hundredths of a second that a frame can be shown."""

_MAX_SIDE = 65_535
_KEEP, _CLEAR = 1, 2
_SCREEN, _DESCRIPTOR, _CONTROL = Struct("<6sHHBBB"), Struct("<BHHHHB"), Struct("<BBBBHBB")


def write_gif(
    frames: Sequence[IndexedImage],
    delays: Sequence[int],
    repeats: int | None,
    comment: bytes = b"",
) -> bytes:
    """Write frames as an animated GIF.

    Parameters
    ----------
    frames : sequence of IndexedImage
        Frames of one size, with up to 256 entries each: at most one is clear, all others opaque.
    delays : sequence of int
        Hundredths of a second, one for each frame.
    repeats : int or None
        How often the frames are repeated after the first time; 0 is forever, None is never.
    comment : bytes

    Returns
    -------
    bytes

    Raises
    ------
    KmcInputError
        If the frames are too large for a GIF.

    Notes
    -----
    After CompuServe's "Graphics Interchange Format, Version 89a" (1990). A frame is cropped to the
    rectangle that changes. Unchanged pixels in it become transparent if that takes fewer bytes. A
    GIF cannot draw clear pixels over others: the previous frame is disposed instead, in a rectangle
    that holds these pixels.
    """
    width, height = frames[0].width, frames[0].height
    if max(width, height) > _MAX_SIDE:
        raise KmcInputError(
            f"{width:,} x {height:,} pixels exceed GIF's limit of {_MAX_SIDE:,} a side"
        )
    shared = _Palette(frames[0].palette)
    parts: list[bytes] = []
    spare = False
    for delay, (palette, box, changed, disposal) in zip(
        delays, _steps(frames, shared), strict=True
    ):
        frame = frames[len(parts)]
        part = _Part(palette, frame.indices[box.slices], changed[box.slices])
        local = palette is not shared
        spare = spare or (part.uses_spare and not local)
        parts.append(part.blocks(box, delay, disposal, local))
    start = [_SCREEN.pack(b"GIF89a", width, height, 0x80 | shared.flags(spare), 0, 0)]
    start.append(shared.table(spare))
    if repeats is not None:
        start.append(b"\x21\xff\x0bNETSCAPE2.0\x03\x01" + repeats.to_bytes(2, "little") + b"\0")
    if comment:
        start.append(b"\x21\xfe" + _sub_blocks(comment))
    return b"".join([*start, *parts, b";"])


def _steps(
    frames: Sequence[IndexedImage], shared: _Palette
) -> Iterator[tuple[_Palette, Box, NDArray[np.bool_], int]]:
    """Yield palette, rectangle, changed pixels and disposal of each frame."""
    under = np.zeros(frames[0].indices.shape, np.uint32)
    palette, colors = shared, shared.codes[frames[0].indices]
    for number in range(len(frames)):
        changed = colors != under
        # The first frame is whole, as viewers disagree on the screen around it.
        drawn = changed if number else np.ones_like(changed)
        if number + 1 == len(frames):
            yield palette, bounding_box(drawn), changed, _KEEP
            return
        after = frames[number + 1]
        next_palette = shared if shared.is_of(after) else _Palette(after.palette)
        next_colors = next_palette.codes[after.indices]
        cleared = (next_colors == 0) & (colors != 0)
        disposed = bool(cleared.any())
        box = bounding_box(drawn | cleared if disposed else drawn)
        yield palette, box, changed, _CLEAR if disposed else _KEEP
        under = colors
        if disposed:
            under[box.slices] = 0
        palette, colors = next_palette, next_colors


class _Palette:
    """A palette as a table, with a spare entry on request."""

    def __init__(self, palette: NDArray[np.uint8]) -> None:
        self._given = palette
        self._entries = to_channels(palette, 4)
        self.size = len(palette)
        self.codes = keys_of(self._entries)
        (clear,) = np.nonzero(self._entries[:, 3] == 0)
        self.clear = int(clear[0]) if len(clear) else None
        self.codes[clear] = 0

    def is_of(self, frame: IndexedImage) -> bool:
        return frame.palette is self._given or np.array_equal(frame.palette, self._given)

    def _bits(self, spare: bool) -> int:
        return max(1, (self.size - 1 + spare).bit_length())

    @property
    def is_full(self) -> bool:
        """Whether one more entry would double the table."""
        return self._bits(True) > self._bits(False)

    def flags(self, spare: bool) -> int:
        return self._bits(spare) - 1

    def table(self, spare: bool) -> bytes:
        return self._entries[:, :3].tobytes().ljust(3 << self._bits(spare), b"\0")


class _Part:
    """A rectangle of a frame, compressed in the shorter way."""

    def __init__(
        self, palette: _Palette, indices: NDArray[np.uint8], changed: NDArray[np.bool_]
    ) -> None:
        self._palette = palette
        self.transparent = palette.clear
        self.data = _compressed(indices)
        if changed.all():
            return
        transparent = self._free(indices[changed])
        if transparent is None:
            return
        sparse = _compressed(np.where(changed, indices, np.uint8(transparent)))
        if len(sparse) < len(self.data):
            self.transparent, self.data = transparent, sparse

    def _free(self, used: NDArray[np.uint8]) -> int | None:
        """Return an entry that can stand for unchanged pixels; None if there is no room."""
        palette = self._palette
        if palette.clear is not None:
            return palette.clear
        if not palette.is_full:
            return palette.size
        (unused,) = np.nonzero(np.bincount(used, minlength=palette.size) == 0)
        if len(unused):
            return int(unused[0])
        return palette.size if palette.size < 256 else None

    @property
    def uses_spare(self) -> bool:
        return self.transparent == self._palette.size

    def blocks(self, box: Box, delay: int, disposal: int, local: bool) -> bytes:
        flags, table = 0, b""
        if local:
            flags = 0x80 | self._palette.flags(self.uses_spare)
            table = self._palette.table(self.uses_spare)
        transparent, flag = (0, 0) if self.transparent is None else (self.transparent, 1)
        control = _CONTROL.pack(0x21, 0xF9, 4, disposal << 2 | flag, delay, transparent, 0)
        place = box.left, box.top, box.width, box.height
        return control + _DESCRIPTOR.pack(0x2C, *place, flags) + table + self.data


def _compressed(indices: NDArray[np.uint8]) -> bytes:
    """Compress indices to image data: the bits of a pixel, and sub-blocks."""
    bits = max(2, int(indices.max()).bit_length())
    image = Image.fromarray(np.ascontiguousarray(indices))
    return bytes([bits]) + image.tobytes("gif", "L", bits, 0) + b"\0"


def _sub_blocks(data: bytes) -> bytes:
    parts = (data[at : at + 255] for at in range(0, len(data), 255))
    return b"".join(bytes([len(part)]) + part for part in parts) + b"\0"
