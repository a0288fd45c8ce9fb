# What comes after a kernel's own source: its decoder with its memory set up once, for many payloads.
#
# To set up takes more time than to decode an image of a few pixels. Here only what a decoder has
# changed is put back; `touched` is called where it changes a slot of the patterns, by far the most
# of its memory (`build_drivers.py` sees to that).

cdef class Driver:
    """The decoder of strips of one geometry and palette."""

    cdef Model start
    cdef Model model
    cdef list kept
    cdef list copies
    cdef int count
    cdef char *to[64]
    cdef const char *back[64]
    cdef size_t size[64]
    cdef object symbols

    def __init__(self, int rows, int width, tree, tables, starts, int head_bits):
        self.kept = []
        memset(&self.start, 0, sizeof(Model))
        set_up(&self.start, width, rows, tree, tables, starts, head_bits, self.kept)
        self.copies = []
        for array in self.kept:
            if array.nbytes < TREE_PATTERNS * sizeof(Slot) << 18:
                copy = array.copy()
                self.copies.append(copy)
                self.to[self.count] = <char *><size_t>array.ctypes.data
                self.back[self.count] = <const char *><size_t>copy.ctypes.data
                self.size[self.count] = array.nbytes
                self.count += 1
        self.symbols = np.zeros((rows, width), np.uint16)

    def decode(self, const uint8_t[:] payload):
        """As the kernel's `decode`; the symbols are good until the next call."""
        cdef uint16_t[:, ::1] image = self.symbols
        self.run(&payload[0] if payload.shape[0] else NULL, payload.shape[0], &image[0, 0])
        return self.symbols, self.model.size, self.model.low

    def vary(self, const uint8_t[:] payload, int count, uint32_t seed):
        """Decode so many payloads like this one, bytes of it changed at random.

        Returns
        -------
        int
            The highest symbol there was.
        """
        cdef uint8_t bytes_[64]
        cdef int i, n = min(64, <int>payload.shape[0]), at, highest = 0
        cdef size_t pixel, pixels = <size_t>self.start.width * self.start.rows
        cdef uint16_t[:, ::1] image = self.symbols
        for i in range(count):
            if n:
                memcpy(bytes_, &payload[0], n)
                for _ in range(1 + (seed & 3)):
                    seed = seed * <uint32_t>1664525 + 1013904223
                    at = (seed >> 8) % n
                    bytes_[at] = seed >> 24
            self.run(bytes_, n, &image[0, 0])
            for pixel in range(pixels):
                highest = max(highest, (&image[0, 0])[pixel])
        return highest

    cdef void run(self, const uint8_t *payload, size_t size, uint16_t *image) noexcept:
        global slots_touched
        cdef Model *m = &self.model
        cdef int i
        for i in range(slots_touched):
            memset(slots[i], 0, sizeof(Slot))
        slots_touched = 0
        for i in range(self.count):
            memcpy(self.to[i], self.back[i], self.size[i])
        memcpy(m, &self.start, sizeof(Model))
        m.room = size
        m.input = payload
        for i in range(4):
            m.code = m.code << 8 | (m.input[i] if <size_t>i < m.room else 0)
        while m.y < m.rows and not exhausted(m):
            code_some(m, image)
