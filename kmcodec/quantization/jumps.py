"""Improve on Lloyd: move centroids from where they help little to where they help more.

Lloyd's algorithm ends in a local minimum: some regions have a centroid too many and others one too
few. An attempt merges pairs of clusters that cost little to merge, splits clusters that gain much
by it, runs Lloyd again, and keeps the result if it is better. Related: Fränti and
Kivijärvi, "Randomised local search algorithm for the clustering problem", Pattern Analysis and
Applications 3, 2000; Fritzke, "Breathing k-means", arXiv:2006.15666.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kmcodec.quantization.kmeans import heavy_lloyd
from kmcodec.quantization.moves import Plan
from kmcodec.quantization.samples import Samples

__all__ = ["MOMENTUM", "jump"]

MOMENTUM = 12
"""Momentum of Lloyd after a jump, in sixteenths."""


def jump(
    samples: Samples, centroids: NDArray[np.int64], inertia: float, attempts: int, rounds: int
) -> tuple[NDArray[np.int64], float]:
    """Improve centroids by moving several at a time, then one by one.

    Parameters
    ----------
    samples : Samples
    centroids : ndarray, shape (K, D), int64
        On the grid, after Lloyd.
    inertia : float
        Inertia of these centroids.
    attempts : int
        Maximum number of attempts.
    rounds : int
        Maximum number of rounds of Lloyd in an attempt.

    Returns
    -------
    centroids : ndarray, shape (K, D), int64
    inertia : float
    """
    moves = max(1, len(centroids) // 6)
    plan, tried = None, 0
    for _ in range(attempts):
        if plan is None:
            plan, tried = Plan(samples, centroids), 0
        moved = plan.together(moves) if moves > 1 else plan.single(tried)
        if moved is None:
            if moves == 1:
                break
            moves = 1
            continue
        trial, trial_inertia = heavy_lloyd(samples, moved, rounds, MOMENTUM)
        if trial_inertia < inertia * (1 - 1e-6):
            centroids, inertia, plan = trial, trial_inertia, None
        elif moves > 1:
            moves //= 2
        else:
            tried += 1
    return centroids, inertia
