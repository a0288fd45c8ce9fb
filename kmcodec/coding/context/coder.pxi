# The arithmetic coder, the mixer and the adaptive probabilities; included by model.pxi.

cdef extern from *:
    """
    #include <stdint.h>
    #if (defined(__SSE2__) || defined(_M_X64)) && !defined(KMC_PORTABLE)
    #include <emmintrin.h>
    /* The sum of products, modulo 2**32; n is a multiple of 8, both arrays aligned to 16 bytes. */
    static inline int32_t kmc_dot(const int16_t *x, const int16_t *w, int n) {
        const __m128i *a = (const __m128i *)x, *b = (const __m128i *)w;
        __m128i s = _mm_setzero_si128(), t = s;
        /* Two sums, so that one addition need not wait for the other. */
        for (; n >= 16; n -= 16, a += 2, b += 2) {
            s = _mm_add_epi32(s, _mm_madd_epi16(_mm_load_si128(a), _mm_load_si128(b)));
            t = _mm_add_epi32(t, _mm_madd_epi16(_mm_load_si128(a + 1), _mm_load_si128(b + 1)));
        }
        if (n) s = _mm_add_epi32(s, _mm_madd_epi16(_mm_load_si128(a), _mm_load_si128(b)));
        s = _mm_add_epi32(s, t);
        s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4E));
        return _mm_cvtsi128_si32(_mm_add_epi32(s, _mm_shuffle_epi32(s, 0xB1)));
    }
    /* w += (x * e + 32768) >> 16, saturated. */
    static inline void kmc_train(const int16_t *x, int16_t *w, int n, int e) {
        const __m128i rate = _mm_set1_epi16((int16_t)e);
        for (int i = 0; i < n; i += 8) {
            __m128i v = _mm_load_si128((const __m128i *)(x + i));
            __m128i half = _mm_srli_epi16(_mm_mullo_epi16(v, rate), 15);
            __m128i step = _mm_add_epi16(_mm_mulhi_epi16(v, rate), half);
            __m128i *to = (__m128i *)(w + i);
            _mm_store_si128(to, _mm_adds_epi16(_mm_load_si128(to), step));
        }
    }
    /* Bit i tells whether p[i] is s, for i in 0 ... 7. */
    static inline int kmc_equal8(const uint16_t *p, int s) {
        __m128i same = _mm_cmpeq_epi16(_mm_loadu_si128((const __m128i *)p), _mm_set1_epi16((int16_t)s));
        return _mm_movemask_epi8(_mm_packs_epi16(same, _mm_setzero_si128()));
    }
    #else
    static inline int32_t kmc_dot(const int16_t *x, const int16_t *w, int n) {
        uint32_t s = 0;
        for (int i = 0; i < n; i++) s += (uint32_t)((int32_t)x[i] * w[i]);
        return (int32_t)s;
    }
    static inline void kmc_train(const int16_t *x, int16_t *w, int n, int e) {
        for (int i = 0; i < n; i++) {
            int32_t v = w[i] + ((x[i] * e + 32768) >> 16);
            w[i] = (int16_t)(v > 32767 ? 32767 : v < -32768 ? -32768 : v);
        }
    }
    static inline int kmc_equal8(const uint16_t *p, int s) {
        int mask = 0;
        for (int i = 0; i < 8; i++) mask |= (p[i] == s) << i;
        return mask;
    }
    #endif
    #if defined(__GNUC__)
    #define kmc_prefetch(p) __builtin_prefetch(p)
    #define kmc_log2(v) (31 - __builtin_clz(v))
    #else
    #define kmc_prefetch(p) ((void)(p))
    static inline int kmc_log2(unsigned int v) {
        int k = 0;
        while (v >>= 1) k++;
        return k;
    }
    #endif
    """
    int32_t kmc_dot(const int16_t *x, const int16_t *w, int n) noexcept nogil
    void kmc_train(const int16_t *x, int16_t *w, int n, int e) noexcept nogil
    int kmc_equal8(const uint16_t *p, int s) noexcept nogil
    int kmc_log2(unsigned int v) noexcept nogil
    void kmc_prefetch(const void *p) noexcept nogil


cdef inline int clamped(int v, int least, int most) noexcept nogil:
    return least if v < least else most if v > most else v


cdef int grow(Model *m) noexcept nogil:
    """Make room for more output; 0 once there was no memory for it."""
    cdef uint8_t *larger = NULL
    if not m.failed:
        larger = <uint8_t *>realloc(m.output, 2 * m.room)
    if larger == NULL:
        m.failed = 1
        return 0
    m.output = larger
    m.room *= 2
    return 1


cdef inline int code_bit(Model *m, int bit, uint32_t p) noexcept nogil:
    """Encode the bit, or decode one; p is the probability of 1 in 1/65536."""
    cdef uint32_t middle = m.low + <uint32_t>((<uint64_t>(m.high - m.low) * p) >> 16)
    if m.output == NULL:
        bit = m.code <= middle
    if bit:
        m.high = middle
    else:
        m.low = middle + 1
    while not ((m.low ^ m.high) >> 24):
        if m.output != NULL:
            if m.size < m.room or grow(m):
                m.output[m.size] = m.high >> 24
        else:
            m.code = (m.code << 8) | (m.input[m.size + 4] if m.size + 4 < m.room else 0)
        m.size += 1
        m.low <<= 8
        m.high = (m.high << 8) | 255
    return bit


cdef inline void adapt(const Model *m, uint32_t *map, int bit, uint32_t limit) noexcept nogil:
    """Move a probability of 22 bits, below which 10 bits count, towards the bit."""
    cdef uint32_t n = map[0] & 1023
    cdef int p = map[0] >> 10
    p += <int>((<int64_t>((4194303 if bit else 0) - p) * m.reciprocal[n]) >> 16)
    map[0] = <uint32_t>p << 10 | (n + 1 if n < limit else n)


cdef inline void adapt_slot(const Model *m, Slot *slot, int bit) noexcept nogil:
    cdef int p = slot.p ^ 0x8000
    p += (((65535 if bit else 0) - p) * m.reciprocal[slot.n]) >> 16
    slot.p = p ^ 0x8000
    if slot.n < SLOT_LIMIT:
        slot.n += 1


cdef inline int mixed(Model *m, Stage *g, int final_set, int place) noexcept nogil:
    """The probability that the mixers give for the inputs; see `learn`."""
    cdef int i, d, at
    cdef int64_t total = 0
    cdef int32_t *final = g.final + final_set * SETS
    m.final = final
    for i in range(SETS):
        m.chosen[i] = g.weights[i] + <size_t>m.set[i] * g.inputs
        d = clamped(kmc_dot(g.x, m.chosen[i], g.inputs) >> 14, -DOMAIN, DOMAIN)
        m.dots[i] = d
        total += <int64_t>d * final[i]
    if total > <int64_t>DOMAIN << 16:
        total = <int64_t>DOMAIN << 16
    if total < -(<int64_t>DOMAIN << 16):
        total = -(<int64_t>DOMAIN << 16)
    d = <int>(total >> 16)
    m.p = m.squash[d + DOMAIN]
    at = d + 2048
    m.fraction = at & 127
    m.refinement = g.refinement + place * 33 + (at >> 7)
    d = (m.refinement[0] * (128 - m.fraction) + m.refinement[1] * m.fraction) >> 7
    return (m.p + d) >> 1


cdef inline void learn(Model *m, Stage *g, int bit) noexcept nogil:
    """Train the mixers, each by its own error, and the refinement."""
    cdef int i, e = ((bit << 16) - m.p) >> 4, error, target = 65535 if bit else 0
    m.refinement += m.fraction >> 6
    m.refinement[0] += ((target - m.refinement[0]) * REFINE_RATE) >> 16
    for i in range(SETS):
        m.final[i] = clamped(m.final[i] + ((m.dots[i] * e + 4096) >> 13), -FINAL_LIMIT, FINAL_LIMIT)
        error = (bit << 16) - m.squash[m.dots[i] + DOMAIN]
        if error >= LEAST_ERROR or error <= -LEAST_ERROR:
            kmc_train(g.x, m.chosen[i], g.inputs, clamped((error * g.rate) >> 6, -32768, 32767))
    if g.learned < RATE_LAST:
        g.learned += 1
        if g.learned & 63 == 0:
            g.rate = RATE + RATE_FIRST * RATE_TIME // (RATE_TIME + g.learned)
