"""Find distinct keys in steps: one sort of millions would ignore Ctrl-C for seconds."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kmcodec.parallel import heed_stop

__all__ = ["distinct_keys", "distinct_rows", "first_of"]

# Keys to sort at a time.
_STEP = 1 << 20


def distinct_keys(keys: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.intp]]:
    """Return distinct keys and the place of each key among them, as `numpy.unique` does.

    Parameters
    ----------
    keys : ndarray, shape (N,)
        Whole numbers.

    Returns
    -------
    distinct : ndarray, shape (M,)
        Ascending.
    places : ndarray, shape (N,), intp
        ``distinct[places]`` are the keys.
    """
    if len(keys) <= _STEP:
        distinct, places = np.unique(keys, return_inverse=True)
        return distinct, places
    # Sorting keys alone takes a fraction of the time of finding their places.
    bounds = np.unique(np.sort(keys)[_STEP::_STEP])
    places = np.empty(len(keys), np.intp)
    found: list[NDArray[Any]] = []
    count = 0
    for part in range(len(bounds) + 1):
        heed_stop()
        own = np.ones(len(keys), bool)
        if part:
            own &= keys >= bounds[part - 1]
        if part < len(bounds):
            own &= keys < bounds[part]
        at = np.flatnonzero(own)
        distinct, inverse = np.unique(keys[at], return_inverse=True)
        places[at] = inverse + count
        count += len(distinct)
        found.append(distinct)
    return np.concatenate(found), places


def distinct_rows(
    points: NDArray[np.int64], bits: int
) -> tuple[NDArray[np.int64], NDArray[np.intp]]:
    """Return distinct points and the place of each point among them.

    Parameters
    ----------
    points : ndarray, shape (N, D), int64
        Coordinates in 0 ... 2**bits - 1, D times `bits` at most 63.
    bits : int
    """
    keys = np.zeros(len(points), np.int64)
    for column in points.T:
        keys = (keys << bits) | column
    distinct, places = distinct_keys(keys)
    shifts = np.arange(points.shape[1] - 1, -1, -1) * bits
    return (distinct[:, np.newaxis] >> shifts) & ((1 << bits) - 1), places


def first_of(values: NDArray[Any], count: int) -> NDArray[np.intp]:
    """Return the positions of the `count` >= 1 least values, ascending; the first wins ties."""
    if count < len(values):
        few = np.flatnonzero(values <= np.partition(values, count - 1)[count - 1])
        return np.asarray(few[np.argsort(values[few], kind="stable")[:count]])
    return np.argsort(values, kind="stable")[:count]
