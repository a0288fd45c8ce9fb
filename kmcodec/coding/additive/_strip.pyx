# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
# cython: initializedcheck=False
"""The additive coder, compiled: strip.h, its memory, and its choice of symbols. Twin of model.py."""

from libc.stdint cimport int16_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport free
from libc.string cimport memset

import numpy as np

from kmcodec.parallel import heed_stop

cdef extern from *:
    """
    #ifndef KMC_SOURCE_CRC
    #define KMC_SOURCE_CRC 0U
    #endif
    """
    unsigned int KMC_SOURCE_CRC

SOURCE_CRC = KMC_SOURCE_CRC

cdef extern from "strip.h" nogil:
    ctypedef uint32_t kmc_slot
    ctypedef struct kmc_distribution:
        uint16_t below[16]
    ctypedef struct kmc_coder:
        uint64_t code
        uint8_t *output
        size_t size
        int failed
    ctypedef struct kmc_pixel:
        uint32_t w
        uint32_t n
        uint32_t nw
        uint32_t ne
        uint32_t candidate[2]
    ctypedef struct kmc_model:
        int width
        int rows
        int x
        int y
        int bits
        int head_bits
        int wide
        int two
        const uint16_t *squash
        const uint16_t *targets
        const uint8_t *leaves
        uint8_t *tags
        uint16_t *symbols
        uint32_t *heads[2]
        kmc_slot *flags
        kmc_slot *tree
        kmc_slot *runs
        kmc_distribution *values
        kmc_coder coder
        int (*choose)(kmc_model *, const kmc_pixel *, int) noexcept nogil
        int (*choose_run)(kmc_model *, const uint16_t *, int, int, int) noexcept nogil
        void *choice
    enum:
        KMC_BORDER
        KMC_TREE_TABLES
        KMC_TREE_BITS
        KMC_FLAG_TABLES
        KMC_TOP
        KMC_LEVEL
    int KMC_FLAG_BITS(int two)
    void kmc_begin(kmc_coder *, const uint8_t *, size_t) noexcept
    void kmc_finish(kmc_coder *) noexcept
    int kmc_exhausted(const kmc_coder *) noexcept
    uint64_t kmc_shifted(const kmc_coder *) noexcept
    void kmc_code_strip(kmc_model *, uint16_t *, int) noexcept
    int kmc_flag_chance(const kmc_model *, const kmc_pixel *, int rank) noexcept
    int kmc_path_cost(const kmc_model *, const kmc_pixel *, const uint16_t *, uint32_t, int64_t) noexcept
    int kmc_values_cost(const kmc_model *, const kmc_pixel *, const uint16_t *, uint32_t) noexcept

# Pixels coded between two looks at whether to go on.
cdef enum:
    PIXELS = 1 << 14

# What choice.pxi asks about: a pixel of a strip.
cdef struct Model:
    kmc_model *strip
    const kmc_pixel *pixel

include "../choice.pxi"


cdef inline int candidate_of(const Model *m, int rank) noexcept nogil:
    return m.pixel.candidate[rank]


cdef inline int flag_chance_of(const Model *m, int rank) noexcept nogil:
    return kmc_flag_chance(m.strip, m.pixel, rank)


cdef inline void begin_paths(Model *m) noexcept nogil:
    pass


cdef inline int path_cost(const Model *m, int symbol, int64_t most) noexcept nogil:
    cdef const Choice *c = <const Choice *>m.strip.choice
    if m.strip.two:
        return kmc_path_cost(m.strip, m.pixel, c.costs, symbol, most)
    return kmc_values_cost(m.strip, m.pixel, c.costs, symbol)


cdef inline int neighbor_of(const Model *m, int i) noexcept nogil:
    if i < 2:
        return m.pixel.n if i else m.pixel.w
    return m.pixel.ne if i > 2 else m.pixel.nw


cdef int choose_symbol(kmc_model *strip, const kmc_pixel *pixel, int own) noexcept nogil:
    cdef Choice *c = <Choice *>strip.choice
    cdef Model m
    m.strip, m.pixel = strip, pixel
    c.x, c.y = strip.x, strip.y
    return choose(&m, c, own, 1 if pixel.candidate[0] == pixel.candidate[1] else 2)


cdef int choose_run(
    kmc_model *strip, const uint16_t *own, int symbol, int length, int p
) noexcept nogil:
    cdef Choice *c = <Choice *>strip.choice
    c.x, c.y = strip.x, strip.y
    return prefers_run(c, own, symbol, length, p)


cdef void *filled(size_t count, size_t size, list kept, value=0) except NULL:
    """Memory for so many numbers of 1, 2 or 4 bytes, all equal, alive as long as the list."""
    array = np.full(count, value, f"u{size}")
    kept.append(array)
    return <void *><size_t>array.ctypes.data


cdef int set_up(kmc_model *m, int width, int rows, start, list kept) except -1:
    """Memory for a strip that begins as `start`, a `Start` of model.py, says."""
    cdef size_t stride = <size_t>width + 2 * KMC_BORDER
    memset(m, 0, sizeof(kmc_model))
    m.width, m.rows = width, rows
    m.bits, m.head_bits = start.bits, start.head_bits
    m.wide, m.two = start.bits > 8, start.has_two_heads
    m.squash = <const uint16_t *>copied(start.squash, kept)
    m.targets = <const uint16_t *>copied(start.targets, kept)
    m.leaves = <const uint8_t *>copied(start.leaves, kept)
    m.tags = <uint8_t *>filled(3 * stride, 1, kept)
    if m.wide:
        m.symbols = <uint16_t *>filled(3 * stride, 2, kept)
    m.heads[0] = <uint32_t *>filled(<size_t>1 << m.head_bits, 4, kept)
    m.flags = <kmc_slot *>filled(<size_t>2 * KMC_FLAG_TABLES << KMC_FLAG_BITS(m.two), 4, kept, start.slot)
    m.runs = <kmc_slot *>filled(8 * 256, 4, kept, start.run)
    if m.two:
        m.heads[1] = <uint32_t *>filled(<size_t>1 << m.head_bits, 4, kept)
        m.tree = <kmc_slot *>filled(<size_t>KMC_TREE_TABLES << KMC_TREE_BITS, 4, kept, start.slot)
    else:
        values = start.distributions(KMC_TOP, 2 * KMC_LEVEL)
        m.values = <kmc_distribution *>copied(values, kept)
    return 0


cdef int code_all(kmc_model *m, uint16_t *image) except -1:
    """Code all rows, and let whoever asks for it end the work on the way."""
    while m.y < m.rows and not m.coder.failed and not kmc_exhausted(&m.coder):
        with nogil:
            kmc_code_strip(m, image, PIXELS)
        heed_stop()
    if m.coder.failed:
        raise MemoryError
    return 0


def encode(symbols, start, choice=None):
    """Code a strip of symbols, uint16, shape (rows, width); see model.encode."""
    cdef kmc_model m
    cdef Choice c
    cdef list kept = []
    coded = np.array(symbols, np.uint16, order="C")
    cdef uint16_t[:, ::1] image = coded
    set_up(&m, image.shape[1], image.shape[0], start, kept)
    if choice is not None:
        set_up_choice(&c, choice, kept)
        m.choice = &c
        m.choose = choose_symbol
        m.choose_run = choose_run
    try:
        kmc_begin(&m.coder, NULL, 0)
        code_all(&m, &image[0, 0])
        kmc_finish(&m.coder)
        if m.coder.failed:
            raise MemoryError
        return m.coder.output[: m.coder.size], coded
    finally:
        free(m.coder.output)


def decode(bytes payload, int rows, int width, start):
    """Decode a payload to symbols, uint16, shape (rows, width); shifts; code; see model.decode."""
    cdef kmc_model m
    cdef list kept = []
    cdef const uint8_t *data = payload
    symbols = np.zeros((rows, width), np.uint16)
    cdef uint16_t[:, ::1] image = symbols
    set_up(&m, width, rows, start, kept)
    kmc_begin(&m.coder, data, len(payload))
    code_all(&m, &image[0, 0])
    return symbols, kmc_shifted(&m.coder), <int>(m.coder.code >> 48)


ctypedef fused Index:
    uint8_t
    uint16_t

ctypedef fused Value:
    uint8_t
    uint16_t


def look_up(const uint16_t[::1] table, const Index[:, ::1] at, Value[:, ::1] to):
    """Set `to`, of the same shape, to the numbers of a table at some places; quicker than NumPy."""
    cdef Py_ssize_t i, n = at.shape[0] * at.shape[1]
    cdef size_t entries = table.shape[0]
    cdef bint is_outside = False
    if to.shape[0] != at.shape[0] or to.shape[1] != at.shape[1]:
        raise ValueError("the shapes differ")
    cdef const uint16_t *numbers = &table[0]
    cdef const Index *source
    cdef Value *target
    if n == 0:
        return
    source, target = &at[0, 0], &to[0, 0]
    with nogil:
        for i in range(n):
            if source[i] >= entries:
                is_outside = True
                break
            target[i] = <Value>numbers[source[i]]
    if is_outside:
        raise IndexError(f"place {source[i]} is not among {entries}")
