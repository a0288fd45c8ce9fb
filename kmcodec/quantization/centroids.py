"""The search for centroids, at a given level."""

from __future__ import annotations

import random

import numpy as np
from numpy.typing import NDArray

from kmcodec.quantization.accents import Accents
from kmcodec.quantization.alpha_samples import AlphaSamples
from kmcodec.quantization.colorspace import ColorSpace
from kmcodec.quantization.initialize import INITS
from kmcodec.quantization.jumps import jump
from kmcodec.quantization.kmeans import heavy_lloyd, lloyd
from kmcodec.quantization.levels import Level
from kmcodec.quantization.making_room import with_accents
from kmcodec.quantization.merge import merged_start
from kmcodec.quantization.request import Search
from kmcodec.quantization.samples import Samples

__all__ = ["find_centroids"]

_TOLERANCE = 1e-4
# Reduced samples with fewer points for each centroid would misplace it.
_LEAST_SHARE = 24
# Above the first number of centroids make fewer attempts, as each takes longer; above the second,
# none.
_MANY, _MOST = 256, 1024
# Small samples with alpha: at most _FEW points, and fewer than _FEW_EACH for each centroid. They
# get _MORE times as many attempts.
_FEW, _FEW_EACH, _MORE = 256, 8, 3
# Points to visit in all final rounds: with millions of points, two rounds suffice.
_FINAL_WORK = 4_000_000


def find_centroids(
    samples: Samples, k: int, search: Search, accents: Accents | None = None
) -> NDArray[np.int64]:
    """Find k centroids with a small weighted sum of squared distances.

    Parameters
    ----------
    samples : Samples
        More than k, less the pins.
    k : int
        More than there are pins.
    search : Search
        `pca` always gives the same start, so restarts use k-means++ instead.
    accents : Accents, optional
        Colours to get a centroid if they would lose their hue or tint; pins of the samples then.

    Returns
    -------
    ndarray, shape (k, D), int64
        On the grid, pins first.
    """
    level, rng = search.level, random.Random(search.seed)
    first = _first_samples(samples, k, level)
    found = []
    for restart in range(search.restarts):
        init = "k-means++" if restart and search.init == "pca" else search.init
        start = np.vstack([first.pins, INITS[init](first, k - len(first.pins), rng)])
        if not level.rounds:
            found.append(lloyd(first, start, search.iterations, _TOLERANCE))
            continue
        rounds = min(level.rounds, search.iterations)
        centroids, inertia = heavy_lloyd(first, start, rounds, level.momentum)
        if init == "pca" and not restart and isinstance(samples, AlphaSamples):
            # Cutting one cell at a time can divide entries badly between opaque and soft points.
            merged = None if len(first.pins) else merged_start(samples, k)
            if merged is not None:
                other = heavy_lloyd(first, merged, rounds, level.momentum)
                centroids, inertia = min((centroids, inertia), other, key=lambda pair: pair[1])
        steps = min(level.steps, search.iterations)
        found.append(jump(first, centroids, inertia, _attempts(first, k, level), steps))
    best, inertia = min(found, key=lambda result: result[1])
    if accents is not None and level.rounds:
        channels = 4 if isinstance(samples, AlphaSamples) else 3
        best = with_accents(first, best, inertia, accents, ColorSpace(search.space, channels))
        samples.pins = first.pins
    if level.final:
        final = min(level.final, search.iterations, max(2, _FINAL_WORK // len(samples)))
        best, _ = heavy_lloyd(samples, best, final, level.momentum // 2)
    return best


def _attempts(samples: Samples, k: int, level: Level) -> int:
    """Return the number of attempts to move k centroids."""
    if not 1 < k <= _MOST:
        return 0
    if isinstance(samples, AlphaSamples) and len(samples) <= _FEW and len(samples) < _FEW_EACH * k:
        # With few points every pair that shares an entry matters.
        return _MORE * level.attempts
    return level.attempts * _MANY // max(k, _MANY)


def _first_samples(samples: Samples, k: int, level: Level) -> Samples:
    for bits in range(level.bits, samples.bits) if level.bits else ():
        reduced = samples.reduced(bits)
        if len(reduced) >= _LEAST_SHARE * k:
            return reduced
    return samples
