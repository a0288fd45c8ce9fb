# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
# cython: initializedcheck=False
"""Entries of a coded palette as bits; twin of `palette._code`."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t

import numpy as np

cdef extern from *:
    unsigned int KMC_SOURCE_CRC

SOURCE_CRC = KMC_SOURCE_CRC

cdef enum:
    MOST_CHANNELS = 4
    MOST_BYTES = 4  # that a bit can take


cdef struct Coder:
    uint32_t low
    uint32_t high
    uint32_t code
    const uint8_t *payload  # NULL in an encoder
    int64_t size
    uint8_t *output
    int64_t shifts


cdef struct Model:
    Coder coder
    uint32_t *estimates
    const int32_t *reciprocal
    const int32_t *steps  # shift, channel, level and whether green predicts it, for each bit
    int bits
    int states
    int cases
    uint32_t limit


def encode(const uint32_t[::1] keys, steps, estimates, reciprocal, sizes):
    """Return the payload of entries in ascending order, without its last byte, and `low`."""
    cdef Model m
    kept = set_up(&m, steps, estimates, reciprocal, sizes)
    output = np.empty(MOST_BYTES * m.bits * keys.shape[0] + 1, np.uint8)
    cdef uint8_t[::1] out = output
    m.coder.output = &out[0]
    m.coder.payload = NULL
    cdef uint32_t before = 0
    cdef Py_ssize_t i
    cdef int tight
    with nogil:
        for i in range(keys.shape[0]):
            code_entry(&m, keys[i], before, i > 0, &tight)
            before = keys[i]
    del kept
    return output[: m.coder.shifts].tobytes(), m.coder.low


def decode(const uint8_t[::1] payload, Py_ssize_t entries, steps, estimates, reciprocal, sizes):
    """Return entries up to the end of the payload or the first that repeats, and the state.

    The state is whether the last one repeats, the number of shifts, and `low`.
    """
    cdef Model m
    cdef int tight = 0
    cdef Py_ssize_t i, count = 0
    kept = set_up(&m, steps, estimates, reciprocal, sizes)
    m.coder.payload = &payload[0] if payload.shape[0] else <const uint8_t *>b""
    m.coder.size = payload.shape[0]
    for i in range(4):
        m.coder.code = m.coder.code << 8 | (payload[i] if i < m.coder.size else 0)
    found = np.zeros(max(1, entries), np.uint32)
    cdef uint32_t[::1] keys = found
    with nogil:
        while count < entries and m.coder.shifts < m.coder.size and not tight:
            keys[count] = code_entry(&m, 0, keys[count - 1] if count else 0, count > 0, &tight)
            count += 1
    del kept
    return found[:count], bool(tight), m.coder.shifts, m.coder.low


cdef list set_up(Model *m, steps, estimates, reciprocal, sizes):
    """Fill the model; return what must live as long as it."""
    cdef const int32_t[:, ::1] step = steps
    cdef uint32_t[::1] estimate = estimates
    cdef const int32_t[::1] share = reciprocal
    m.bits = step.shape[0]
    m.states, m.cases, m.limit = sizes
    if m.bits > 8 * MOST_CHANNELS or step.shape[1] != 4:
        raise ValueError("steps do not fit")
    if estimate.shape[0] != m.bits // 8 * m.states * m.cases or share.shape[0] <= m.limit:
        raise ValueError("tables do not fit")
    m.steps, m.estimates, m.reciprocal = &step[0, 0], &estimate[0], &share[0]
    m.coder.low, m.coder.high, m.coder.code, m.coder.shifts = 0, 0xFFFFFFFF, 0, 0
    return [steps, estimates, reciprocal]


cdef uint32_t code_entry(
    Model *m, uint32_t key, uint32_t before, int has_before, int *still_tight
) noexcept nogil:
    """Code an entry and return it; whether it equals the one before."""
    cdef int[MOST_CHANNELS] seen
    cdef int i, bit, own, green, case, guess, tight = has_before, level
    cdef uint32_t entry = 0
    cdef const int32_t *step
    for i in range(MOST_CHANNELS):
        seen[i] = 0
    for i in range(m.bits):
        step = m.steps + 4 * i
        own, level = seen[step[1]], step[2]
        if tight and before >> step[0] & 1:
            bit = 1
        else:
            if step[3]:
                green = seen[0]
                guess = own - (green >> 1)
                case = 2 * (min(2, max(-2, guess)) + 2) + (green & 1)
            elif own:
                case = 2 * (own == (1 << (7 - level)) - 1)
            else:
                case = 1
            bit = code_bit(
                m,
                m.estimates + (step[1] * m.states + (level + 1 if tight else 0)) * m.cases + case,
                key >> step[0] & 1,
            )
            tight = tight and not bit
        seen[step[1]] = own << 1 | bit
        entry = entry << 1 | <uint32_t>bit
    still_tight[0] = tight
    return entry


cdef inline int code_bit(Model *m, uint32_t *estimate, int bit) noexcept nogil:
    """Code a bit with an adaptive probability, and adapt it."""
    cdef Coder *c = &m.coder
    cdef uint32_t n = estimate[0] & 1023, following, middle
    cdef int64_t p = estimate[0] >> 10
    middle = c.low + <uint32_t>(
        <uint64_t>(c.high - c.low) * <uint64_t>min(65472, max(64, p >> 6)) >> 16
    )
    if c.payload != NULL:
        bit = c.code <= middle
    if bit:
        c.high = middle
    else:
        c.low = middle + 1
    while not (c.low ^ c.high) >> 24:
        if c.payload != NULL:
            following = c.payload[c.shifts + 4] if c.shifts + 4 < c.size else 0
            c.code = c.code << 8 | following
        else:
            c.output[c.shifts] = c.high >> 24
        c.shifts += 1
        c.low = c.low << 8
        c.high = c.high << 8 | 255
    p += ((4194303 if bit else 0) - p) * m.reciprocal[n] >> 16
    estimate[0] = <uint32_t>p << 10 | (n + 1 if n < m.limit else n)
    return bit
