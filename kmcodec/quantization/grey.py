"""The exact best palette of a grey image: in one dimension dynamic programming can find it.

Sorted levels fall into groups of neighbours, one for each entry, and the best grouping of the
first j levels into m groups extends a best grouping of fewer levels into m - 1. That makes the
problem one of dynamic programming: Wu, "Optimal quantization by matrix searching", Journal of
Algorithms 12(4), 1991, section 2; Wang and Song, "Ckmeans.1d.dp: optimal k-means clustering in
one dimension by dynamic programming", The R Journal 3(2), 2011. This module minimises the error
of the 8-bit palette itself, not of centroids that are rounded afterwards.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kmcodec.errors import KmcLimitError

__all__ = ["MAX_COUNT", "best_grey_palette"]

MAX_COUNT = 1 << 48
"""The most pixels: their mean squared error is below 2**14, so the sum is below 2**62."""

# Larger than any sum of squared errors, and twice this still fits an int64.
_NEVER = 1 << 62


def best_grey_palette(
    levels: NDArray[np.uint8], counts: NDArray[np.int64], k: int
) -> NDArray[np.uint8]:
    """Return the palette of at most k whole levels with the least squared error.

    Minimises the sum of ``counts * (levels - nearest entry)**2``.

    Parameters
    ----------
    levels : ndarray, shape (N,), uint8
        At least one, distinct, in any order.
    counts : ndarray, shape (N,), int64
        Pixels of each level: positive, at most 2**48 in all.
    k : int
        At least 1.

    Returns
    -------
    ndarray, shape (min(k, N),), uint8
        Ascending, distinct, each the nearest entry of some level. With k >= N the levels
        themselves. A group of levels whose mean lies halfway between two whole numbers takes the
        lower one as its entry. Of several best groupings the one whose last (brightest) group
        begins lowest wins; then the one before decides in the same way, and so on.

    Raises
    ------
    KmcLimitError
        If there are more than 2**48 pixels.
    """
    if sum(counts.tolist()) > MAX_COUNT:
        raise KmcLimitError(f"the image has more than {MAX_COUNT:,} pixels")
    order = np.argsort(levels)
    ascending = levels[order].astype(np.int64)
    if k >= len(ascending):
        return levels[order]
    entries, errors = _groups(ascending, counts[order])
    starts = _best_starts(errors, k)
    ends = [*starts[1:], len(ascending)]
    return np.array(
        [entries[end - 1, start] for start, end in zip(starts, ends, strict=True)], np.uint8
    )


def _groups(
    levels: NDArray[np.int64], counts: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the best entry of every group of neighbouring levels, and its squared error.

    Returns
    -------
    entries, errors : ndarray, shape (N, N), int64
        Row j and column i <= j hold the values for the levels i to j; the error is `_NEVER` where
        i > j.
    """
    weight, moment, square = (_range_sums(counts * levels**power) for power in range(3))
    exists = np.tri(len(levels), dtype=bool)
    weight[~exists] = 1
    # The error is a parabola over the entries with its vertex at the mean, so the best whole
    # entry is the nearest to the mean. Round halves down.
    entries = (2 * moment + weight - 1) // (2 * weight)
    # Terms may exceed 64 bits, their sum does not, so arithmetic modulo 2**64 is exact.
    entry, s0, s1, s2 = (a.astype(np.uint64) for a in (entries, weight, moment, square))
    errors = (entry * entry * s0 + s2 - np.uint64(2) * entry * s1).astype(np.int64)
    errors[~exists] = _NEVER
    return entries, errors


def _range_sums(values: NDArray[np.int64]) -> NDArray[Any]:
    """Return the sums of values i to j in row j and column i, modulo 2**64."""
    before = np.concatenate([[0], np.cumsum(values)])
    return np.asarray(before[1:, np.newaxis] - before[np.newaxis, :-1])


def _best_starts(errors: NDArray[np.int64], k: int) -> list[int]:
    """Return the start of each of k groups in the best grouping; k < N.

    Exactly k groups are best: dividing a group never adds error.
    """
    # least[j] is the error of the levels up to j in as many groups as rounds so far. With m
    # groups before it, a group cannot begin before level m, so the tables shrink each round.
    least = errors[:, 0]
    choices = []
    for m in range(1, k):
        table = errors[m:, m:] + least[np.newaxis, :-1]
        choice = table.argmin(axis=1)
        choices.append(choice + m)
        least = table[np.arange(len(table)), choice]
    starts = [len(errors)]
    for m in range(k - 1, 0, -1):
        starts.append(int(choices[m - 1][starts[-1] - 1 - m]))
    return [0, *reversed(starts[1:])]
