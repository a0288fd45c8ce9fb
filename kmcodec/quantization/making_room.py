"""Give entries to accents and weak tints that k-means would merge with other colours."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kmcodec.model.pixels import to_channels
from kmcodec.quantization.accents import Accents, lost_hue
from kmcodec.quantization.assign import nearest_entries
from kmcodec.quantization.colorspace import ColorSpace
from kmcodec.quantization.jumps import MOMENTUM
from kmcodec.quantization.kmeans import heavy_lloyd
from kmcodec.quantization.moves import cheapest_pairs
from kmcodec.quantization.samples import GRID_BITS, Samples
from kmcodec.quantization.tints import lost_tint

__all__ = ["with_accents"]

# How much larger the error may be for all accents together: 0.35 dB, or 0.45 dB of Oklab's own
# measure, which is less of PSNR. One entry less of 16 costs photos up to 0.33 dB of PSNR, whatever
# it is given to; one less of 32 half as much.
_MOST_ERROR = {"srgb": 1.084, "oklab": 1.109}
# Nobody sees more error if pixels are within such a share of the range on average: 41 dB in sRGB.
_INVISIBLE = {"srgb": 1 / 64, "oklab": 1 / 96}
_ROUNDS = 10


def with_accents(
    samples: Samples,
    centroids: NDArray[np.int64],
    inertia: float,
    accents: Accents,
    space: ColorSpace,
) -> NDArray[np.int64]:
    """Replace the centroids that cost least by lost accents and tints, as far as that costs little.

    Parameters
    ----------
    samples : Samples
        Its pins grow by the accents that get a centroid.
    centroids : ndarray, shape (K, D), int64
        On the grid, pins first.
    inertia : float
        Inertia of these centroids.
    accents : Accents
    space : ColorSpace
        Of the samples, of 3 or 4 channels.

    Returns
    -------
    ndarray, shape (K, D), int64
        On the grid, pins first.
    """
    unseen = (1 << samples.bits) * _INVISIBLE[space.name]
    most = max(inertia * _MOST_ERROR[space.name], unseen * unseen * int(samples.weights.sum()))
    # The accents that are farthest from their entries show most.
    losses = lost_hue(accents.colors, _shown(accents.colors, centroids, space))
    for color in accents.colors[np.argsort(-losses, kind="stable"), np.newaxis]:
        if lost_hue(color, _shown(color, centroids, space))[0]:
            centroids = _pinned(samples, centroids, color, space, most)
    refused: set[bytes] = set()
    for pair in accents.tints:
        # The other area may be the worse one then.
        for _ in range(len(pair)):
            lost = lost_tint(pair, _shown(pair, centroids, space))
            if lost is None or pair[lost].tobytes() in refused:
                break
            pins = len(samples.pins)
            centroids = _pinned(samples, centroids, pair[[lost]], space, most)
            # Several pairs may share an area.
            refused = refused | {pair[lost].tobytes()} if len(samples.pins) == pins else set()
    return centroids


def _shown(
    colors: NDArray[np.uint8], centroids: NDArray[np.int64], space: ColorSpace
) -> NDArray[np.uint8]:
    """Return the entry of each opaque colour, without alpha."""
    entries = space.to_colors(centroids / float(1 << (GRID_BITS - space.bits)))
    nearest = nearest_entries(to_channels(colors, space.channels), entries, space.name)
    return np.asarray(entries[nearest, :3])


def _pinned(
    samples: Samples,
    centroids: NDArray[np.int64],
    color: NDArray[np.uint8],
    space: ColorSpace,
    most: float,
) -> NDArray[np.int64]:
    """Return centroids with one more pin, or the same ones if that has more than some inertia."""
    before = samples.pins
    fewer = _without_cheapest(samples, centroids)
    if fewer is None:
        return centroids
    place = space.to_coordinates(to_channels(color, space.channels))
    samples.pins = np.vstack([before, place << (GRID_BITS - space.bits)])
    trial = np.vstack([samples.pins, fewer[len(before) :]])
    trial, error = heavy_lloyd(samples, trial, _ROUNDS, MOMENTUM)
    if error > most:
        samples.pins = before
        return centroids
    return trial


def _without_cheapest(samples: Samples, centroids: NDArray[np.int64]) -> NDArray[np.int64] | None:
    """Return the centroids after the cheapest merger, or None if all but one are pins."""
    totals, _ = samples.moments(centroids)
    for _, first, second in cheapest_pairs(centroids, totals, samples.shift):
        if second >= len(samples.pins):
            fewer = centroids.copy()
            weights = int(totals[first]), int(totals[second])
            fewer[first] = samples.merged(centroids[[first, second]], weights)
            return np.delete(samples.pinned(fewer), second, axis=0)
    return None
