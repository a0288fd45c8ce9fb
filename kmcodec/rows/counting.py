"""Count the colours of images larger than memory block by block."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from kmcodec.parallel import in_turn
from kmcodec.quantization import Tally
from kmcodec.quantization.histogram import Histogram
from kmcodec.rows.source import RowSource

__all__ = ["block_rows", "count_rows"]

# Pixels to process at a time before strips are known.
_BLOCK = 1 << 20


def block_rows(width: int) -> int:
    """Return the number of rows with about a million pixels."""
    return max(1, _BLOCK // width)


def count_rows(
    source: RowSource, advance: Callable[[int], None] = lambda _: None
) -> tuple[Histogram, bool]:
    """Count the colours of rows, in threads.

    Parameters
    ----------
    source : RowSource
    advance : callable
        Called with the number of rows just counted.

    Returns
    -------
    histogram : Histogram
    exact : bool
        Whether each colour was counted separately; see `Tally`.
    """
    tally = Tally(source.channels)

    def count(pixels: NDArray[np.uint8]) -> int:
        tally.add(pixels)
        return len(pixels)

    for rows in in_turn(count, source.blocks(block_rows(source.width))):
        advance(rows)
    return tally.result()
