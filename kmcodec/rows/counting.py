"""Count the colours of images larger than memory block by block."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from kmcodec.parallel import in_turn
from kmcodec.quantization import Tally
from kmcodec.quantization.counted import Counted
from kmcodec.quantization.even_blocks import BlockFinder
from kmcodec.quantization.squares import Squares, no_squares, squares_of
from kmcodec.quantization.tints import find_tints
from kmcodec.rows.source import RowSource

__all__ = ["block_rows", "count_rows"]

_Block = tuple[NDArray[np.uint8], NDArray[np.uint8] | None]

# Pixels to process at a time before strips are known.
_BLOCK = 1 << 20


def block_rows(width: int) -> int:
    """Return the number of rows with about a million pixels."""
    return max(1, _BLOCK // width)


def count_rows(
    source: RowSource,
    advance: Callable[[int], None] = lambda _: None,
    *,
    places: bool = True,
) -> tuple[Counted, bool]:
    """Count the colours of rows, in threads.

    Parameters
    ----------
    source : RowSource
    advance : callable
        Called with the number of rows just counted.
    places : bool
        Whether to look for marks and tints too.

    Returns
    -------
    counted : Counted
    exact : bool
        Whether each colour was counted separately; see `Tally`.
    """
    tally, finder = Tally(source.channels), BlockFinder(source.height, source.width)
    squares = no_squares()

    def count(block: _Block) -> tuple[int, Squares | None]:
        pixels, above = block
        tally.add(pixels)
        return len(pixels), squares_of(pixels, above) if places else None

    def blocks() -> Iterator[_Block]:
        above = None
        for pixels in source.blocks(block_rows(source.width)):
            if places:
                finder.add(pixels)
            yield pixels, above
            # A view would keep the whole block in memory.
            above = pixels[-1].copy()

    for rows, found in in_turn(count, blocks()):
        if found is not None:
            squares += found
        advance(rows)
    histogram, exact = tally.result()
    return Counted(histogram, squares, find_tints(finder.result())), exact
