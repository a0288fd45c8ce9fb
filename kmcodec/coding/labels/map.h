/* A strip of the label coder (spec/labels.md). Twin of model.py. */
#ifndef KMC_MAP_H
#define KMC_MAP_H

#include "../coder.h"

enum {
    KMC_MAP_BORDER = 16,
    KMC_MAP_LEAST_RUN = 8, KMC_MAP_MOST_RUN = 1025, KMC_MAP_RUNS = 48,
    KMC_MAP_CANDIDATES = 4,
    KMC_MAP_TABLES = 6,       /* for each of three ranks */
    KMC_MAP_TREE_TABLES = 4,
    KMC_MAP_BITS = 12,        /* binary logarithm of the size of a table */
    KMC_MAP_FLOOR = 2600, KMC_MAP_TREE_FLOOR = 1200
};
#define KMC_MAP_A 0x9E3779B1u
#define KMC_MAP_B 0x85EBCA77u
#define KMC_MAP_C 0xC2B2AE3Du
#define KMC_MAP_D 0x27D4EB2Fu
#define KMC_MAP_TOP(table, hash) ((uint32_t)(table) << KMC_MAP_BITS | (uint32_t)(hash) >> (32 - KMC_MAP_BITS))

typedef struct {
    int width, rows, x, y, asked, entries, bits, slice;
    int held;                  /* rows in memory; one more is always 0 */
    int occurred, newest;
    int wrong;                 /* a symbol is not below the number of entries */
    const uint16_t *squash;
    uint16_t *memory;
    uint8_t *seen;
    kmc_slot *flags, *runs, *tree, *fresh, *next;
    kmc_coder coder;
} kmc_map;

typedef struct {
    uint16_t *own;                   /* this row */
    const uint16_t *n, *nn, *nnn;    /* the rows above */
    const uint16_t *p, *p_above, *p_below;  /* the row in the slice before, and those around it */
} kmc_map_rows;

typedef struct {
    ptrdiff_t x;
    uint32_t w, n, nw, ne;
    uint32_t trust;                  /* in the slice before; 0 if there is none */
} kmc_map_pixel;

/* Eight symbols side by side. */
#ifdef KMC_SSE2
typedef __m128i kmc_map_eight;

KMC_INLINE kmc_map_eight kmc_map_load(const uint16_t *row) { return _mm_loadu_si128((const __m128i *)row); }

/* Without the first one, and another one added. */
KMC_INLINE kmc_map_eight kmc_map_shift(kmc_map_eight e, uint32_t symbol) {
    return _mm_insert_epi16(_mm_srli_si128(e, 2), (int)symbol, 7);
}

/* Which are equal to a symbol, a bit each; those of b in bits 8 to 15. */
KMC_INLINE uint32_t kmc_map_equal(kmc_map_eight a, kmc_map_eight b, uint32_t symbol) {
    const __m128i all = _mm_set1_epi16((short)symbol);
    return (uint32_t)_mm_movemask_epi8(_mm_packs_epi16(_mm_cmpeq_epi16(a, all), _mm_cmpeq_epi16(b, all)));
}

/* Which of a are equal to those of b, two bits each. */
KMC_INLINE uint32_t kmc_map_match(kmc_map_eight a, kmc_map_eight b) {
    return (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi16(a, b));
}

/* Write a symbol n times, and up to seven times beyond; return eight of it. */
KMC_INLINE kmc_map_eight kmc_map_fill(uint16_t *row, uint32_t symbol, int n) {
    const __m128i all = _mm_set1_epi16((short)symbol);
    int i;
    for (i = 0; i < n; i += 8) _mm_storeu_si128((__m128i *)(row + i), all);
    return all;
}
#else
typedef struct {
    uint16_t at[8];
} kmc_map_eight;

KMC_INLINE kmc_map_eight kmc_map_load(const uint16_t *row) {
    kmc_map_eight e;
    memcpy(e.at, row, sizeof e.at);
    return e;
}

KMC_INLINE kmc_map_eight kmc_map_shift(kmc_map_eight e, uint32_t symbol) {
    memmove(e.at, e.at + 1, sizeof e.at - sizeof *e.at);
    e.at[7] = (uint16_t)symbol;
    return e;
}

KMC_INLINE uint32_t kmc_map_equal(kmc_map_eight a, kmc_map_eight b, uint32_t symbol) {
    uint32_t mask = 0;
    int i;
    for (i = 0; i < 8; i++) mask |= (uint32_t)(a.at[i] == symbol) << i | (uint32_t)(b.at[i] == symbol) << (i + 8);
    return mask;
}

KMC_INLINE uint32_t kmc_map_match(kmc_map_eight a, kmc_map_eight b) {
    uint32_t mask = 0;
    int i;
    for (i = 0; i < 8; i++) mask |= (a.at[i] == b.at[i] ? 3u : 0) << 2 * i;
    return mask;
}

KMC_INLINE kmc_map_eight kmc_map_fill(uint16_t *row, uint32_t symbol, int n) {
    kmc_map_eight all;
    int i;
    for (i = 0; i < 8; i++) all.at[i] = (uint16_t)symbol;
    for (i = 0; i < n; i++) row[i] = (uint16_t)symbol;
    return all;
}
#endif

/* How many symbols of a row are equal to one, from the first on, up to `most`. */
KMC_INLINE int kmc_map_same(const uint16_t *row, uint32_t symbol, int most) {
    int n = 0;
#ifdef KMC_SSE2
    const __m128i all = _mm_set1_epi16((short)symbol);
    for (; n < most; n += 8) {
        int same = _mm_movemask_epi8(_mm_cmpeq_epi16(_mm_loadu_si128((const __m128i *)(row + n)), all));
        if (same != 0xFFFF) {
            n += kmc_log2((uint32_t)(~same & -~same)) >> 1;
            break;
        }
    }
#else
    while (n < most && row[n] == symbol) n++;
#endif
    return n < most ? n : most;
}

KMC_INLINE int kmc_map_decide(kmc_map *m, kmc_coder *c, int encoding, kmc_slot *slot, int bit) {
    uint32_t p = m->squash[kmc_place((int16_t)*slot)];
    bit = kmc_code_bit(c, encoding, p, bit);
    kmc_teach_slot(slot, ((bit << 16) - (int)p) >> 1, KMC_MAP_FLOOR);
    return bit;
}

/* The length of the run that may begin at a pixel, all around which is w. */
KMC_INLINE int kmc_map_ahead(const kmc_map *m, const kmc_map_rows *r, ptrdiff_t x, uint32_t w, int before) {
    const int left = m->width - (int)x;
    int n = kmc_map_same(r->n + x, w, left < KMC_MAP_MOST_RUN ? left : KMC_MAP_MOST_RUN);
    if (before) n = kmc_map_same(r->p + x, w, n);
    return n < left ? n - 1 : n;
}

KMC_INLINE int kmc_map_run(kmc_map *m, kmc_coder *c, const uint16_t *own, ptrdiff_t x, uint32_t w, int n, int encoding) {
    const int log = kmc_log2((uint32_t)n);
    kmc_slot *slot = m->runs + 4 * log + 2 * (n >> (log - 1) & 1) + (x + n < m->width);
    int same = 0;
    if (encoding) while (same < n && own[x + same] == w) same++;
    return kmc_map_decide(m, c, encoding, slot, same == n);
}

/* q of spec/labels.md, section 6; `left` are the eight symbols left of the pixel. */
KMC_INLINE uint32_t kmc_map_near(const kmc_map_rows *r, kmc_map_eight left, ptrdiff_t x, uint32_t symbol) {
    return kmc_map_equal(left, kmc_map_load(r->n + x - 3), symbol) |
        kmc_map_equal(kmc_map_load(r->nn + x - 3), kmc_map_load(r->nnn + x - 3), symbol) << 16;
}

/* The flag of the candidate s, with its q and that of the other candidate (section 6). */
KMC_INLINE int kmc_map_flag(
    kmc_map *m, kmc_coder *c, const kmc_map_rows *r, const kmc_map_pixel *p, int rank, uint32_t s, uint32_t q, uint32_t o,
    int encoding, int before, uint32_t symbol
) {
    const uint32_t first = (uint32_t)rank * KMC_MAP_TABLES;
    uint32_t at[KMC_MAP_TABLES];
    at[0] = KMC_MAP_TOP(first, (q & 0x1C3EC0) * KMC_MAP_A ^ (o & 0x083E80) * KMC_MAP_B);
    at[2] = KMC_MAP_TOP(first + 2, p->w * KMC_MAP_C + p->n * KMC_MAP_A + s * KMC_MAP_B + (p->nw << 16 ^ p->ne) * KMC_MAP_D);
    at[4] = KMC_MAP_TOP(first + 4, (q & 0x7F7F7F80) * KMC_MAP_C);
    if (before) {
        const uint32_t z = kmc_map_equal(kmc_map_load(r->p + p->x - 3), kmc_map_load(r->p_below + p->x - 3), s) | 0x10000;
        at[1] = KMC_MAP_TOP(first + 1, (z & 0x13E1E) * KMC_MAP_A + (q & 0x1C80) * KMC_MAP_B + p->trust * KMC_MAP_C);
        at[3] = KMC_MAP_TOP(first + 3, (z & 0x10C1C) * KMC_MAP_A + (q & 0x1E3CE0) * KMC_MAP_B);
        at[5] = KMC_MAP_TOP(first + 5, z * KMC_MAP_A + (q & 0x1E80) * KMC_MAP_B);
    } else {
        at[1] = KMC_MAP_TOP(first + 1, (q & 0xFF7F80) * KMC_MAP_B);
        at[3] = KMC_MAP_TOP(first + 3, (q & 0x3E3E3EC0) * KMC_MAP_C + (o & 0x3E80) * KMC_MAP_D);
        at[5] = KMC_MAP_TOP(first + 5, (q & 0x1C0080) * KMC_MAP_A + (o & 0x1C00) * KMC_MAP_B);
    }
    return kmc_decide(c, encoding, m->squash, m->flags, at, KMC_MAP_TABLES, KMC_MAP_FLOOR, symbol == s);
}

/* A symbol that is no candidate (section 7). */
KMC_INLINE uint32_t kmc_map_rest(kmc_map *m, kmc_coder *c, const kmc_map_pixel *p, int count, int encoding, uint32_t symbol) {
    uint32_t node = 1, at[KMC_MAP_TREE_TABLES];
    int below = m->bits;
    int fresh = encoding && !m->seen[symbol];
    if (m->occurred < m->entries) fresh = kmc_map_decide(m, c, encoding, m->fresh + count, fresh);
    if (fresh) {
        uint32_t next = (uint32_t)m->newest + 1;
        if (next < (uint32_t)m->entries && kmc_map_decide(m, c, encoding, m->next, symbol == next)) {
            symbol = next;
        } else {
            while (--below >= 0) node = 2 * node + (uint32_t)kmc_code_bit(c, encoding, 32768, (int)(symbol >> below & 1));
            symbol = node - (1u << m->bits);
        }
        m->newest = (int)symbol;
    } else {
        while (--below >= 0) {
            const uint32_t h = node * KMC_MAP_A;
            at[0] = KMC_MAP_TOP(0, h);
            at[1] = KMC_MAP_TOP(1, h + p->w * KMC_MAP_B);
            at[2] = KMC_MAP_TOP(2, h + p->n * KMC_MAP_C);
            at[3] = KMC_MAP_TOP(3, h + p->n * KMC_MAP_C + p->w * KMC_MAP_B);
            node = 2 * node + (uint32_t)kmc_decide(
                c, encoding, m->squash, m->tree, at, KMC_MAP_TREE_TABLES, KMC_MAP_TREE_FLOOR, (int)(symbol >> below & 1)
            );
        }
        symbol = node - (1u << m->bits);
    }
    if (symbol >= (uint32_t)m->entries) m->wrong = 1;
    if (!m->seen[symbol]) {
        m->seen[symbol] = 1;
        m->occurred++;
    }
    return symbol;
}

/* A pixel that is neither of two candidates, or not the only one, if the two are equal. */
KMC_APART uint32_t kmc_map_others(
    kmc_map *m, kmc_coder *c, const kmc_map_rows *r, kmc_map_pixel p, kmc_map_eight left, uint32_t first,
    uint32_t second, int encoding, int before, uint32_t symbol
) {
    const uint32_t listed[] = {p.n, p.w, p.ne, p.nw};
    uint32_t candidate[KMC_MAP_CANDIDATES] = {first, second}, o = kmc_map_near(r, left, p.x, first);
    int count = first == second ? 1 : 2, rank, i, k;
    for (i = 0; i < 4 && count < KMC_MAP_CANDIDATES; i++) {
        for (k = 0; k < count && candidate[k] != listed[i]; k++) {}
        if (k == count) candidate[count++] = listed[i];
    }
    for (rank = 2; rank < count; rank++) {
        const uint32_t s = candidate[rank], q = kmc_map_near(r, left, p.x, s);
        if (kmc_map_flag(m, c, r, &p, 2, s, q, o, encoding, before, symbol)) return s;
    }
    return kmc_map_rest(m, c, &p, count, encoding, symbol);
}

/* In how many of four places around the pixel the slice before has the same symbol. */
KMC_INLINE uint32_t kmc_map_agree(const kmc_map_rows *r, ptrdiff_t x, uint32_t w) {
    const uint32_t match = kmc_map_match(kmc_map_load(r->n + x - 3), kmc_map_load(r->p_above + x - 3));
    /* The product has the sum of bits 4, 6 and 8 in its bits 8 and 9. */
    return (r->p[x - 1] == w) + ((match & 0x150) * 0x15 >> 8 & 3);
}

/* Sections 5 to 7. What is foreseen most often is asked first: that all candidates are equal. */
KMC_INLINE uint32_t kmc_map_code_pixel(
    kmc_map *m, kmc_coder *c, const kmc_map_rows *r, ptrdiff_t x, uint32_t w, uint32_t n, uint32_t nw, kmc_map_eight left,
    int encoding, int before, uint32_t symbol
) {
    const uint32_t ne = r->n[x + 1];
    const uint32_t same = before ? r->p[x] : w, agree = before ? kmc_map_agree(r, x, w) : 0;
    kmc_map_pixel p = {x, w, n, nw, ne, 0};
    uint32_t first = w, second = w, q, o;
    kmc_coder apart;
    if (w == n && w == nw && w == ne && w == same) {
        p.n = p.nw = p.ne = w;    /* tells the compiler that they are equal */
        if (before) p.trust = 9 + agree;
        if (kmc_map_flag(m, c, r, &p, 0, w, kmc_map_near(r, left, x, w), 0, encoding, before, symbol)) return w;
    } else {
        first = (n == nw) + 2 * (n == ne) > (w == nw) + 2 * (w == ne) ? n : w;
        second = first == n ? w : n;
        if (before) {
            const uint32_t vote = first;
            p.trust = 1 + agree + 8 * (same == vote);
            first = agree >= 3 ? same : vote;
            second = agree >= 3 ? vote : same;
        }
        second = second != first ? second : n != first ? n : w != first ? w : ne != first ? ne : nw;
        q = kmc_map_near(r, left, x, first);
        o = kmc_map_near(r, left, x, second);
        if (kmc_map_flag(m, c, r, &p, 0, first, q, o, encoding, before, symbol)) return first;
        if (kmc_map_flag(m, c, r, &p, 1, second, o, q, encoding, before, symbol)) return second;
    }
    /* A copy whose address may be taken, so that the compiler can hold `c` in registers. */
    apart = *c;
    symbol = kmc_map_others(m, &apart, r, p, left, first, second, encoding, before, symbol);
    *c = apart;
    return symbol;
}

/* Code on in a row up to a column; `own` are the row's symbols, read or written. */
KMC_INLINE void kmc_map_row(kmc_map *m, const kmc_map_rows *r, uint16_t *own, int end, int encoding, int before) {
    kmc_coder c = m->coder;
    ptrdiff_t x = m->x, asked = m->asked;
    /* In registers: to load eight symbols of which one was just stored takes as long as to code a pixel. */
    kmc_map_eight left = kmc_map_load(r->own + x - 8);
    uint32_t w = r->own[x - 1], ww = r->own[x - 2];
    while (x < end && !m->wrong) {
        uint32_t symbol;
        const uint32_t n = r->n[x], nw = r->n[x - 1];
        if (n == w && nw == w && x >= asked && ww == w) {
            const int length = kmc_map_ahead(m, r, x, w, before);
            if (length >= KMC_MAP_LEAST_RUN) {
                asked = x + length;
                if (kmc_map_run(m, &c, own, x, w, length, encoding)) {
                    left = kmc_map_fill(r->own + x, w, length);
                    x += length;
                    continue;
                }
            }
        }
        symbol = kmc_map_code_pixel(m, &c, r, x, w, n, nw, left, encoding, before, encoding ? own[x] : 0);
        left = kmc_map_shift(left, symbol);
        r->own[x++] = (uint16_t)symbol;
        ww = w;
        w = symbol;
    }
    if (!encoding) memcpy(own + m->x, r->own + m->x, 2 * (size_t)(x - m->x));
    m->x = (int)x;
    m->asked = (int)asked;
    m->coder = c;
}

/* A row of the strip, or the row of zeros above it. */
static uint16_t *kmc_map_at(const kmc_map *m, int y) {
    const size_t stride = (size_t)m->width + 2 * KMC_MAP_BORDER;
    return m->memory + stride * (size_t)(y < 0 ? m->held : y % m->held) + KMC_MAP_BORDER;
}

static int kmc_map_exhausted(const kmc_map *m) {
    return m->wrong || (m->coder.input != NULL && kmc_shifted(&m->coder) >= 8 * (uint64_t)m->coder.room);
}

KMC_INLINE void kmc_map_some(kmc_map *m, uint16_t *image, int left, int encoding) {
    while (left > 0 && m->y < m->rows && !m->coder.failed && !kmc_map_exhausted(m)) {
        const int y = m->y, before = m->slice && y >= m->slice, same = before ? y - m->slice : -1;
        const kmc_map_rows r = {
            kmc_map_at(m, y), kmc_map_at(m, y - 1), kmc_map_at(m, y - 2), kmc_map_at(m, y - 3),
            kmc_map_at(m, same), kmc_map_at(m, same - 1), kmc_map_at(m, before ? same + 1 : -1),
        };
        const int first = m->x, end = left < m->width - m->x ? m->x + left : m->width;
        uint16_t *own = image + (size_t)y * m->width;
        int i;
        if (first == 0) {
            for (i = 1; i <= KMC_MAP_BORDER; i++) r.own[-i] = r.n[0];
            m->asked = 0;
        }
        if (before) kmc_map_row(m, &r, own, end, encoding, 1);
        else kmc_map_row(m, &r, own, end, encoding, 0);
        left -= m->x - first;
        if (m->x >= m->width) {
            for (i = 0; i < KMC_MAP_BORDER; i++) r.own[m->width + i] = r.own[m->width - 1];
            m->x = 0;
            m->y++;
        }
    }
}

KMC_APART void kmc_map_encode(kmc_map *m, uint16_t *image, int left) { kmc_map_some(m, image, left, 1); }
KMC_APART void kmc_map_decode(kmc_map *m, uint16_t *image, int left) { kmc_map_some(m, image, left, 0); }

static void kmc_map_code(kmc_map *m, uint16_t *image, int left) {
    (m->coder.input == NULL ? kmc_map_encode : kmc_map_decode)(m, image, left);
}
#endif
