"""Frames of a `.kmc` file in any order, with no more of them decoded than have one palette."""

from __future__ import annotations

from bisect import bisect_right
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from kmcodec.container.metadata import DEFAULT_MAX_METADATA
from kmcodec.decoder import checked_metadata
from kmcodec.image import IndexedImage
from kmcodec.reader import DEFAULT_MAX_PIXELS, StripReader, palette_of

__all__ = ["FrameReader"]


class FrameReader:
    """Decodes frames as they are asked for; the scene of the last one is kept.

    Parameters
    ----------
    stream : binary file
        Seekable; the file begins at its start.
    max_pixels, max_metadata
        See `decode`; the pixels of all frames count.

    Attributes
    ----------
    metadata : Metadata

    Raises
    ------
    KmcFormatError, KmcLimitError
        See `decode`; indices are checked when they are decoded.
    """

    def __init__(
        self,
        stream: IO[bytes],
        *,
        max_pixels: int | None = DEFAULT_MAX_PIXELS,
        max_metadata: int | None = DEFAULT_MAX_METADATA,
    ) -> None:
        self._reader = StripReader(stream, max_pixels=max_pixels, max_metadata=max_metadata)
        self._reader.check_rows(0, self._reader.header.height)
        self.metadata = checked_metadata(self._reader)
        self._ends = self._reader.container.scene_ends
        self._decoded: tuple[int, NDArray[np.uint8], NDArray[Any]] | None = None

    def palette_of(self, frame: int) -> NDArray[np.uint8]:
        """The palette of a frame, shape (K, C); no pixel is decoded for it.

        Raises
        ------
        KmcFormatError
            If it is damaged.
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
            self._decoded = None  # never two at a time
            reader = self._reader.of_scene(scene)
            self._decoded = scene, reader.palette, reader.frames()
        _, palette, frames = self._decoded
        # From the end: the last frame of the scene is the last of these.
        return IndexedImage(palette, frames[number - self._ends[scene]], self.metadata)

    def _scene_of(self, frame: int) -> int:
        return bisect_right(self._ends, frame)
