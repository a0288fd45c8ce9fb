"""Tables and initial state of the model (spec/context.md, section 3).

All values are whole numbers, so they are the same on every platform.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kmcodec.coding.context.profiles import Profile
from kmcodec.coding.context.weights import WEIGHTS
from kmcodec.coding.logistic import DOMAIN, squash
from kmcodec.model.frozen import own_arrays

__all__ = ["KINDS", "StageStart", "Tables", "starts", "tables"]

KINDS = 18
"""Kinds of decisions in a stage: ranks of candidates, depths in the tree."""


@dataclass(frozen=True)
class Tables:
    """Fixed functions as arrays.

    Parameters
    ----------
    squash : ndarray, shape (4095,), uint16
        Probability in 1/65536 of each logistic value from -2047 to 2047.
    stretch : ndarray, shape (4096,), int16
        The logistic value of a probability in 1/4096.
    reciprocal : ndarray, shape (1024,), int32
        65536 / (n + 1.6).
    next : ndarray, shape (512,), uint8
        History after a history and a bit: 2 * history + bit.
    """

    squash: NDArray[np.uint16]
    stretch: NDArray[np.int16]
    reciprocal: NDArray[np.int32]
    next: NDArray[np.uint8]

    def __post_init__(self) -> None:
        own_arrays(self)


@dataclass(frozen=True)
class StageStart:
    """The initial state of a stage, flags or tree.

    Parameters
    ----------
    inputs : int
        Inputs of the mixer, a multiple of 8.
    weights : ndarray, shape (inputs,), int16
        Weights of every set.
    set_sizes : tuple of int
        Number of sets of each selector.
    final : ndarray, int32
        Weights of the second layer.
    runs, histories, distances, pairs : ndarray, uint32
        Adaptive probabilities: 22 bits, and a count of 10.
    refinement : ndarray, uint16
        Probabilities at 33 points of the logistic domain, by candidate or node.
    """

    inputs: int
    weights: NDArray[np.int16]
    set_sizes: tuple[int, ...]
    final: NDArray[np.int32]
    runs: NDArray[np.uint32]
    histories: NDArray[np.uint32]
    distances: NDArray[np.uint32]
    pairs: NDArray[np.uint32]
    refinement: NDArray[np.uint16]

    def __post_init__(self) -> None:
        own_arrays(self)


@functools.cache
def tables() -> Tables:
    """Return the fixed functions."""
    levels = squash()
    stretch, d = [], 0
    for p in range(8, 65536, 16):
        while d < 2 * DOMAIN and levels[d] < p:
            d += 1
        stretch.append(d - DOMAIN)
    after = [
        (_count(h >> 4, 1 - bit) << 4) | _count(h & 15, bit) for h in range(256) for bit in (0, 1)
    ]
    return Tables(
        squash=levels,
        stretch=np.array(stretch, np.int16),
        reciprocal=np.array([655360 // (10 * n + 16) for n in range(1024)], np.int32),
        next=np.array(after, np.uint8),
    )


def _count(n: int, more: int) -> int:
    return min(15, n + more)


def adaptive(numerator: int, denominator: int, count: int) -> int:
    """Return an adaptive probability that starts at a fraction, with a count of decisions."""
    p = min(4194303, max(1, (numerator << 22) // denominator))
    return p << 10 | count


@functools.cache
def starts(profile: Profile) -> tuple[StageStart, StageStart]:
    """Return the initial state of the two stages of a profile: flags, tree."""
    return _stage(profile, False), _stage(profile, True)


def _stage(profile: Profile, is_tree: bool) -> StageStart:
    n, patterns, pairs = profile.flag_contexts, profile.flag_patterns, 0
    agree = (n + 1) ** 2
    depths = KINDS
    if is_tree:
        n, patterns, pairs = profile.tree_contexts, profile.tree_patterns, profile.pairs
        sizes = (256, depths * 27, depths * 36, 128, depths * 8, 1024, 256, depths * 32)
    else:
        sizes = (512, 54, 2 * agree, 128, 16, 1024, 256, 64)
    per_slot = 4 if profile.histories else 2
    maps = profile.flag_contexts + profile.geometries + pairs
    used = per_slot * (n + patterns) + maps + 1
    inputs = -(-used // 8) * 8
    weights = np.zeros(inputs, np.int16)
    weights[:used] = WEIGHTS[profile.name][is_tree]
    curve = [int(squash()[min(DOMAIN, max(-DOMAIN, 128 * (i - 16))) + DOMAIN]) for i in range(33)]
    return StageStart(
        inputs=inputs,
        weights=weights,
        set_sizes=sizes[: profile.sets],
        final=np.full(KINDS * profile.sets, 65536 // profile.sets, np.int32),
        runs=_runs(profile.flag_contexts, is_tree),
        histories=_histories(n + patterns if profile.histories else 0),
        distances=_distances(profile.geometries, is_tree),
        pairs=np.full(pairs * KINDS * 64 * 64, adaptive(1, 2, 0), np.uint32),
        refinement=np.tile(np.array(curve, np.uint16), 512),
    )


def _runs(contexts: int, is_tree: bool) -> NDArray[np.uint32]:
    """Return states by context, kind, relation (0 to 5) and length of the run (0 to 31)."""
    even = [adaptive(1, 2, 2)] * 32
    table = [even] * 6
    if not is_tree:
        table[1] = [adaptive(2 * run + 2, 2 * run + 3, 2) for run in range(32)]
        table[3] = [adaptive(3, 10 * run + 15, 2) for run in range(32)]
    return np.tile(np.array(table, np.uint32).ravel(), contexts * KINDS)


def _histories(maps: int) -> NDArray[np.uint32]:
    """Return states by map, kind and history."""
    table = [adaptive(2 * (h & 15) + 1, 2 * ((h >> 4) + (h & 15)) + 2, 0) for h in range(256)]
    return np.tile(np.array(table, np.uint32), maps * KINDS)


def _distances(geometries: int, is_tree: bool) -> NDArray[np.uint32]:
    """Return states by predicted colour, kind, activity (0 to 7) and distance (0 to 63)."""
    table = [adaptive(1, 2, 0)] * 64
    if is_tree:
        # A slope of 0.15 for each eighth of the distance between the sides: 38 in 1/256.
        table = [adaptive(int(squash()[38 * at - 1197 + DOMAIN]), 65536, 3) for at in range(64)]
    return np.tile(np.array(table, np.uint32), geometries * KINDS * 8)
