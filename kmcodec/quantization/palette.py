"""Pixels to palette and index map: histogram, k-means, rounding, assignment."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kmcodec.quantization.assign import nearest_entries
from kmcodec.quantization.colorspace import has_alpha, rounded_colors, to_coordinates
from kmcodec.quantization.histogram import Histogram, histogram, map_colors
from kmcodec.quantization.kmeans import kmeans

__all__ = ["quantize_pixels"]


def quantize_pixels(
    pixels: NDArray[np.uint8],
    k: int,
    *,
    init: str,
    seed: int,
    iterations: int,
    restarts: int,
) -> tuple[NDArray[np.uint8], NDArray[Any]]:
    """Find a palette of at most k colours and the nearest entry of each pixel.

    Parameters
    ----------
    pixels : ndarray, shape (H, W) or (H, W, C), uint8
        C = 2 to 4: grey and alpha, RGB, RGBA.
    k : int
        1 to 65,536. With no more than k colours in the image, the palette is those: lossless.
    init, seed, iterations, restarts
        See `kmeans`.

    Returns
    -------
    palette : ndarray, shape (at most k, C), uint8
        Centroids, rounded to 8 bits once, at the end; distinct, all used, dark to bright.
    indices : ndarray, shape (H, W), intp
    """
    colors = histogram(pixels)
    if len(colors.counts) <= k:
        palette = colors.colors[_dark_to_bright(colors.colors)]
    else:
        found = _palette_by_kmeans(colors, k, init, seed, iterations, restarts)
        used = np.unique(nearest_entries(colors.colors, found))
        palette = found[used]
    labels = _labels(colors.colors, palette)
    return palette, map_colors(pixels, colors.colors, labels)


def _palette_by_kmeans(
    colors: Histogram, k: int, init: str, seed: int, iterations: int, restarts: int
) -> NDArray[np.uint8]:
    points, weights = to_coordinates(colors.colors), colors.counts
    reserved = np.zeros((0, points.shape[1]), np.uint8)
    if has_alpha(points.shape[1]):
        points, weights = _distinct(points, weights)
        if k > 1 and not points[0].any():
            # What is fully transparent is one colour, and keeps an entry of its own.
            reserved = np.zeros((1, points.shape[1]), np.uint8)
            points, weights, k = points[1:], weights[1:], k - 1
    if len(points) > k:
        centroids = kmeans(
            points, weights, k, init=init, seed=seed, iterations=iterations, restarts=restarts
        )
    else:
        centroids = points.astype(np.float64)
    entries = np.concatenate([reserved, rounded_colors(centroids)])
    distinct = np.unique(entries, axis=0)
    return distinct[_dark_to_bright(distinct)]


def _distinct(
    points: NDArray[np.int64], weights: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Points that coincide made one, in ascending order."""
    distinct, inverse = np.unique(points, axis=0, return_inverse=True)
    return distinct, np.bincount(inverse.ravel(), weights).astype(np.int64)


def _labels(colors: NDArray[np.uint8], palette: NDArray[np.uint8]) -> NDArray[np.intp]:
    if len(colors) == len(palette):
        # As many entries as colours, and all of them used: each colour is its own entry. (With
        # alpha, colours that differ only where they are invisible are kept apart here.)
        order = np.lexsort(palette.T[::-1])
        if np.array_equal(palette[order], colors):
            return order
    return nearest_entries(colors, palette)


def _dark_to_bright(colors: NDArray[np.uint8]) -> NDArray[np.intp]:
    """Order of entries: transparent ones first, then by luma (Rec. 601), then by channels."""
    channels = colors.astype(np.int64).T
    luma = channels[0]
    if len(channels) >= 3:
        luma = 299 * channels[0] + 587 * channels[1] + 114 * channels[2]
    visible = channels[-1] > 0 if has_alpha(len(channels)) else np.ones(len(colors), bool)
    return np.lexsort((*channels[::-1], luma, visible))
