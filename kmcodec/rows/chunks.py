"""Cut chunked arrays (Zarr, Dask, HDF5) so that each chunk is read once."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any

__all__ = ["chunk_ends", "spans"]


def chunk_ends(array: Any, axis: int) -> Sequence[int]:
    """Return the ends of an array's chunks along an axis; without chunks, every position."""
    length = array.shape[axis]
    chunks = getattr(array, "chunks", None)
    if not isinstance(chunks, tuple) or len(chunks) != len(array.shape):
        return range(1, length + 1)
    sizes = chunks[axis]
    # Dask gives the size of each chunk, the others one size for all.
    return list(accumulate(sizes)) if isinstance(sizes, tuple) else _regular_ends(sizes, length)


def _regular_ends(size: int, length: int) -> list[int]:
    return [*range(size, length, size), length]


def spans(ends: Sequence[int], most: int) -> Iterator[tuple[int, int]]:
    """Cut an axis between chunks.

    Parameters
    ----------
    ends : sequence of int
        Ends of the chunks, ascending.
    most : int
        Maximum length of a part; only a longer chunk exceeds it.

    Yields
    ------
    start, stop : int
    """
    start = 0
    while start < ends[-1]:
        fitting = bisect_right(ends, start + most)
        # If no chunk ends within the maximum, take the next end beyond it.
        stop = ends[max(fitting - 1, bisect_right(ends, start))]
        yield start, stop
        start = stop
