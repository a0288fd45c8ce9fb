# A strip: row by row, runs at one stroke; and what a strip needs.


cdef int code_all(Model *m, uint16_t *image) except -1:
    """Code all rows, and let whoever asks for it end the work on the way."""
    while m.y < m.rows and not exhausted(m):
        with nogil:
            code_some(m, image)
        heed_stop()
    return 0


cdef void code_some(Model *m, uint16_t *image) noexcept nogil:
    """Code on, for about PIXELS pixels; rows may be longer than that."""
    cdef int first, left = PIXELS
    cdef size_t stride = <size_t>m.width + 2 * BORDER
    while left > 0 and m.y < m.rows and not exhausted(m):
        if m.x == 0:
            m.r0 = m.buffer + (m.y & 3) * stride + BORDER
            m.r1 = m.buffer + (m.y + 3 & 3) * stride + BORDER
            m.r2 = m.buffer + (m.y + 2 & 3) * stride + BORDER
            m.r3 = m.buffer + (m.y + 1 & 3) * stride + BORDER
            begin_row(m)
            m.asked = 0
        first = m.x
        code_row(m, image + <size_t>m.y * m.width, left)
        left -= m.x - first
        if m.x == m.width:
            m.x = 0
            m.y += 1


cdef inline int exhausted(const Model *m) noexcept nogil:
    """Whether so much has been decoded that the payload is too short, whatever follows."""
    return m.output == NULL and m.size >= m.room


cdef void begin_row(Model *m) noexcept nogil:
    """Borders of the row, and hashes along the rows above."""
    cdef int i
    cdef uint32_t two, k = <uint32_t>STEP
    for i in range(BORDER):
        m.r0[i - BORDER] = m.r1[0]
        m.r0[m.width + i] = 0
        m.left[i + 1] = joined(m.left[i], m.r1[0])
    for i in range(m.width + 2 * BORDER):
        two = m.r1[i - BORDER] * <uint32_t>0x85EBCA77 + m.r2[i - BORDER] * <uint32_t>0xC2B2AE3D
        m.low_window[i + 1] = (m.low_window[i] + two + 1) * k
        two += m.r3[i - BORDER] * <uint32_t>0x27D4EB2F
        m.tall_window[i + 1] = (m.tall_window[i] + two + 1) * k


cdef inline void look_around(Model *m) noexcept nogil:
    cdef int *near = m.near
    cdef uint16_t *r0 = m.r0 + m.x
    cdef uint16_t *r1 = m.r1 + m.x
    cdef uint16_t *r2 = m.r2 + m.x
    near[0] = r0[-1]
    near[4] = r0[-2]
    near[9] = r0[-3]
    if m.y:
        near[1] = r1[0]
        near[2] = r1[-1]
        near[3] = r1[1]
        near[7] = r1[2]
        near[8] = r1[-2]
    else:
        near[1] = near[2] = near[3] = near[7] = near[8] = near[0]
    if m.y > 1:
        near[5] = r2[0]
        near[6] = r2[1]
        near[10] = r2[-1]
    else:
        near[5] = near[1]
        near[6] = near[3]
        near[10] = near[2]
    near[11] = m.r3[m.x] if m.y > 2 else near[5]
    near[12] = r2[2]
    near[13] = r2[-2]
    near[14] = r1[3]


cdef inline int run_ahead(const Model *m) noexcept nogil:
    """How far the row above stays of the one colour that all is around here; else 0."""
    cdef int w = m.near[0], n = 1, most = m.width - m.x
    cdef uint16_t *above = m.r1 + m.x
    if m.y < 2 or w != m.near[1] or w != m.near[2] or w != m.near[3]:
        return 0
    if w != m.near[4] or w != m.near[5] or w != m.near[8]:
        return 0
    most = most if most < RUN_MOST else RUN_MOST
    while n < most and above[n] == w:
        n += 1
    return n


cdef inline int code_run(Model *m, const uint16_t *own, int length) noexcept nogil:
    """Code whether the next pixels are all as the one before."""
    cdef int i, hit = 1, size = 0, n = length // LEAST_RUN, w = m.near[0], p
    cdef uint32_t *map
    while n > 1:
        n >>= 1
        size += 1
    map = m.run_map + (size << 8 | (w & 255))
    p = clamped(map[0] >> 16, 4, 65532)
    if m.choice != NULL:
        m.choice.x, m.choice.y = m.x, m.y
        hit = prefers_run(m.choice, own, w, length, p)
    elif m.output != NULL:
        for i in range(length):
            if own[i] != w:
                hit = 0
                break
    hit = code_bit(m, hit, p)
    adapt(m, map, hit, MAP_LIMIT)
    return hit


cdef void code_row(Model *m, uint16_t *own, int count) noexcept nogil:
    """Code on in a row, for at least `count` pixels or to its end."""
    cdef int i, s, length, asked = m.asked
    cdef int end = m.x + count if count < m.width - m.x else m.width
    while m.x < end and not exhausted(m):
        look_around(m)
        if m.x >= asked:
            length = run_ahead(m)
            if length >= LEAST_RUN:
                asked = m.x + length
                if code_run(m, own + m.x, length):
                    s = m.near[0]
                    for i in range(m.x, asked):
                        own[i] = s
                        m.r0[i] = s
                        m.left[i + 9] = joined(m.left[i + 8], s)
                    m.x = asked
                    continue
        s = code_pixel(m, own[m.x])
        own[m.x] = s
        m.r0[m.x] = s
        m.left[m.x + 9] = joined(m.left[m.x + 8], s)
        m.x += 1
    m.asked = asked


cdef void *room_for(size_t size, list kept) except NULL:
    """Zeroed memory at a multiple of 64, alive as long as the list."""
    memory = np.zeros(size + 64, np.uint8)
    kept.append(memory)
    return <void *>((<size_t>memory.ctypes.data + 63) & ~<size_t>63)


cdef int set_up_stage(Stage *g, start, list kept) except -1:
    cdef int i, j, n
    cdef size_t size
    g.inputs = start.inputs
    g.x = <int16_t *>room_for(<size_t>g.inputs * 2, kept)
    g.rate = RATE + RATE_FIRST
    size = <size_t>g.inputs * 2
    cdef const char *initial = <const char *>copied(start.weights, kept)
    for i in range(SETS):
        n = start.set_sizes[i]
        g.weights[i] = <int16_t *>room_for(n * size, kept)
        for j in range(n):
            memcpy(<char *>g.weights[i] + j * size, initial, size)
    g.final = <int32_t *>copied(start.final.copy(), kept)
    g.runs = <uint32_t *>copied(start.runs.copy(), kept)
    g.histories = <uint32_t *>copied(start.histories.copy(), kept)
    g.distances = <uint32_t *>copied(start.distances.copy(), kept)
    g.pairs = <uint32_t *>copied(start.pairs.copy(), kept)
    g.refinement = <uint16_t *>copied(start.refinement.copy(), kept)
    return 0


cdef int set_up(
    Model *m, int width, int rows, tree, tables, starts, int head_bits, list kept
) except -1:
    cdef int i
    m.width, m.rows = width, rows
    m.bits, m.symbols = tree.bits, 1 << tree.bits
    m.color = <const int16_t *>copied(tree.color, kept)
    m.hole = <const uint8_t *>copied(tree.hole, kept)
    m.axis = <const int32_t *>copied(tree.axis, kept)
    m.middle = <const int32_t *>copied(tree.middle, kept)
    m.scale = <const int32_t *>copied(tree.scale, kept)
    m.squash = <const uint16_t *>copied(tables.squash, kept)
    m.stretch = <const int16_t *>copied(tables.stretch, kept)
    m.reciprocal = <const int32_t *>copied(tables.reciprocal, kept)
    m.next = <const uint8_t *>copied(tables.next, kept)
    set_up_stage(&m.flags, starts[0], kept)
    set_up_stage(&m.tree, starts[1], kept)
    m.head_bits, m.line_bits = head_bits, head_bits - 2
    m.heads = <Head *>room_for(<size_t>FLAG_CONTEXTS * sizeof(Head) << m.head_bits, kept)
    m.lines = <Line *>room_for(<size_t>TREE_CONTEXTS * sizeof(Line) << m.line_bits, kept)
    m.patterns = <Slot *>room_for(<size_t>TREE_PATTERNS * sizeof(Slot) << 18, kept)
    m.score = <uint16_t *>room_for(<size_t>m.symbols * 2, kept)
    m.buffer = <uint16_t *>room_for(8 * (<size_t>width + 2 * BORDER), kept)
    m.left = <uint32_t *>room_for(4 * (<size_t>width + 2 * BORDER + 1), kept)
    m.low_window = <uint32_t *>room_for(4 * (<size_t>width + 2 * BORDER + 1), kept)
    m.tall_window = <uint32_t *>room_for(4 * (<size_t>width + 2 * BORDER + 1), kept)
    for i in range(8 * 256):
        m.run_map[i] = <uint32_t>3355443 << 10 | 2
    for i in range(128):
        m.trust[i] = <uint32_t>2097152 << 10 | 2
    m.low, m.high = 0, 0xFFFFFFFF
    return 0


cdef int set_up_paths(Paths *p, int symbols, list kept) except -1:
    memset(p, 0, sizeof(Paths))
    p.asked = <uint32_t *>room_for(<size_t>symbols * 4, kept)
    p.chances = <uint16_t *>room_for(<size_t>symbols * 2, kept)
    return 0


def encode(symbols, tree, tables, starts, int head_bits, choice=None):
    """Code a strip of symbols, uint16, shape (rows, width), to a payload; see model.encode.

    `starts` and `head_bits` are those of the profile. What was coded is returned, too: it is
    something else than `symbols` if a `Choice` is given.
    """
    cdef Model *m = <Model *>malloc(sizeof(Model))
    cdef Choice c
    cdef Paths paths
    cdef list kept = []
    cdef uint16_t[:, ::1] image
    coded = np.array(symbols, np.uint16, order="C")
    image = coded
    try:
        if m == NULL:
            raise MemoryError
        memset(m, 0, sizeof(Model))
        set_up(m, image.shape[1], image.shape[0], tree, tables, starts, head_bits, kept)
        if choice is not None:
            set_up_choice(&c, choice, kept)
            set_up_paths(&paths, m.symbols, kept)
            m.choice, m.paths = &c, &paths
        m.room = 1 << 12
        m.output = <uint8_t *>malloc(m.room)
        if m.output == NULL:
            raise MemoryError
        code_all(m, &image[0, 0])
        if m.failed:
            raise MemoryError
        return m.output[: m.size] + bytes([(m.low >> 24) + 1]), coded
    finally:
        if m != NULL:
            free(m.output)
        free(m)


def decode(const uint8_t[:] payload, int rows, int width, tree, tables, starts, int head_bits):
    """Decode a payload to symbols, uint16, shape (rows, width); shifts; low; see model.decode."""
    cdef Model *m = <Model *>malloc(sizeof(Model))
    cdef list kept = []
    cdef int i
    if m == NULL:
        raise MemoryError
    memset(m, 0, sizeof(Model))
    symbols = np.zeros((rows, width), np.uint16)
    cdef uint16_t[:, ::1] image = symbols
    try:
        set_up(m, width, rows, tree, tables, starts, head_bits, kept)
        m.room = payload.shape[0]
        if m.room:
            m.input = &payload[0]
        for i in range(4):
            m.code = m.code << 8 | (m.input[i] if <size_t>i < m.room else 0)
        code_all(m, &image[0, 0])
        return symbols, m.size, m.low
    finally:
        free(m)
