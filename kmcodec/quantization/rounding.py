"""Round a palette to 8 bits by a search on the integer grid.

Rounding each centroid by itself costs about 1 % at 256 entries. Rounding also reassigns colours at
the borders between entries: steps of single entries that account for this regain part of the loss.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kmcodec.parallel import in_threads, thread_count
from kmcodec.quantization import kernels
from kmcodec.quantization.samples import Samples

__all__ = ["rounded", "step_gains"]

_NEIGHBORS = 12
# Above this many entries the distances of all pairs would take too much memory.
_MOST = 2048
# Points to visit in all sweeps: the first sweeps gain most.
_WORK = 3_000_000


def rounded(samples: Samples, centroids: NDArray[np.int64], sweeps: int) -> NDArray[np.int64]:
    """Round centroids to whole coordinates, then step to a smaller error.

    Parameters
    ----------
    samples : Samples
        In whole coordinates, 0 ... 255.
    centroids : ndarray, shape (K, D), int64
        On the grid; pins stay.
    sweeps : int
        Maximum number of passes over all entries.

    Returns
    -------
    ndarray, shape (K, D), int64
        Whole coordinates.
    """
    half = 1 << (samples.shift - 1)
    entries: NDArray[np.int64] = np.clip((centroids + half) >> samples.shift, 0, 255)
    if sweeps == 0 or not 1 < len(entries) <= _MOST:
        return entries
    best, error = entries, _error(samples, entries)
    neighbors = _neighbors(entries)
    share = 1
    for _ in range(min(sweeps, max(2, _WORK // len(samples)))):
        stepped = _stepped(samples, best, neighbors, share)
        if stepped is None:
            break
        stepped_error = _error(samples, stepped)
        if stepped_error < error:
            best, error = stepped, stepped_error
        else:
            # Steps that pay alone did not pay together: take fewer at a time.
            share *= 4
    return best


def step_gains(
    points: NDArray[np.int64],
    weights: NDArray[np.int64],
    labels: NDArray[np.int32],
    entries: NDArray[np.int64],
    neighbors: NDArray[np.int32],
) -> NDArray[np.int64]:
    """Return by how much, at least, the squared error falls when a single entry takes a step.

    A point stays with its entry or moves to its second nearest, which is searched for among the
    neighbours of the first. If it is not among them, the true gain is greater.

    Parameters
    ----------
    points : ndarray, shape (N, D), int64
    weights : ndarray, shape (N,), int64
    labels : ndarray, shape (N,), int32
        The nearest entry of each point.
    entries : ndarray, shape (K, D), int64
    neighbors : ndarray, shape (K, M), int32
        Other entries near each entry; M may be 0.

    Returns
    -------
    ndarray, shape (K, 2 D), int64
        For steps of -1 and +1 in each coordinate, in the order -x +x -y +y ...
    """
    first = _squares(points, entries[labels])
    second, following = labels, np.full(len(points), np.iinfo(np.int64).max)
    for column in neighbors.T:
        other = column[labels]
        distance = _squares(points, entries[other])
        closer = distance < following
        second = np.where(closer, other, second)
        following = np.where(closer, distance, following)
    gains = np.zeros((len(entries), 2 * points.shape[1]), np.int64)
    for step in range(gains.shape[1]):
        axis, sign = divmod(step, 2)
        move = np.zeros(points.shape[1], np.int64)
        move[axis] = 2 * sign - 1
        stay = np.minimum(_squares(points, entries[labels] + move), following)
        np.add.at(gains[:, step], labels, weights * (first - stay))
        if neighbors.shape[1]:
            come = _squares(points, entries[second] + move)
            np.add.at(gains[:, step], second, weights * np.maximum(first - come, 0))
    return gains


def _stepped(
    samples: Samples, entries: NDArray[np.int64], neighbors: NDArray[np.int32], share: int
) -> NDArray[np.int64] | None:
    """Return the entries after their best steps, not of close neighbours, or None if none pays."""
    labels = samples.labels(entries << samples.shift)
    gains = _gains(samples, labels, entries, neighbors)
    gains[: len(samples.pins)] = 0
    choice = gains.argmax(axis=1)
    best = gains[np.arange(len(gains)), choice]
    order = [int(i) for i in np.argsort(-best, kind="stable") if best[i] > 0]
    stepped, moved = entries.copy(), set[int]()
    for entry in order[: max(1, len(order) // share)]:
        if moved.isdisjoint(neighbors[entry, : _NEIGHBORS // 2].tolist()):
            axis, sign = divmod(int(choice[entry]), 2)
            stepped[entry, axis] = min(255, max(0, stepped[entry, axis] + 2 * sign - 1))
            moved.add(entry)
    return stepped if moved else None


def _gains(
    samples: Samples,
    labels: NDArray[np.int32],
    entries: NDArray[np.int64],
    neighbors: NDArray[np.int32],
) -> NDArray[np.int64]:
    kernel = kernels.step_gains or step_gains

    def of_part(part: int, parts: int) -> NDArray[np.int64]:
        own = slice(len(labels) * part // parts, len(labels) * (part + 1) // parts)
        gains: NDArray[np.int64] = kernel(
            samples.points[own], samples.weights[own], labels[own], entries, neighbors
        )
        return gains

    parts = thread_count() if kernels.step_gains else 1
    summed: NDArray[np.int64] = np.sum(in_threads(of_part, parts), axis=0)
    return summed


def _neighbors(entries: NDArray[np.int64]) -> NDArray[np.int32]:
    """Return the other entries nearest to each entry, nearest first; shape (K, at most 12)."""
    squares = sum(np.subtract.outer(x, x) ** 2 for x in entries.T)
    np.fill_diagonal(squares, np.iinfo(np.int64).max)
    count = min(_NEIGHBORS, len(entries) - 1)
    return np.argsort(squares, axis=1, kind="stable")[:, :count].astype(np.int32, order="C")


def _error(samples: Samples, entries: NDArray[np.int64]) -> int:
    """Return the weighted squared error of the nearest entries, less a constant."""
    totals, sums = samples.moments(entries << samples.shift)
    return int((entries * entries).sum(axis=1) @ totals) - 2 * int((entries * sums).sum())


def _squares(points: NDArray[np.int64], others: NDArray[np.int64]) -> NDArray[np.int64]:
    difference = points - others
    return np.asarray((difference * difference).sum(axis=1))
