/* Range coder, slots and distributions of the additive coder (spec/additive.md, sections 3 to 5).

Every function codes in one of two directions: `encoding` is a constant where it is called, so that
the compiler makes a version for each. */
#ifndef KMC_CODER_H
#define KMC_CODER_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#if (defined(__SSE2__) || defined(_M_X64)) && !defined(KMC_PORTABLE)
#include <emmintrin.h>
#define KMC_SSE2 1
#endif
#if defined(__GNUC__)
#define KMC_INLINE static inline __attribute__((always_inline))
#define KMC_APART static __attribute__((noinline))
#define KMC_RARE(c) __builtin_expect(!!(c), 0)
#define kmc_log2(v) (31 - __builtin_clz(v))
#else
#define KMC_INLINE static inline
#define KMC_APART static
#define KMC_RARE(c) (c)
static inline int kmc_log2(uint32_t v) {
    int k = 0;
    while (v >>= 1) k++;
    return k;
}
#endif

typedef struct {
    uint32_t range;        /* from 8000h to FFFFh */
    int count;             /* bits in `low` or `code` besides the 16 that `range` is compared with */
    uint64_t low;          /* encoder: those bits in the lowest places, and perhaps a carry */
    uint64_t code;         /* decoder: those bits in the highest places */
    const uint8_t *input;  /* decoder; NULL when encoding */
    uint8_t *output;
    size_t size, room;     /* bytes written or read; of the output or the input */
    int failed;            /* there was no memory for the output */
} kmc_coder;

static int kmc_grow(kmc_coder *c) {
    size_t room = 2 * c->room + 64;
    uint8_t *output = c->failed ? NULL : (uint8_t *)realloc(c->output, room);
    if (output == NULL) {
        c->failed = 1;
        return 0;
    }
    c->output = output;
    c->room = room;
    return 1;
}

/* Write all whole bytes of `low`. */
KMC_APART void kmc_flush(kmc_coder *c) {
    while (c->count >= 8) {
        uint64_t top = c->low >> (c->count + 8);
        if (top >> 8) {
            size_t i = c->size;
            while (i && ++c->output[--i] == 0) {}
        }
        if (c->size < c->room || kmc_grow(c)) c->output[c->size++] = (uint8_t)top;
        c->low &= ((uint64_t)1 << (c->count + 8)) - 1;
        c->count -= 8;
    }
}

/* Fill `code` with bytes, zeros beyond the end of the input. */
KMC_APART void kmc_refill(kmc_coder *c) {
    for (; c->count <= 40; c->count += 8, c->size++) {
        uint64_t byte = c->size < c->room ? c->input[c->size] : 0;
        c->code |= byte << (40 - c->count);
    }
}

static void kmc_begin(kmc_coder *c, const uint8_t *input, size_t room) {
    memset(c, 0, sizeof *c);
    c->range = 0xFF00;
    if (input != NULL) {
        c->input = input;
        c->room = room;
        c->count = -16;
        kmc_refill(c);
    }
}

/* How many bits have been shifted out or in so far. */
static uint64_t kmc_shifted(const kmc_coder *c) {
    return c->input == NULL ? 8 * (uint64_t)c->size + c->count : 8 * (uint64_t)c->size - c->count - 16;
}

/* Write the rest: the least multiple of 8000h from `low` on, so that one more bit is enough. */
static void kmc_finish(kmc_coder *c) {
    c->low = (c->low + 0x7FFF) & ~(uint64_t)0x7FFF;
    c->low <<= 8;
    c->count += 8;
    kmc_flush(c);
}

/* Restore the range to 8000h or more after a decision. */
KMC_INLINE void kmc_normalize(kmc_coder *c, int encoding) {
    int shift = 15 - kmc_log2(c->range);
    c->range <<= shift;
    if (encoding) {
        c->low <<= shift;
        c->count += shift;
        if (KMC_RARE(c->count >= 32)) {
            kmc_coder apart = *c;    /* with an address, so that `c` can stay in registers */
            kmc_flush(&apart);
            *c = apart;
        }
    } else {
        c->code <<= shift;
        c->count -= shift;
        if (KMC_RARE(c->count < 0)) {
            kmc_coder apart = *c;
            kmc_refill(&apart);
            *c = apart;
        }
    }
}

/* Code one bit; p is the probability of 1 in 1/65536. */
KMC_INLINE int kmc_code_bit(kmc_coder *c, int encoding, uint32_t p, int bit) {
    uint32_t bound = c->range * p >> 16;
    /* A branch, as processors predict it and go on before the bit is known. */
    if (encoding ? bit : (uint32_t)(c->code >> 48) < bound) {
        c->range = bound;
        bit = 1;
    } else {
        if (encoding) c->low += bound;
        else c->code -= (uint64_t)bound << 48;
        c->range -= bound;
        bit = 0;
    }
    kmc_normalize(c, encoding);
    return bit;
}

/* A slot: the weight in the low 16 bits, signed, and the rate in the high ones. */
typedef uint32_t kmc_slot;

/* The sum of up to eight weights as a place in the table of probabilities, which begins with that of 0. */
KMC_INLINE int kmc_place(int32_t sum) { return sum >> 6 & 8191; }

KMC_INLINE void kmc_teach_slot(kmc_slot *slot, int error, int floor) {
    int rate = (int)(*slot >> 16), weight = (int16_t)*slot + (error * rate >> 16);
    weight = weight > 32767 ? 32767 : weight < -32768 ? -32768 : weight;
    rate -= rate * rate >> 16;
    *slot = (uint32_t)(rate < floor ? floor : rate) << 16 | (uint16_t)weight;
}

/* The probability of 1 by the slots at n places (1 to 8), without coding. */
KMC_INLINE uint32_t kmc_chance(const uint16_t *squash, const kmc_slot *slots, const uint32_t *at, int n) {
    int32_t sum = 0;
    int i;
    for (i = 0; i < n; i++) sum += (int16_t)slots[at[i]];
    return squash[kmc_place(sum)];
}

#ifdef KMC_SSE2
/* Teach four slots, or two. */
KMC_INLINE void kmc_teach_some(kmc_slot *slots, const uint32_t *at, int n, int error, int floor) {
    const __m128i high = _mm_set1_epi32((int)0xFFFF0000u), least = _mm_set1_epi32(floor << 16 | 0x8000);
    __m128i v = _mm_cvtsi32_si128((int)slots[at[0]]), rate;
    v = _mm_unpacklo_epi32(v, _mm_cvtsi32_si128((int)slots[at[1]]));
    if (n == 4) {
        __m128i third = _mm_cvtsi32_si128((int)slots[at[2]]), fourth = _mm_cvtsi32_si128((int)slots[at[3]]);
        v = _mm_unpacklo_epi64(v, _mm_unpacklo_epi32(third, fourth));
    }
    rate = _mm_and_si128(v, high);
    v = _mm_adds_epi16(v, _mm_mulhi_epi16(_mm_srli_epi32(v, 16), _mm_set1_epi32(error & 0xFFFF)));
    v = _mm_max_epi16(_mm_sub_epi16(v, _mm_mulhi_epi16(rate, rate)), least);
    slots[at[0]] = (uint32_t)_mm_cvtsi128_si32(v);
    slots[at[1]] = (uint32_t)_mm_cvtsi128_si32(_mm_shuffle_epi32(v, 0x55));
    if (n == 2) return;
    slots[at[2]] = (uint32_t)_mm_cvtsi128_si32(_mm_shuffle_epi32(v, 0xAA));
    slots[at[3]] = (uint32_t)_mm_cvtsi128_si32(_mm_shuffle_epi32(v, 0xFF));
}

/* Teach the slots at n places, 4 or 6. */
KMC_INLINE void kmc_teach(kmc_slot *slots, const uint32_t *at, int n, int error, int floor) {
    kmc_teach_some(slots, at, 4, error, floor);
    if (n == 6) kmc_teach_some(slots, at + 4, 2, error, floor);
}
#else
KMC_INLINE void kmc_teach(kmc_slot *slots, const uint32_t *at, int n, int error, int floor) {
    int i;
    for (i = 0; i < n; i++) kmc_teach_slot(slots + at[i], error, floor);
}
#endif

/* Code a decision with the slots at n places (4 or 6), and teach them. */
KMC_INLINE int kmc_decide(
    kmc_coder *c, int encoding, const uint16_t *squash, kmc_slot *slots, const uint32_t *at, int n, int floor, int bit
) {
    uint32_t p = kmc_chance(squash, slots, at, n);
    bit = kmc_code_bit(c, encoding, p, bit);
    kmc_teach(slots, at, n, ((bit << 16) - (int)p) >> 1, floor);
    return bit;
}

/* A distribution of 16 values: how often values below i occur, in 1/32768; [0] counts instead. */
typedef struct {
    uint16_t below[16];
} kmc_distribution;

/* The shift of learning by the count of what was learned, and where a value moves a distribution. */
static const uint8_t kmc_shifts[21] = {1, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 5};

#ifdef KMC_SSE2
KMC_INLINE void kmc_teach_distribution(kmc_distribution *d, const uint16_t *target) {
    int n = d->below[0];
    const __m128i shift = _mm_cvtsi32_si128(kmc_shifts[n]);
    __m128i *at = (__m128i *)d->below, a = _mm_loadu_si128(at), b = _mm_loadu_si128(at + 1);
    a = _mm_add_epi16(a, _mm_sra_epi16(_mm_sub_epi16(_mm_loadu_si128((const __m128i *)target), a), shift));
    b = _mm_add_epi16(b, _mm_sra_epi16(_mm_sub_epi16(_mm_loadu_si128((const __m128i *)target + 1), b), shift));
    _mm_storeu_si128(at, _mm_insert_epi16(a, n + (n < 20), 0));
    _mm_storeu_si128(at + 1, b);
}

/* The bounds of all 17 values for a range, by two distributions. */
KMC_INLINE void kmc_bounds(const kmc_distribution *f, const kmc_distribution *g, uint32_t range, uint16_t *bounds) {
    const __m128i *x = (const __m128i *)f->below, *y = (const __m128i *)g->below;
    const __m128i r = _mm_set1_epi16((short)range);
    __m128i a = _mm_add_epi16(_mm_loadu_si128(x), _mm_loadu_si128(y));
    __m128i b = _mm_add_epi16(_mm_loadu_si128(x + 1), _mm_loadu_si128(y + 1));
    a = _mm_insert_epi16(a, 0, 0);
    _mm_storeu_si128((__m128i *)bounds, _mm_mulhi_epu16(a, r));
    _mm_storeu_si128((__m128i *)bounds + 1, _mm_mulhi_epu16(b, r));
    bounds[16] = (uint16_t)range;
}

KMC_INLINE int kmc_search(const uint16_t *bounds, uint32_t code) {
    const __m128i k = _mm_set1_epi16((short)code), zero = _mm_setzero_si128();
    __m128i a = _mm_subs_epu16(_mm_loadu_si128((const __m128i *)bounds), k);
    __m128i b = _mm_subs_epu16(_mm_loadu_si128((const __m128i *)bounds + 1), k);
    a = _mm_packs_epi16(_mm_cmpeq_epi16(a, zero), _mm_cmpeq_epi16(b, zero));
    return kmc_log2((uint32_t)_mm_movemask_epi8(a));
}
#else
KMC_INLINE void kmc_teach_distribution(kmc_distribution *d, const uint16_t *target) {
    int i, n = d->below[0], shift = kmc_shifts[n];
    for (i = 1; i < 16; i++) d->below[i] = (uint16_t)(d->below[i] + ((target[i] - d->below[i]) >> shift));
    d->below[0] = (uint16_t)(n + (n < 20));
}

KMC_INLINE void kmc_bounds(const kmc_distribution *f, const kmc_distribution *g, uint32_t range, uint16_t *bounds) {
    int i;
    bounds[0] = 0;
    for (i = 1; i < 16; i++) bounds[i] = (uint16_t)((uint32_t)(f->below[i] + g->below[i]) * range >> 16);
    bounds[16] = (uint16_t)range;
}

KMC_INLINE int kmc_search(const uint16_t *bounds, uint32_t code) {
    int i = 15;
    while (bounds[i] > code) i--;
    return i;
}
#endif

/* Code a value from 0 to 15 by two distributions, and teach them; `targets` are 16 for each value. */
KMC_INLINE int kmc_code_value(
    kmc_coder *c, int encoding, kmc_distribution *f, kmc_distribution *g, const uint16_t *targets, int value
) {
    uint16_t bounds[17];
    kmc_bounds(f, g, c->range, bounds);
    if (!encoding) value = kmc_search(bounds, (uint32_t)(c->code >> 48));
    if (encoding) c->low += bounds[value];
    else c->code -= (uint64_t)bounds[value] << 48;
    c->range = (uint32_t)bounds[value + 1] - bounds[value];
    kmc_normalize(c, encoding);
    kmc_teach_distribution(f, targets + 16 * value);
    kmc_teach_distribution(g, targets + 16 * value);
    return value;
}
#endif
