# cython: initializedcheck=False
"""The loops of SSIMULACRA2, compiled: planes.h, its memory and its interruptions. Twin of planes.py.

Nothing is checked here but what C cannot survive: `score.py` hands over planes that belong together.
"""

from libc.stdint cimport uint8_t

import numpy as np

from kmcodec.parallel import heed_stop

from kmcodec.perception.constants import OPSIN, STABILITY, TAPS

cdef extern from *:
    """
    #ifndef KMC_SOURCE_CRC
    #define KMC_SOURCE_CRC 0U
    #endif
    """
    unsigned int KMC_SOURCE_CRC

SOURCE_CRC = KMC_SOURCE_CRC

cdef extern from "planes.h" nogil:
    ctypedef struct kmc_blur:
        Py_ssize_t width
        Py_ssize_t height
        const float *taps
        const float *outside
        float *padded
        float *rows
    enum:
        KMC_REACH
        KMC_ROWS
        KMC_SUMS
    void kmc_opsin(
        Py_ssize_t, const float *, const float *, const float *, const float *, float *, float *,
        float *
    ) noexcept
    void kmc_halve(Py_ssize_t, const float *, const float *, float *) noexcept
    void kmc_take(const kmc_blur *, Py_ssize_t, const float *, const float *) noexcept
    void kmc_give(const kmc_blur *, Py_ssize_t, float *) noexcept
    void kmc_add_errors(
        Py_ssize_t, float, const float *, const float *, const float *, const float *,
        const float *, const float *, const float *, double *
    ) noexcept

# Samples between two looks at whether to go on.
cdef enum:
    SAMPLES = 1 << 16

cdef const float[::1] opsin_weights = OPSIN
cdef const float[::1] taps = TAPS
cdef float stability = STABILITY


cdef class Blur:
    """The memory that one blur of a plane needs."""

    cdef kmc_blur state
    cdef object kept

    def __init__(self, Py_ssize_t height, Py_ssize_t width, float border):
        cdef float[::1] outside = np.full(width, border, np.float32)
        cdef float[::1] padded = np.full(width + 2 * KMC_REACH, border, np.float32)
        cdef float[::1] rows = np.empty(KMC_ROWS * width, np.float32)
        self.kept = outside, padded, rows
        self.state.width, self.state.height = width, height
        self.state.taps = &taps[0]
        self.state.outside = &outside[0]
        self.state.padded = &padded[0]
        self.state.rows = &rows[0]


cdef Py_ssize_t rows_at_a_time(Py_ssize_t width) noexcept nogil:
    return max(1, SAMPLES // width)


def light(const uint8_t[:, :, ::1] pixels, const float[::1] levels):
    cdef Py_ssize_t height = pixels.shape[0], width = pixels.shape[1], start, y, x
    made = np.empty((3, height, width), np.float32)
    cdef float[:, :, ::1] out = made
    assert pixels.shape[2] == 3 and levels.shape[0] == 256
    for start in range(0, height, rows_at_a_time(width)):
        with nogil:
            for y in range(start, min(start + rows_at_a_time(width), height)):
                for x in range(width):
                    out[0, y, x] = levels[pixels[y, x, 0]]
                    out[1, y, x] = levels[pixels[y, x, 1]]
                    out[2, y, x] = levels[pixels[y, x, 2]]
        heed_stop()
    return made


def opsin(const float[:, :, ::1] planes):
    cdef Py_ssize_t height = planes.shape[1], width = planes.shape[2], start
    cdef Py_ssize_t count = height * width, length
    made = np.empty((3, height, width), np.float32)
    cdef float[:, :, ::1] out = made
    cdef const float *source = &planes[0, 0, 0]
    cdef float *target = &out[0, 0, 0]
    for start in range(0, count, SAMPLES):
        length = min(SAMPLES, count - start)
        with nogil:
            kmc_opsin(
                length, source + start, source + count + start, source + 2 * count + start,
                &opsin_weights[0], target + start, target + count + start,
                target + 2 * count + start,
            )
        heed_stop()
    return made


def halved(const float[:, :, ::1] planes):
    cdef Py_ssize_t height = planes.shape[1], width = planes.shape[2], c, y
    made = np.empty((3, (height + 1) // 2, (width + 1) // 2), np.float32)
    cdef float[:, :, ::1] out = made
    for c in range(3):
        with nogil:
            for y in range(0, height, 2):
                kmc_halve(
                    width, &planes[c, y, 0], &planes[c, min(y + 1, height - 1), 0],
                    &out[c, y // 2, 0],
                )
        heed_stop()
    return made


def blurred(const float[:, ::1] plane, float border, bint squared):
    cdef Py_ssize_t height = plane.shape[0], width = plane.shape[1], start, y
    made = np.empty((height, width), np.float32)
    cdef float[:, ::1] out = made
    cdef Blur blur = Blur(height, width, border * border if squared else border)
    cdef kmc_blur state = blur.state
    for start in range(-KMC_REACH, height, rows_at_a_time(width)):
        with nogil:
            for y in range(start, min(start + rows_at_a_time(width), height)):
                if y + KMC_REACH < height:
                    kmc_take(
                        &state, y + KMC_REACH, &plane[y + KMC_REACH, 0],
                        &plane[y + KMC_REACH, 0] if squared else NULL,
                    )
                if y >= 0:
                    kmc_give(&state, y, &out[y, 0])
        heed_stop()
    return made


def column_sums(
    const float[:, ::1] original, const float[:, ::1] mean, const float[:, ::1] power,
    const float[:, ::1] distorted, float border,
):
    sums = np.zeros((KMC_SUMS, original.shape[1]))
    go_through(original, mean, power, distorted, border, sums, None, None)
    return sums


def weighted_errors(
    const float[:, ::1] original, const float[:, ::1] mean, const float[:, ::1] power,
    const float[:, ::1] distorted, float border, const double[::1] weights,
):
    made = np.empty((original.shape[0], original.shape[1]), np.float32)
    sums = np.zeros((KMC_SUMS, original.shape[1]))
    assert weights.shape[0] == KMC_SUMS
    go_through(original, mean, power, distorted, border, sums, weights, made)
    return made


cdef go_through(
    const float[:, ::1] original, const float[:, ::1] mean, const float[:, ::1] power,
    const float[:, ::1] distorted, float border, double[:, ::1] sums, const double[::1] weights,
    float[:, ::1] out,
):
    """Add up errors down the columns, or else, if there are weights, those of each sample."""
    cdef Py_ssize_t height = original.shape[0], width = original.shape[1], start, y
    cdef float[:, ::1] row = np.empty((3, width), np.float32)
    cdef Blur means = Blur(height, width, border)
    cdef Blur powers = Blur(height, width, border * border)
    cdef Blur products = Blur(height, width, border * border)
    cdef kmc_blur a = means.state, b = powers.state, c = products.state
    cdef bint weighted = weights is not None
    assert distorted.shape[0] == mean.shape[0] == power.shape[0] == height
    assert distorted.shape[1] == mean.shape[1] == power.shape[1] == width
    for start in range(-KMC_REACH, height, rows_at_a_time(width)):
        with nogil:
            for y in range(start, min(start + rows_at_a_time(width), height)):
                if y + KMC_REACH < height:
                    take_all(
                        &a, &b, &c, y + KMC_REACH, &original[y + KMC_REACH, 0],
                        &distorted[y + KMC_REACH, 0],
                    )
                if y < 0:
                    continue
                kmc_give(&a, y, &row[0, 0])
                kmc_give(&b, y, &row[1, 0])
                kmc_give(&c, y, &row[2, 0])
                kmc_add_errors(
                    width, stability, &original[y, 0], &mean[y, 0], &power[y, 0],
                    &distorted[y, 0], &row[0, 0], &row[1, 0], &row[2, 0], &sums[0, 0],
                )
                if weighted:
                    weigh(width, &sums[0, 0], &weights[0], &out[y, 0])
        heed_stop()


cdef void weigh(
    Py_ssize_t width, double *sums, const double *weights, float *out
) noexcept nogil:
    cdef Py_ssize_t x, i
    cdef double total
    for x in range(width):
        total = 0
        for i in range(KMC_SUMS):
            total += weights[i] * sums[i * width + x]
            sums[i * width + x] = 0
        out[x] = <float> total


cdef void take_all(
    const kmc_blur *means, const kmc_blur *powers, const kmc_blur *products, Py_ssize_t y,
    const float *original, const float *distorted,
) noexcept nogil:
    kmc_take(means, y, distorted, NULL)
    kmc_take(powers, y, distorted, distorted)
    kmc_take(products, y, original, distorted)
