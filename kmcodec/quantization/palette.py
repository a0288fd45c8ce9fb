"""Pixels to palette and index map: histogram, k-means, rounding, assignment."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kmcodec.model.image import index_dtype
from kmcodec.model.keys import keys_of
from kmcodec.model.palette_order import dark_to_bright
from kmcodec.model.pixels import to_channels
from kmcodec.quantization.accents import Accents, find_accents, rare_squares
from kmcodec.quantization.alpha_rounding import rounded_with_alpha
from kmcodec.quantization.alpha_samples import AlphaSamples
from kmcodec.quantization.assign import nearest_entries
from kmcodec.quantization.centroids import find_centroids
from kmcodec.quantization.colorspace import ColorSpace, has_alpha
from kmcodec.quantization.distinct import distinct_rows
from kmcodec.quantization.dither import dither
from kmcodec.quantization.even_blocks import even_blocks
from kmcodec.quantization.grey import best_grey_palette
from kmcodec.quantization.histogram import ColorMap, Histogram, index_colors
from kmcodec.quantization.kept import channels_with, in_channels, is_kept, kept_entries
from kmcodec.quantization.request import Placing, Search
from kmcodec.quantization.rounding import rounded
from kmcodec.quantization.samples import Samples
from kmcodec.quantization.tints import find_tints

__all__ = ["apply_palette", "find_palette", "quantize_pixels", "renumbering", "wanted_entries"]


def quantize_pixels(
    pixels: NDArray[np.uint8], k: int, search: Search, placing: Placing
) -> tuple[NDArray[np.uint8], NDArray[Any]]:
    """Find a palette of at most k colours, and an entry for each pixel.

    Parameters
    ----------
    pixels : ndarray, shape (H, W) or (H, W, C), uint8
        C = 2 to 4: grey and alpha, RGB, RGBA.
    k : int
        1 to 65,536. If the image has no more than k colours, with those to keep, they are the
        palette: lossless.
    search : Search
    placing : Placing

    Returns
    -------
    palette : ndarray, shape (at most k, C), uint8
        Distinct, all used or kept, dark to bright; C may be more than the image's if a colour to
        keep needs it.
    indices : ndarray, shape (H, W), uint8 for up to 256 entries, else uint16
    """
    pixels = in_channels(pixels, search.keep)
    colors, places = index_colors(pixels)
    accents = _accents(pixels, colors, places) if len(colors.counts) > k else None
    palette, labels = find_palette(colors, k, search, accents)
    if placing.dithers and not np.array_equal(palette[labels], colors.colors):
        dithered = dither(pixels, palette, placing.dither, placing.dither_amount)
        return _only_wanted(palette, dithered, search)
    palette, labels = _only_wanted(palette, labels, search)
    return palette, places.replace(labels)


def find_palette(
    colors: Histogram, k: int, search: Search, accents: Accents | None = None
) -> tuple[NDArray[np.uint8], NDArray[Any]]:
    """Find a palette of at most k colours for those of a histogram.

    Parameters
    ----------
    colors : Histogram
    k : int
        See `quantize_pixels`.
    search : Search
    accents : Accents, optional
        Colours that should keep their hue or tint.

    Returns
    -------
    palette : ndarray, shape (at most k, C), uint8
        Distinct, dark to bright; some entries may be nearest to no colour. C may be more than the
        histogram's if a colour to keep needs it.
    labels : ndarray, shape (N,), integer
        The entry of each colour.
    """
    channels = channels_with(search.keep, colors.colors.shape[1])
    colors = Histogram(to_channels(colors.colors, channels), colors.counts)
    kept = kept_entries(search.keep, channels)
    if len(colors.counts) > k:
        return _find_palette(colors, k, search, kept, accents)
    known = colors.colors[~is_kept(colors.colors, search.keep)]
    if len(known) + len(kept) > k:
        return _find_palette(colors, k, search, kept)
    known = np.concatenate([kept, known])
    palette = known[dark_to_bright(known)]
    order = np.argsort(keys_of(palette))
    places = np.searchsorted(keys_of(palette[order]), keys_of(colors.colors))
    return palette, order[places].astype(index_dtype(len(palette)))


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
    colors: Histogram,
    k: int,
    search: Search,
    kept: NDArray[np.uint8],
    accents: Accents | None = None,
) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """Return distinct entries from dark to bright, and the nearest one of each colour."""
    channels = colors.colors.shape[1]
    if len(kept) == k:
        palette = _sorted(kept)
    elif has_alpha(channels):
        palette = _sorted(_with_alpha(colors, k, search, kept, accents))
    elif _is_grey_search(colors, search):
        # In one dimension the optimum can be computed.
        levels = best_grey_palette(colors.colors[:, 0], colors.counts, k)
        palette = np.repeat(levels[:, np.newaxis], channels, axis=1)
    elif search.space != "srgb":
        palette = _sorted(_in_space(colors, k, search, kept, accents))
    else:
        samples = Samples(colors.colors.astype(np.int64), colors.counts, 8)
        samples.pins = kept.astype(np.int64) << samples.shift
        centroids = find_centroids(samples, k, search, accents)
        entries = rounded(samples, centroids, search.level.sweeps)
        palette = _sorted(entries.astype(np.uint8))
        # Reuse the search structure of the samples.
        return palette, samples.labels(palette.astype(np.int64) << samples.shift)
    return palette, nearest_entries(colors.colors, palette, search.space)


def _is_grey_search(colors: Histogram, search: Search) -> bool:
    """Return whether all is grey, and nothing but the error of the samples counts."""
    if not search.search or search.space != "srgb" or search.keep:
        return False
    return bool((colors.colors == colors.colors[:, :1]).all())


def _accents(pixels: NDArray[np.uint8], colors: Histogram, places: ColorMap) -> Accents | None:
    """Return the accents of an image, or None without any."""
    if colors.colors.shape[1] < 3:
        return None
    tints = find_tints(even_blocks(pixels))
    found = Accents(find_accents(rare_squares(pixels, colors, places)), tints.pairs)
    return found if len(found.colors) or len(found.tints) else None


def _with_alpha(
    colors: Histogram,
    k: int,
    search: Search,
    kept: NDArray[np.uint8],
    accents: Accents | None,
) -> NDArray[np.uint8]:
    """Return entries for colours with alpha."""
    channels, alpha = colors.colors.shape[1], colors.colors[:, -1]
    opaque, clear = alpha == 255, alpha == 0
    if not opaque.any() and not (~clear).any():
        return np.vstack([np.zeros((int(not (kept[:, -1] == 0).any()), channels), np.uint8), kept])
    solid, invisible = kept[:, -1] == 255, kept[kept[:, -1] == 0]
    if clear.any() and not len(invisible):
        invisible = np.zeros((1, channels), np.uint8)
    rest = k - len(invisible)
    soft = not ((opaque | clear).all() and (solid | (kept[:, -1] == 0)).all())
    if not soft and rest >= max(1, int(solid.sum())):
        # Without soft colours: search as without alpha, plus entries for clear pixels.
        plain = Histogram(colors.colors[opaque, :-1], colors.counts[opaque])
        found, _ = find_palette(plain, rest, _keeping(search, kept[solid]), accents)
        return np.vstack([invisible, to_channels(found, channels)])
    coordinates = ColorSpace(search.space, channels)
    samples = _samples(colors, coordinates)
    samples.pins = coordinates.to_coordinates(kept) << samples.shift
    if len(samples) <= k - len(kept):
        entries = coordinates.to_colors(samples.points.astype(np.float64))
        return np.vstack([kept, entries])
    centroids = find_centroids(samples, k, search, accents)
    entries = rounded_with_alpha(samples, centroids, coordinates, search.level.sweeps)
    return np.vstack([kept, entries[len(kept) :]])


def _keeping(search: Search, kept: NDArray[np.uint8]) -> Search:
    """Return a search that keeps these colours only."""
    return replace(search, keep=tuple(map(tuple, to_channels(kept, 4).tolist())))


def _in_space(
    colors: Histogram,
    k: int,
    search: Search,
    kept: NDArray[np.uint8],
    accents: Accents | None,
) -> NDArray[np.uint8]:
    """Return entries for colours that may coincide in their space."""
    space = ColorSpace(search.space, colors.colors.shape[1])
    samples = _points(colors, space)
    samples.pins = space.to_coordinates(kept) << samples.shift
    if len(samples) <= k - len(kept):
        return np.vstack([kept, space.to_colors(samples.points.astype(np.float64))])
    centroids = find_centroids(samples, k, search, accents)
    entries = space.to_colors(centroids / float(1 << samples.shift))
    return np.vstack([kept, entries[len(kept) :]])


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


def _only_wanted(
    palette: NDArray[np.uint8], labels: NDArray[Any], search: Search
) -> tuple[NDArray[np.uint8], NDArray[Any]]:
    """Return the entries that labels of any shape use, or that are kept; and labels renumbered."""
    wanted = wanted_entries(palette, labels, search)
    return palette[wanted], renumbering(wanted)[labels]


def wanted_entries(
    palette: NDArray[np.uint8], labels: NDArray[Any], search: Search
) -> NDArray[np.bool_]:
    """Return which entries stay in a palette: those that labels use, and those to keep.

    Parameters
    ----------
    palette : ndarray, shape (K, C), uint8
    labels : ndarray, integer
        Of any shape.
    search : Search

    Returns
    -------
    ndarray, shape (K,), bool
    """
    used: NDArray[np.bool_] = np.bincount(labels.ravel(), minlength=len(palette)) > 0
    return used | is_kept(palette, search.keep)


def renumbering(used: NDArray[np.bool_]) -> NDArray[Any]:
    """Return the new number of each entry after removing unused ones."""
    return (np.cumsum(used) - 1).astype(index_dtype(int(used.sum())))


def _sorted(entries: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return distinct entries, from dark to bright."""
    distinct = np.unique(entries, axis=0)
    return distinct[dark_to_bright(distinct)]
