# Errors that a choice carries from pixel to pixel. Twin of carry.py, which describes it.

cdef enum:
    SHARE_SHIFT = 12  # errors are 1/256 of a coordinate and shares 1/256; wanted is 1/16
    SHARE_BIAS = 1 << 30  # beyond any error: what is negative C may shift as it likes

cdef struct Carry:
    int share
    int limit
    int colors
    int below
    int line  # that errors were last made ready for
    int stride  # numbers of a line of errors
    int *errors  # for below + 1 lines: four numbers for each column, and a column on either side
    int right[4]  # what the last pixel passes on to the next
    int last  # column of that pixel
    int fine[4]  # what is wanted of a pixel, in 1/16 of a coordinate
    int16_t wanted[4]  # and in whole coordinates


cdef int set_up_carry(Carry *c, carry, int width, list kept) except -1:
    c.share, c.limit, c.colors, c.below = carry.share, carry.limit, carry.colors, carry.below
    c.line, c.last, c.stride = -1, -2, 4 * (width + 2)
    c.errors = <int *>copied(np.zeros(<Py_ssize_t>(c.below + 1) * c.stride, np.intc), kept)
    return 0


cdef inline int *errors_of(const Carry *c, int line, int x) noexcept nogil:
    """The errors for a pixel."""
    return c.errors + <size_t>(line % (c.below + 1)) * c.stride + 4 * (x + 1)


cdef inline void begin_line(Carry *c, int line) noexcept nogil:
    """Turn to a line: where the errors of a line before it were is room for those of one below."""
    while c.line < line:
        c.line += 1
        c.last = -2
        memset(errors_of(c, c.line + c.below, -1), 0, c.stride * sizeof(int))


cdef inline void want(Carry *c, const int16_t *target, int x) noexcept nogil:
    """Set what is wanted of a pixel: its colour, and a share of the errors carried to it."""
    cdef const int *errors = errors_of(c, c.line, x)
    cdef int i, value
    for i in range(4):
        value = 0
        if i < c.colors:
            value = errors[i] + (c.right[i] if c.last == x - 1 else 0)
            value = (value * c.share + (1 << (SHARE_SHIFT - 1)) + SHARE_BIAS) >> SHARE_SHIFT
            value = min(max(value - (SHARE_BIAS >> SHARE_SHIFT), -c.limit), c.limit)
        c.fine[i] = 16 * target[i] + value
        c.wanted[i] = <int16_t>(((c.fine[i] + 8 + SHARE_BIAS) >> 4) - (SHARE_BIAS >> 4))


cdef inline void miss(Carry *c, const int16_t *entry, int x) noexcept nogil:
    """Carry to the next pixel what an entry misses of what is wanted."""
    cdef int i
    for i in range(c.colors):
        c.right[i] = 7 * (c.fine[i] - 16 * entry[i])
    c.last = x


cdef inline void diffuse(Carry *c, const int16_t *entry, int x) noexcept nogil:
    """Carry it to the next pixel and to the three below."""
    cdef int *under = errors_of(c, c.line + c.below, x)
    cdef int i, error
    miss(c, entry, x)
    for i in range(c.colors):
        error = c.fine[i] - 16 * entry[i]
        under[i - 4] += 3 * error
        under[i] += 5 * error
        under[i + 4] += error
