"""Give entries to accents that k-means would merge with other colours."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kmcodec.quantization.accents import Accents, lost_hue
from kmcodec.quantization.assign import nearest_entries
from kmcodec.quantization.jumps import MOMENTUM
from kmcodec.quantization.kmeans import heavy_lloyd
from kmcodec.quantization.moves import cheapest_pairs
from kmcodec.quantization.samples import GRID_BITS, Samples

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
) -> NDArray[np.int64]:
    """Replace the centroids that cost least by lost accents, as far as that costs little.

    Parameters
    ----------
    samples : Samples
        Its pins grow by the accents that get a centroid.
    centroids : ndarray, shape (K, D), int64
        On the grid, pins first.
    inertia : float
        Inertia of these centroids.
    accents : Accents

    Returns
    -------
    ndarray, shape (K, D), int64
        On the grid, pins first.
    """
    unseen = (1 << samples.bits) * _INVISIBLE[accents.space.name]
    most = max(
        inertia * _MOST_ERROR[accents.space.name], unseen * unseen * int(samples.weights.sum())
    )
    # The accents that are farthest from their entries show most.
    order = np.argsort(-_losses(accents, centroids), kind="stable")
    places = accents.space.to_coordinates(accents.colors) << (GRID_BITS - accents.space.bits)
    for number in order:
        if not _losses(accents, centroids)[number]:
            continue
        place = places[number]
        before = samples.pins
        fewer = _without_cheapest(samples, centroids)
        if fewer is None:
            break
        samples.pins = np.vstack([before, place])
        trial = np.vstack([samples.pins, fewer[len(before) :]])
        trial, error = heavy_lloyd(samples, trial, _ROUNDS, MOMENTUM)
        if error > most:
            samples.pins = before
        else:
            centroids = trial
    return centroids


def _losses(accents: Accents, centroids: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how far accents are from their nearest centroids; see `lost_hue`."""
    unit = float(1 << (GRID_BITS - accents.space.bits))
    entries = accents.space.to_colors(centroids / unit)
    nearest = nearest_entries(accents.colors, entries, accents.space.name)
    return lost_hue(accents.colors, entries[nearest])


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
