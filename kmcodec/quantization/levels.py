"""How hard to search for a palette: the levels 0 to 9, and the search at a level."""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kmcodec.quantization.alpha_samples import AlphaSamples
from kmcodec.quantization.initialize import INITS
from kmcodec.quantization.kmeans import heavy_lloyd, lloyd
from kmcodec.quantization.merge import merged_start
from kmcodec.quantization.samples import Samples
from kmcodec.quantization.search import jump

__all__ = ["DEFAULT_LEVEL", "LEVELS", "Level", "find_centroids"]

DEFAULT_LEVEL = 3

_TOLERANCE = 1e-4
# Reduced samples of fewer points than this for each centroid would misplace it.
_LEAST_SHARE = 24
# From this many centroids on attempts get rarer, as each takes longer; beyond the second number
# there are none.
_MANY, _MOST = 256, 1024
# With alpha, what is little in all: so few points in all and for each centroid, and how many times
# as many attempts there are then.
_FEW, _FEW_EACH, _MORE = 256, 8, 3
# Points looked at in all final rounds: with millions of them, two rounds do.
_FINAL_WORK = 4_000_000


@dataclass(frozen=True)
class Level:
    """What a level of search runs.

    Parameters
    ----------
    bits : int
        Upper bits of each channel that tell colours apart at first; 0 for all.
    rounds : int
        Of Lloyd with momentum, at first; 0 for Lloyd as in the textbook.
    momentum : int
        In sixteenths.
    attempts, steps : int
        Attempts to move centroids, and rounds of Lloyd in each.
    final : int
        Rounds on all colours at the end.
    sweeps : int
        Over the entries, to round them well.
    """

    bits: int = 0
    rounds: int = 0
    momentum: int = 14
    attempts: int = 0
    steps: int = 8
    final: int = 0
    sweeps: int = 0


LEVELS = (
    Level(),
    Level(bits=5, rounds=14, momentum=12, attempts=4, steps=5, final=2, sweeps=1),
    Level(bits=6, rounds=30, attempts=8, steps=6, final=4, sweeps=4),
    Level(bits=6, rounds=60, attempts=20, steps=8, final=8, sweeps=10),
    Level(bits=7, rounds=60, attempts=40, steps=8, final=12, sweeps=20),
    Level(bits=7, rounds=80, attempts=80, steps=10, final=16, sweeps=30),
    Level(bits=7, rounds=100, attempts=160, steps=12, final=20, sweeps=40),
    Level(bits=7, rounds=100, attempts=240, steps=14, final=30, sweeps=60),
    Level(bits=7, rounds=100, momentum=15, attempts=400, steps=16, final=40, sweeps=80),
    Level(rounds=100, momentum=15, attempts=600, steps=16, final=40, sweeps=100),
)


def find_centroids(
    samples: Samples, k: int, *, init: str, seed: int, restarts: int, iterations: int, level: Level
) -> NDArray[np.int64]:
    """Find k centroids with a small weighted sum of squared distances.

    Parameters
    ----------
    samples : Samples
        More than k.
    k : int
    init : str
        A key of `INITS`.
    seed : int
    restarts : int
        Starts in all, of which the best is taken. As `pca` would only repeat itself, its further
        starts are k-means++.
    iterations : int
        The most rounds of Lloyd at a time.
    level : Level

    Returns
    -------
    ndarray, shape (k, D), int64
        On the grid.
    """
    rng = random.Random(seed)
    first = _first_samples(samples, k, level)
    found = []
    for restart in range(restarts):
        start = INITS["k-means++" if restart and init == "pca" else init](first, k, rng)
        if not level.rounds:
            found.append(lloyd(first, start, iterations, _TOLERANCE))
            continue
        rounds = min(level.rounds, iterations)
        centroids, inertia = heavy_lloyd(first, start, rounds, level.momentum)
        if init == "pca" and not restart and isinstance(samples, AlphaSamples):
            # Cells that are cut one by one can deal entries out badly between opaque and soft.
            merged = merged_start(samples, k)
            if merged is not None:
                other = heavy_lloyd(first, merged, rounds, level.momentum)
                centroids, inertia = min((centroids, inertia), other, key=lambda pair: pair[1])
        steps = min(level.steps, iterations)
        found.append(jump(first, centroids, inertia, _attempts(first, k, level), steps))
    best = min(found, key=lambda result: result[1])[0]
    if level.final:
        final = min(level.final, iterations, max(2, _FINAL_WORK // len(samples)))
        best, _ = heavy_lloyd(samples, best, final, level.momentum // 2)
    return best


def _attempts(samples: Samples, k: int, level: Level) -> int:
    """How many attempts to make to move k centroids."""
    if not 1 < k <= _MOST:
        return 0
    if isinstance(samples, AlphaSamples) and len(samples) <= _FEW and len(samples) < _FEW_EACH * k:
        # Which of few points share an entry is all there is to find, and each pair matters.
        return _MORE * level.attempts
    return level.attempts * _MANY // max(k, _MANY)


def _first_samples(samples: Samples, k: int, level: Level) -> Samples:
    for bits in range(level.bits, samples.bits) if level.bits else ():
        reduced = samples.reduced(bits)
        if len(reduced) >= _LEAST_SHARE * k:
            return reduced
    return samples
