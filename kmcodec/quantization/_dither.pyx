"""The inner loops of `dither`, compiled; their readable twins are in `diffusion`.

Nothing is checked here: `dither` hands over contiguous arrays of the shapes that belong together.
Every int stays below 2**30, so that no result depends on how wide it is or how it overflows.
"""

import numpy as np

from kmcodec.parallel import heed_stop

cdef extern from *:
    unsigned int KMC_SOURCE_CRC

SOURCE_CRC = KMC_SOURCE_CRC


cdef enum:
    PIXELS = 4096  # between two looks at whether to go on
    STEPS = 16  # to a level, as in diffusion.py
    # As in diffusion.py.
    WHOLE = 256
    LIKE = 12 * 256
    FRESH = 48
    KEPT = -2
    MOVE_SHIFT = 20
    # Added before a shift to the right, so that nothing negative is shifted, which C leaves to the
    # compiler: more than any shifted error.
    BIAS = 1 << 20


cdef struct Search:
    # The entries in ascending order of the sums of their coordinates.
    const int *coordinates
    const int *sums
    const int *numbers
    # The first position at which the sum is at least s, for every s.
    const int *starts
    int entries
    int channels


cdef inline int shown(int sample, int alpha) noexcept nogil:
    return (STEPS * sample * alpha + 127) // 255


cdef inline int distance(const Search *search, const int *wanted, int position) noexcept nogil:
    cdef const int *entry = search.coordinates + position * search.channels
    cdef int total = 0, difference, channel
    for channel in range(search.channels):
        difference = wanted[channel] - entry[channel]
        total += difference * difference
    return total


cdef int nearest(const Search *search, const int *wanted, int hint) noexcept nogil:
    """Position of the nearest entry, ties to the lower number; `hint` is any position.

    From where the sums are alike outwards on both sides. By Cauchy and Schwarz the squared
    difference of two sums is at most `channels` times the squared distance: beyond that, no
    entry can be nearer.
    """
    cdef int total = 0, channel, gap, found
    cdef int best = hint
    cdef int least = distance(search, wanted, hint)
    cdef int below, above
    for channel in range(search.channels):
        total += wanted[channel]
    above = search.starts[total]
    below = above - 1
    while below >= 0 or above < search.entries:
        if above < search.entries:
            gap = search.sums[above] - total
            if gap * gap > search.channels * least:
                above = search.entries
            else:
                found = distance(search, wanted, above)
                if found < least or (
                    found == least and search.numbers[above] < search.numbers[best]
                ):
                    least = found
                    best = above
                above += 1
        if below >= 0:
            gap = total - search.sums[below]
            if gap * gap > search.channels * least:
                below = -1
            else:
                found = distance(search, wanted, below)
                if found < least or (
                    found == least and search.numbers[below] < search.numbers[best]
                ):
                    least = found
                    best = below
                below -= 1
    return best


cdef struct Row:
    # This row and the one above, NULL above the first; what their pixels pass on.
    const unsigned char *pixels[2]
    const int *trails[2]
    int *here
    const unsigned char *palette
    Py_ssize_t width
    Py_ssize_t ahead
    int channels
    int colors
    int share
    int slow
    int limit
    int near
    int flat
    int hint


cdef struct Received:
    int error[4]
    int likeness
    int fresh
    int farthest


cdef inline void add(const Row *row, Py_ssize_t x, int up, Py_ssize_t other, int part,
                     Received *sum) noexcept nogil:
    """Add what a pixel receives from another, in this row or the one above."""
    cdef const unsigned char *color
    cdef const unsigned char *beside
    cdef const int *trail
    cdef int channel, difference, weight, distance = 0
    if other < 0 or other >= row.width or row.pixels[up] == NULL:
        sum.likeness += part * WHOLE
        return
    color = row.pixels[0] + x * row.channels
    beside = row.pixels[up] + other * row.channels
    for channel in range(row.channels):
        difference = <int>color[channel] - <int>beside[channel]
        distance += difference * difference
    sum.farthest = max(sum.farthest, distance)
    if distance >= 4 * row.near:
        return
    weight = part * (WHOLE - max(distance - row.near, 0) * WHOLE // (3 * row.near))
    trail = row.trails[up] + other * (row.channels + 1)
    sum.likeness += weight
    sum.fresh = max(sum.fresh, FRESH if distance else trail[row.channels] - 1)
    for channel in range(row.colors):
        sum.error[channel] += weight * trail[channel]


cdef void place(const Search *search, Row *row, Py_ssize_t x, Py_ssize_t *indices) noexcept nogil:
    """Find the entry of a pixel, and what it passes on."""
    cdef const unsigned char *color = row.pixels[0] + x * row.channels
    cdef int *trail = row.here + x * (row.channels + 1)
    cdef Py_ssize_t index = indices[x]
    cdef const unsigned char *entry
    cdef Received sum
    cdef int wanted[4]
    cdef int alpha = 255, channel, value, share
    cdef long long moved
    for channel in range(4):
        sum.error[channel] = 0
    sum.likeness = sum.fresh = sum.farthest = 0
    add(row, x, 0, x - row.ahead, 7, &sum)
    add(row, x, 1, x - row.ahead, 1, &sum)
    add(row, x, 1, x, 5, &sum)
    add(row, x, 1, x + row.ahead, 3, &sum)
    for channel in range(row.channels):
        trail[channel] = 0
    trail[row.channels] = sum.fresh
    if index >= 0:
        return
    if row.colors < row.channels:
        alpha = color[row.colors]
        wanted[row.colors] = STEPS * alpha
    for channel in range(row.colors):
        wanted[channel] = shown(color[channel], alpha)
    if sum.fresh == 0 or sum.likeness < LIKE:
        row.hint = nearest(search, wanted, row.hint)
        if sum.likeness < LIKE or distance(search, wanted, row.hint) <= row.flat:
            indices[x] = search.numbers[row.hint] if index > KEPT else KEPT - index
            return
    # No channel by more than a level: a slow ramp.
    share = row.slow if sum.fresh and sum.farthest <= row.colors else row.share
    for channel in range(row.colors):
        moved = <long long>sum.error[channel] * share + (1 << (MOVE_SHIFT - 1))
        value = <int>((moved + (<long long>BIAS << MOVE_SHIFT)) >> MOVE_SHIFT) - BIAS
        value = min(max(value, -row.limit), row.limit) + wanted[channel]
        wanted[channel] = min(max(value, 0), STEPS * alpha)
    if index > KEPT:
        row.hint = nearest(search, wanted, row.hint)
        indices[x] = search.numbers[row.hint]
    else:
        indices[x] = KEPT - index
    entry = row.palette + indices[x] * row.channels
    if row.colors < row.channels and entry[row.colors] == 0:
        return
    for channel in range(row.colors):
        trail[channel] = wanted[channel] - shown(entry[channel], alpha)


cdef class Entries:
    """The entries of a palette, laid out for searching; its twin `PythonEntries` has the same use.

    `palette` (K, C) uint8 and `coordinates` (K, C) int64, whole steps from 0 to 255 levels.
    """

    cdef Search search
    cdef const unsigned char[:, ::1] palette
    # What `search` points into.
    cdef const int[:, ::1] coordinates
    cdef const int[::1] sums
    cdef const int[::1] numbers
    cdef const int[::1] starts

    def __init__(self, palette, coordinates):
        sums = coordinates.sum(axis=1)
        order = np.argsort(sums, kind="stable")
        every = np.arange(coordinates.shape[1] * STEPS * 255 + 1)
        self.palette = palette
        self.coordinates = np.ascontiguousarray(coordinates[order], np.intc)
        self.sums = sums[order].astype(np.intc)
        self.numbers = order.astype(np.intc)
        self.starts = np.searchsorted(sums[order], every).astype(np.intc)
        self.search.coordinates = &self.coordinates[0, 0]
        self.search.sums = &self.sums[0]
        self.search.numbers = &self.numbers[0]
        self.search.starts = &self.starts[0]
        self.search.entries = <int>self.sums.shape[0]
        self.search.channels = <int>self.coordinates.shape[1]

    def nearest(self, points):
        """The number of the entry nearest to each of `points` (N, C), ties to the lower one."""
        cdef const int[:, ::1] wanted = np.ascontiguousarray(points, np.intc)
        numbers = np.empty(len(points), np.intp)
        cdef Py_ssize_t[::1] found = numbers
        cdef Py_ssize_t row, start, n = wanted.shape[0]
        cdef int best = 0
        for start in range(0, n, PIXELS):
            with nogil:
                for row in range(start, min(n, start + PIXELS)):
                    best = nearest(&self.search, &wanted[row, 0], best)
                    found[row] = self.search.numbers[best]
            heed_stop()
        return numbers

    def diffuse_row(
        self,
        const unsigned char[:, ::1] pixels,
        const unsigned char[:, ::1] above,
        Py_ssize_t[::1] indices,
        int[:, ::1] here,
        const int[:, ::1] over,
        bint backwards,
        int share,
        int slow,
        int limit,
        int near,
        int flat,
    ):
        """One row of error diffusion; see the twin."""
        cdef Row row
        cdef Py_ssize_t width = pixels.shape[0]
        cdef Py_ssize_t step, start
        row.width = width
        row.channels = self.search.channels
        row.colors = row.channels - (row.channels == 2 or row.channels == 4)
        row.ahead = -1 if backwards else 1
        row.share, row.slow, row.limit, row.near, row.flat = share, slow, limit, near, flat
        row.pixels[0] = &pixels[0, 0]
        row.trails[0] = row.here = &here[0, 0]
        row.pixels[1] = NULL if above is None else &above[0, 0]
        row.trails[1] = NULL if over is None else &over[0, 0]
        row.palette = &self.palette[0, 0]
        row.hint = 0
        for start in range(0, width, PIXELS):
            with nogil:
                for step in range(start, min(width, start + PIXELS)):
                    place(&self.search, &row, width - 1 - step if backwards else step, &indices[0])
            heed_stop()
