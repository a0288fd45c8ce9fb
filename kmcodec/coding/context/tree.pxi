# The way down the colour tree: contexts, nodes, patterns; and the symbol at its end.


cdef inline void hash_tree_contexts(Model *m, uint32_t *hash) noexcept nogil:
    cdef int *near = m.near
    cdef uint32_t h, w = joined(0, near[0]), column = m.x >> 5
    cdef int i
    hash[0] = joined(joined(joined(0, m.candidate[0]), m.candidate[1]), m.rejected)
    hash[1] = joined(w, column)
    if TREE_CONTEXTS > 2:
        hash[2] = joined(joined(joined(w, near[1]), near[2]), near[3])
        h = joined(0, m.activity)
        for i in range(3):
            h = joined(h, m.med[i] >> 4)
        hash[3] = h
    if TREE_CONTEXTS > 4:
        hash_more_tree_contexts(m, hash, w, joined(0, near[1]), joined(0, near[3]), column)
    if TREE_PATTERNS > 6:
        m.first_places = places(
            kmc_equal8(m.r0 + m.x - 8, m.candidate[0]), kmc_equal8(m.r1 + m.x - 4, m.candidate[0]),
            kmc_equal8(m.r1 + m.x - 2, m.candidate[0]) >> 6,
            kmc_equal8(m.r2 + m.x - 3, m.candidate[0]), kmc_equal8(m.r3 + m.x - 2, m.candidate[0]),
        )


cdef inline void hash_more_tree_contexts(Model *m, uint32_t *hash, uint32_t w, uint32_t n,
                                         uint32_t ne, uint32_t column) noexcept nogil:
    cdef int *near = m.near
    cdef int i
    cdef uint32_t h = hash[2]
    hash[4] = joined(ne, column)
    hash[5] = joined(w, near[4])
    hash[6] = joined(n, near[5])
    hash[7] = tall_template(m)
    hash[8] = joined(joined(0, column), m.y >> 5)
    hash[9] = joined(hash[5], near[9])
    hash[10] = joined(n, column)
    for i in range(4, 9):
        h = joined(h, near[i])
    hash[11] = h
    for i in range(9, 14):
        h = joined(h, near[i])
    hash[12] = h
    hash[13] = low_template(m)
    hash[14] = n
    hash[15] = w
    hash[16] = joined(joined(0, m.x >> 4), m.y >> 3)
    h = 0
    for i in range(3):
        h = joined(h, m.learned[i] >> 3)
    hash[17] = h
    hash[18] = 0
    hash[19] = joined(joined(0, near[2]), near[3])
    hash[20] = joined(w, near[7])
    hash[21] = joined(w, near[8])
    hash[22] = joined(joined(joined(0, near[4]), near[5]), near[0])
    hash[23] = joined(joined(ne, near[7]), near[14])
    hash[24] = joined(w, near[3])
    hash[25] = joined(n, near[3])
    hash[26] = joined(joined(w, near[1]), near[2])


cdef inline int emptied(const Model *m, int least, int count) noexcept nogil:
    """Whether none of these symbols is left."""
    cdef int s
    for s in range(least, least + count):
        if not m.hole[s] and not is_excluded(m, s):
            return 0
    return 1


cdef inline int holds_excluded(const Model *m, int node, int shift) noexcept nogil:
    cdef int i
    for i in range(m.rejected):
        if (m.excluded[i] | m.symbols) >> shift == node:
            return 1
    return 0


cdef inline int forced_side(const Model *m, int node, int depth) noexcept nogil:
    """The only side that there is to go at a node, or -1."""
    cdef int left = m.bits - 1 - depth, side, forced = -1
    if left == 0 or left < 3 and holds_excluded(m, node, left + 1):
        for side in range(2):
            if emptied(m, ((2 * node + side) << left) - m.symbols, 1 << left):
                forced = 1 - side
    return forced


cdef int code_tree(Model *m, int symbol) noexcept nogil:
    """Code the way from the root to a leaf that no flag has excluded."""
    cdef int node = 1, depth, bit, p, has_lines = 0
    hash_tree_contexts(m, m.hash)
    for depth in range(m.bits):
        if depth & 3 == 0:
            has_lines = 0
        bit = forced_side(m, node, depth)
        if bit < 0:
            if not has_lines:
                find_lines(m, node >> (depth & 3))
                keep_lines(m)
                has_lines = 1
            p = predict_node(m, node, depth)
            bit = settle(m, &m.tree, 1, TREE_CONTEXTS, p, symbol >> (m.bits - 1 - depth) & 1)
        node = 2 * node + bit
    return node - m.symbols


cdef inline void find_lines(Model *m, int top) noexcept nogil:
    """Where the lines of slots are that hold four levels from the node `top` down."""
    cdef int i
    cdef uint32_t h
    for i in range(TREE_CONTEXTS):
        h = scrambled(m.hash[i] + <uint32_t>top * <uint32_t>0x85EBCA6B)
        m.line[i] = m.lines + (<size_t>i << m.line_bits) + (h >> (32 - m.line_bits))
        m.check[FLAG_CONTEXTS + i] = h & 0xFFFF | 1
        kmc_prefetch(m.line[i])


cdef inline void keep_lines(Model *m) noexcept nogil:
    """Take the lines: of others they are cleared."""
    cdef int i
    for i in range(TREE_CONTEXTS):
        if m.line[i].slot[0].p != m.check[FLAG_CONTEXTS + i]:
            memset(m.line[i], 0, sizeof(Line))
            m.line[i].slot[0].p = m.check[FLAG_CONTEXTS + i]


cdef inline int predict_node(Model *m, int node, int depth) noexcept nogil:
    """The probability that the pixel goes to the side of ones at a node."""
    cdef int i, left = m.bits - 1 - depth, shift = left + 1, s, ones = 0, zeros = 0
    cdef int in_line = (node & ((1 << (depth & 3)) - 1)) | 1 << (depth & 3)
    cdef int top = node if node < 255 else 255
    cdef uint32_t sides, to_zeros, to_ones, index
    cdef Slot *patterns = m.patterns + (2 << 16)
    for i in range(TREE_CONTEXTS):
        m.slot[i] = &m.line[i].slot[in_line]
    # Where the neighbours went: elsewhere, or down one side of this node.
    find_sides(m, node, left, &to_zeros, &to_ones)
    sides = BASE_3[to_zeros & 511] + 2 * BASE_3[to_ones & 511]
    index = node * 27 + sides // 729
    m.pattern[0] = patterns + (index * <uint32_t>0x9E3779B1 >> 15)
    index = sides + depth * 19683
    m.pattern[1] = patterns + (1 << 18) + (index * <uint32_t>0x9E3779B1 >> 15)
    if TREE_PATTERNS > 2:
        m.pattern[2] = patterns + (2 << 18) + ((depth << 10 | m.comparison) << 3 | m.activity)
    if TREE_PATTERNS > 3:
        m.pattern[3] = patterns + (3 << 18) + (joined(joined(0, node), m.y) >> 15)
    if TREE_PATTERNS > 4:
        m.pattern[4] = patterns + (4 << 18) + (joined(joined(0, node), m.x) >> 15)
    if TREE_PATTERNS > 5:
        index = joined(joined(joined(0, node), to_zeros), to_ones)
        m.pattern[5] = patterns + (5 << 18) + (index >> 15)
        kmc_prefetch(m.pattern[5])
    if TREE_PATTERNS > 6:
        index = joined(joined(0, node), m.first_places)
        m.pattern[6] = patterns + (6 << 18) + (index >> 15)
        kmc_prefetch(m.pattern[6])
    s = m.axis[node]
    m.distance[0] = side_of(m, m.med[s], node)
    if GEOMETRIES > 1:
        m.distance[1] = side_of(m, m.average[s], node)
    if GEOMETRIES > 2:
        m.distance[2] = side_of(m, m.learned[s], node)
    if PAIRS > 0:
        find_pairs(m, node, depth, m.color + s)
    for i in range(FLAG_CONTEXTS if SETS > 2 else 0):
        s = m.head[i].last
        if m.head[i].run and (s | m.symbols) >> shift == node and not is_excluded(m, s):
            ones += s >> left & 1
            zeros += 1 - (s >> left & 1)
    m.set[0] = top
    if SETS > 1:
        m.set[1] = depth * 27 + m.equality
    if SETS > 2:
        m.set[2] = (depth * 6 + (ones if ones < 5 else 5)) * 6 + (zeros if zeros < 5 else 5)
    if SETS > 3:
        m.set[3] = m.x >> 3 & 127
    if SETS > 4:
        m.set[4] = depth << 3 | m.activity
        m.set[5] = m.comparison
        m.set[6] = (m.x + m.y) >> 5 & 255
        m.set[7] = depth << 5 | (m.head[0].run if m.head[0].run < 31 else 31)
    return predict(m, &m.tree, 1, TREE_CONTEXTS, depth, node, depth, top)


cdef inline int side_of(const Model *m, int level, int node) noexcept nogil:
    """How far to the side of ones a colour lies, in eighths of the way between the sides."""
    return clamped(((16 * level - m.middle[node]) * m.scale[node] >> 13) + 32, 0, 63)


cdef inline void find_sides(const Model *m, int node, int left, uint32_t *zeros,
                            uint32_t *ones) noexcept nogil:
    """Which of 15 neighbours went down which side of a node: a bit for each."""
    cdef uint16_t ways[16]
    cdef int i, way = (2 * node) & ((m.symbols >> left) - 1)
    for i in range(16):
        ways[i] = m.near[i] >> left
    zeros[0] = (kmc_equal8(ways, way) | kmc_equal8(ways + 8, way) << 8) & 0x7FFF
    ones[0] = (kmc_equal8(ways, way + 1) | kmc_equal8(ways + 8, way + 1) << 8) & 0x7FFF


cdef inline void find_pairs(Model *m, int node, int depth, const int16_t *level) noexcept nogil:
    """Estimates by where two colours lie between the sides; `level` is on the node's axis."""
    cdef int w = level[4 * m.near[0]], n = level[4 * m.near[1]], nw = level[4 * m.near[2]]
    cdef int ne = level[4 * m.near[3]], ww = level[4 * m.near[4]], nn = level[4 * m.near[5]]
    cdef uint32_t *pairs = m.tree.pairs + (depth << 12)
    m.pair[0] = pairs + (side_of(m, ne, node) << 6 | side_of(m, w + n - nw, node))
    pairs += KINDS << 12
    m.pair[1] = pairs + (side_of(m, 2 * n - nn, node) << 6 | side_of(m, 2 * w - ww, node))
