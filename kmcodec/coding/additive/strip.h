/* A strip of the additive coder: its pixels, runs and rows (spec/additive.md, 6 and 7). Twin of model.py. */
#ifndef KMC_STRIP_H
#define KMC_STRIP_H

#include "tree.h"

KMC_INLINE uint32_t kmc_code_pixel(
    kmc_model *m, kmc_coder *c, kmc_pixel *p, int encoding, int wide, int two, uint32_t symbol
) {
    uint32_t s;
    int rank;
    kmc_find_heads(m, p, two);
    kmc_nominate(p, two);
    for (rank = 0; rank < 2; rank++) p->near[rank] = kmc_places(p, kmc_tag(p->candidate[rank], wide)) & 0x7FF;
    if (encoding && KMC_RARE(m->choose != NULL)) symbol = (uint32_t)m->choose(m, p, (int)symbol);
    s = p->candidate[0];
    if (!kmc_code_flag(m, c, p, encoding, wide, two, 0, s == symbol)) {
        s = p->candidate[1];
        if (s == p->candidate[0] || !kmc_code_flag(m, c, p, encoding, wide, two, 1, s == symbol))
            s = two ? kmc_code_path(m, c, p, encoding, wide, symbol) : kmc_code_values(m, c, p, encoding, wide, symbol);
    }
    kmc_remember(p, 0, s);
    if (two) kmc_remember(p, 1, s);
    return s;
}

/* How far the row above goes on with the symbol that all of the surroundings have; at least 0. */
KMC_INLINE int kmc_run_ahead(const kmc_model *m, const kmc_rows *r, int wide) {
    int n = 0, most = m->width - m->x < KMC_MOST_RUN ? m->width - m->x : KMC_MOST_RUN;
    if (wide) {
        const uint16_t *above = r->s1 + m->x;
        uint16_t w = r->s0[m->x - 1];
        if (r->s0[m->x - 2] != w || r->s0[m->x - 3] != w || above[-1] != w || above[-2] != w) return 0;
        while (n < most && above[n] == w) n++;
    } else {
        const uint8_t *above = r->t1 + m->x;
        uint8_t w = r->t0[m->x - 1];
#ifdef KMC_SSE2
        const __m128i all = _mm_set1_epi8((char)w);
        for (; n < most; n += 16) {
            int same = _mm_movemask_epi8(_mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)(above + n)), all));
            if (same != 0xFFFF) {
                n += kmc_log2((uint32_t)(~same & -~same));
                break;
            }
        }
        if (n > most) n = most;
#else
        while (n < most && above[n] == w) n++;
#endif
    }
    return n;
}

KMC_APART int kmc_code_run(kmc_model *m, kmc_coder *c, const uint16_t *own, int encoding, int symbol, int length) {
    kmc_slot *slot = m->runs + (kmc_log2((uint32_t)length / KMC_LEAST_RUN) << 8 | kmc_tag((uint32_t)symbol, 1));
    uint32_t p = m->squash[kmc_place((int16_t)*slot)];
    int i = 0, hit;
    if (encoding) while (i < length && own[i] == symbol) i++;
    hit = i == length;
    if (encoding && m->choose_run != NULL) hit = m->choose_run(m, own, symbol, length, (int)p);
    hit = kmc_code_bit(c, encoding, p, hit);
    kmc_teach_slot(slot, ((hit << 16) - (int)p) >> 1, KMC_FLAG_FLOOR);
    return hit;
}

KMC_INLINE void kmc_begin_row(kmc_model *m, const kmc_rows *r, int wide) {
    memset(r->t0 - KMC_BORDER, r->t1[0], KMC_BORDER);
    memset(r->t0 + m->width, 0, KMC_BORDER);
    if (wide) {
        int i;
        for (i = 1; i <= KMC_BORDER; i++) r->s0[-i] = r->s1[0];
        for (i = 0; i < KMC_BORDER; i++) r->s0[m->width + i] = 0;
    }
    m->asked = 0;
}

/* Code on in a row up to a column; `own` are the row's symbols, read or written. */
KMC_INLINE void kmc_code_row(kmc_model *m, const kmc_rows *r, uint16_t *own, int end, int encoding, int wide, int two) {
    kmc_coder c = m->coder;      /* a copy that the compiler can hold in registers */
    uint32_t history = kmc_load32(r->t0 + m->x - 4), s;
    history = history >> 24 | (history >> 8 & 0xFF00) | (history << 8 & 0xFF0000) | history << 24;
    while (m->x < end) {
        kmc_pixel p;
        p.a = (kmc_load64(r->t1 + m->x - 2) & 0xFFFFFFFFFFull) | (uint64_t)(history & 0xFFFFFF) << 40;
        if (KMC_RARE(p.a == (history & 255) * 0x0101010101010101ull) && m->x >= m->asked) {
            int i, n = kmc_run_ahead(m, r, wide);
            if (n >= KMC_LEAST_RUN) {
                s = wide ? r->s0[m->x - 1] : history & 255;
                m->asked = m->x + n;
                if (kmc_code_run(m, &c, own + m->x, encoding, (int)s, n)) {
                    for (i = 0; i < n; i++) own[m->x + i] = (uint16_t)s;
                    memset(r->t0 + m->x, (int)(history & 255), (size_t)n);
                    if (wide) memcpy(r->s0 + m->x, own + m->x, 2 * (size_t)n);
                    m->x += n;
                    history = (history & 255) * 0x01010101u;
                    continue;
                }
            }
        }
        p.rows = r;
        p.b = kmc_load64(r->t2 + m->x - 1);
        p.history = history;
#ifdef KMC_SSE2
        p.around = _mm_set_epi64x((long long)p.b, (long long)p.a);
#endif
        p.w = wide ? r->s0[m->x - 1] : history & 255;
        p.n = wide ? r->s1[m->x] : (uint32_t)(p.a >> 16) & 255;
        p.nw = wide ? r->s1[m->x - 1] : (uint32_t)(p.a >> 8) & 255;
        p.ne = wide ? r->s1[m->x + 1] : (uint32_t)(p.a >> 24) & 255;
        s = kmc_code_pixel(m, &c, &p, encoding, wide, two, own[m->x]);
        own[m->x] = (uint16_t)s;
        if (wide) r->s0[m->x] = (uint16_t)s;
        s = kmc_tag(s, wide);
        r->t0[m->x] = (uint8_t)s;
        history = history << 8 | s;
        m->x++;
    }
    m->coder = c;
}

/* Whether more bits were decoded than the input has. */
static int kmc_exhausted(const kmc_coder *c) {
    return c->input != NULL && kmc_shifted(c) >= 8 * (uint64_t)c->room;
}

/* Code on for about `left` pixels. */
KMC_INLINE void kmc_code_some(kmc_model *m, uint16_t *image, int left, int encoding, int wide, int two) {
    const size_t stride = (size_t)m->width + 2 * KMC_BORDER;
    while (left > 0 && m->y < m->rows && !m->coder.failed && !kmc_exhausted(&m->coder)) {
        const size_t own = (size_t)(m->y % 3) * stride + KMC_BORDER, n = (size_t)((m->y + 2) % 3) * stride + KMC_BORDER;
        const kmc_rows r = {
            m->tags + own, m->tags + n, m->tags + (size_t)((m->y + 1) % 3) * stride + KMC_BORDER,
            wide ? m->symbols + own : NULL, wide ? m->symbols + n : NULL,
        };
        const int first = m->x, end = left < m->width - m->x ? m->x + left : m->width;
        if (m->x == 0) kmc_begin_row(m, &r, wide);
        kmc_code_row(m, &r, image + (size_t)m->y * m->width, end, encoding, wide, two);
        left -= m->x - first;
        if (m->x >= m->width) {
            m->x = 0;
            m->y++;
        }
    }
}

/* A version for each direction, kind of symbols and profile. */
#define KMC_VERSION(name, encoding, wide, two) \
    KMC_APART void name(kmc_model *m, uint16_t *image, int left) { kmc_code_some(m, image, left, encoding, wide, two); }
KMC_VERSION(kmc_encode_fastest, 1, 0, 0)
KMC_VERSION(kmc_encode_fastest_wide, 1, 1, 0)
KMC_VERSION(kmc_encode_fast, 1, 0, 1)
KMC_VERSION(kmc_encode_fast_wide, 1, 1, 1)
KMC_VERSION(kmc_decode_fastest, 0, 0, 0)
KMC_VERSION(kmc_decode_fastest_wide, 0, 1, 0)
KMC_VERSION(kmc_decode_fast, 0, 0, 1)
KMC_VERSION(kmc_decode_fast_wide, 0, 1, 1)

static void kmc_code_strip(kmc_model *m, uint16_t *image, int left) {
    static void (*const versions[8])(kmc_model *, uint16_t *, int) = {
        kmc_decode_fastest, kmc_decode_fastest_wide, kmc_decode_fast, kmc_decode_fast_wide,
        kmc_encode_fastest, kmc_encode_fastest_wide, kmc_encode_fast, kmc_encode_fast_wide,
    };
    versions[4 * (m->coder.input == NULL) + 2 * m->two + m->wide](m, image, left);
}
#endif
