"""Decode frames of a `.kmc` file: all at once, or in any order."""

from __future__ import annotations

import io
from bisect import bisect_right
from collections.abc import Iterator
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from kmcodec.animation.value import Animation
from kmcodec.container.layout import Strip
from kmcodec.decoder import checked_metadata
from kmcodec.model.frozen import owned
from kmcodec.model.image import IndexedImage, index_dtype
from kmcodec.model.limits import DEFAULT_MAX_METADATA, DEFAULT_MAX_PIXELS, Limits
from kmcodec.parallel import in_groups
from kmcodec.reading.strip_reader import StripReader, palette_of

__all__ = ["FrameReader", "decode_frames", "read_frames"]


def decode_frames(
    data: bytes,
    *,
    max_pixels: int | None = DEFAULT_MAX_PIXELS,
    max_metadata: int | None = DEFAULT_MAX_METADATA,
) -> Animation:
    """Decode all frames of a `.kmc` file; a file without a frame table has one.

    Parameters
    ----------
    data : bytes-like
        The whole file.
    max_pixels, max_metadata
        See `decode`; the pixels of all frames count.

    Returns
    -------
    Animation

    Raises
    ------
    KmcFormatError, KmcLimitError
        See `decode`.
    """
    return read_frames(io.BytesIO(data), Limits(max_pixels=max_pixels, max_metadata=max_metadata))


def read_frames(
    stream: IO[bytes],
    limits: Limits,
) -> Animation:
    """Decode all frames from a stream; see `decode_frames`.

    Parameters
    ----------
    stream : binary file
        Seekable; the file begins at its start.
    limits : Limits

    Returns
    -------
    Animation

    Raises
    ------
    KmcFormatError, KmcLimitError
        See `decode`.
    """
    reader = StripReader(stream, limits)
    table, scenes = reader.container.frames, reader.container.scenes
    reader.check_rows(0, reader.header.height)
    metadata = checked_metadata(reader)
    palettes: list[NDArray[np.uint8]] = []
    sheets: list[NDArray[Any]] = []

    def strips() -> Iterator[tuple[StripReader, NDArray[Any], Strip, bytes]]:
        for number, scene in enumerate(scenes):
            own = reader.of_scene(number)
            palettes.extend([own.palette] * (scene.frames if scenes[1:] else 1))
            sheets.append(own.blank(own.header.height))
            for strip in own.strips():
                yield own, sheets[-1], strip, own.container.payload(strip)

    def decode_into(item: tuple[StripReader, NDArray[Any], Strip, bytes]) -> None:
        own, sheet, strip, payload = item
        sheet[slice(*strip.rows)] = own.decode(strip, payload)

    for _ in in_groups(decode_into, strips()):
        pass
    header = reader.header
    dtype = index_dtype(max(scene.entries for scene in scenes))
    indices = np.empty((table.count, header.height, header.width), dtype)
    for sheet, scene, end in zip(sheets, scenes, reader.container.scene_ends, strict=True):
        indices[end - scene.frames : end] = reader.frames_in(sheet)
    durations = table.durations
    if len(durations) != table.count:
        durations *= table.count
    return Animation(tuple(palettes), owned(indices), durations, table.loop, metadata)


class FrameReader:
    """Decode frames on demand; the scene of the last one stays in memory.

    Parameters
    ----------
    stream : binary file
        Seekable; the file begins at its start.
    limits : Limits

    Attributes
    ----------
    metadata : Metadata

    Raises
    ------
    KmcFormatError, KmcLimitError
        See `decode`; indices are checked on decoding.
    """

    def __init__(self, stream: IO[bytes], limits: Limits) -> None:
        self._reader = StripReader(stream, limits)
        self._reader.check_rows(0, self._reader.header.height)
        self.metadata = checked_metadata(self._reader)
        self._ends = self._reader.container.scene_ends
        self._decoded: tuple[int, NDArray[np.uint8], NDArray[Any]] | None = None

    def palette_of(self, frame: int) -> NDArray[np.uint8]:
        """Return the palette of a frame, shape (K, C), without decoding any pixels.

        Raises
        ------
        KmcFormatError
            If the palette is damaged.
        """
        return palette_of(self._reader.container, self._scene_of(frame))

    def frame(self, number: int) -> IndexedImage:
        """Decode a frame.

        Raises
        ------
        KmcFormatError
            If its scene is damaged.
        """
        scene = self._scene_of(number)
        if self._decoded is None or self._decoded[0] != scene:
            self._decoded = None  # keep at most one scene in memory
            reader = self._reader.of_scene(scene)
            frames = reader.frames_in(reader.rows(0, reader.header.height))
            self._decoded = scene, reader.palette, frames
        _, palette, frames = self._decoded
        # Index from the end: the last frame of the scene is the last of these.
        return IndexedImage(palette, frames[number - self._ends[scene]], self.metadata)

    def _scene_of(self, frame: int) -> int:
        return bisect_right(self._ends, frame)
