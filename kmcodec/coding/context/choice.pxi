# Rate-distortion choice: the symbol of a pixel by what it costs to code it, and how far its colour
# is from the pixel's. Twin of choice.py. What is asked here of the model is what coding asks it,
# and asking changes nothing.


cdef inline int error_of(const Choice *c, const int16_t *target, int symbol) noexcept nogil:
    """The squared distance of a symbol from a pixel."""
    cdef const int16_t *own = c.entries + 4 * symbol
    cdef int i, d, total = 0
    for i in range(4):
        d = target[i] - own[i]
        total += d * d
    return total


cdef inline int foresight(const Model *m, int symbol) noexcept nogil:
    """1/256 bits that a symbol will save where pixels to come are likely to have it, too."""
    cdef const uint16_t *own = m.choice.ahead + <size_t>m.y * m.width + m.x
    cdef int saving = m.choice.saving, saved = 0, has_right = m.x + 1 < m.width
    if has_right and own[1] == symbol:
        saved += saving
    if m.y + 1 < m.rows:
        own += m.width
        if own[0] == symbol:
            saved += saving
        if m.x and own[-1] == symbol:
            saved += 3 * saving // 4
        if has_right and own[1] == symbol:
            saved += 3 * saving // 4
    return saved


cdef inline int64_t weighed(const Choice *c, int error, int cost) noexcept nogil:
    """Error plus lambda times bits, the least of which is chosen."""
    return (<int64_t>error << 16) + c.lagrangian * cost


cdef inline int cost_of(const Choice *c, int p) noexcept nogil:
    """1/256 bits that a decision of this probability costs; p in 1/65536."""
    return c.costs[p >> 4]


cdef inline int way_cost(Model *m, int symbol, int64_t most) noexcept nogil:
    """What the way to a symbol through the tree costs, at least where it exceeds `most`.

    Probabilities are those before any of these decisions is learned from. They are kept for the
    other symbols of this pixel.
    """
    cdef Choice *c = m.choice
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
            cost += cost_of(c, p if bit else 65535 - p)
            if cost > most:
                break
        node = 2 * node + bit
    return cost


cdef int choose(Model *m, int nearest, int flags) noexcept nogil:
    """The symbol of least error and cost for the pixel whose contexts are known.

    Both candidates are tried, the nearest symbol, those near it, and those of four neighbours.
    """
    cdef Choice *c = m.choice
    cdef const int16_t *target = c.targets + 4 * (<size_t>m.y * m.width + m.x)
    cdef int rank, i, s, error, saved, p, denied = 0, best = nearest
    cdef int own = error_of(c, target, nearest), most = own + c.allowance
    cdef int64_t value, least = <int64_t>1 << 62
    # No symbol has a smaller error than the nearest, and none that is not yet tried costs less than
    # that all before it are denied: where this cannot be better, the rest need not be asked about.
    cdef int most_saved = 7 * c.saving // 2
    m.rejected = 0
    for rank in range(flags):
        if rank and least <= weighed(c, own, denied - most_saved):
            break
        s = m.candidate[rank]
        p = predict_flag(m, rank)
        m.foreseen = 0 if rank else p
        if c.kinds[s] == c.kinds[nearest]:
            error = error_of(c, target, s)
            value = weighed(c, error, denied + cost_of(c, p) - foresight(m, s))
            if error <= most and value < least:
                least = value
                best = s
        denied += cost_of(c, 65535 - p)
        m.excluded[rank] = s
        m.rejected = rank + 1
    c.pixel += 1
    if weighed(c, own, denied - most_saved) < least:
        m.foreseen = 0
        hash_tree_contexts(m, m.hash)
        for i in range(-1, c.near + 4):
            if i < 0:
                s = nearest
            elif i < c.near:
                s = c.neighbors[<size_t>nearest * c.near + i]
            else:
                s = m.near[i - c.near]
            error = error_of(c, target, s)
            if error > most or is_excluded(m, s) or c.kinds[s] != c.kinds[nearest]:
                continue
            saved = denied - foresight(m, s)
            value = weighed(c, error, saved)
            if value < least:
                value = weighed(c, error, saved + way_cost(m, s, (least - value) // c.lagrangian))
                if value < least:
                    least = value
                    best = s
    m.rejected = 0
    return best


cdef int prefers_run(Model *m, const uint16_t *own, int length, int p) noexcept nogil:
    """Whether a run pays: what it adds in error, against what it saves."""
    cdef Choice *c = m.choice
    cdef const int16_t *target = c.targets + 4 * (<size_t>m.y * m.width + m.x)
    cdef int i, own_error, error, w = m.near[0]
    cdef int64_t value = c.lagrangian * (cost_of(c, p) - cost_of(c, 65535 - p))
    for i in range(length):
        if own[i] != w:
            own_error = error_of(c, target + 4 * i, own[i])
            error = error_of(c, target + 4 * i, w)
            if error > own_error + c.allowance or c.kinds[w] != c.kinds[own[i]]:
                return 0
            value += weighed(c, error - own_error, -SPECK)
    return value <= 0
