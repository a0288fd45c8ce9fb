"""Read animated GIF files: their blocks, and the picture of each frame."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from struct import Struct
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from kmcodec.errors import KmcInputError
from kmcodec.formats.compose import Disposal, Patch, composed
from kmcodec.model.image import MAX_COLORS, IndexedImage, index_dtype
from kmcodec.model.keys import colors_of, keys_of
from kmcodec.model.pixels import common_channels_for, to_channels

__all__ = ["GifFile", "GifFrame", "gif_frames", "is_gif", "parse_gif"]

_EXTENSION, _IMAGE, _TRAILER = 0x21, 0x2C, 0x3B
_CONTROL, _COMMENT, _APPLICATION = 0xF9, 0xFE, 0xFF
_LOOPING = (b"NETSCAPE2.0", b"ANIMEXTS1.0")
_SCREEN = Struct("<6xHHBxx")
_DESCRIPTOR = Struct("<HHHHB")
_CONTROLS = Struct("<BHB")
# Undefined values count as the last one, as in browsers.
_DISPOSALS = {0: Disposal.KEEP, 1: Disposal.KEEP, 2: Disposal.CLEAR}


@dataclass(frozen=True)
class GifFrame:
    """A frame as stored in the file.

    Parameters
    ----------
    left, top, width, height : int
    palette : bytes
        Red, green and blue of each entry; empty for shades of grey.
    data : bytes-like
        The compressed pixels, in sub-blocks.
    bits : int
        Bits of a pixel before compression.
    interlaced : bool
    transparent : int or None
        The entry that leaves the pixel under it visible.
    disposal : Disposal
    delay : int or None
        Hundredths of a second.
    """

    left: int
    top: int
    width: int
    height: int
    palette: bytes
    data: memoryview
    bits: int
    interlaced: bool
    transparent: int | None = None
    disposal: Disposal = Disposal.KEEP
    delay: int | None = None

    def indices(self) -> NDArray[np.uint8]:
        """Decompress the pixels.

        Raises
        ------
        ValueError
            If they are damaged or truncated.
        """
        size = self.width, self.height
        # Pillow finds a missing end mark here.
        data = bytes(self.data) + b"\0"
        return np.asarray(Image.frombytes("L", size, data, "gif", self.bits, self.interlaced, -1))


@dataclass
class GifFile:
    """The contents of a GIF.

    Parameters
    ----------
    width, height : int
        Of the screen, or of the first frame if it is larger, as in browsers.
    frames : list of GifFrame
    repeats : int or None
        How often the frames are repeated after the first time; 0 is forever, None is never.
    comments : list of bytes
    """

    width: int
    height: int
    frames: list[GifFrame] = field(default_factory=list)
    repeats: int | None = None
    comments: list[bytes] = field(default_factory=list)

    @property
    def loop(self) -> int:
        """Return how often the frames are shown in total; 0 is forever."""
        if self.repeats is None:
            return 1
        return self.repeats + 1 if self.repeats else 0


def is_gif(data: bytes) -> bool:
    """Whether a file begins as a GIF."""
    return data[:6] in (b"GIF87a", b"GIF89a")


def parse_gif(data: bytes) -> GifFile:
    """Find the frames of a GIF, without decompressing them.

    Parameters
    ----------
    data : bytes
        The whole file.

    Returns
    -------
    GifFile

    Raises
    ------
    KmcInputError
        If it is cut off or damaged, except in the pixels.

    Notes
    -----
    After CompuServe's "Graphics Interchange Format, Version 89a" (1990). A missing end mark is
    accepted, as are any bytes after a single frame.
    """
    return _Parser(data).parse()


class _Parser:
    def __init__(self, data: bytes) -> None:
        self._data, self._at = memoryview(data), 0
        self._file = GifFile(0, 0)
        self._palette = b""
        self._control: dict[str, Any] = {}

    def parse(self) -> GifFile:
        file = self._file
        file.width, file.height, flags = _SCREEN.unpack(self._take(_SCREEN.size))
        self._palette = self._take_palette(flags)
        while self._at < len(self._data):
            (kind,) = self._take(1)
            if kind == _EXTENSION:
                self._extension()
            elif kind == _IMAGE:
                self._frame()
            elif kind == _TRAILER or (kind and len(file.frames) == 1):
                break
            elif kind:
                raise self._damage(f"no block begins with {kind:#04x}, at byte {self._at - 1}")
        else:
            if self._control:
                raise self._damage("cut off")
        return file

    def _damage(self, what: str) -> KmcInputError:
        return KmcInputError(f"frame {len(self._file.frames)}: {what}")

    def _take(self, size: int) -> memoryview:
        part = self._data[self._at : self._at + size]
        if len(part) < size:
            raise self._damage("cut off")
        self._at += size
        return part

    def _take_palette(self, flags: int) -> bytes:
        return bytes(self._take(6 << (flags & 7))) if flags & 0x80 else b""

    def _sub_blocks(self, ended: bool = True) -> Iterator[memoryview]:
        """Yield the sub-blocks from here on; require their end mark if `ended`."""
        while ended or self._at < len(self._data):
            (size,) = self._take(1)
            if not size:
                return
            yield self._take(size)

    def _extension(self) -> None:
        (kind,) = self._take(1)
        blocks = list(self._sub_blocks())
        if kind == _CONTROL and blocks and len(blocks[0]) >= _CONTROLS.size:
            flags, delay, transparent = _CONTROLS.unpack(blocks[0][: _CONTROLS.size])
            self._control = {
                "transparent": transparent if flags & 1 else None,
                "disposal": _DISPOSALS.get(flags >> 2 & 7, Disposal.RESTORE),
                "delay": delay,
            }
        elif kind == _COMMENT and blocks:
            self._file.comments.append(b"".join(blocks))
        elif kind == _APPLICATION and len(blocks) > 1 and blocks[0] in _LOOPING:
            loop = bytes(blocks[1])
            if len(loop) >= 3 and loop[0] == 1:
                self._file.repeats = int.from_bytes(loop[1:3], "little")

    def _frame(self) -> None:
        left, top, width, height, flags = _DESCRIPTOR.unpack(self._take(_DESCRIPTOR.size))
        palette = self._take_palette(flags) or self._palette
        (bits,) = self._take(1)
        begin = self._at
        for _ in self._sub_blocks(ended=False):
            pass
        file = self._file
        if not file.frames:
            file.width, file.height = max(file.width, left + width), max(file.height, top + height)
        data, interlaced = self._data[begin : self._at], bool(flags & 0x40)
        place = left, top, width, height
        file.frames.append(GifFrame(*place, palette, data, bits, interlaced, **self._control))
        self._control = {}


def gif_frames(file: GifFile) -> Iterator[IndexedImage | NDArray[np.uint8]]:
    """Yield the picture on the screen at each frame.

    Parameters
    ----------
    file : GifFile

    Yields
    ------
    IndexedImage
        With the colours on the screen.
    ndarray of uint8, shape (H, W, 4)
        If the screen has more colours than a palette holds.

    Raises
    ------
    KmcInputError
        If a frame is damaged.
    """
    tables = {frame.palette: _table_of(frame.palette) for frame in file.frames}
    # 0 is not an opaque colour and sorts first, so clear gets the number 0.
    colors = np.unique(np.concatenate([np.zeros(1, np.uint32), *tables.values()]))
    dtype = np.min_scalar_type(len(colors) - 1)
    numbers = {
        palette: np.searchsorted(colors, table).astype(dtype) for palette, table in tables.items()
    }
    entries = colors_of(colors, 4)
    screen = np.zeros((file.height, file.width), dtype)
    patches = (
        _patch(frame, number, numbers[frame.palette]) for number, frame in enumerate(file.frames)
    )
    for shown in composed(patches, screen):
        used, places = _used_in(shown, len(colors))
        if len(used) > MAX_COLORS:
            yield entries[shown]
            continue
        palette = entries[used]
        palette = to_channels(palette, common_channels_for(palette, 1))
        yield IndexedImage(palette, places)


def _used_in(numbers: NDArray[Any], most: int) -> tuple[NDArray[np.intp], NDArray[Any]]:
    """Return the used numbers below `most`, and the index of each pixel's number in them."""
    if most > numbers.size:
        # Small frames with palettes of their own would each need a table of all numbers.
        used, places = np.unique(numbers, return_inverse=True)
        places = places.reshape(numbers.shape).astype(index_dtype(len(used)))
        return used.astype(np.intp), places
    if numbers.dtype == np.uint8:
        # A few times faster.
        used = np.flatnonzero(Image.fromarray(numbers).histogram())
    else:
        used = np.flatnonzero(np.bincount(numbers.ravel()))
    places = np.zeros(most, index_dtype(min(len(used), MAX_COLORS)))
    places[used] = np.arange(len(used))
    return used, places[numbers]


def _table_of(palette: bytes) -> NDArray[np.uint32]:
    """Return 256 colours as numbers; those that a palette lacks are black."""
    colors = np.zeros((256, 4), np.uint8)
    colors[:, 3] = 255
    if palette:
        given = np.frombuffer(palette, np.uint8).reshape(-1, 3)
        colors[: len(given), :3] = given
    else:
        colors[:, :3] = np.arange(256, dtype=np.uint8)[:, None]
    return keys_of(colors)


def _patch(frame: GifFrame, number: int, numbers: NDArray[Any]) -> Patch:
    try:
        indices = frame.indices()
    except ValueError as error:
        raise KmcInputError(f"frame {number}: {error}") from error

    def draw(under: NDArray[Any]) -> NDArray[Any]:
        drawn = indices[: under.shape[0], : under.shape[1]]
        if frame.transparent is None:
            return numbers[drawn]
        return np.where(drawn == frame.transparent, under, numbers[drawn])

    place = frame.left, frame.top, frame.width, frame.height
    return Patch(*place, draw, frame.disposal)
