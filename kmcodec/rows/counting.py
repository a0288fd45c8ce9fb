"""The colours of images larger than memory, counted block by block."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from kmcodec.parallel import in_turn
from kmcodec.quantization import Tally
from kmcodec.quantization.histogram import Histogram
from kmcodec.rows.source import RowSource

__all__ = ["block_rows", "count_rows"]

# Pixels that are looked at at a time where there are no strips yet.
_BLOCK = 1 << 20


def block_rows(width: int) -> int:
    """Rows of about a million pixels."""
    return max(1, _BLOCK // width)


def count_rows(
    source: RowSource, advance: Callable[[int], None] = lambda _: None
) -> tuple[Histogram, bool]:
    """Count the colours of rows, in threads.

    Parameters
    ----------
    source : RowSource
    advance : callable
        Called with the number of rows that were just counted.

    Returns
    -------
    histogram : Histogram
    exact : bool
        Whether each colour was counted for itself; see `Tally`.
    """
    tally = Tally(source.channels)

    def count(pixels: NDArray[np.uint8]) -> int:
        tally.add(pixels)
        return len(pixels)

    for rows in in_turn(count, source.blocks(block_rows(source.width))):
        advance(rows)
    return tally.result()
