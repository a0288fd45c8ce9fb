/* The symbols that are neither candidate: paths and values of the additive coder (spec/additive.md, 11 and 12). */
#ifndef KMC_TREE_H
#define KMC_TREE_H

#include "flags.h"

/* What the paths of eight neighbours through the tree have in common with a node, 16 bits. */
KMC_INLINE uint32_t kmc_sides(const kmc_model *m, const kmc_pixel *p, uint32_t path, int below, int wide) {
    uint32_t same = 0, side = 0;
    int i;
#ifdef KMC_SSE2
    if (!wide) {
        __m128i v = _mm_xor_si128(p->around, kmc_bytes(path & 255)), zero = _mm_setzero_si128();
        __m128i high = _mm_and_si128(v, kmc_bytes(0xFEu << below & 255));
        same = (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(high, zero)) & 255;
        side = (uint32_t)_mm_movemask_epi8(_mm_sll_epi16(v, _mm_cvtsi32_si128(7 - below)));
        return same << 8 | (same & side);
    }
#endif
    for (i = 0; i < 8; i++) {
        uint32_t s = !wide ? (uint32_t)(p->a >> 8 * i) & 255 : i < 5 ? p->rows->s1[m->x + i - 2] : p->rows->s0[m->x + 4 - i];
        uint32_t v = s ^ path;
        same |= (uint32_t)(v >> below >> 1 == 0) << i;
        side |= (v >> below & 1) << i;
    }
    return same << 8 | (same & side);
}

/* The side of a node where all leaves are that no flag has rejected; -1 if both sides have some. */
KMC_INLINE int kmc_forced(const kmc_model *m, const kmc_pixel *p, uint32_t node, int below) {
    int zeros = m->leaves[node] & 3, ones = m->leaves[node] >> 2, rank;
    for (rank = 0; rank < 2; rank++) {
        uint32_t c = p->candidate[rank] | 1u << m->bits;
        if (c >> below >> 1 != node || (rank && c == (p->candidate[0] | 1u << m->bits))) continue;
        if (c >> below & 1) ones--;
        else zeros--;
    }
    return zeros <= 0 ? 1 : ones <= 0 ? 0 : -1;
}

/* The places of the slots of a node, in lines of 16 for each part of the tree of up to four levels;
   the last one, by the sides of neighbours, is found for each node. */
KMC_INLINE void kmc_find_lines(const kmc_pixel *p, uint32_t node, uint32_t *line) {
    const uint32_t h = node * KMC_A;
#define KMC_LINE(i, hash) ((uint32_t)(i) << KMC_TREE_BITS | (hash) >> (36 - KMC_TREE_BITS) << 4)
    line[0] = KMC_LINE(0, h + p->w * KMC_B);
    line[1] = KMC_LINE(1, h + p->n * KMC_B);
    line[2] = KMC_LINE(2, h + p->ne * KMC_B);
    line[3] = KMC_LINE(3, h + p->nw * KMC_B);
    line[4] = KMC_LINE(4, h + p->candidate[0] * KMC_B + p->candidate[1] * KMC_C);
}

KMC_INLINE void kmc_node_slots(
    const kmc_model *m, const kmc_pixel *p, const uint32_t *line, uint32_t node, uint32_t within, int below, int wide,
    uint32_t *at
) {
    const uint32_t sides = kmc_sides(m, p, (node << below << 1) - (1u << m->bits), below, wide);
    const uint32_t hash = ((uint32_t)(m->bits - 1 - below) << 16 | sides) * KMC_A;
    int i;
    for (i = 0; i < 5; i++) at[i] = line[i] + within;
    at[5] = (uint32_t)5 << KMC_TREE_BITS | hash >> (32 - KMC_TREE_BITS);
}

/* The symbol that is neither candidate, by its path from the root, a bit for each node. */
KMC_INLINE uint32_t kmc_code_path(kmc_model *m, kmc_coder *c, const kmc_pixel *p, int encoding, int wide, uint32_t symbol) {
    uint32_t node = 1, within = 0, line[5] = {0}, at[KMC_TREE_TABLES], bit;
    int below = m->bits - 1;
    do {
        if ((below & 3) == 3 || within == 0) {
            kmc_find_lines(p, node, line);
            within = 1;
        }
        if (KMC_RARE(m->leaves[node])) {
            int forced = kmc_forced(m, p, node, below);
            if (forced >= 0) {
                node = 2 * node + (uint32_t)forced;
                within = 2 * within + (uint32_t)forced;
                continue;
            }
        }
        kmc_node_slots(m, p, line, node, within, below, wide, at);
        bit = symbol >> below & 1;
        bit = (uint32_t)kmc_decide(c, encoding, m->squash, m->tree, at, KMC_TREE_TABLES, KMC_TREE_FLOOR, (int)bit);
        node = 2 * node + bit;
        within = 2 * within + bit;
    } while (--below >= 0);
    return node - (1u << m->bits);
}

/* The value of four bits of a symbol below a part of the tree; 16 if it is elsewhere. */
KMC_INLINE uint32_t kmc_value_of(const kmc_model *m, uint32_t symbol, uint32_t node, int below) {
    uint32_t v = (symbol | 1u << m->bits) >> below;
    return v >> 4 == node ? v & 15 : 16;
}

/* The distributions of a value: the first one of each of its two tables. */
KMC_INLINE void kmc_value_tables(const kmc_model *m, const kmc_pixel *p, uint32_t node, int left, int wide, kmc_distribution **f) {
    const int below = left - 4;
    uint32_t q, x, y;
    if (node == 1) {
        const int low = (m->bits - 1) & ~3;
        f[0] = m->values + (p->w >> low << 8 | p->n >> low << 4 | p->ne >> low);
        x = m->bits > 4 ? kmc_tag(p->candidate[0], wide) : p->candidate[0] << 4 | p->candidate[1];
        f[1] = m->values + 4096 + x;
        return;
    }
    f[0] = m->values + KMC_TOP;
    q = node ^ 1u << (m->bits - left);
    if (wide) {
        q = q * KMC_A >> 28;
        f[0] += 2 * KMC_LEVEL * ((left >> 2) - 1);
    }
    f[1] = f[0] + KMC_LEVEL;
    x = kmc_value_of(m, p->w, node, below);
    y = kmc_value_of(m, p->n, node, below);
    f[0] += (q * 17 + x) * 17 + y;
    x = kmc_value_of(m, p->candidate[0], node, below);
    y = kmc_value_of(m, p->candidate[1], node, below);
    f[1] += (q * 17 + x) * 17 + y;
}

/* The same in values of four bits; the highest has the one to four that are left. */
KMC_INLINE uint32_t kmc_code_values(kmc_model *m, kmc_coder *c, const kmc_pixel *p, int encoding, int wide, uint32_t symbol) {
    kmc_distribution *f[2];
    uint32_t node = 1;
    int left = m->bits, take = ((left - 1) & 3) + 1;
    do {
        uint32_t value = symbol >> (left - take) & ((1u << take) - 1);
        kmc_value_tables(m, p, node, left, wide, f);
        value = (uint32_t)kmc_code_value(c, encoding, f[0], f[1], m->targets, (int)value);
        node = node << take | (value & ((1u << take) - 1));
        left -= take;
        take = 4;
    } while (left);
    return node & ((1u << m->bits) - 1);
}

/* The sum of costs, in 1/256 bits, of the decisions on the path to a symbol, at least where it exceeds `most`. */
KMC_APART int kmc_path_cost(const kmc_model *m, const kmc_pixel *p, const uint16_t *costs, uint32_t symbol, int64_t most) {
    uint32_t node = 1, within = 0, line[5] = {0}, at[KMC_TREE_TABLES], bit, chance;
    int below = m->bits - 1, cost = 0;
    for (; below >= 0 && cost <= most; below--, node = 2 * node + bit, within = 2 * within + bit) {
        if ((below & 3) == 3 || within == 0) {
            kmc_find_lines(p, node, line);
            within = 1;
        }
        bit = symbol >> below & 1;
        if (m->leaves[node] && kmc_forced(m, p, node, below) >= 0) continue;
        kmc_node_slots(m, p, line, node, within, below, m->wide, at);
        chance = kmc_chance(m->squash, m->tree, at, KMC_TREE_TABLES);
        cost += costs[(bit ? chance : 65535 - chance) >> 4];
    }
    return cost;
}

/* The same for the values of a symbol. */
KMC_APART int kmc_values_cost(const kmc_model *m, const kmc_pixel *p, const uint16_t *costs, uint32_t symbol) {
    kmc_distribution *f[2];
    uint32_t node = 1;
    int left = m->bits, take = ((left - 1) & 3) + 1, cost = 0;
    for (; left; take = 4) {
        uint32_t value = symbol >> (left - take) & ((1u << take) - 1), from = 0, to = 65536;
        kmc_value_tables(m, p, node, left, m->wide, f);
        if (value) from = (uint32_t)f[0]->below[value] + f[1]->below[value];
        if (value < 15) to = (uint32_t)f[0]->below[value + 1] + f[1]->below[value + 1];
        cost += costs[(to - from - 1) >> 4];
        node = node << take | value;
        left -= take;
    }
    return cost;
}
#endif
