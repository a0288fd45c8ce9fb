"""Counting distinct colours in one pass with a hash table, compiled."""

from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

import numpy as np

from kmcodec.parallel import heed_stop

cdef extern from *:
    unsigned int KMC_SOURCE_CRC

SOURCE_CRC = KMC_SOURCE_CRC

cdef enum:
    FIRST_BITS = 14  # of the table: it doubles whenever it is half full
    PIXELS = 1 << 20  # counted between two looks at whether to go on


cdef struct Slot:
    int64_t count  # 0: free
    uint32_t key
    uint32_t number


cdef class ColorCounter:
    """The distinct colours of pixels, in the order of their first appearance.

    Parameters
    ----------
    channels : int
        1 to 4.
    """

    cdef readonly int channels
    cdef int bits
    cdef Py_ssize_t distinct
    cdef object memory
    cdef Slot* slots

    def __init__(self, int channels):
        if not 1 <= channels <= 4:
            raise ValueError("1 to 4 channels")
        self.channels = channels
        self.bits = FIRST_BITS
        self._make_slots()

    cdef void _make_slots(self):
        self.memory = np.zeros((1 << self.bits) * sizeof(Slot), np.uint8)
        cdef uint8_t[::1] view = self.memory
        self.slots = <Slot*> &view[0]

    def add(self, const uint8_t[:, ::1] pixels, uint32_t[::1] numbers):
        """Count pixels of shape (n, C), and write the number of each one's colour."""
        cdef Py_ssize_t done = 0, n = pixels.shape[0], end
        if pixels.shape[1] != self.channels or numbers.shape[0] != n:
            raise ValueError("shapes do not fit")
        while done < n:
            end = min(n, done + PIXELS)
            with nogil:
                done = self._count(pixels, numbers, done, end)
            if done < end:
                self._grow()
            heed_stop()

    def result(self):
        """Keys (first channel most significant), uint32, and counts, int64, shape (N,)."""
        keys = np.empty(self.distinct, np.uint32)
        counts = np.empty(self.distinct, np.int64)
        cdef uint32_t[::1] key = keys
        cdef int64_t[::1] count = counts
        cdef Py_ssize_t i
        for i in range(1 << self.bits):
            if self.slots[i].count:
                key[self.slots[i].number] = self.slots[i].key
                count[self.slots[i].number] = self.slots[i].count
        return keys, counts

    cdef Py_ssize_t _count(
        self, const uint8_t[:, ::1] pixels, uint32_t[::1] numbers, Py_ssize_t done, Py_ssize_t end
    ) noexcept nogil:
        """Count on from a pixel; return the pixel that no longer fits, or the end."""
        cdef Py_ssize_t i, half = 1 << (self.bits - 1)
        cdef int c
        cdef uint32_t key
        cdef Slot* slot
        for i in range(done, end):
            key = 0
            for c in range(self.channels):
                key = (key << 8) | pixels[i, c]
            slot = self._slot(key)
            if not slot.count:
                if self.distinct == half:
                    return i
                slot.key, slot.number = key, <uint32_t> self.distinct
                self.distinct += 1
            slot.count += 1
            numbers[i] = slot.number
        return end

    cdef Slot* _slot(self, uint32_t key) noexcept nogil:
        """The slot of a key, or the free one that it would take."""
        cdef uint64_t place = (key * <uint64_t> 0x9E3779B97F4A7C15) >> (64 - self.bits)
        while self.slots[place].count and self.slots[place].key != key:
            place = (place + 1) & ((1 << self.bits) - 1)
        return &self.slots[place]

    cdef void _grow(self):
        cdef Py_ssize_t i, size = 1 << self.bits
        kept = self.memory
        cdef Slot* old = self.slots
        self.bits += 1
        self._make_slots()
        for i in range(size):
            if old[i].count:
                self._slot(old[i].key)[0] = old[i]
