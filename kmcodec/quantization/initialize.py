"""Starts of k-means: `k-means++` and `random`, beside `pca`.

Random choices use whole numbers from the standard library's Mersenne Twister, so that a seed gives
the same start on every platform and with every version of NumPy.
"""

from __future__ import annotations

import random
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from kmcodec.quantization.samples import Samples
from kmcodec.quantization.split import pca_start

__all__ = ["INITS", "below"]


def random_start(samples: Samples, k: int, rng: random.Random) -> NDArray[np.int64]:
    """Draw k distinct points; each pixel is equally likely."""
    left = samples.weights.copy()
    chosen: list[int] = []
    while len(chosen) < k:
        cumulative = np.cumsum(left)
        draws = [below(rng, int(cumulative[-1])) for _ in range(k - len(chosen))]
        drawn = np.searchsorted(cumulative, draws, side="right")
        fresh = list(dict.fromkeys(drawn.tolist()))
        left[fresh] = 0
        chosen += fresh
    return samples.points[chosen] << samples.shift


def plus_plus_start(samples: Samples, k: int, rng: random.Random) -> NDArray[np.int64]:
    """Choose points by greedy k-means++ (Arthur and Vassilvitskii 2007, sections 2.2 and 5).

    The probability of a point is in proportion to its weight times its squared distance from the
    nearest chosen point. Each step draws a few points and keeps the one that lowers the sum of
    these products most.
    """
    points, weights = samples.points, samples.weights
    chosen = [_draw(weights, rng)]
    nearest = _squared_distances(points, points[chosen[0]])
    trials = 2 + k.bit_length() // 2
    while len(chosen) < k:
        best: tuple[int, int, NDArray[np.int64]] | None = None
        for _ in range(trials):
            drawn = _draw(weights * nearest, rng)
            closer = np.minimum(nearest, _squared_distances(points, points[drawn]))
            potential = int(weights @ closer)
            if best is None or potential < best[0]:
                best = potential, drawn, closer
        assert best is not None
        chosen.append(best[1])
        nearest = best[2]
    return points[chosen] << samples.shift


INITS: dict[str, Callable[[Samples, int, random.Random], NDArray[np.int64]]] = {
    "pca": pca_start,
    "k-means++": plus_plus_start,
    "random": random_start,
}
"""Starts by name: k distinct points or means on the grid, shape (k, D), int64."""


def below(rng: random.Random, limit: int) -> int:
    """Draw a whole number in 0 ... limit - 1, all equally likely."""
    bits = limit.bit_length()
    while True:
        drawn = rng.getrandbits(bits)
        if drawn < limit:
            return drawn


def _draw(weights: NDArray[np.int64], rng: random.Random) -> int:
    cumulative = np.cumsum(weights)
    drawn = below(rng, int(cumulative[-1]))
    return int(np.searchsorted(cumulative, drawn, side="right"))


def _squared_distances(points: NDArray[np.int64], center: NDArray[np.int64]) -> NDArray[np.int64]:
    difference = points - center
    return np.asarray((difference * difference).sum(axis=1))
