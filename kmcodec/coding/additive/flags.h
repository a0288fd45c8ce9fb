/* The state of a strip, heads, candidates and flags of the additive coder (spec/additive.md, 6 to 10).

Besides `encoding`, two more arguments are constants where a function is called: `wide`, whether
there are more than 256 entries, and `two`, whether the profile has two heads and codes paths (fast)
or has one head and codes values (fastest). */
#ifndef KMC_FLAGS_H
#define KMC_FLAGS_H

#include "../coder.h"

enum {
    KMC_BORDER = 16, KMC_LEAST_RUN = 16, KMC_MOST_RUN = 1024, KMC_FLAG_FLOOR = 2600, KMC_TREE_FLOOR = 1200,
    KMC_FLAG_TABLES = 4,      /* for each rank */
    KMC_TREE_TABLES = 6, KMC_TREE_BITS = 15,
    KMC_TOP = 4096 + 256,     /* distributions of the highest value of a symbol */
    KMC_LEVEL = 16 * 17 * 17  /* and in each of the two tables of a lower one */
};
/* Binary logarithm of the size of a table of flags. */
#define KMC_FLAG_BITS(two) ((two) ? 14 : 13)
#define KMC_A 0x9E3779B1u
#define KMC_B 0x85EBCA77u
#define KMC_C 0xC2B2AE3Du
#define KMC_D 0x27D4EB2Fu
#define KMC_E 0x165667B1u

typedef struct kmc_model kmc_model;
typedef struct kmc_pixel kmc_pixel;

struct kmc_model {
    int width, rows, x, y, asked, bits, head_bits;
    const uint16_t *squash;      /* by kmc_place */
    const uint16_t *targets;
    const uint8_t *leaves;       /* of each node: of side 0 + 4 times side 1, each at most 3; 0 if both have 3 */
    uint8_t *tags;               /* three rows */
    uint16_t *symbols;           /* three rows; wide only */
    uint32_t *heads[2];
    kmc_slot *flags, *tree, *runs;
    kmc_distribution *values;
    kmc_coder coder;
    int wide, two;
    /* Choose a symbol instead of a pixel's own, or whether a run pays; NULL to code as it is. */
    int (*choose)(kmc_model *, const kmc_pixel *, int own);
    int (*choose_run)(kmc_model *, const uint16_t *own, int symbol, int length, int p);
    void *choice;
};

typedef struct {
    uint8_t *t0, *t1, *t2;       /* tags of this row and of the two above */
    uint16_t *s0, *s1;
} kmc_rows;

struct kmc_pixel {
    uint64_t a, b;               /* tags NWW NW N NE NEE W WW WWW; eight of two rows above, from x - 1 on */
    uint32_t history;            /* tags W WW WWW WWWW, W lowest */
    uint32_t w, n, nw, ne;       /* symbols */
    uint32_t *head[2], key[2], run[2], last[2];
    uint32_t strength, candidate[2], near[2];
    const kmc_rows *rows;
#ifdef KMC_SSE2
    __m128i around;
#endif
};

KMC_INLINE uint32_t kmc_load32(const uint8_t *p) {
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

KMC_INLINE uint64_t kmc_load64(const uint8_t *p) {
    return kmc_load32(p) | (uint64_t)kmc_load32(p + 4) << 32;
}

KMC_INLINE uint32_t kmc_tag(uint32_t symbol, int wide) {
    return wide ? (symbol + (symbol >> 8) * 101) & 255 : symbol;
}

/* v if the condition holds, else w; without a branch, which would be hard to predict. */
KMC_INLINE uint32_t kmc_if(int condition, uint32_t v, uint32_t w) {
    return w ^ ((v ^ w) & (0 - (uint32_t)condition));
}

#ifdef KMC_SSE2
KMC_INLINE __m128i kmc_bytes(uint32_t byte) {
    return _mm_shuffle_epi32(_mm_cvtsi32_si128((int)(byte * 0x01010101u)), 0);
}
#endif

/* Which of the places NWW ... WWW and of the eight in the second row have a tag, a bit each. */
KMC_INLINE uint32_t kmc_places(const kmc_pixel *p, uint32_t tag) {
#ifdef KMC_SSE2
    return (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(p->around, kmc_bytes(tag)));
#else
    uint32_t mask = 0;
    int i;
    for (i = 0; i < 8; i++) {
        mask |= (uint32_t)((p->a >> 8 * i & 255) == tag) << i;
        mask |= (uint32_t)((p->b >> 8 * i & 255) == tag) << (i + 8);
    }
    return mask;
#endif
}

/* The vote by [W = NW] + 2 [W = N] + 4 [W = NE] + 8 [N = NW] + 16 [N = NE]: strength, and 8 if for N. */
static const uint8_t kmc_votes[32] = {
    0, 1, 4, 5, 2, 3, 6, 7, 9, 1, 4, 5, 2, 3, 6, 7, 10, 10, 4, 5, 2, 3, 6, 7, 11, 11, 4, 5, 11, 3, 6, 7,
};
/* The run that a head needs against each strength. */
static const uint8_t kmc_trust[2][8] = {{0, 0, 0, 0, 0, 1, 1, 2}, {0, 0, 0, 0, 1, 1, 2, 2}};

/* A head: last symbol (16 bits), run (4), check (12). */
KMC_INLINE void kmc_find_head(kmc_model *m, kmc_pixel *p, int i, uint32_t sum) {
    uint32_t hash = (sum ^ sum >> 15) * KMC_D, v;
    p->head[i] = m->heads[i] + (hash >> (32 - m->head_bits));
    p->key[i] = hash << 20;
    v = *p->head[i] ^ p->key[i];
    p->run[i] = kmc_if(v >> 20 == 0, v >> 16 & 15, 0);
    p->last[i] = v & 0xFFFF;
}

KMC_INLINE void kmc_find_heads(kmc_model *m, kmc_pixel *p, int two) {
    const uint32_t left = (uint32_t)(p->a >> 32) & (two ? 0xFFFFFF : 0xFFFFFFFF);
    kmc_find_head(m, p, 0, (uint32_t)p->a * KMC_A + left * KMC_B + (uint32_t)p->b * KMC_C);
    p->run[1] = p->last[1] = 0;
    if (two) {
        const uint8_t *n = p->rows->t1 + m->x - 4, *nn = p->rows->t2 + m->x - 4;
        uint32_t sum = kmc_load32(n) * KMC_A + kmc_load32(n + 4) * KMC_B + p->history * KMC_E;
        kmc_find_head(m, p, 1, sum + kmc_load32(nn) * KMC_C + kmc_load32(nn + 4) * KMC_D);
    }
}

/* Make s the last symbol of a head, or lengthen its run up to 15. */
KMC_INLINE void kmc_remember(kmc_pixel *p, int i, uint32_t s) {
    uint32_t same = (p->run[i] != 0) & (p->last[i] == s), run = p->run[i] + (p->run[i] < 15);
    *p->head[i] = (kmc_if((int)same, run << 16, 1u << 16) | s) ^ p->key[i];
}

/* The two candidates; equal if there is no second one. */
KMC_INLINE void kmc_nominate(kmc_pixel *p, int two) {
    uint32_t w = kmc_places(p, (uint32_t)(p->a >> 40) & 255), n = kmc_places(p, (uint32_t)(p->a >> 16) & 255);
    uint32_t vote = kmc_votes[(w >> 1 & 7) | (n << 2 & 8) | (n << 1 & 16)], voted, first, second;
    p->strength = vote & 7;
    vote = kmc_if(vote >> 3, p->n, p->w);
    voted = two ? kmc_if(p->run[1] > kmc_trust[1][p->strength], p->last[1], vote) : vote;
    first = kmc_if(p->run[0] > kmc_trust[0][p->strength], p->last[0], voted);
    second = kmc_if(p->ne != first, p->ne, p->nw);
    second = kmc_if(p->w != first, p->w, second);
    second = kmc_if(p->n != first, p->n, second);
    if (two) second = kmc_if((p->run[1] != 0) & (p->last[1] != first), p->last[1], second);
    second = kmc_if((p->run[0] != 0) & (p->last[0] != first), p->last[0], second);
    second = kmc_if(vote != first, vote, second);
    if (two) second = kmc_if(voted != first, voted, second);
    p->candidate[0] = first;
    p->candidate[1] = second;
}

/* The places of the slots of the flag of a rank. */
KMC_INLINE void kmc_flag_slots(const kmc_pixel *p, int rank, int wide, int two, uint32_t *at) {
    const uint32_t c = p->candidate[rank], t = kmc_tag(c, wide), table = (uint32_t)rank * KMC_FLAG_TABLES;
    const uint32_t above = (uint32_t)p->a >> 8, up = (uint32_t)(p->a >> 16 & 255) << 8 | (uint32_t)(p->b >> 8 & 255);
    uint32_t trust = p->run[0] | (uint32_t)(p->last[0] == c) << 4 | p->strength << 5;
    if (two) trust |= p->run[1] << 8 | (uint32_t)(p->last[1] == c) << 12;
#define KMC_FLAG(i, hash) ((table + (i)) << KMC_FLAG_BITS(two) | (hash) >> (32 - KMC_FLAG_BITS(two)))
    at[0] = table << KMC_FLAG_BITS(two) | trust;
    at[1] = KMC_FLAG(1, (p->near[rank] << 11 | p->near[1 - rank]) * KMC_A);
    at[2] = KMC_FLAG(2, above * KMC_A + (p->history & 255) * KMC_C + t * KMC_B);
    at[3] = KMC_FLAG(3, (p->history & 0xFFFF) * KMC_A + up * KMC_C + t * KMC_B);
}

KMC_INLINE int kmc_code_flag(
    kmc_model *m, kmc_coder *c, const kmc_pixel *p, int encoding, int wide, int two, int rank, int bit
) {
    uint32_t at[KMC_FLAG_TABLES];
    kmc_flag_slots(p, rank, wide, two, at);
    return kmc_decide(c, encoding, m->squash, m->flags, at, KMC_FLAG_TABLES, KMC_FLAG_FLOOR, bit);
}

/* The probability that a flag is 1. */
static int kmc_flag_chance(const kmc_model *m, const kmc_pixel *p, int rank) {
    uint32_t at[KMC_FLAG_TABLES];
    kmc_flag_slots(p, rank, m->wide, m->two, at);
    return (int)kmc_chance(m->squash, m->flags, at, KMC_FLAG_TABLES);
}
#endif
