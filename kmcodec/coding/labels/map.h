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
    uint32_t w, n, nw, ne;
    uint32_t candidate[KMC_MAP_CANDIDATES + 1], near[2];
    uint32_t trust;                  /* in the slice before */
    int count;
} kmc_map_pixel;

/* Which of eight symbols are equal to one, a bit each; of both rows, the second one's in bits 8 to 15. */
KMC_INLINE uint32_t kmc_map_equal(const uint16_t *first, const uint16_t *second, uint32_t symbol) {
#ifdef KMC_SSE2
    const __m128i all = _mm_set1_epi16((short)symbol);
    __m128i a = _mm_cmpeq_epi16(_mm_loadu_si128((const __m128i *)first), all);
    __m128i b = _mm_cmpeq_epi16(_mm_loadu_si128((const __m128i *)second), all);
    return (uint32_t)_mm_movemask_epi8(_mm_packs_epi16(a, b));
#else
    uint32_t mask = 0;
    int i;
    for (i = 0; i < 8; i++) mask |= (uint32_t)(first[i] == symbol) << i | (uint32_t)(second[i] == symbol) << (i + 8);
    return mask;
#endif
}

/* q of spec/labels.md, section 6. */
KMC_INLINE uint32_t kmc_map_near(const kmc_map_rows *r, int x, uint32_t symbol) {
    return kmc_map_equal(r->own + x - 8, r->n + x - 3, symbol) |
        kmc_map_equal(r->nn + x - 3, r->nnn + x - 3, symbol) << 16;
}

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

/* The length of the run that may begin at a pixel; 0 if a pixel around differs. */
KMC_INLINE int kmc_map_ahead(const kmc_map *m, const kmc_map_rows *r, int before) {
    const int x = m->x, left = m->width - x;
    int n = left < KMC_MAP_MOST_RUN ? left : KMC_MAP_MOST_RUN;
    const uint32_t w = r->own[x - 1];
    if (r->n[x] != w || r->n[x - 1] != w || r->own[x - 2] != w) return 0;
    n = kmc_map_same(r->n + x, w, n);
    if (before) n = kmc_map_same(r->p + x, w, n);
    return n < left ? n - 1 : n;
}

KMC_INLINE int kmc_map_run(kmc_map *m, kmc_coder *c, const kmc_map_rows *r, const uint16_t *own, int n, int encoding) {
    const uint32_t w = r->own[m->x - 1];
    const int log = kmc_log2((uint32_t)n);
    kmc_slot *slot = m->runs + 4 * log + 2 * (n >> (log - 1) & 1) + (m->x + n < m->width);
    int same = 0;
    if (encoding) while (same < n && own[same] == w) same++;
    return kmc_map_decide(m, c, encoding, slot, same == n);
}

KMC_INLINE void kmc_map_add(kmc_map_pixel *p, uint32_t symbol) {
    int i;
    for (i = 0; i < p->count; i++)
        if (p->candidate[i] == symbol) return;
    p->candidate[p->count++] = symbol;
}

/* The candidates (section 5). */
KMC_INLINE void kmc_map_nominate(const kmc_map_rows *r, kmc_map_pixel *p, int x, int before) {
    const uint32_t w = p->w, n = p->n, nw = p->nw, ne = p->ne;
    const int for_w = (w == nw) + 2 * (w == ne) + 4 * (w == n), for_n = (n == nw) + 2 * (n == ne) + 4 * (w == n);
    const uint32_t vote = for_n > for_w ? n : w;
    p->count = 0;
    p->trust = 0;
    if (before) {
        const uint32_t same = r->p[x];
        const int agree = (r->p[x - 1] == w) + (r->p_above[x] == n) + (r->p_above[x - 1] == nw) + (r->p_above[x + 1] == ne);
        p->trust = 1 + (uint32_t)agree + 8 * (same == vote);
        if (agree >= 3) kmc_map_add(p, same);
        kmc_map_add(p, vote);
        kmc_map_add(p, same);
    } else {
        kmc_map_add(p, vote);
    }
    kmc_map_add(p, n);
    kmc_map_add(p, w);
    kmc_map_add(p, ne);
    if (p->count < KMC_MAP_CANDIDATES) kmc_map_add(p, nw);
}

/* The places of the slots of a flag (section 6). */
KMC_INLINE void kmc_map_slots(const kmc_map_rows *r, const kmc_map_pixel *p, int x, int rank, int before, uint32_t *at) {
    const uint32_t c = p->candidate[rank], o = p->near[rank == 0];
    const uint32_t q = rank < 2 ? p->near[rank] : kmc_map_near(r, x, c);
    const uint32_t first = (rank < 2 ? (uint32_t)rank : 2) * KMC_MAP_TABLES;
    at[0] = KMC_MAP_TOP(first, (q & 0x1C3EC0) * KMC_MAP_A ^ (o & 0x083E80) * KMC_MAP_B);
    at[2] = KMC_MAP_TOP(first + 2, p->w * KMC_MAP_C + p->n * KMC_MAP_A + c * KMC_MAP_B + (p->nw << 16 ^ p->ne) * KMC_MAP_D);
    at[4] = KMC_MAP_TOP(first + 4, (q & 0x7F7F7F80) * KMC_MAP_C);
    if (before) {
        const uint32_t z = kmc_map_equal(r->p + x - 3, r->p_below + x - 3, c) | 0x10000;
        at[1] = KMC_MAP_TOP(first + 1, (z & 0x13E1E) * KMC_MAP_A + (q & 0x1C80) * KMC_MAP_B + p->trust * KMC_MAP_C);
        at[3] = KMC_MAP_TOP(first + 3, (z & 0x10C1C) * KMC_MAP_A + (q & 0x1E3CE0) * KMC_MAP_B);
        at[5] = KMC_MAP_TOP(first + 5, z * KMC_MAP_A + (q & 0x1E80) * KMC_MAP_B);
    } else {
        at[1] = KMC_MAP_TOP(first + 1, (q & 0xFF7F80) * KMC_MAP_B);
        at[3] = KMC_MAP_TOP(first + 3, (q & 0x3E3E3EC0) * KMC_MAP_C + (o & 0x3E80) * KMC_MAP_D);
        at[5] = KMC_MAP_TOP(first + 5, (q & 0x1C0080) * KMC_MAP_A + (o & 0x1C00) * KMC_MAP_B);
    }
}

/* A symbol that is no candidate (section 7). */
KMC_APART uint32_t kmc_map_rest(kmc_map *m, kmc_coder *c, const kmc_map_pixel *p, int encoding, uint32_t symbol) {
    uint32_t node = 1, at[KMC_MAP_TREE_TABLES];
    int below = m->bits;
    int fresh = encoding && !m->seen[symbol];
    if (m->occurred < m->entries) fresh = kmc_map_decide(m, c, encoding, m->fresh + p->count, fresh);
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

KMC_INLINE uint32_t kmc_map_code_pixel(kmc_map *m, kmc_coder *c, const kmc_map_rows *r, int encoding, int before, uint32_t symbol) {
    const int x = m->x;
    kmc_map_pixel p;
    int rank;
    p.w = r->own[x - 1];
    p.n = r->n[x];
    p.nw = r->n[x - 1];
    p.ne = r->n[x + 1];
    kmc_map_nominate(r, &p, x, before);
    p.near[0] = kmc_map_near(r, x, p.candidate[0]);
    p.near[1] = p.count > 1 ? kmc_map_near(r, x, p.candidate[1]) : 0;
    for (rank = 0; rank < p.count; rank++) {
        uint32_t at[KMC_MAP_TABLES];
        kmc_map_slots(r, &p, x, rank, before, at);
        if (kmc_decide(c, encoding, m->squash, m->flags, at, KMC_MAP_TABLES, KMC_MAP_FLOOR, symbol == p.candidate[rank]))
            return p.candidate[rank];
    }
    return kmc_map_rest(m, c, &p, encoding, symbol);
}

/* Code on in a row up to a column; `own` are the row's symbols, read or written. */
KMC_INLINE void kmc_map_row(kmc_map *m, const kmc_map_rows *r, uint16_t *own, int end, int encoding, int before) {
    kmc_coder c = m->coder;    /* a copy that the compiler can hold in registers */
    while (m->x < end && !m->wrong) {
        const int n = m->x >= m->asked ? kmc_map_ahead(m, r, before) : 0;
        if (n >= KMC_MAP_LEAST_RUN) {
            m->asked = m->x + n;
            if (kmc_map_run(m, &c, r, own + m->x, n, encoding)) {
                const uint16_t w = r->own[m->x - 1];
                int i;
                for (i = 0; i < n; i++) r->own[m->x + i] = w;
                if (!encoding) memcpy(own + m->x, r->own + m->x, 2 * (size_t)n);
                m->x += n;
                continue;
            }
        }
        r->own[m->x] = (uint16_t)kmc_map_code_pixel(m, &c, r, encoding, before, own[m->x]);
        own[m->x] = r->own[m->x];
        m->x++;
    }
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
