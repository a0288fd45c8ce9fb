"""Write animated PNG files: the changed part of each frame, in its own chunk."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from fractions import Fraction
from struct import Struct
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from kmcodec.errors import KmcInputError
from kmcodec.formats.apng import CONTROL, SIGNATURE, png_chunk, png_chunks
from kmcodec.formats.compose import Box, bounding_box
from kmcodec.formats.pillow_images import to_pillow
from kmcodec.model.image import IndexedImage
from kmcodec.model.keys import colors_of, keys_of
from kmcodec.model.pixels import to_channels

__all__ = ["delay_of", "write_apng"]

_MOST = 65_535
_ANIMATION, _NUMBER = Struct(">II"), Struct(">I")
_KEEP, _REPLACE = 0, 0


def write_apng(
    frames: Sequence[IndexedImage],
    delays: Sequence[Fraction],
    loop: int,
    options: Mapping[str, Any],
) -> bytes:
    """Write frames as an animated PNG.

    Parameters
    ----------
    frames : sequence of IndexedImage
        Frames of the same size and number of channels.
    delays : sequence of Fraction
        Seconds, as `delay_of` makes them.
    loop : int
        How often the frames are shown; 0 is forever.
    options : mapping
        Metadata, as Pillow's `save` takes it.

    Returns
    -------
    bytes

    Notes
    -----
    After PNG, third edition, sections 4.9 and 11.3.6. A frame is cropped to the rectangle that
    changes, and replaces the pixels there. Pillow compresses each one as a separate PNG.
    """
    shared = _of_one_palette(frames)
    start: list[bytes] = []
    parts: list[bytes] = []
    sequence, before = 0, None
    for number, frame in enumerate(frames if shared is None else shared):
        codes = _codes(frame.palette)[frame.indices]
        box = Box(0, 0, frame.width, frame.height)
        if before is not None:
            box = bounding_box(codes != before)
        before = codes
        delay = delays[number].numerator, delays[number].denominator
        place = box.width, box.height, box.left, box.top
        parts.append(png_chunk(b"fcTL", CONTROL.pack(sequence, *place, *delay, _KEEP, _REPLACE)))
        sequence += 1
        part = IndexedImage(frame.palette, frame.indices[box.slices])
        for kind, content in _encoded(part, shared is None, {} if number else options):
            if number == 0 and kind not in (b"IDAT", b"IEND"):
                start.append(png_chunk(kind, content))
            elif number == 0 and kind == b"IDAT":
                parts.append(png_chunk(kind, content))
            elif kind == b"IDAT":
                parts.append(png_chunk(b"fdAT", _NUMBER.pack(sequence) + content))
                sequence += 1
    start.append(png_chunk(b"acTL", _ANIMATION.pack(len(frames), loop)))
    return b"".join([SIGNATURE, *start, *parts, png_chunk(b"IEND", b"")])


def delay_of(milliseconds: int) -> Fraction:
    """Convert milliseconds to seconds, as the nearest fraction that an animated PNG can hold.

    Raises
    ------
    KmcInputError
        If no such fraction is near.
    """
    delay = Fraction(milliseconds, 1000)
    for unit in (100, 10, 1):
        if delay.numerator <= _MOST:
            break
        delay = Fraction(round(Fraction(milliseconds * unit, 1000)), unit)
    if delay.numerator > _MOST:
        raise KmcInputError(f"a PNG frame lasts at most {_MOST:,} s")
    return delay


def _of_one_palette(frames: Sequence[IndexedImage]) -> Sequence[IndexedImage] | None:
    """Return frames with one palette, if one fits them all."""
    first = frames[0].palette
    if all(frame.palette is first or np.array_equal(frame.palette, first) for frame in frames):
        return frames
    used = [_codes(frame.palette[np.unique(frame.indices)]) for frame in frames]
    united = np.unique(np.concatenate(used))
    if len(united) > 256:
        return None
    palette = to_channels(colors_of(united, 4)[:, ::-1], frames[0].channels)
    # Unused entries may go anywhere.
    return [
        IndexedImage(palette, np.searchsorted(united, _codes(frame.palette))[frame.indices])
        for frame in frames
    ]


def _codes(palette: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """Return each colour as a number, alpha first, so that a short chunk holds all alpha."""
    return keys_of(to_channels(palette, 4)[:, ::-1])


def _encoded(
    part: IndexedImage, as_pixels: bool, options: Mapping[str, Any]
) -> list[tuple[bytes, bytes]]:
    """Encode a still PNG; return kind and content of its chunks."""
    picture = Image.fromarray(part.to_array()) if as_pixels else to_pillow(part)
    stream = io.BytesIO()
    picture.save(stream, "PNG", **options)
    return [(kind, bytes(content)) for kind, content, _ in png_chunks(stream.getvalue())]
