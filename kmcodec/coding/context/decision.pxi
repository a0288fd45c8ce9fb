# One binary decision of a stage: gather inputs and mix; code and learn.


cdef inline void gather_slot(Model *m, Stage *g, const Slot *slot, int i, int16_t *x, int n, int kind,
                             int map) noexcept nogil:
    """The inputs of a slot: x[i], x[n + i], and of its history if the profile uses it."""
    cdef int p = slot.p ^ 0x8000, s
    cdef uint32_t *history
    x[i] = m.stretch[p >> 4]
    x[n + i] = (p - 32768) >> 5
    if HISTORIES:
        history = g.histories + ((map * KINDS + kind) * 256 + slot.history)
        m.history[map] = history
        s = m.stretch[history[0] >> 20] if slot.history else 0
        x[2 * n + i] = s
        x[3 * n + i] = s if slot.history < 16 or slot.history & 15 == 0 else 0


cdef inline void learn_slot(Model *m, Slot *slot, int map, int bit) noexcept nogil:
    adapt_slot(m, slot, bit)
    if HISTORIES:
        if slot.history:
            adapt(m, m.history[map], bit, MAP_LIMIT)
        slot.history = m.next[2 * slot.history + bit]


cdef inline int relation(Model *m, const Head *head, int is_tree, int shift, int symbol) noexcept nogil:
    """How the last symbols of a context bear on a decision: 0 not at all, 1 to 5 a case."""
    if head.run == 0:
        return 0
    if not is_tree:
        return 1 if head.last == symbol else 2 if head.before == symbol else 3
    if (head.last | m.symbols) >> shift == symbol and not is_excluded(m, head.last):
        return 2 + ((head.last >> (shift - 1)) & 1)
    if (head.before | m.symbols) >> shift == symbol and not is_excluded(m, head.before):
        return 4 + ((head.before >> (shift - 1)) & 1)
    return 0


cdef inline int is_excluded(const Model *m, int symbol) noexcept nogil:
    return (m.rejected > 0 and m.excluded[0] == symbol) or (
        m.rejected > 1 and m.excluded[1] == symbol
    )


cdef inline int predict(Model *m, Stage *g, int is_tree, int n, int kind, int symbol, int final_set,
                        int place) noexcept nogil:
    """The probability of 1 of a decision, m.slot, m.pattern, m.distance and m.set being chosen.

    n is the number of contexts; kind the rank of a candidate or the depth of a node; symbol the
    candidate or the node. Nothing but what `settle` needs of this decision is changed.
    """
    cdef int i, r, run, slots = 4 if HISTORIES else 2
    cdef int patterns = TREE_PATTERNS if is_tree else FLAG_PATTERNS
    cdef int pairs = PAIRS if is_tree else 0
    cdef int16_t *x = g.x
    cdef uint32_t *map
    for i in range(n):
        gather_slot(m, g, m.slot[i], i, x, n, kind, i)
    x += slots * n
    for i in range(patterns):
        gather_slot(m, g, m.pattern[i], i, x, patterns, kind, n + i)
    x += slots * patterns
    for i in range(FLAG_CONTEXTS):
        r = relation(m, m.head[i], is_tree, m.bits - kind, symbol)
        map = NULL
        x[i] = 0
        if r:
            run = m.head[i].run
            map = g.runs + (((i * KINDS + kind) * 6 + r) * 32 + (run if run < 31 else 31))
            x[i] = m.stretch[map[0] >> 20]
        m.run[i] = map
    x += FLAG_CONTEXTS
    for i in range(GEOMETRIES):
        map = g.distances + (((i * KINDS + kind) * 8 + m.activity) * 64 + m.distance[i])
        m.distance_map[i] = map
        x[i] = m.stretch[map[0] >> 20]
    x += GEOMETRIES
    for i in range(pairs):
        x[i] = m.stretch[m.pair[i][0] >> 20]
    x[pairs] = 256
    return mixed(m, g, final_set, place)


cdef inline int settle(Model *m, Stage *g, int is_tree, int n, int p, int bit) noexcept nogil:
    """Code the decision that was predicted last, and learn from it."""
    cdef int i, patterns = TREE_PATTERNS if is_tree else FLAG_PATTERNS
    bit = code_bit(m, bit, p)
    # A decision that was nearly certain teaches nothing.
    if (65536 - p if bit else p) < CERTAIN:
        return bit
    learn(m, g, bit)
    for i in range(n):
        learn_slot(m, m.slot[i], i, bit)
    for i in range(patterns):
        learn_slot(m, m.pattern[i], n + i, bit)
    for i in range(FLAG_CONTEXTS):
        if m.run[i] != NULL:
            adapt(m, m.run[i], bit, MAP_LIMIT)
    for i in range(GEOMETRIES):
        adapt(m, m.distance_map[i], bit, MAP_LIMIT)
    for i in range(PAIRS if is_tree else 0):
        adapt(m, m.pair[i], bit, MAP_LIMIT)
    return bit
