"""Distinct colours and their counts: the data that k-means clusters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kmcodec.model.keys import colors_of, keys_of
from kmcodec.parallel import in_threads, thread_count
from kmcodec.quantization import kernels
from kmcodec.quantization.distinct import distinct_keys

__all__ = [
    "ColorMap",
    "Histogram",
    "histogram",
    "index_colors",
]

# Pixels are processed in groups to save memory.
_GROUP = 1 << 20
_PIXELS_A_THREAD = 1 << 21


@dataclass(frozen=True)
class Histogram:
    """The colours of an image, or of several.

    Parameters
    ----------
    colors : ndarray, shape (N, C), uint8
        Distinct, in ascending order (first channel first).
    counts : ndarray, shape (N,), int64
        Pixels of each colour, all positive.
    """

    colors: NDArray[np.uint8]
    counts: NDArray[np.int64]

    def __add__(self, other: Histogram) -> Histogram:
        """Return the histogram of both images together; they have the same channels."""
        keys = np.concatenate([keys_of(self.colors), keys_of(other.colors)])
        counts = np.concatenate([self.counts, other.counts])
        # Both are sorted already, which makes a stable sort fast.
        order = np.argsort(keys, kind="stable")
        keys = keys[order]
        first = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
        summed = np.add.reduceat(counts[order], first)
        return Histogram(colors_of(keys[first], self.colors.shape[1]), summed)


def histogram(pixels: NDArray[np.uint8]) -> Histogram:
    """Count the colours of an image exactly.

    Parameters
    ----------
    pixels : ndarray, shape (H, W) or (H, W, C), uint8

    Returns
    -------
    Histogram
    """
    return index_colors(pixels)[0]


class ColorMap:
    """The colour of each pixel, as its place in a histogram.

    Parameters
    ----------
    shape : tuple of int
        (H, W).
    parts : list of (ndarray of uint32, ndarray of int)
        For each part: a number for each of its pixels, row by row, and the row in the histogram
        of the colour with each number.
    """

    def __init__(
        self, shape: tuple[int, ...], parts: list[tuple[NDArray[np.uint32], NDArray[np.int32]]]
    ) -> None:
        self._shape = shape
        self._parts = parts

    def replace(self, values: NDArray[Any]) -> NDArray[Any]:
        """Replace each colour by a value.

        Parameters
        ----------
        values : ndarray, shape (N,)
            In the order of the histogram.

        Returns
        -------
        ndarray, shape (H, W), dtype of `values`
        """
        replaced = np.empty(self._shape, values.dtype)
        flat, begin = replaced.ravel(), 0
        for numbers, rank in self._parts:
            ranked = values[rank]
            for start in range(0, len(numbers), _GROUP):
                group = numbers[start : start + _GROUP]
                np.take(ranked, group, out=flat[begin : begin + len(group)])
                begin += len(group)
        return replaced


def index_colors(pixels: NDArray[np.uint8]) -> tuple[Histogram, ColorMap]:
    """Count the colours of an image, and record the colour of each pixel.

    Parameters
    ----------
    pixels : ndarray, shape (H, W) or (H, W, C), uint8

    Returns
    -------
    histogram : Histogram
    colors : ColorMap
    """
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    flat = np.ascontiguousarray(pixels).reshape(-1, channels)
    count = _by_table if kernels.ColorCounter else _by_sorting

    def of_part(part: int, parts: int) -> tuple[Any, Any, Any]:
        return count(flat[len(flat) * part // parts : len(flat) * (part + 1) // parts])

    counted = in_threads(of_part, min(thread_count(), 1 + len(flat) // _PIXELS_A_THREAD))
    keys = np.concatenate([part[0] for part in counted])
    counts = np.concatenate([part[1] for part in counted])
    distinct, inverse = distinct_keys(keys)
    # bincount sums in float64, exact below 2**53 pixels.
    found = Histogram(colors_of(distinct, channels), np.bincount(inverse, counts).astype(np.int64))
    ends = np.cumsum([len(part[0]) for part in counted])[:-1]
    ranks = np.split(inverse.astype(np.int32), ends)
    numbers = [part[2] for part in counted]
    return found, ColorMap(pixels.shape[:2], list(zip(numbers, ranks, strict=True)))


def _by_table(
    flat: NDArray[np.uint8],
) -> tuple[NDArray[np.uint32], NDArray[np.int64], NDArray[np.uint32]]:
    counter = kernels.ColorCounter(flat.shape[1])
    numbers = np.empty(len(flat), np.uint32)
    counter.add(flat, numbers)
    keys, counts = counter.result()
    return keys, counts, numbers


def _by_sorting(
    flat: NDArray[np.uint8],
) -> tuple[NDArray[np.uint32], NDArray[np.int64], NDArray[np.uint32]]:
    """The twin of `_by_table`."""
    keys, numbers = distinct_keys(keys_of(flat))
    return keys, np.bincount(numbers).astype(np.int64), numbers.astype(np.uint32)
