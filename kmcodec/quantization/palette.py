"""Pixels to palette and index map: histogram, k-means, rounding, assignment."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kmcodec.model.image import index_dtype
from kmcodec.model.palette_order import dark_to_bright
from kmcodec.quantization.alpha_rounding import rounded_with_alpha
from kmcodec.quantization.alpha_samples import AlphaSamples
from kmcodec.quantization.assign import nearest_entries
from kmcodec.quantization.centroids import find_centroids
from kmcodec.quantization.colorspace import ColorSpace, has_alpha
from kmcodec.quantization.distinct import distinct_rows
from kmcodec.quantization.dither import dither
from kmcodec.quantization.grey import best_grey_palette
from kmcodec.quantization.histogram import Histogram, index_colors
from kmcodec.quantization.request import Placing, Search
from kmcodec.quantization.rounding import rounded
from kmcodec.quantization.samples import Samples

__all__ = ["apply_palette", "find_palette", "quantize_pixels", "renumbering"]


def quantize_pixels(
    pixels: NDArray[np.uint8], k: int, search: Search, placing: Placing
) -> tuple[NDArray[np.uint8], NDArray[Any]]:
    """Find a palette of at most k colours, and an entry for each pixel.

    Parameters
    ----------
    pixels : ndarray, shape (H, W) or (H, W, C), uint8
        C = 2 to 4: grey and alpha, RGB, RGBA.
    k : int
        1 to 65,536. If the image has no more than k colours, they are the palette: lossless.
    search : Search
    placing : Placing

    Returns
    -------
    palette : ndarray, shape (at most k, C), uint8
        Distinct, all used, dark to bright.
    indices : ndarray, shape (H, W), uint8 for up to 256 entries, else uint16
    """
    colors, places = index_colors(pixels)
    palette, labels = find_palette(colors, k, search)
    if placing.dithers and len(colors.counts) > k:
        dithered = dither(pixels, palette, placing.dither, placing.dither_amount)
        return _only_used(palette, dithered)
    palette, labels = _only_used(palette, labels)
    return palette, places.replace(labels)


def find_palette(
    colors: Histogram, k: int, search: Search
) -> tuple[NDArray[np.uint8], NDArray[Any]]:
    """Find a palette of at most k colours for those of a histogram.

    Parameters
    ----------
    colors : Histogram
    k : int
        See `quantize_pixels`.
    search : Search

    Returns
    -------
    palette : ndarray, shape (at most k, C), uint8
        Distinct, dark to bright; some entries may be nearest to no colour.
    labels : ndarray, shape (N,), integer
        The entry of each colour.
    """
    if len(colors.counts) > k:
        return _find_palette(colors, k, search)
    order = dark_to_bright(colors.colors)
    rank = np.empty(len(order), index_dtype(len(order)))
    rank[order] = np.arange(len(order))
    return colors.colors[order], rank


def apply_palette(
    pixels: NDArray[np.uint8],
    palette: NDArray[np.uint8],
    placing: Placing,
    kept: NDArray[Any] | None = None,
) -> NDArray[Any]:
    """Return an entry of a given palette for each pixel.

    Parameters
    ----------
    pixels : ndarray, shape (H, W) or (H, W, C), uint8
    palette : ndarray, shape (K, C), uint8
    placing : Placing
    kept : ndarray, shape (H, W), optional
        Entries that dithered pixels keep, -1 for all others.

    Returns
    -------
    ndarray, shape (H, W), uint8 for up to 256 entries, else uint16
    """
    dtype = index_dtype(len(palette))
    if placing.dithers:
        found = dither(pixels, palette, placing.dither, placing.dither_amount, kept)
        return found.astype(dtype)
    colors, places = index_colors(pixels)
    return places.replace(nearest_entries(colors.colors, palette, placing.space).astype(dtype))


def _find_palette(
    colors: Histogram, k: int, search: Search
) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """Return distinct entries from dark to bright, and the nearest one of each colour."""
    channels = colors.colors.shape[1]
    if has_alpha(channels):
        palette = _sorted(_with_alpha(colors, k, search))
    elif search.search and search.space == "srgb" and (colors.colors == colors.colors[:, :1]).all():
        # In one dimension the optimum can be computed.
        levels = best_grey_palette(colors.colors[:, 0], colors.counts, k)
        palette = np.repeat(levels[:, np.newaxis], channels, axis=1)
    elif search.space != "srgb":
        palette = _sorted(_in_space(colors, k, ColorSpace(search.space, channels), search))
    else:
        samples = Samples(colors.colors.astype(np.int64), colors.counts, 8)
        centroids = find_centroids(samples, k, search)
        entries = rounded(samples, centroids, search.level.sweeps)
        palette = _sorted(entries.astype(np.uint8))
        # Reuse the search structure of the samples.
        return palette, samples.labels(palette.astype(np.int64) << samples.shift)
    return palette, nearest_entries(colors.colors, palette, search.space)


def _with_alpha(colors: Histogram, k: int, search: Search) -> NDArray[np.uint8]:
    """Return entries for colours with alpha."""
    channels, alpha = colors.colors.shape[1], colors.colors[:, -1]
    opaque, clear = alpha == 255, alpha == 0
    if not opaque.any() and not (~clear).any():
        return np.zeros((1, channels), np.uint8)
    rest = k - int(clear.any())
    if (opaque | clear).all() and rest:
        # Without soft colours: search as without alpha, plus one entry for clear pixels.
        plain = Histogram(colors.colors[opaque, :-1], colors.counts[opaque])
        found, _ = find_palette(plain, rest, search)
        full = np.hstack([found, np.full((len(found), 1), 255, np.uint8)])
        return np.vstack([np.zeros((k - rest, channels), np.uint8), full])
    coordinates = ColorSpace(search.space, channels)
    samples = _samples(colors, coordinates)
    if len(samples) <= k:
        return coordinates.to_colors(samples.points.astype(np.float64))
    centroids = find_centroids(samples, k, search)
    return rounded_with_alpha(samples, centroids, coordinates, search.level.sweeps)


def _in_space(colors: Histogram, k: int, space: ColorSpace, search: Search) -> NDArray[np.uint8]:
    """Return entries for colours that may coincide in their space."""
    samples = _points(colors, space)
    if len(samples) <= k:
        return space.to_colors(samples.points.astype(np.float64))
    centroids = find_centroids(samples, k, search)
    return space.to_colors(centroids / float(1 << samples.shift))


def _points(colors: Histogram, space: ColorSpace) -> Samples:
    points, places = distinct_rows(space.to_coordinates(colors.colors), space.bits)
    weights = np.bincount(places, colors.counts).astype(np.int64)
    return Samples(points, weights, space.bits)


def _samples(colors: Histogram, space: ColorSpace) -> AlphaSamples:
    """Return the samples of colours with alpha."""
    alpha = colors.colors[:, -1]

    def of(which: NDArray[np.bool_]) -> Samples | None:
        if not which.any():
            return None
        return _points(Histogram(colors.colors[which], colors.counts[which]), space)

    clear = None
    if not alpha.all():
        clear = space.to_coordinates(np.zeros((1, space.channels), np.uint8))[0]
    soft = of((alpha > 0) & (alpha < 255))
    clear_weight = int(colors.counts[alpha == 0].sum())
    return AlphaSamples(of(alpha == 255), soft, clear, clear_weight, space.opaque)


def _only_used(
    palette: NDArray[np.uint8], labels: NDArray[Any]
) -> tuple[NDArray[np.uint8], NDArray[Any]]:
    """Return the entries that labels of any shape use, and the labels renumbered."""
    used = np.bincount(labels.ravel(), minlength=len(palette)) > 0
    return palette[used], renumbering(used)[labels]


def renumbering(used: NDArray[np.bool_]) -> NDArray[Any]:
    """Return the new number of each entry after removing unused ones."""
    return (np.cumsum(used) - 1).astype(index_dtype(int(used.sum())))


def _sorted(entries: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return distinct entries, from dark to bright."""
    distinct = np.unique(entries, axis=0)
    return distinct[dark_to_bright(distinct)]
