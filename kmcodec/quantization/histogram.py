"""Distinct colours and how often each occurs: the data set that k-means works on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Histogram", "histogram", "map_colors"]

# From this many pixels on, counting in a table of 2**24 beats sorting.
_TABLE_FROM = 1 << 19


@dataclass(frozen=True)
class Histogram:
    """The colours of an image.

    Parameters
    ----------
    colors : ndarray, shape (N, C), uint8
        Distinct, in ascending order (first channel first).
    counts : ndarray, shape (N,), int64
        Pixels of each colour, all positive.
    """

    colors: NDArray[np.uint8]
    counts: NDArray[np.int64]


def histogram(pixels: NDArray[np.uint8]) -> Histogram:
    """Count the colours of an image exactly.

    Parameters
    ----------
    pixels : ndarray, shape (H, W) or (H, W, C), uint8

    Returns
    -------
    Histogram
    """
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    keys = _keys(pixels).ravel()
    if _use_table(keys.size, channels):
        table = np.bincount(keys, minlength=1)
        distinct = np.flatnonzero(table)
        counts = table[distinct]
    else:
        distinct, counts = np.unique(keys, return_counts=True)
    shifts = np.arange(8 * (channels - 1), -1, -8)
    colors = (distinct[:, np.newaxis] >> shifts) & 255
    return Histogram(colors.astype(np.uint8), counts.astype(np.int64))


def map_colors(
    pixels: NDArray[np.uint8], colors: NDArray[np.uint8], values: NDArray[Any]
) -> NDArray[Any]:
    """Replace each pixel by the value that belongs to its colour.

    Parameters
    ----------
    pixels : ndarray, shape (H, W) or (H, W, C), uint8
    colors : ndarray, shape (N, C), uint8
        Distinct and ascending, as in a `Histogram`; every colour of `pixels` is among them.
    values : ndarray, shape (N,)

    Returns
    -------
    ndarray, shape (H, W), dtype of `values`
    """
    keys = _keys(pixels)
    color_keys = _keys(colors[np.newaxis])[0]
    if _use_table(keys.size, colors.shape[1]):
        table = np.zeros(int(color_keys[-1]) + 1, values.dtype)
        table[color_keys] = values
        return table[keys]
    return values[np.searchsorted(color_keys, keys)]


def _keys(pixels: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """Colours as numbers, first channel most significant; shape (H, W)."""
    if pixels.ndim == 2:
        return pixels.astype(np.uint32)
    keys: NDArray[np.uint32] = pixels[..., 0].astype(np.uint32)
    for channel in range(1, pixels.shape[2]):
        keys <<= 8
        keys |= pixels[..., channel]
    return keys


def _use_table(pixels: int, channels: int) -> bool:
    return channels < 3 or (channels == 3 and pixels >= _TABLE_FROM)
