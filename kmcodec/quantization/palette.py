"""Pixels to palette and index map: histogram, k-means, rounding, assignment."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kmcodec.image import index_dtype
from kmcodec.palette_order import dark_to_bright
from kmcodec.quantization.alpha_samples import AlphaSamples
from kmcodec.quantization.assign import nearest_entries
from kmcodec.quantization.colorspace import ColorSpace, has_alpha
from kmcodec.quantization.distinct import distinct_rows
from kmcodec.quantization.dither import dither
from kmcodec.quantization.grey import best_grey_palette
from kmcodec.quantization.histogram import Histogram, index_colors
from kmcodec.quantization.levels import LEVELS, find_centroids
from kmcodec.quantization.rounding import rounded
from kmcodec.quantization.samples import Samples

__all__ = ["apply_palette", "find_palette", "quantize_pixels", "renumbering"]


def quantize_pixels(
    pixels: NDArray[np.uint8],
    k: int,
    *,
    space: str,
    search: int,
    dithering: str | None,
    amount: float,
    **options: Any,
) -> tuple[NDArray[np.uint8], NDArray[Any]]:
    """Find a palette of at most k colours, and an entry for each pixel.

    Parameters
    ----------
    pixels : ndarray, shape (H, W) or (H, W, C), uint8
        C = 2 to 4: grey and alpha, RGB, RGBA.
    k : int
        1 to 65,536. With no more than k colours in the image, the palette is those: lossless.
    space : {'srgb', 'oklab'}
        In which distances and means are taken.
    search : int
        A number of `LEVELS`.
    dithering, amount
        Method and amount of `dither`; None for the nearest entry.
    **options
        `init`, `seed`, `restarts` and `iterations` of `find_centroids`.

    Returns
    -------
    palette : ndarray, shape (at most k, C), uint8
        Distinct, all used, dark to bright.
    indices : ndarray, shape (H, W), uint8 for up to 256 entries, else uint16
    """
    colors, places = index_colors(pixels)
    palette, labels = find_palette(colors, k, space=space, search=search, **options)
    if dithering and len(colors.counts) > k:
        return _only_used(palette, dither(pixels, palette, dithering, amount))
    palette, labels = _only_used(palette, labels)
    return palette, places.replace(labels)


def find_palette(
    colors: Histogram, k: int, *, space: str, search: int, **options: Any
) -> tuple[NDArray[np.uint8], NDArray[Any]]:
    """Find a palette of at most k colours for those of a histogram.

    Parameters
    ----------
    colors : Histogram
    k, space, search, **options
        See `quantize_pixels`.

    Returns
    -------
    palette : ndarray, shape (at most k, C), uint8
        Distinct, dark to bright; some entries may be nearest to nothing.
    labels : ndarray, shape (N,), integer
        The entry of each colour.
    """
    if len(colors.counts) > k:
        return _find_palette(colors, k, space, search, options)
    order = dark_to_bright(colors.colors)
    rank = np.empty(len(order), index_dtype(len(order)))
    rank[order] = np.arange(len(order))
    return colors.colors[order], rank


def apply_palette(
    pixels: NDArray[np.uint8],
    palette: NDArray[np.uint8],
    *,
    space: str,
    dithering: str | None,
    amount: float,
) -> NDArray[Any]:
    """An entry of a given palette for each pixel.

    Parameters
    ----------
    pixels : ndarray, shape (H, W) or (H, W, C), uint8
    palette : ndarray, shape (K, C), uint8
    space, dithering, amount
        See `quantize_pixels`.

    Returns
    -------
    ndarray, shape (H, W), uint8 for up to 256 entries, else uint16
    """
    dtype = index_dtype(len(palette))
    if dithering:
        return dither(pixels, palette, dithering, amount).astype(dtype)
    colors, places = index_colors(pixels)
    return places.replace(nearest_entries(colors.colors, palette, space).astype(dtype))


def _find_palette(
    colors: Histogram, k: int, space: str, search: int, options: dict[str, Any]
) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """Distinct entries from dark to bright, and the nearest of each colour."""
    channels = colors.colors.shape[1]
    grey = (colors.colors == colors.colors[:, :1]).all()
    if has_alpha(channels) or space != "srgb":
        palette = _sorted(_in_space(colors, k, ColorSpace(space, channels), search, options))
    elif search and grey:
        # One-dimensional: the best there is can be computed.
        levels = best_grey_palette(colors.colors[:, 0], colors.counts, k)
        palette = np.repeat(levels[:, np.newaxis], channels, axis=1)
    else:
        samples = Samples(colors.colors.astype(np.int64), colors.counts, 8)
        centroids = find_centroids(samples, k, level=LEVELS[search], **options)
        entries = rounded(samples, centroids, LEVELS[search].sweeps)
        palette = _sorted(entries.astype(np.uint8))
        # What the samples are searched with is there already.
        return palette, samples.labels(palette.astype(np.int64) << samples.shift)
    return palette, nearest_entries(colors.colors, palette, space)


def _in_space(
    colors: Histogram, k: int, space: ColorSpace, search: int, options: dict[str, Any]
) -> NDArray[np.uint8]:
    """Entries for colours that may coincide in their space."""
    samples = _samples(colors, space) if has_alpha(space.channels) else _points(colors, space)
    if len(samples) <= k:
        return space.to_colors(samples.points.astype(np.float64))
    centroids = find_centroids(samples, k, level=LEVELS[search], **options)
    if isinstance(samples, AlphaSamples):
        centroids = samples.settled(centroids)
    return space.to_colors(centroids / float(1 << samples.shift))


def _points(colors: Histogram, space: ColorSpace) -> Samples:
    points, places = distinct_rows(space.to_coordinates(colors.colors), space.bits)
    weights = np.bincount(places, colors.counts).astype(np.int64)
    return Samples(points, weights, space.bits)


def _samples(colors: Histogram, space: ColorSpace) -> AlphaSamples:
    """Samples of colours with alpha."""
    alpha = colors.colors[:, -1]

    def of(which: NDArray[np.bool_]) -> Samples | None:
        if not which.any():
            return None
        return _points(Histogram(colors.colors[which], colors.counts[which]), space)

    clear = None
    if not alpha.all():
        clear = space.to_coordinates(np.zeros((1, space.channels), np.uint8))[0]
    soft = of((alpha > 0) & (alpha < 255))
    return AlphaSamples(of(alpha == 255), soft, clear, int(colors.counts[alpha == 0].sum()))


def _only_used(
    palette: NDArray[np.uint8], labels: NDArray[Any]
) -> tuple[NDArray[np.uint8], NDArray[Any]]:
    """The entries that labels of any shape use, and the labels renumbered."""
    used = np.bincount(labels.ravel(), minlength=len(palette)) > 0
    return palette[used], renumbering(used)[labels]


def renumbering(used: NDArray[np.bool_]) -> NDArray[Any]:
    """The new number of each entry when those that are not used are left out."""
    return (np.cumsum(used) - 1).astype(index_dtype(int(used.sum())))


def _sorted(entries: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Distinct entries, from dark to bright."""
    distinct = np.unique(entries, axis=0)
    return distinct[dark_to_bright(distinct)]
