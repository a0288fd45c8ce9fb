"""The `pca` start: cut cells of points one after the other along their principal axes.

After Wu, "Color quantization by dynamic programming and principal analysis", ACM Transactions on
Graphics 11(4), 1992, section 4: here each cut is the best one for its cell alone, and the cell
that gains most is cut next.
"""

from __future__ import annotations

import heapq
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kmcodec.quantization import kernels
from kmcodec.quantization.samples import Samples

__all__ = ["PythonCells", "pca_start"]

BINS = 512
STEPS = 12
SCALE = 1024


def pca_start(samples: Samples, k: int, rng: Any = None) -> NDArray[np.int64]:
    """Return the means of k cells; `rng` is not used.

    Returns
    -------
    ndarray, shape (k, D), int64
        On the grid; if the points cannot be divided into k cells, the last mean repeats.
    """
    cells = (kernels.Cells or PythonCells)(samples.points, samples.weights)
    heap: list[Any] = []
    for low, high in samples.parts if len(samples.parts) <= k else [(0, len(samples))]:
        weight, total, gain, cut = cells.measure(low, high)
        # Ties go to the cell made first: the second number is unique.
        heap.append((-gain, len(heap), low, high, cut, weight, total))
    heapq.heapify(heap)
    while len(heap) < k and heap[0][0] < 0:
        _, number, low, high, cut, _, _ = heapq.heappop(heap)
        middle = cells.cut(low, high, cut)
        for key, part in ((number, (low, middle)), (len(heap) + 1, (middle, high))):
            weight, total, gain, cut = cells.measure(*part)
            heapq.heappush(heap, (-gain, key, *part, cut, weight, total))
    ordered = sorted(heap, key=lambda item: item[1])
    ordered += [ordered[-1]] * (k - len(ordered))
    totals = np.array([item[5] for item in ordered])
    return samples.means(totals, np.array([item[6] for item in ordered]))


class PythonCells:
    """Weighted points, ordered so that every cell is a range; the twin of `_split.Cells`.

    Parameters
    ----------
    points : ndarray, shape (N, D), int64
        Whole numbers of at most 14 bits, D at most 4.
    weights : ndarray, shape (N,), int64
    """

    def __init__(self, points: NDArray[np.int64], weights: NDArray[np.int64]) -> None:
        self._points = points.copy()
        self._weights = weights.copy()
        self._along = np.empty(len(points), np.int64)

    def measure(self, low: int, high: int) -> tuple[int, NDArray[np.int64], float, int]:
        """Measure the cell of the points low ... high - 1.

        Returns
        -------
        weight : int
        total : ndarray, shape (D,), int64
            Weighted sum.
        gain : float
            By how much its best cut lowers the squared error, in units of the axis; -1 if the
            cell cannot be cut.
        cut : int
            Points whose place along the axis is less come before the cut.
        """
        own, w = self._points[low:high], self._weights[low:high]
        weighted = own * w[:, np.newaxis]
        weight, total = int(w.sum()), weighted.sum(axis=0)
        if high - low == 1:
            return weight, total, -1.0, 0
        axis = _principal_axis(own.T @ weighted, total, weight)
        self._along[low:high] = own @ axis
        return weight, total, *_best_cut(self._along[low:high], w)

    def cut(self, low: int, high: int, cut: int) -> int:
        """Move points before a cut to the front of their cell; return the start of the rest."""
        behind = self._along[low:high] >= cut
        order = low + np.argsort(behind, kind="stable")
        for values in (self._points, self._weights, self._along):
            values[low:high] = values[order]
        return high - int(behind.sum())


def _principal_axis(
    products: NDArray[np.int64], total: NDArray[np.int64], weight: int
) -> NDArray[np.int64]:
    """Return the direction of greatest variance as whole numbers, by power iteration.

    Use plain floats in a fixed order: LAPACK's last bits differ between machines.
    """
    dims = range(len(total))
    covariance = [
        [float(products[a, b]) - float(total[a]) * (float(total[b]) / weight) for b in dims]
        for a in dims
    ]
    sizes = [_sum(map(abs, row)) for row in covariance]
    vector = covariance[sizes.index(max(sizes))]
    for _ in range(STEPS):
        length = math.sqrt(_sum(v * v for v in vector))
        if length == 0:
            break
        vector = [v / length for v in vector]
        vector = [_sum(row[b] * vector[b] for b in dims) for row in covariance]
    largest = max(map(abs, vector)) or 1.0
    return np.array([math.floor(v / largest * SCALE + 0.5) for v in vector], np.int64)


def _sum(values: Any) -> float:
    # The built-in differs: since Python 3.12 it compensates rounding errors.
    total = 0.0
    for value in values:
        total += value
    return total


def _best_cut(along: NDArray[np.int64], w: NDArray[np.int64]) -> tuple[float, int]:
    least = int(along.min())
    span = int(along.max()) - least + 1
    bins = (along - least) * BINS // span
    weight, moment = np.zeros((2, BINS), np.int64)
    np.add.at(weight, bins, w)
    np.add.at(moment, bins, w * along)
    weight, moment = np.cumsum(weight), np.cumsum(moment)
    front, back = weight[:-1], weight[-1] - weight[:-1]
    inside = (front > 0) & (back > 0)
    if not inside.any():
        return -1.0, 0
    at, before = np.flatnonzero(inside), moment[:-1][inside]
    front, back = front[inside].astype(np.float64), back[inside].astype(np.float64)
    # The squared error falls by front * back / all * (difference of the means)**2.
    difference = before / front - (moment[-1] - before) / back
    gains = front * back / weight[-1] * difference * difference
    best = int(gains.argmax())
    return float(gains[best]), least + -(-(int(at[best]) + 1) * span // BINS)
