"""Counting even squares of 2 x 2 pixels by their chroma, compiled; the twin is in `squares`."""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t

import numpy as np

from kmcodec.parallel import heed_stop

cdef extern from *:
    unsigned int KMC_SOURCE_CRC

SOURCE_CRC = KMC_SOURCE_CRC

cdef enum:
    # As in squares.py.
    SAMPLE_SHIFT = 2
    SAMPLE_BITS = 6
    KEYS = 1 << 18
    SIDE_BITS = 7
    CELLS = 1 << 14
    EVEN = 4
    # In place of a row of the plane, for what is not opaque.
    NONE = 255
    # Squares whose sums surely fit in halves of 64 bits.
    SQUARES = 1 << 21


cdef struct Row:
    const uint8_t *pixels
    # Row and column of the cell of each pixel.
    uint8_t *a
    uint8_t *b


cdef inline void find_cells(const Row *row, Py_ssize_t width, int channels,
                            const uint16_t *table) noexcept nogil:
    cdef Py_ssize_t x
    cdef const uint8_t *pixel = row.pixels
    cdef int cell
    for x in range(width):
        cell = table[
            ((pixel[0] >> SAMPLE_SHIFT) << (2 * SAMPLE_BITS))
            | ((pixel[1] >> SAMPLE_SHIFT) << SAMPLE_BITS)
            | (pixel[2] >> SAMPLE_SHIFT)
        ]
        row.a[x] = NONE if channels == 4 and pixel[3] != 255 else cell >> SIDE_BITS
        row.b[x] = cell & ((1 << SIDE_BITS) - 1)
        pixel += channels


cdef inline void keep_near(const uint8_t *upper, const uint8_t *lower, Py_ssize_t squares,
                           uint8_t *even) noexcept nogil:
    """Clear the squares whose rows or columns of cells are more than `EVEN` apart.

    Compilers do many at a time.
    """
    cdef Py_ssize_t x
    cdef uint8_t low, high
    for x in range(squares):
        low = min(min(upper[x], lower[x]), min(upper[x + 1], lower[x + 1]))
        high = max(max(upper[x], lower[x]), max(upper[x + 1], lower[x + 1]))
        even[x] &= <uint8_t> (high - low) <= EVEN


cdef void find_even(const Row *upper, const Row *lower, Py_ssize_t squares,
                    uint8_t *even) noexcept nogil:
    cdef Py_ssize_t x
    for x in range(squares):
        even[x] = upper.a[x] != NONE
    keep_near(upper.a, lower.a, squares, even)
    keep_near(upper.b, lower.b, squares, even)


cdef void add_pixels(const Row *row, Py_ssize_t width, int64_t *sums) noexcept nogil:
    cdef Py_ssize_t x
    for x in range(width):
        if row.a[x] != NONE:
            sums[5 * (row.a[x] << SIDE_BITS | row.b[x])] += 1


cdef inline void add_colors(const Row *upper, const Row *lower, const uint8_t *even,
                            Py_ssize_t begin, Py_ssize_t end, int channels,
                            uint64_t *halves) noexcept nogil:
    cdef Py_ssize_t x
    cdef const uint8_t *p = upper.pixels + begin * channels
    cdef const uint8_t *q = lower.pixels + begin * channels
    cdef uint64_t *own
    for x in range(begin, end):
        if even[x]:
            own = halves + 2 * (upper.a[x] << SIDE_BITS | upper.b[x])
            own[0] += (<uint64_t> 1 << 32) + (p[0] + p[channels] + q[0] + q[channels])
            own[1] += (
                (<uint64_t> (p[1] + p[channels + 1] + q[1] + q[channels + 1]) << 32)
                + (p[2] + p[channels + 2] + q[2] + q[channels + 2])
            )
        p += channels
        q += channels


cdef void flush(uint64_t *halves, int64_t *sums) noexcept nogil:
    cdef Py_ssize_t cell
    cdef int i
    for cell in range(CELLS):
        for i in range(2):
            sums[5 * cell + 1 + 2 * i] += <int64_t> (halves[2 * cell + i] >> 32)
            sums[5 * cell + 2 + 2 * i] += <uint32_t> halves[2 * cell + i]
            halves[2 * cell + i] = 0


def add_squares(const uint8_t[:, :, ::1] pixels, const uint8_t[:, :, ::1] above,
                const uint16_t[::1] table, int64_t[:, ::1] sums):
    """Add pixels, and even squares of them and at most one row above, to `Squares.sums`."""
    cdef Py_ssize_t height = pixels.shape[0], width = pixels.shape[1], y, begin, end, waiting = 0
    cdef int channels = <int> pixels.shape[2]
    if not 3 <= channels <= 4 or table.shape[0] != KEYS:
        raise ValueError("shapes do not fit")
    if above.shape[0] > 1 or above.shape[1] != width or above.shape[2] != channels:
        raise ValueError("shapes do not fit")
    if sums.shape[0] != CELLS or sums.shape[1] != 5:
        raise ValueError("shapes do not fit")
    if np.max(table) >= CELLS:
        raise ValueError("cells beyond the plane")
    if not height or not width:
        return
    # Cells of two rows in turn; number and red, green and blue of each cell, in halves of 64 bits.
    cdef uint8_t[:, :, ::1] cells = np.empty((2, 2, width), np.uint8)
    cdef uint8_t[::1] even = np.empty(width, np.uint8)
    cdef uint64_t[:, ::1] halves = np.zeros((CELLS, 2), np.uint64)
    cdef Row upper, lower
    if above.shape[0]:
        upper = Row(&above[0, 0, 0], &cells[1, 0, 0], &cells[1, 1, 0])
        find_cells(&upper, width, channels, &table[0])
    for y in range(height):
        with nogil:
            lower = Row(&pixels[y, 0, 0], &cells[y & 1, 0, 0], &cells[y & 1, 1, 0])
            find_cells(&lower, width, channels, &table[0])
            add_pixels(&lower, width, &sums[0, 0])
            if y or above.shape[0]:
                find_even(&upper, &lower, width - 1, &even[0])
                begin = 0
                while begin < width - 1:
                    end = min(begin + SQUARES, width - 1)
                    if waiting + end - begin > SQUARES:
                        flush(&halves[0, 0], &sums[0, 0])
                        waiting = 0
                    waiting += end - begin
                    if channels == 3:
                        add_colors(&upper, &lower, &even[0], begin, end, 3, &halves[0, 0])
                    else:
                        add_colors(&upper, &lower, &even[0], begin, end, 4, &halves[0, 0])
                    begin = end
            upper = lower
        if y % 64 == 0:
            heed_stop()
    flush(&halves[0, 0], &sums[0, 0])
