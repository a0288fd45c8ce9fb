# A pixel: its contexts, the two candidates they vote for, and flags.

cdef inline uint32_t scrambled(uint32_t v) noexcept nogil:
    v *= <uint32_t>0x9E3779B1
    return v ^ (v >> 15)


cdef inline uint32_t joined(uint32_t hash, uint32_t value) noexcept nogil:
    return (hash + value + 1) * <uint32_t>STEP


cdef inline void hash_flag_contexts(Model *m, uint32_t *hash) noexcept nogil:
    cdef int *near = m.near
    cdef uint32_t h = 0
    cdef int i
    for i in range(4):
        h = joined(h, near[i])
    if FLAG_CONTEXTS > 4:
        hash[4] = h
    for i in range(4, 9):
        h = joined(h, near[i])
    hash[0] = h
    hash[1] = tall_template(m)
    if FLAG_CONTEXTS > 2:
        hash[2] = joined(joined(joined(0, near[0]), near[4]), near[9])
    if FLAG_CONTEXTS > 3:
        for i in range(9, 14):
            h = joined(h, near[i])
        hash[3] = h
    if FLAG_CONTEXTS > 5:
        hash[5] = joined(joined(0, near[1]), near[5])
    if FLAG_CONTEXTS > 6:
        hash[6] = joined(joined(0, near[0]), m.x >> 5)
    if FLAG_CONTEXTS > 7:
        hash[7] = low_template(m)


cdef inline uint32_t tall_template(const Model *m) noexcept nogil:
    """13 columns of three rows above, and 8 pixels to the left."""
    cdef uint32_t k = <uint32_t>STEP, k2 = k * k, k4 = k2 * k2, k8 = k4 * k4
    cdef uint32_t above = m.tall_window[m.x + 15] - m.tall_window[m.x + 2] * (k8 * k4 * k)
    return above * <uint32_t>0x9E3779B1 + m.left[m.x + 8] - m.left[m.x] * k8


cdef inline uint32_t low_template(const Model *m) noexcept nogil:
    """6 columns of two rows above, and 4 pixels to the left."""
    cdef uint32_t k = <uint32_t>STEP, k2 = k * k, k4 = k2 * k2
    cdef uint32_t above = m.low_window[m.x + 12] - m.low_window[m.x + 6] * (k4 * k2)
    return above * <uint32_t>0x9E3779B1 + m.left[m.x + 8] - m.left[m.x + 4] * k4


cdef inline void predict_color(Model *m) noexcept nogil:
    """The colour that the neighbours let expect, in two ways, and how much they differ."""
    cdef const int16_t *w = m.color + 4 * m.near[0]
    cdef const int16_t *n = m.color + 4 * m.near[1]
    cdef const int16_t *nw = m.color + 4 * m.near[2]
    cdef const int16_t *ne = m.color + 4 * m.near[3]
    cdef int16_t most, least, between
    cdef int16_t differences[4]
    cdef int c, total
    # Four coordinates, the last always zero: compilers do them at once.
    for c in range(4):
        most = w[c] if w[c] > n[c] else n[c]
        least = w[c] if w[c] < n[c] else n[c]
        between = w[c] + n[c] - nw[c]
        between = between if between < most else most
        m.med[c] = between if between > least else least
        differences[c] = gap(w[c], nw[c]) + gap(n[c], ne[c]) + gap(n[c], nw[c])
        if GEOMETRIES > 1:
            m.average[c] = (3 * w[c] + 3 * n[c] + nw[c] + ne[c] + 4) >> 3
    total = differences[0] + differences[1] + differences[2]
    m.activity = 0
    if total > 3:
        m.activity = kmc_log2(total) - 1
        if m.activity > 7:
            m.activity = 7


cdef inline void weigh_colors(Model *m) noexcept nogil:
    """The expected colour that is learned: the average, and weighed offsets from it."""
    cdef const int16_t *color
    cdef int i, c
    cdef int32_t sums[4]
    for c in range(4):
        sums[c] = 32768
    for i in range(WEIGHED):
        color = m.color + 4 * m.near[i]
        for c in range(4):
            m.offset[i][c] = color[c] - m.average[c]
            sums[c] += m.offset[i][c] * m.color_weight[i]
    for c in range(4):
        m.learned[c] = clamped(m.average[c] + (sums[c] >> 16), 0, 255)


cdef inline void learn_colors(Model *m, int symbol) noexcept nogil:
    """Move the weights of the offsets, by normalised least mean squares."""
    cdef const int16_t *color = m.color + 4 * symbol
    cdef int a = color[0] - m.learned[0], b = color[1] - m.learned[1], c = color[2] - m.learned[2]
    cdef int i, step, shift
    cdef uint32_t power = 256
    cdef int16_t *u
    for i in range(WEIGHED):
        u = m.offset[i]
        power += u[0] * u[0] + u[1] * u[1] + u[2] * u[2]
    shift = kmc_log2(power) - 4
    for i in range(WEIGHED):
        u = m.offset[i]
        step = (256 * (a * u[0] + b * u[1] + c * u[2])) >> shift
        m.color_weight[i] = clamped(m.color_weight[i] + step, -65536, 65536)


cdef inline int16_t gap(int16_t a, int16_t b) noexcept nogil:
    return a - b if a > b else b - a


cdef inline int absolute(int v) noexcept nogil:
    return -v if v < 0 else v


cdef inline void compare_neighbors(Model *m) noexcept nogil:
    cdef int w = m.near[0], n = m.near[1], nw = m.near[2], ne = m.near[3], ww = m.near[4]
    m.equality = (
        9 * (0 if w == n else 1 if w == nw else 2)
        + 3 * (0 if n == ne else 1 if n == nw else 2)
        + (0 if nw == ne else 1 if w == ww else 2)
    )
    m.comparison = (
        (ne > m.near[6])
        | (nw > m.near[10]) << 1
        | (n > m.near[5]) << 2
        | (w > ww) << 3
        | (w > nw) << 4
        | (n > ne) << 5
        | (w > n) << 6
        | (absolute(w - nw) > 4) << 7
        | (absolute(n - ne) > 4) << 8
        | (absolute(w - n) > 4) << 9
    )


cdef inline void vote(Model *m, int *named, int *count, int symbol, int votes) noexcept nogil:
    if m.score[symbol] == 0:
        named[count[0]] = symbol
        count[0] += 1
    m.score[symbol] += votes


cdef inline void elect(Model *m) noexcept nogil:
    """The two symbols with most votes: candidate and strength; the first named wins a tie."""
    cdef int named[2 * FLAG_CONTEXTS + 4]
    cdef int i, votes, best, count = 0
    cdef Head *head
    for i in range(FLAG_CONTEXTS):
        head = m.head[i]
        if head.check != m.check[i]:
            memset(head, 0, sizeof(Head))
            head.check = m.check[i]
        elif head.run:
            votes = VOTES[head.run if head.run < 31 else 31]
            vote(m, named, &count, head.last, votes)
            if head.before != head.last:
                vote(m, named, &count, head.before, 80 - (votes >> 2))
    vote(m, named, &count, m.near[0], 150)
    vote(m, named, &count, m.near[1], 150)
    vote(m, named, &count, m.near[3], 75)
    vote(m, named, &count, m.near[2], 37)
    best = first_of(m, named, count)
    m.candidate[0] = best
    m.strength[0] = m.score[best]
    m.score[best] = 0
    best = first_of(m, named, count)
    m.strength[1] = m.score[best]
    m.candidate[1] = best if m.strength[1] else m.candidate[0]
    for i in range(count):
        m.score[named[i]] = 0


cdef inline int first_of(const Model *m, const int *named, int count) noexcept nogil:
    cdef int i, best = named[0], most = m.score[named[0]]
    for i in range(1, count):
        if m.score[named[i]] > most:
            best = named[i]
            most = m.score[best]
    return best


cdef inline uint32_t places(uint32_t a, uint32_t b, uint32_t beyond, uint32_t c,
                            uint32_t d) noexcept nogil:
    """Where a symbol is: 6 places of this row; 10, two of them beyond, 7 and 5 of those above."""
    return a >> 2 | b << 6 | beyond << 14 | (c & 127) << 16 | (d & 31) << 23


cdef int predict_flag(Model *m, int rank) noexcept nogil:
    """The probability that the pixel is the candidate of this rank."""
    cdef int symbol = m.candidate[rank], other = m.candidate[1 - rank], i, agree = 0, known = 0
    cdef uint16_t *r0 = m.r0 + m.x
    cdef uint16_t *r1 = m.r1 + m.x
    cdef uint16_t *r2 = m.r2 + m.x
    cdef uint16_t *r3 = m.r3 + m.x
    cdef uint32_t a = kmc_equal8(r0 - 8, symbol), b = kmc_equal8(r1 - 4, symbol)
    cdef uint32_t c = kmc_equal8(r2 - 3, symbol), d = kmc_equal8(r3 - 2, symbol)
    cdef uint32_t beyond = kmc_equal8(r1 - 2, symbol) >> 6, o, index, m12, m16
    cdef Slot *patterns = m.patterns + (rank << 16)
    index = places(a, b, beyond, c, d)
    m.pattern[1] = patterns + (1 << 18) + (index * <uint32_t>0x9E3779B1 >> 16)
    kmc_prefetch(m.pattern[1])
    o = (kmc_equal8(r0 - 8, other) >> 6 | (kmc_equal8(r1 - 4, other) >> 3 & 15) << 2
         | (kmc_equal8(r2 - 3, other) >> 2 & 7) << 6)
    index = (a >> 6 | (b >> 3 & 15) << 2 | (c >> 2 & 7) << 6) << 9 | o
    m.pattern[0] = patterns + (index * <uint32_t>0x9E3779B1 >> 16)
    kmc_prefetch(m.pattern[0])
    if FLAG_PATTERNS > 2:
        m12 = a >> 5 | (b >> 2 & 31) << 3 | (c >> 2 & 7) << 8 | (d >> 2 & 1) << 11
        index = (m12 << 3 | m.activity) << 7 | (m.comparison & 127)
        m.pattern[2] = patterns + (2 << 18) + (index * <uint32_t>0x9E3779B1 >> 16)
        kmc_prefetch(m.pattern[2])
    if FLAG_PATTERNS > 3:
        m16 = a >> 5 | (b >> 1 & 127) << 3 | (c >> 1 & 31) << 10 | (d >> 2 & 1) << 15
        index = joined(joined(0, m16), symbol)
        m.pattern[3] = patterns + (3 << 18) + (index >> 16)
    if FLAG_PATTERNS > 4:
        index = joined(joined(0, m16), m.head[0].run)
        m.pattern[4] = patterns + (4 << 18) + (index >> 16)
    for i in range(FLAG_CONTEXTS):
        known += m.head[i].run > 0
        agree += m.head[i].run > 0 and m.head[i].last == symbol
        m.slot[i] = &m.head[i].flag[rank]
    m.distance[0] = distance_class(m, m.med, symbol)
    if GEOMETRIES > 1:
        m.distance[1] = distance_class(m, m.average, symbol)
    if GEOMETRIES > 2:
        m.distance[2] = distance_class(m, m.learned, symbol)
    choose_flag_sets(m, rank, symbol, agree, known)
    return predict(
        m, &m.flags, 0, FLAG_CONTEXTS, rank, symbol,
        rank * (FLAG_CONTEXTS + 1) + agree, rank << 8 | (symbol & 255),
    )


cdef inline int distance_class(const Model *m, const int16_t *color, int symbol) noexcept nogil:
    """Twice the binary logarithm of the squared distance, roughly."""
    cdef const int16_t *own = m.color + 4 * symbol
    cdef int a = color[0] - own[0], b = color[1] - own[1], c = color[2] - own[2], k = 0
    a = a * a + b * b + c * c
    if a > 3:
        k = kmc_log2(a) - 1
    return 2 * k + (a >> k)


cdef inline void choose_flag_sets(Model *m, int rank, int symbol, int agree, int known) noexcept nogil:
    m.set[0] = rank << 8 | (symbol & 255)
    if SETS > 1:
        m.set[1] = rank * 27 + m.equality
    if SETS > 2:
        m.set[2] = (rank * (FLAG_CONTEXTS + 1) + known) * (FLAG_CONTEXTS + 1) + agree
    if SETS > 3:
        m.set[3] = m.x >> 3 & 127
    if SETS > 4:
        m.set[4] = rank << 3 | m.activity
        m.set[5] = m.comparison
        m.set[6] = (m.x + m.y) >> 5 & 255
        m.set[7] = rank << 5 | (m.head[0].run if m.head[0].run < 31 else 31)


cdef int code_pixel(Model *m, int symbol) noexcept nogil:
    """Code a pixel; a decoder's symbol is what comes back."""
    cdef int i, found = -1, rank, flags = FLAGS
    cdef Head *head
    cdef uint32_t h, *trust = NULL
    hash_flag_contexts(m, m.hash)
    for i in range(FLAG_CONTEXTS):
        h = scrambled(m.hash[i])
        head = m.heads + (<size_t>i << m.head_bits) + (h >> (32 - m.head_bits))
        kmc_prefetch(head)
        m.head[i] = head
        m.check[i] = h & 0xFFFF | 1
    predict_color(m)
    if GEOMETRIES > 2:
        weigh_colors(m)
    compare_neighbors(m)
    elect(m)
    if m.strength[1] == 0:
        flags = 1
    if TRUST:
        i = m.strength[0] // 150
        trust = m.trust + (8 * (i if i < 15 else 15) + 8 * m.strength[1] // (m.strength[0] + 1))
        if trust[0] >> 16 < TRUST:
            flags = 0
    if m.choice != NULL:
        m.choice.x, m.choice.y = m.x, m.y
        m.rejected = 0
        symbol = choose(m, m.choice, symbol, flags)
    m.rejected = 0
    for rank in range(flags):
        # A choice may have asked just this last, and nothing was learned since.
        i = m.foreseen if rank == 0 and m.foreseen else predict_flag(m, rank)
        if settle(m, &m.flags, 0, FLAG_CONTEXTS, i, symbol == m.candidate[rank]):
            found = m.candidate[rank]
            break
        m.excluded[rank] = m.candidate[rank]
        m.rejected += 1
    if found < 0:
        found = code_tree(m, symbol)
    if TRUST:
        adapt(m, trust, found == m.candidate[0], TRUST_LIMIT)
    if GEOMETRIES > 2:
        learn_colors(m, found)
    for i in range(FLAG_CONTEXTS):
        remember(m.head[i], found)
    return found


cdef inline void remember(Head *head, int symbol) noexcept nogil:
    if head.run == 0:
        head.last = symbol
        head.before = symbol
        head.run = 1
    elif head.last == symbol:
        if head.run < 255:
            head.run += 1
    else:
        head.before = head.last
        head.last = symbol
        head.run = 1
