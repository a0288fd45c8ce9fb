# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True
# cython: initializedcheck=False
"""The label coder, compiled: map.h and its memory. Twin of model.py."""

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
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

cdef extern from "map.h" nogil:
    ctypedef uint32_t kmc_slot
    ctypedef struct kmc_coder:
        uint64_t code
        uint8_t *output
        size_t size
        int failed
    ctypedef struct kmc_map:
        int width
        int rows
        int y
        int entries
        int bits
        int slice
        int held
        int occurred
        int wrong
        const uint16_t *squash
        uint16_t *memory
        uint8_t *seen
        kmc_slot *flags
        kmc_slot *runs
        kmc_slot *tree
        kmc_slot *fresh
        kmc_slot *next
        kmc_coder coder
    enum:
        KMC_MAP_BORDER
        KMC_MAP_CANDIDATES
        KMC_MAP_RUNS
        KMC_MAP_TABLES
        KMC_MAP_TREE_TABLES
        KMC_MAP_BITS
    void kmc_begin(kmc_coder *, const uint8_t *, size_t) noexcept
    void kmc_finish(kmc_coder *) noexcept
    uint64_t kmc_shifted(const kmc_coder *) noexcept
    int kmc_map_exhausted(const kmc_map *) noexcept
    void kmc_map_code(kmc_map *, uint16_t *, int) noexcept

# Pixels coded between two looks at whether to go on.
cdef enum:
    PIXELS = 1 << 16


cdef void *filled(size_t count, size_t size, list kept, value=0) except NULL:
    """Memory for so many numbers of 1, 2 or 4 bytes, all equal, alive as long as the list."""
    array = np.full(count, value, f"u{size}")
    kept.append(array)
    return <void *><size_t>array.ctypes.data


cdef int set_up(kmc_map *m, int rows, int width, start, list kept) except -1:
    """Memory for a strip that begins as `start`, a `Start` of start.py, says."""
    cdef size_t table = <size_t>KMC_MAP_TABLES << KMC_MAP_BITS
    memset(m, 0, sizeof(kmc_map))
    m.width, m.rows, m.slice = width, rows, start.slice_rows
    m.entries, m.bits = start.entries, start.bits
    m.held = start.held_rows
    squash = start.squash
    kept.append(squash)
    m.squash = <const uint16_t *><size_t>squash.ctypes.data
    m.memory = <uint16_t *>filled(<size_t>(m.held + 1) * (<size_t>width + 2 * KMC_MAP_BORDER), 2, kept)
    m.seen = <uint8_t *>filled(<size_t>1 << m.bits, 1, kept)
    m.seen[0] = m.occurred = 1
    flags = np.full(3 * table, start.slot, np.uint32)
    flags[:table] = start.first_flag
    kept.append(flags)
    m.flags = <kmc_slot *><size_t>flags.ctypes.data
    m.runs = <kmc_slot *>filled(KMC_MAP_RUNS, 4, kept, start.run)
    m.tree = <kmc_slot *>filled(<size_t>KMC_MAP_TREE_TABLES << KMC_MAP_BITS, 4, kept, start.slot)
    m.fresh = <kmc_slot *>filled(KMC_MAP_CANDIDATES + 1, 4, kept, start.slot)
    m.next = <kmc_slot *>filled(1, 4, kept, start.slot)
    return 0


cdef int code_all(kmc_map *m, uint16_t *image) except -1:
    """Code all rows, and let whoever asks for it end the work on the way."""
    while m.y < m.rows and not m.coder.failed and not kmc_map_exhausted(m):
        with nogil:
            kmc_map_code(m, image, PIXELS)
        heed_stop()
    if m.coder.failed:
        raise MemoryError
    return 0


def encode(symbols, start):
    """Code a strip of symbols, uint16, shape (rows, width); see model.encode."""
    cdef kmc_map m
    cdef list kept = []
    cdef uint16_t[:, ::1] image = np.array(symbols, np.uint16, order="C")
    set_up(&m, image.shape[0], image.shape[1], start, kept)
    try:
        kmc_begin(&m.coder, NULL, 0)
        code_all(&m, &image[0, 0])
        kmc_finish(&m.coder)
        if m.coder.failed:
            raise MemoryError
        return m.coder.output[: m.coder.size]
    finally:
        free(m.coder.output)


def decode(bytes payload, int rows, int width, start):
    """Decode a payload to symbols; see model.decode."""
    cdef kmc_map m
    cdef list kept = []
    cdef const uint8_t *data = payload
    symbols = np.zeros((rows, width), np.uint16)
    cdef uint16_t[:, ::1] image = symbols
    set_up(&m, rows, width, start, kept)
    kmc_begin(&m.coder, data, len(payload))
    code_all(&m, &image[0, 0])
    return symbols, kmc_shifted(&m.coder), <int>(m.coder.code >> 48), bool(m.wrong)
