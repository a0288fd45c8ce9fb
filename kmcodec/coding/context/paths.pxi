# What candidates and paths cost at a pixel, for choice.pxi. Twin of Model._chosen in model.py.


cdef inline int candidate_of(const Model *m, int rank) noexcept nogil:
    return m.candidate[rank]


cdef inline int neighbor_of(const Model *m, int i) noexcept nogil:
    return m.near[i]


cdef int flag_chance_of(Model *m, int rank) noexcept nogil:
    """The probability that a flag is 1; the next ones are asked for as if it were 0."""
    cdef int p = predict_flag(m, rank)
    m.foreseen = 0 if rank else p
    m.excluded[rank] = m.candidate[rank]
    m.rejected = rank + 1
    return p


cdef void begin_paths(Model *m) noexcept nogil:
    m.foreseen = 0
    m.paths.pixel += 1
    hash_tree_contexts(m, m.hash)


cdef int path_cost(Model *m, int symbol, int64_t most) noexcept nogil:
    """What the path to a symbol through the tree costs, at least where it exceeds `most`.

    Probabilities are those before any of these decisions is learned from. They are kept for the
    other symbols of this pixel.
    """
    cdef Paths *c = m.paths
    cdef int node = 1, depth, bit, i, p, forced, cost = 0, top = 0
    for depth in range(m.bits):
        bit = symbol >> (m.bits - 1 - depth) & 1
        forced = forced_side(m, node, depth)
        if forced < 0:
            if c.asked[node] != c.pixel:
                if top != node >> (depth & 3):
                    top = node >> (depth & 3)
                    find_lines(m, top)
                    for i in range(TREE_CONTEXTS):
                        if m.line[i].slot[0].p != m.check[FLAG_CONTEXTS + i]:
                            m.line[i] = &c.blank
                c.asked[node] = c.pixel
                c.chances[node] = predict_node(m, node, depth)
            p = c.chances[node]
            cost += cost_of(m.choice, p if bit else 65535 - p)
            if cost > most:
                break
        node = 2 * node + bit
    return cost
