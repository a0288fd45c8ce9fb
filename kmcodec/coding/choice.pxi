# Rate-distortion choice: code a pixel by what it costs to code it, and how far its colour is from
# the pixel's. Twin of choice.py. What includes this defines, for its own `Model`, which symbols are
# tried and what they cost: `candidate_of`, `flag_chance_of`, `begin_paths`, `path_cost`, `neighbor_of`.
# Asking changes nothing that is learned.

include "carry.pxi"

cdef enum:
    SPECK = 2048  # the least cost, in 1/256 bits, of a pixel that differs from all its neighbours
    MOST_ADDED = 1 << 30  # the most error that may ever be added to a pixel

cdef struct Choice:
    int width
    int rows
    int x
    int y
    const int16_t *targets  # the source's pixels, four coordinates each
    const int16_t *entries  # those of each symbol
    const uint8_t *kinds  # only symbols of a kind replace each other
    const uint16_t *neighbors  # for each symbol so many that are near it
    int near
    const uint16_t *ahead  # what pixels that are not coded yet are likely to be
    const uint16_t *weights  # of the price at each pixel, in 1/256
    int64_t lagrangian  # error that a bit is worth, in 1/256
    int64_t price  # the same at the pixel
    int allowance  # the most error that may be added to a pixel at a weight of 1
    int saving  # 1/256 bits that a symbol saves where a pixel ahead is likely to have it
    const uint16_t *costs
    Carry carry  # of errors; its share is 0 if none are diffused


cdef void *copied(array, list kept) except NULL:
    """The data of an array, alive as long as the list."""
    array = np.ascontiguousarray(array)
    kept.append(array)
    return <void *><size_t>array.ctypes.data


cdef int set_up_choice(Choice *c, choice, list kept) except -1:
    memset(c, 0, sizeof(Choice))
    c.rows, c.width = choice.ahead.shape
    c.ahead = <const uint16_t *>copied(choice.ahead, kept)
    c.weights = <const uint16_t *>copied(choice.weights, kept)
    c.targets = <const int16_t *>copied(choice.targets, kept)
    c.entries = <const int16_t *>copied(choice.entries, kept)
    c.neighbors = <const uint16_t *>copied(choice.neighbors, kept)
    c.near = choice.neighbors.shape[1]
    c.lagrangian = choice.lagrangian
    c.allowance = choice.allowance
    c.saving = choice.saving
    c.costs = <const uint16_t *>copied(choice.costs, kept)
    c.kinds = <const uint8_t *>copied(choice.kinds, kept)
    if choice.carry is not None:
        set_up_carry(&c.carry, choice.carry, c.width, kept)
    return 0


cdef inline const int16_t *target_of(const Choice *c) noexcept nogil:
    """The coordinates of the pixel."""
    return c.targets + 4 * (<size_t>c.y * c.width + c.x)


cdef inline int error_of(const Choice *c, const int16_t *target, int symbol) noexcept nogil:
    """The squared distance of a symbol from a pixel."""
    cdef const int16_t *own = c.entries + 4 * symbol
    cdef int i, d, total = 0
    for i in range(4):
        d = target[i] - own[i]
        total += d * d
    return total


cdef inline int weight_of(const Choice *c, int x) noexcept nogil:
    """The weight of the price at a pixel of the row, in 1/256."""
    return c.weights[<size_t>c.y * c.width + x]


cdef inline void set_price(Choice *c, int x) noexcept nogil:
    """Set the price at a pixel of the row."""
    c.price = max(1, c.lagrangian * weight_of(c, x) >> 8)


cdef inline int most_added(const Choice *c, int x) noexcept nogil:
    """The most error that may be added to a pixel of the row that is not flat."""
    return <int>min(<int64_t>c.allowance * weight_of(c, x) >> 8, MOST_ADDED)


cdef inline int allowance_of(const Choice *c, const int16_t *target, int x) noexcept nogil:
    """The most error that may be added to a pixel: none if those to the right and below equal it."""
    cdef const int16_t *below = target + 4 * <size_t>c.width
    cdef int i
    if x + 1 == c.width or c.y + 1 == c.rows:
        return most_added(c, x)
    for i in range(4):
        if target[i] != target[i + 4] or target[i] != below[i]:
            return most_added(c, x)
    return 0


cdef inline int nearest_to(const Choice *c, const int16_t *target, int symbol) noexcept nogil:
    """The symbol nearest to a colour, found step by step from one that is not far from it."""
    cdef int least = error_of(c, target, symbol), before = -1, i, error
    cdef const uint16_t *near
    while symbol != before:
        before = symbol
        near = c.neighbors + <size_t>before * c.near
        for i in range(c.near):
            if c.kinds[near[i]] == c.kinds[before]:
                error = error_of(c, target, near[i])
                if error < least:
                    least = error
                    symbol = near[i]
    return symbol


cdef inline int foresight(const Choice *c, int symbol) noexcept nogil:
    """1/256 bits that a symbol will save where pixels to come are likely to have it, too."""
    cdef const uint16_t *own = c.ahead + <size_t>c.y * c.width + c.x
    cdef int saving = c.saving, saved = 0, has_right = c.x + 1 < c.width
    if has_right and own[1] == symbol:
        saved += saving
    if c.y + 1 < c.rows:
        own += c.width
        if own[0] == symbol:
            saved += saving
        if c.x and own[-1] == symbol:
            saved += 3 * saving // 4
        if has_right and own[1] == symbol:
            saved += 3 * saving // 4
    return saved


cdef inline int64_t weighed(const Choice *c, int error, int cost) noexcept nogil:
    """Error plus lambda times bits, the least of which is chosen."""
    return (<int64_t>error << 16) + c.price * cost


cdef inline int cost_of(const Choice *c, int p) noexcept nogil:
    """1/256 bits that a decision of this probability costs; p in 1/65536."""
    return c.costs[p >> 4]


cdef int choose(Model *m, Choice *c, int nearest, int flags) noexcept nogil:
    """The symbol of least error and cost for the pixel at `x` and `y` of the choice."""
    cdef const int16_t *target = target_of(c)
    cdef int symbol
    set_price(c, c.x)
    # An exact pixel neither takes nor passes on errors.
    if c.carry.share == 0 or error_of(c, target, nearest) == 0:
        return choose_for(m, c, target, nearest, flags, allowance_of(c, target, c.x))
    begin_line(&c.carry, c.y)
    want(&c.carry, target, c.x)
    nearest = nearest_to(c, c.carry.wanted, nearest)
    symbol = choose_for(m, c, c.carry.wanted, nearest, flags, most_added(c, c.x))
    diffuse(&c.carry, c.entries + 4 * symbol, c.x)
    return symbol


cdef int choose_for(
    Model *m, Choice *c, const int16_t *target, int nearest, int flags, int allowance
) noexcept nogil:
    """The symbol of least error and cost for a colour.

    Both candidates are tried, the nearest symbol, those near it, and those of four neighbours.
    """
    cdef int rank, i, s, error, saved, p, denied = 0, best = nearest, first = -1, second = -1
    cdef int own = error_of(c, target, nearest), most = own + allowance
    cdef int64_t value, least = <int64_t>1 << 62
    # No symbol has a smaller error than the nearest, and none that is not yet tried costs less than
    # that all before it are denied: where this cannot be better, the rest need not be asked about.
    cdef int most_saved = 7 * c.saving // 2
    for rank in range(flags):
        if rank and least <= weighed(c, own, denied - most_saved):
            break
        s = candidate_of(m, rank)
        p = flag_chance_of(m, rank)
        if c.kinds[s] == c.kinds[nearest]:
            error = error_of(c, target, s)
            value = weighed(c, error, denied + cost_of(c, p) - foresight(c, s))
            if error <= most and value < least:
                least = value
                best = s
        denied += cost_of(c, 65535 - p)
        if rank:
            second = s
        else:
            first = s
    if weighed(c, own, denied - most_saved) >= least:
        return best
    begin_paths(m)
    for i in range(-1, c.near + 4):
        if i < 0:
            s = nearest
        elif i < c.near:
            s = c.neighbors[<size_t>nearest * c.near + i]
        else:
            s = neighbor_of(m, i - c.near)
        error = error_of(c, target, s)
        if error > most or s == first or s == second or c.kinds[s] != c.kinds[nearest]:
            continue
        saved = denied - foresight(c, s)
        value = weighed(c, error, saved)
        if value < least:
            value = weighed(c, error, saved + path_cost(m, s, (least - value) // c.price))
            if value < least:
                least = value
                best = s
    return best


cdef int prefers_run(Choice *c, const uint16_t *own, int w, int length, int p) noexcept nogil:
    """Whether a run of w pays: what it adds in error, against what it saves."""
    cdef const int16_t *target = target_of(c)
    cdef int64_t value
    cdef Carry before
    cdef int i
    set_price(c, c.x)
    value = c.price * (cost_of(c, p) - cost_of(c, 65535 - p))
    if c.carry.share:
        begin_line(&c.carry, c.y)
    before = c.carry
    for i in range(length):
        if not adds_to_run(c, target + 4 * i, c.x + i, own[i], w, &value):
            value = 1
            break
    c.carry = before
    if value > 0:
        return 0
    if c.carry.share:
        for i in range(length):
            if error_of(c, target + 4 * i, own[i]):
                want(&c.carry, target + 4 * i, c.x + i)
                diffuse(&c.carry, c.entries + 4 * w, c.x + i)
    return 1


cdef inline int adds_to_run(
    Choice *c, const int16_t *target, int x, int own, int w, int64_t *value
) noexcept nogil:
    """Add to `value` what a pixel of a run adds in error, less the bits it saves; 0 if too much."""
    cdef int own_error, error, allowance = -1
    if c.carry.share and error_of(c, target, own):
        allowance = most_added(c, x)
        want(&c.carry, target, x)
        target = c.carry.wanted
        own = nearest_to(c, target, own)
        miss(&c.carry, c.entries + 4 * w, x)
    if own != w:
        if allowance < 0:
            allowance = allowance_of(c, target, x)
        own_error = error_of(c, target, own)
        error = error_of(c, target, w)
        if error > own_error + allowance or c.kinds[w] != c.kinds[own]:
            return 0
        set_price(c, x)
        value[0] += weighed(c, error - own_error, -SPECK)
    return 1
