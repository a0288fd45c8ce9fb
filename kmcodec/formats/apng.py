"""Read animated PNG files: their chunks, and the picture of each frame."""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from struct import Struct
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin

from kmcodec.errors import KmcInputError
from kmcodec.formats.compose import Disposal, Patch, composed
from kmcodec.formats.faults import fault_of
from kmcodec.formats.pillow_images import from_pillow
from kmcodec.model.image import IndexedImage, index_dtype
from kmcodec.model.keys import colors_of, keys_of
from kmcodec.model.pixels import to_channels

__all__ = [
    "CONTROL",
    "SIGNATURE",
    "ApngFile",
    "ApngFrame",
    "apng_frames",
    "is_png",
    "parse_apng",
    "png_chunk",
    "png_chunks",
]

SIGNATURE = b"\x89PNG\r\n\x1a\n"
CONTROL = Struct(">IIIIIHHBB")
"""The chunk fcTL: its number, width, height, left, top, delay as a fraction, disposal, blending."""

_PLACE = Struct(CONTROL.format.replace("I", "", 1))
_SIZE = Struct(">II")
_LENGTH, _ANIMATION = Struct(">I"), Struct(">II")
_HEADER_SIZE = 13
# Chunks of colours, which all frames share, with their most bytes for 256 entries.
_SHARED = {b"PLTE": 768, b"tRNS": 256}
_FRAMES = (b"fcTL", b"fdAT", b"IDAT")
_PALETTE_TYPE, _GREY_TYPES = 3, (0, 4)


@dataclass(frozen=True)
class ApngFrame:
    """A frame as stored in the file.

    Parameters
    ----------
    left, top, width, height : int
    delay : float
        Milliseconds.
    disposal : Disposal
    over : bool
        Whether the frame is blended over the previous picture, by its alpha, or replaces it.
    data : list of bytes-like
        The compressed pixels.
    """

    left: int
    top: int
    width: int
    height: int
    delay: float
    disposal: Disposal
    over: bool
    data: list[memoryview] = field(default_factory=list)


@dataclass
class ApngFile:
    """The contents of an animated PNG.

    Parameters
    ----------
    header : bytes
        The chunk IHDR.
    loop : int
        How often the frames are shown; 0 is forever.
    shared : bytes
        The chunks that all frames need: palette and transparency.
    frames : list of ApngFrame
        Without the still picture for other viewers, if it is not a frame.
    hides_picture : bool
        Whether the still picture is not a frame.
    """

    header: bytes
    loop: int
    shared: bytes = b""
    frames: list[ApngFrame] = field(default_factory=list)
    hides_picture: bool = False

    @property
    def size(self) -> tuple[int, int]:
        """Return width and height."""
        return _LENGTH.unpack_from(self.header)[0], _LENGTH.unpack_from(self.header, 4)[0]


def is_png(data: bytes) -> bool:
    """Whether a file begins as a PNG."""
    return data.startswith(SIGNATURE)


def png_chunk(kind: bytes, content: bytes) -> bytes:
    """Return a chunk with its length and CRC."""
    crc = zlib.crc32(content, zlib.crc32(kind))
    return _LENGTH.pack(len(content)) + kind + content + _LENGTH.pack(crc)


def parse_apng(data: bytes) -> ApngFile | None:
    """Find the frames of an animated PNG, without decompressing them.

    Parameters
    ----------
    data : bytes
        The whole file.

    Returns
    -------
    ApngFile or None
        None if the file is not an animation.

    Raises
    ------
    KmcInputError
        If frames are missing or damaged.

    Notes
    -----
    After PNG, third edition, sections 4.9 and 11.3.6.
    """
    file: ApngFile | None = None
    header, expected, sequence = b"", 0, 0
    shared: dict[bytes, memoryview] = {}
    for kind, content, whole in png_chunks(data):
        if kind == b"IHDR" and len(content) == _HEADER_SIZE:
            header = bytes(content)
        elif kind in _SHARED:
            # Browsers use the first one; each frame gets a copy of it.
            shared.setdefault(kind, content)
        elif kind == b"acTL" and file is None and len(content) == _ANIMATION.size and header:
            expected, loop = _ANIMATION.unpack(content)
            file = ApngFile(header, loop)
        elif file is None and kind == b"IDAT":
            return None
        elif file is not None and kind in _FRAMES:
            begins = kind == b"fcTL"
            number = max(len(file.frames) - (not begins), 0)
            if not whole:
                raise KmcInputError(f"frame {number}: {kind.decode()} is damaged or cut off")
            if kind != b"IDAT":
                if content[:4] != _LENGTH.pack(sequence):
                    raise KmcInputError(f"frame {number}: chunk {sequence} is missing")
                sequence, content = sequence + 1, content[4:]
            if begins:
                file.frames.append(_frame_of(content, file.size, number))
            elif file.frames:
                file.frames[-1].data.append(content)
            else:
                file.hides_picture = True
    if file is None or not expected:
        return None
    if len(file.frames) < expected:
        raise KmcInputError(f"frame {len(file.frames)}: cut off")
    for kind, content in shared.items():
        if len(content) > _SHARED[kind]:
            raise KmcInputError(f"frame 0: {kind.decode()} has {len(content):,} bytes")
    file.shared = b"".join(png_chunk(kind, bytes(content)) for kind, content in shared.items())
    return file


def png_chunks(data: bytes) -> Iterator[tuple[bytes, memoryview, bool]]:
    """Yield kind and content of each chunk, and whether it is whole with a correct CRC."""
    view, at = memoryview(data), len(SIGNATURE)
    while at + 8 <= len(data):
        (length,) = _LENGTH.unpack_from(data, at)
        kind, content = bytes(view[at + 4 : at + 8]), view[at + 8 : at + 8 + length]
        at += 12 + length
        crc = _LENGTH.pack(zlib.crc32(content, zlib.crc32(kind)))
        yield kind, content, bytes(view[at - 4 : at]) == crc
        if kind == b"IEND":
            return


def _frame_of(content: memoryview, size: tuple[int, int], number: int) -> ApngFrame:
    if len(content) != _PLACE.size:
        raise KmcInputError(f"frame {number}: fcTL has {len(content) + 4} bytes")
    width, height, left, top, delay, unit, disposal, blending = _PLACE.unpack(content)
    inside = left + width <= size[0] and top + height <= size[1]
    if not (width and height and inside and disposal <= 2 and blending <= 1):
        raise KmcInputError(f"frame {number}: fcTL has values that are out of range")
    milliseconds = 1000 * delay / (unit or 100)
    place = left, top, width, height
    return ApngFrame(*place, milliseconds, Disposal(disposal), bool(blending))


def apng_frames(file: ApngFile) -> Sequence[IndexedImage | NDArray[np.uint8]]:
    """Return the picture on the screen at each frame.

    Parameters
    ----------
    file : ApngFile

    Returns
    -------
    sequence of IndexedImage
        For a file with a palette, with its entries unchanged, if the frames show only these and
        clear pixels.
    sequence of ndarray
        For all other files.

    Raises
    ------
    KmcInputError
        If a frame is damaged.
    """
    parts = [_decoded(file, number) for number in range(len(file.frames))]
    entries = [part for part in parts if isinstance(part, IndexedImage)]
    if len(entries) == len(parts) and file.header[9] == _PALETTE_TYPE:
        # Pillow adds used entries that the file lacks: the longest palette has all of them.
        palette = max((part.palette for part in entries), key=len)
        opaque = palette[:, 3] if palette.shape[1] == 4 else np.full(len(palette), 255, np.uint8)
        pairs = zip(entries, file.frames, strict=True)
        blended = (part.indices for part, frame in pairs if frame.over)
        if all(np.isin(opaque[indices], (0, 255)).all() for indices in blended):
            return _of_entries(file, palette, opaque, entries)
    return _of_pixels(file, parts)


def _decoded(file: ApngFile, number: int) -> IndexedImage | NDArray[np.uint8]:
    """Decode a frame by itself, as Pillow reads it from a PNG of this frame alone."""
    frame = file.frames[number]
    header = _SIZE.pack(frame.width, frame.height) + file.header[_SIZE.size :]
    alone = SIGNATURE + png_chunk(b"IHDR", header) + file.shared
    alone += png_chunk(b"IDAT", b"".join(frame.data)) + png_chunk(b"IEND", b"")
    try:
        return from_pillow(PngImagePlugin.PngImageFile(io.BytesIO(alone)))
    except MemoryError:
        raise
    except Exception as error:  # Pillow's readers may raise anything on damaged files
        raise KmcInputError(f"frame {number}: {fault_of(error)}") from error


def _of_entries(
    file: ApngFile,
    palette: NDArray[np.uint8],
    opaque: NDArray[np.uint8],
    parts: Sequence[IndexedImage],
) -> list[IndexedImage]:
    """Compose frames by entry numbers; on the screen 0 is clear, so they are one higher."""

    def patch(frame: ApngFrame, indices: NDArray[Any]) -> Patch:
        numbers = indices.astype(np.uint16) + 1

        def draw(under: NDArray[Any]) -> NDArray[Any]:
            return np.where(opaque[indices] == 0, under, numbers) if frame.over else numbers

        return Patch(frame.left, frame.top, frame.width, frame.height, draw, frame.disposal)

    width, height = file.size
    screen = np.zeros((height, width), np.uint16)
    patches = (patch(frame, part.indices) for frame, part in zip(file.frames, parts, strict=True))
    shown = [numbers.copy() for numbers in composed(patches, screen)]
    (clear,) = np.nonzero(opaque == 0)
    place = int(clear[0]) if len(clear) else len(palette)
    if place == len(palette) and any(not numbers.all() for numbers in shown):
        palette = np.vstack([to_channels(palette, 4), np.zeros((1, 4), np.uint8)])
    dtype = index_dtype(len(palette))
    return [
        IndexedImage(palette, np.where(numbers == 0, place, numbers - 1).astype(dtype))
        for numbers in shown
    ]


def _of_pixels(
    file: ApngFile, parts: Sequence[IndexedImage | NDArray[np.uint8]]
) -> list[NDArray[np.uint8]]:
    def patch(frame: ApngFrame, part: IndexedImage | NDArray[np.uint8]) -> Patch:
        pixels = part.to_array() if isinstance(part, IndexedImage) else part
        flat = pixels.reshape(frame.width * frame.height, -1)
        codes = keys_of(to_channels(flat, 4)).reshape(frame.height, frame.width)

        def draw(under: NDArray[Any]) -> NDArray[Any]:
            return _over(codes, under) if frame.over else codes

        return Patch(frame.left, frame.top, frame.width, frame.height, draw, frame.disposal)

    width, height = file.size
    screen = np.zeros((height, width), np.uint32)
    patches = (patch(frame, part) for frame, part in zip(file.frames, parts, strict=True))
    frames = [colors_of(codes, 4) for codes in composed(patches, screen)]
    channels = [0] if file.header[9] in _GREY_TYPES else [0, 1, 2]
    if any((frame[..., 3] < 255).any() for frame in frames):
        channels.append(3)
    return [np.ascontiguousarray(frame[..., channels]) for frame in frames]


def _over(codes: NDArray[np.uint32], under: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Blend colours over others, by their alpha."""
    front, back = (Image.fromarray(colors_of(each, 4)) for each in (codes, under))
    blended = np.array(Image.alpha_composite(back, front))
    return keys_of(blended)
