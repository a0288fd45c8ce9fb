"""The inner loops of `dither`, compiled; their readable twins are in `diffusion`.

Nothing is checked here: `dither` hands over contiguous arrays of the shapes that belong together.
Every value stays below 2**30, so that no result depends on how wide an int is or how it overflows.
"""

import numpy as np

from kmcodec.parallel import heed_stop

cdef extern from *:
    unsigned int KMC_SOURCE_CRC

SOURCE_CRC = KMC_SOURCE_CRC


cdef enum:
    PIXELS = 4096  # between two looks at whether to go on
    STEPS = 16  # to a level, as in diffusion.py
    # Carried errors are 16ths of a step, their share comes in 256ths.
    SHARE_SHIFT = 12
    # A multiple of 2**SHARE_SHIFT beyond any error: what is shifted right is never negative,
    # which C leaves to the compiler.
    BIAS = 1 << 25


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
        Py_ssize_t[::1] indices,
        int[:, ::1] here,
        int[:, ::1] under,
        bint backwards,
        int share,
        int limit,
    ):
        """One row of error diffusion; see the twin."""
        cdef const Search *search = &self.search
        cdef const unsigned char *entry
        cdef int wanted[4]
        cdef int channels = search.channels
        cdef int colors = channels - 1 if channels == 2 or channels == 4 else channels
        cdef int alpha = 255, best = 0, value, error, channel
        cdef Py_ssize_t width = pixels.shape[0]
        cdef Py_ssize_t step, x, start
        cdef Py_ssize_t ahead = -1 if backwards else 1
        for start in range(0, width, PIXELS):
            with nogil:
                for step in range(start, min(width, start + PIXELS)):
                    x = width - 1 - step if backwards else step
                    if indices[x] >= 0:
                        continue
                    if colors < channels:
                        alpha = pixels[x, colors]
                        wanted[colors] = STEPS * alpha
                    for channel in range(colors):
                        value = here[x + 1, channel] * share + (1 << (SHARE_SHIFT - 1))
                        value = ((value + BIAS) >> SHARE_SHIFT) - (BIAS >> SHARE_SHIFT)
                        value = min(max(value, -limit), limit) + shown(pixels[x, channel], alpha)
                        wanted[channel] = min(max(value, 0), STEPS * alpha)
                    best = nearest(search, wanted, best)
                    indices[x] = search.numbers[best]
                    entry = &self.palette[indices[x], 0]
                    if colors < channels and entry[colors] == 0:
                        continue
                    for channel in range(colors):
                        error = wanted[channel] - shown(entry[channel], alpha)
                        here[x + 1 + ahead, channel] += 7 * error
                        under[x + 1 - ahead, channel] += 3 * error
                        under[x + 1, channel] += 5 * error
                        under[x + 1 + ahead, channel] += error
            heed_stop()
