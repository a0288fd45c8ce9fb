"""How many rows a strip has, if nobody says so.

What a strip has learned is lost to the next. On photos of 256 colours that costs about 1 kB a
strip, on pages of text and screens 4 to 10 kB; to stay below 1 % of the file, a strip of a photo
needs half a megapixel, one of a page ten times as many. What they have in common is the
number of pixels that are not as their neighbours, and so take most of the bits and of the time.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kmcodec.coding import count_unsurprising

__all__ = ["MAX_STRIP_ROWS", "BusySample", "in_whole_slices", "is_cut", "rows_of_strips"]

MAX_STRIP_ROWS = 65_535

# An image of no more pixels is one strip.
_ONE_STRIP = 1 << 22
# So many pixels of a strip are not as their neighbours, and so many it has at least and at most.
_BUSY = {"fastest": 1 << 21, "fast": 1 << 21, "default": 1 << 22, "max": 1 << 22}
_LEAST, _MOST = 1 << 21, 1 << 24
# With fewer in all, an image of that size is better off as one strip, and coded in about a second.
_ALONE = 1 << 21
# In how many places of an image its rows are looked at.
_PLACES = 64


def is_cut(width: int, height: int) -> bool:
    """Whether an image may have more than one strip."""
    return width * height > _ONE_STRIP


def rows_of_strips(width: int, height: int, effort: str | None, sample: BusySample | None) -> int:
    """Rows of a strip, so that there are one or an even number: they are coded in threads.

    Parameters
    ----------
    width, height : int
    effort : str or None
        Effort of the coding `context`; None for other codings, which learn little.
    sample : BusySample or None
        What has seen the image, for the coding `context`.

    Returns
    -------
    int
        0 for a single strip.
    """
    if not is_cut(width, height):
        return 0
    pixels = _LEAST
    if effort is not None and sample is not None:
        if width * height <= min(sample.pixels_for(_ALONE), _MOST):
            return 0
        pixels = min(max(sample.pixels_for(_BUSY[effort]), _LEAST), _MOST)
    pairs = max(1, (width * height + pixels) // (2 * pixels))
    return min(MAX_STRIP_ROWS, -(-height // (2 * pairs)))


def in_whole_slices(rows: int, slice_rows: int) -> int:
    """Return the rows of a strip rounded up to slices of a volume, if a strip may have so many.

    Parameters
    ----------
    rows : int
        0 for a single strip.
    slice_rows : int
        0 for an image that is no volume.
    """
    if not rows or not slice_rows:
        return rows
    whole = -(-rows // slice_rows) * slice_rows
    return whole if whole <= MAX_STRIP_ROWS else rows


class BusySample:
    """Looks at pairs of rows here and there to tell how busy an image is.

    A `Survey` tells it of all rows: here a few do, as their entries may have to be looked for.

    Parameters
    ----------
    width, height : int
    """

    def __init__(self, width: int, height: int) -> None:
        self._firsts = range(0, height - 1, max(2, height // _PLACES))
        self._row = 0
        self._last: NDArray[Any] | None = None
        self._seen = self._same = 0

    def pairs(self, block: NDArray[Any]) -> list[NDArray[Any]]:
        """The pairs to look at that end in the next block of rows.

        Parameters
        ----------
        block : ndarray, shape (rows, width, ...)
            Indices, or pixels of which to `add` the indices.
        """
        found = []
        for first in self._firsts:
            at = first - self._row
            if at == -1 and self._last is not None:
                found.append(np.concatenate([self._last, block[:1]]))
            elif 0 <= at < len(block) - 1:
                found.append(block[at : at + 2])
        self._row += len(block)
        self._last = block[-1:]
        return found

    def add(self, pair: NDArray[Any]) -> None:
        """Count a pair, shape (2, width)."""
        self._seen += pair.shape[1] - 1
        self._same += count_unsurprising(pair)

    def pixels_for(self, busy: int) -> int:
        """Of how many pixels, by what was seen, so many are not as their neighbours."""
        seen = max(1, self._seen)
        return busy * seen // max(1, seen - self._same)
