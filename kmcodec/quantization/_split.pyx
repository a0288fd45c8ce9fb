"""The best cut of a cell along its principal axis, compiled; the twin of `split.Cells`.

Sums are whole numbers; what is left are float64 operations in the order of the twin, without
fused ones, so that both find the same cuts.
"""

from libc.math cimport fabs, floor, sqrt
from libc.stdint cimport int32_t, int64_t

import numpy as np

from kmcodec.parallel import heed_stop

cdef extern from *:
    unsigned int KMC_SOURCE_CRC

SOURCE_CRC = KMC_SOURCE_CRC

cdef enum:
    DIMS = 4
    BINS = 512
    STEPS = 12
    SCALE = 1024


cdef class Cells:
    """Weighted points in an order in which every cell is a range; see `split.Cells`."""

    cdef int dims
    cdef int64_t[:, ::1] points
    cdef int64_t[::1] weights
    cdef int64_t[::1] along
    cdef int32_t[::1] order

    def __init__(self, points, weights):
        if points.ndim != 2 or weights.shape != points.shape[:1]:
            raise ValueError("points have shape (N, D), weights (N,)")
        self.points = np.array(points, np.int64)
        self.weights = np.array(weights, np.int64)
        self.dims = self.points.shape[1]
        if not 1 <= self.dims <= DIMS:
            raise ValueError("1 to 4 coordinates")
        self.along = np.empty(len(points), np.int64)
        self.order = np.arange(len(points), dtype=np.int32)

    def measure(self, int low, int high):
        """Weight and sum of a cell, and gain and position of its best cut."""
        cdef int64_t weight = 0
        cdef int64_t total[DIMS]
        cdef double gain = -1.0
        cdef int64_t cut = 0
        cdef int d
        if not 0 <= low < high <= self.points.shape[0]:
            raise ValueError("no such cell")
        with nogil:
            self._measure(low, high, &weight, total, &gain, &cut)
        heed_stop()
        return weight, np.array([total[d] for d in range(self.dims)]), gain, cut

    def cut(self, int low, int high, int64_t cut):
        """Bring the points before a cut to the front of their cell; return where others begin."""
        cdef int i = low, j = high - 1, d
        if not 0 <= low < high <= self.points.shape[0]:
            raise ValueError("no such cell")
        with nogil:
            while True:
                while i <= j and self.along[i] < cut:
                    i += 1
                while i <= j and self.along[j] >= cut:
                    j -= 1
                if i >= j:
                    break
                for d in range(self.dims):
                    self.points[i, d], self.points[j, d] = self.points[j, d], self.points[i, d]
                self.weights[i], self.weights[j] = self.weights[j], self.weights[i]
                self.along[i], self.along[j] = self.along[j], self.along[i]
                self.order[i], self.order[j] = self.order[j], self.order[i]
        heed_stop()
        return i

    cdef void _measure(
        self, int low, int high, int64_t* weight, int64_t* total, double* gain, int64_t* cut
    ) noexcept nogil:
        cdef int64_t product[DIMS][DIMS]
        cdef int64_t axis[DIMS]
        cdef int64_t weighted
        cdef int i, a, b
        for a in range(DIMS):
            total[a] = 0
            for b in range(DIMS):
                product[a][b] = 0
        for i in range(low, high):
            weight[0] += self.weights[i]
            for a in range(self.dims):
                weighted = self.weights[i] * self.points[i, a]
                total[a] += weighted
                for b in range(a, self.dims):
                    product[a][b] += weighted * self.points[i, b]
        for a in range(self.dims):
            for b in range(a):
                product[a][b] = product[b][a]
        if high - low > 1:
            self._principal_axis(product, total, weight[0], axis)
            self._find_cut(low, high, axis, gain, cut)

    cdef void _principal_axis(
        self, int64_t[DIMS]* product, int64_t* total, int64_t weight, int64_t* axis
    ) noexcept nogil:
        cdef double covariance[DIMS][DIMS]
        cdef double vector[DIMS]
        cdef double next_[DIMS]
        cdef double length, size, largest = 0
        cdef int a, b, step, row = 0
        for a in range(self.dims):
            size = 0
            for b in range(self.dims):
                covariance[a][b] = (
                    <double> product[a][b] - <double> total[a] * (<double> total[b] / weight)
                )
                size += fabs(covariance[a][b])
            if size > largest:
                largest, row = size, a
        for a in range(self.dims):
            vector[a] = covariance[row][a]
        for step in range(STEPS):
            length = 0
            for a in range(self.dims):
                length += vector[a] * vector[a]
            length = sqrt(length)
            if length == 0:
                break
            for a in range(self.dims):
                vector[a] /= length
            for a in range(self.dims):
                next_[a] = 0
                for b in range(self.dims):
                    next_[a] += covariance[a][b] * vector[b]
            for a in range(self.dims):
                vector[a] = next_[a]
        largest = 0
        for a in range(self.dims):
            largest = max(largest, fabs(vector[a]))
        if largest == 0:
            largest = 1
        for a in range(self.dims):
            axis[a] = <int64_t> floor(vector[a] / largest * SCALE + 0.5)

    cdef void _find_cut(
        self, int low, int high, int64_t* axis, double* gain, int64_t* cut
    ) noexcept nogil:
        cdef int64_t weight[BINS]
        cdef int64_t moment[BINS]
        cdef int64_t at, least = 0, most = 0, span, w = 0, m = 0, all_weight = 0, all_moment = 0
        cdef double front, back, difference, found
        cdef int i, d, bin_
        for i in range(low, high):
            at = 0
            for d in range(self.dims):
                at += axis[d] * self.points[i, d]
            self.along[i] = at
            if i == low:
                least = most = at
            least = min(least, at)
            most = max(most, at)
        span = most - least + 1
        for bin_ in range(BINS):
            weight[bin_] = moment[bin_] = 0
        for i in range(low, high):
            bin_ = <int> ((self.along[i] - least) * BINS // span)
            weight[bin_] += self.weights[i]
            moment[bin_] += self.weights[i] * self.along[i]
            all_weight += self.weights[i]
            all_moment += self.weights[i] * self.along[i]
        for bin_ in range(BINS - 1):
            w += weight[bin_]
            m += moment[bin_]
            if w == 0 or w == all_weight:
                continue
            front, back = <double> w, <double> (all_weight - w)
            difference = <double> m / front - <double> (all_moment - m) / back
            found = front * back / <double> all_weight * difference * difference
            if found > gain[0]:
                gain[0] = found
                # The least position of the next bin: ceil((bin + 1) * span / BINS) + least.
                cut[0] = least + ((bin_ + 1) * span + BINS - 1) // BINS
