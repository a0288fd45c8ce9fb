"""Images read in blocks of rows, as often as needed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from kmcodec.errors import KmcInputError, KmcLossWarning, warn
from kmcodec.model.checks import checked_integer
from kmcodec.model.image import MAX_SIDE, IndexedImage
from kmcodec.model.pixels import as_pixels
from kmcodec.rows.chunks import chunk_ends, spans

__all__ = ["RowSource", "Rows"]

# Pixels of an array to read at a time, so that each chunk is read once. Taller chunks are read
# again rather than kept.
_HIGHEST_BAND = 1 << 26

Rows: TypeAlias = "Callable[[], Iterable[ArrayLike]] | ArrayLike"


class RowSource:
    """The pixels of an image, block by block.

    Parameters
    ----------
    rows, width, height
        See `kmcodec.encode_rows`.

    Attributes
    ----------
    width, height, channels : int

    Raises
    ------
    KmcInputError
        If `rows` is wrong.

    Warns
    -----
    KmcLossWarning
        Once, at the first row that loses bits.
    """

    def __init__(self, rows: Rows, width: int | None, height: int | None) -> None:
        if isinstance(rows, (Image.Image, IndexedImage)):
            raise KmcInputError("encode() takes images, encode_rows() takes rows of pixels")
        self._rows: Any = rows if callable(rows) or hasattr(rows, "shape") else np.asarray(rows)
        if not callable(rows):
            height, width = self._checked_size(width, height)
        if width is None or height is None:
            raise KmcInputError("a callable needs width and height")
        self.width = checked_integer("width", width, 1, MAX_SIDE)
        self.height = checked_integer("height", height, 1, MAX_SIDE)
        first = self._first_row()
        if first is None:
            raise KmcInputError(f"got no rows, expected {self.height:,}")
        self._dtype = first.dtype
        self._lost: set[str] = set()
        self.channels = self._pixels(first, 0).shape[2]

    def blocks(self, rows: int) -> Iterator[NDArray[np.uint8]]:
        """Yield blocks, shape (rows, width, channels); the last may have fewer rows.

        Raises
        ------
        KmcInputError
            If blocks have another shape or dtype than the first, are not pixels, or have too few or
            too many rows in all.
        """
        # At most one block, dropped after it was yielded.
        kept: list[NDArray[np.uint8]] = []
        filled = done = 0
        for raw in self._raw_blocks(rows):
            block = self._pixels(raw, done)
            done += len(block)
            if block.shape[1:] != (self.width, self.channels) or done > self.height:
                raise KmcInputError(
                    f"blocks of rows must have shape (n, {self.width}, {self.channels}), "
                    f"{self.height:,} rows in all: this one, up to row {done - 1:,}, has "
                    f"{np.shape(raw)}"
                )
            while len(block):
                if not kept:
                    due = min(rows, self.height - done + len(block))
                    kept, filled = [np.empty((due, self.width, self.channels), np.uint8)], 0
                part = block[: len(kept[0]) - filled]
                kept[0][filled : filled + len(part)] = part
                filled, block = filled + len(part), block[len(part) :]
                if filled == len(kept[0]):
                    yield kept.pop()
        if done != self.height:
            raise KmcInputError(f"got {done:,} rows, expected {self.height:,}")

    def _checked_size(self, width: int | None, height: int | None) -> tuple[int, int]:
        shape = self._rows.shape
        if len(shape) not in (2, 3):
            raise KmcInputError(f"pixels must have shape (height, width[, channels]), not {shape}")
        if (height or shape[0], width or shape[1]) != shape[:2]:
            raise KmcInputError(f"pixels of shape {shape} are not {width} x {height}")
        return shape[0], shape[1]

    def _first_row(self) -> NDArray[Any] | None:
        if callable(self._rows):
            return next(self._raw_blocks(1), None)
        return np.asarray(self._rows[:1])

    def _raw_blocks(self, rows: int) -> Iterator[NDArray[Any]]:
        if callable(self._rows):
            blocks = map(np.asarray, self._rows())
            yield from (block for block in blocks if block.shape[:1] != (0,))
            return
        highest = max(1, _HIGHEST_BAND // self.width)
        for top, bottom in spans(chunk_ends(self._rows, 0), rows):
            for start in range(top, bottom, highest):
                yield np.asarray(self._rows[start : min(start + highest, bottom)])

    def _lose(self, what: str) -> None:
        if what not in self._lost:
            self._lost.add(what)
            warn(what, KmcLossWarning)

    def _pixels(self, raw: NDArray[Any], first: int) -> NDArray[np.uint8]:
        if raw.dtype != self._dtype:
            raise KmcInputError(
                f"the dtype changes from {self._dtype} to {raw.dtype} at row {first:,}"
            )
        try:
            pixels = as_pixels(raw, self._lose)
        except KmcInputError as error:
            raise KmcInputError(f"from row {first:,}: {error}") from error
        return pixels.reshape(*pixels.shape[:2], -1)
