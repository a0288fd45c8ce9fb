"""What single steps of palette entries on the 8-bit grid would gain; twin of `rounding.step_gains`.

Whole numbers only.
"""

from libc.stdint cimport int32_t, int64_t

import numpy as np

from kmcodec.parallel import heed_stop

cdef extern from *:
    unsigned int KMC_SOURCE_CRC

SOURCE_CRC = KMC_SOURCE_CRC

cdef enum:
    POINTS = 1 << 18  # between two looks at whether to go on


def step_gains(
    const int64_t[:, ::1] points,
    const int64_t[::1] weights,
    const int32_t[::1] labels,
    const int64_t[:, ::1] entries,
    const int32_t[:, ::1] neighbors,
):
    """By how much the squared error falls at each step of each entry; see the twin."""
    cdef Py_ssize_t n = points.shape[0], i, start
    cdef int dims = points.shape[1], near = neighbors.shape[1], j, d, own, other, second
    cdef int64_t distance, first, next_, w, difference, moved
    if weights.shape[0] != n or labels.shape[0] != n or entries.shape[1] != dims:
        raise ValueError("shapes do not fit")
    if neighbors.shape[0] != entries.shape[0]:
        raise ValueError("neighbours for each entry")
    for values in (np.asarray(labels), np.asarray(neighbors)):
        if values.size and not 0 <= values.min() <= values.max() < entries.shape[0]:
            raise ValueError("labels and neighbours are numbers of entries")
    gains = np.zeros((entries.shape[0], 2 * dims), np.int64)
    cdef int64_t[:, ::1] gain = gains
    for start in range(0, n, POINTS):
        with nogil:
            for i in range(start, min(n, start + POINTS)):
                own, w = labels[i], weights[i]
                first = 0
                for d in range(dims):
                    difference = points[i, d] - entries[own, d]
                    first += difference * difference
                next_, second = -1, own
                for j in range(near):
                    other = neighbors[own, j]
                    distance = 0
                    for d in range(dims):
                        difference = points[i, d] - entries[other, d]
                        distance += difference * difference
                    if next_ < 0 or distance < next_:
                        next_, second = distance, other
                for d in range(dims):
                    # A step of +1 changes a squared difference x by 1 - 2 x, one of -1 by 1 + 2 x.
                    difference = 2 * (points[i, d] - entries[own, d])
                    for j in range(2):
                        moved = first + 1 + (-difference if j else difference)
                        if near and moved > next_:
                            moved = next_
                        gain[own, 2 * d + j] += w * (first - moved)
                    if near:
                        difference = 2 * (points[i, d] - entries[second, d])
                        for j in range(2):
                            moved = next_ + 1 + (-difference if j else difference)
                            if moved < first:
                                gain[second, 2 * d + j] += w * (first - moved)
        heed_stop()
    return gains
