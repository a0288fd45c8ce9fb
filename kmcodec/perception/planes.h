/* The loops of SSIMULACRA2 over the samples of a plane; _planes.pyx calls them, planes.py is the twin.

Each result comes from IEEE additions, multiplications, divisions in a stated order, so that it is
the same on every platform. Sums run down columns: loops are vectorised without another order.
Compile without contraction to fused operations. */

#ifndef KMC_PLANES_H
#define KMC_PLANES_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(_MSC_VER)
#pragma fp_contract(off)
#define KMC_RESTRICT __restrict
#else
#define KMC_RESTRICT restrict
#endif

/* Samples on either side that a blurred one depends on, and rows in memory for that. */
enum { KMC_REACH = 4, KMC_ROWS = 9 };

/* Columns of sums: of three errors and of their fourth powers. */
enum { KMC_SUMS = 6 };

typedef struct {
    ptrdiff_t width;
    ptrdiff_t height;
    const float *taps; /* KMC_REACH + 1 */
    const float *outside; /* a row above or below the plane */
    float *padded; /* a row, with KMC_REACH samples from outside on either side */
    float *rows; /* KMC_ROWS of them, blurred across */
} kmc_blur;

/* The bits of a float, divided by 3, are about those of its cube root: within 4 %. Each of the two
steps by Halley's method leaves less than the cube of that. */
static inline float kmc_cube_root(float x) {
    uint32_t bits;
    float y, cube;
    memcpy(&bits, &x, sizeof bits);
    bits = bits / 3 + 709958130u;
    memcpy(&y, &bits, sizeof y);
    cube = y * y * y;
    y = y * (cube + x + x) / (cube + cube + x);
    cube = y * y * y;
    return y * (cube + x + x) / (cube + cube + x);
}

static void kmc_opsin(
    ptrdiff_t count, const float *KMC_RESTRICT red, const float *KMC_RESTRICT green,
    const float *KMC_RESTRICT blue, const float *weights, float *KMC_RESTRICT x_plane,
    float *KMC_RESTRICT y_plane, float *KMC_RESTRICT b_plane
) {
    const float l0 = weights[0], l1 = weights[1], l2 = weights[2];
    const float m0 = weights[3], m1 = weights[4], m2 = weights[5];
    const float s0 = weights[6], s1 = weights[7], s2 = weights[8];
    const float bias = weights[9], root = weights[10];
    ptrdiff_t i;
    for (i = 0; i < count; i++) {
        const float r = red[i], g = green[i], b = blue[i];
        const float l = kmc_cube_root(l0 * r + l1 * g + l2 * b + bias) - root;
        const float m = kmc_cube_root(m0 * r + m1 * g + m2 * b + bias) - root;
        const float s = kmc_cube_root(s0 * r + s1 * g + s2 * b + bias) - root;
        const float y = 0.5f * (l + m);
        x_plane[i] = 7.0f * (l - m);
        y_plane[i] = y - 0.49f;
        b_plane[i] = s - y;
    }
}

/* One row of a plane half as wide and high; the last column and row stand for missing ones. */
static void kmc_halve(
    ptrdiff_t width, const float *KMC_RESTRICT upper, const float *KMC_RESTRICT lower,
    float *KMC_RESTRICT out
) {
    ptrdiff_t i;
    for (i = 0; i < width / 2; i++)
        out[i] = 0.25f * (upper[2 * i] + upper[2 * i + 1] + lower[2 * i] + lower[2 * i + 1]);
    if (width % 2) {
        const float a = upper[width - 1], b = lower[width - 1];
        out[i] = 0.25f * (a + a + b + b);
    }
}

/* Blur row y of the products of two planes across. */
static void kmc_take(
    const kmc_blur *blur, ptrdiff_t y, const float *KMC_RESTRICT one, const float *KMC_RESTRICT other
) {
    float *KMC_RESTRICT padded = blur->padded + KMC_REACH;
    float *KMC_RESTRICT out = blur->rows + y % KMC_ROWS * blur->width;
    const float a = blur->taps[0], b = blur->taps[1], c = blur->taps[2];
    const float d = blur->taps[3], e = blur->taps[4];
    const ptrdiff_t width = blur->width;
    const float *KMC_RESTRICT p = padded;
    ptrdiff_t i;
    if (other == NULL)
        memcpy(padded, one, (size_t)width * sizeof *one);
    else
        for (i = 0; i < width; i++)
            padded[i] = one[i] * other[i];
    for (i = 0; i < width; i++)
        out[i] = a * p[i] + b * (p[i - 1] + p[i + 1]) + c * (p[i - 2] + p[i + 2])
            + d * (p[i - 3] + p[i + 3]) + e * (p[i - 4] + p[i + 4]);
}

static inline const float *kmc_row(const kmc_blur *blur, ptrdiff_t y) {
    return y < 0 || y >= blur->height ? blur->outside : blur->rows + y % KMC_ROWS * blur->width;
}

/* Blur down to row y; the rows that it depends on have been taken. */
static void kmc_give(const kmc_blur *blur, ptrdiff_t y, float *KMC_RESTRICT out) {
    const float *p0 = kmc_row(blur, y), *p1 = kmc_row(blur, y - 1), *n1 = kmc_row(blur, y + 1);
    const float *p2 = kmc_row(blur, y - 2), *n2 = kmc_row(blur, y + 2);
    const float *p3 = kmc_row(blur, y - 3), *n3 = kmc_row(blur, y + 3);
    const float *p4 = kmc_row(blur, y - 4), *n4 = kmc_row(blur, y + 4);
    const float a = blur->taps[0], b = blur->taps[1], c = blur->taps[2];
    const float d = blur->taps[3], e = blur->taps[4];
    const ptrdiff_t width = blur->width;
    ptrdiff_t i;
    for (i = 0; i < width; i++)
        out[i] = a * p0[i] + b * (p1[i] + n1[i]) + c * (p2[i] + n2[i]) + d * (p3[i] + n3[i])
            + e * (p4[i] + n4[i]);
}

/* Add the errors of a row to sums of KMC_SUMS * width; the names are those of planes.py. */
static void kmc_add_errors(
    ptrdiff_t width, float stability, const float *KMC_RESTRICT original,
    const float *KMC_RESTRICT mean, const float *KMC_RESTRICT power,
    const float *KMC_RESTRICT distorted, const float *KMC_RESTRICT other_mean,
    const float *KMC_RESTRICT other_power, const float *KMC_RESTRICT product,
    double *KMC_RESTRICT sums
) {
    double *KMC_RESTRICT structure = sums, *KMC_RESTRICT structure4 = sums + 3 * width;
    double *KMC_RESTRICT added = sums + width, *KMC_RESTRICT added4 = sums + 4 * width;
    double *KMC_RESTRICT lost = sums + 2 * width, *KMC_RESTRICT lost4 = sums + 5 * width;
    ptrdiff_t i;
    for (i = 0; i < width; i++) {
        const float m = mean[i], n = other_mean[i], gap = m - n;
        const float like = 1.0f - gap * gap;
        const float shared = 2.0f * (product[i] - m * n) + stability;
        const float spread = (power[i] - m * m) + (other_power[i] - n * n) + stability;
        const double error = 1.0 - (double)(like * shared / spread);
        const double positive = 0.5 * (error + fabs(error)), square = positive * positive;
        structure[i] += positive;
        structure4[i] += square * square;
    }
    for (i = 0; i < width; i++) {
        const double edge = 1.0 + (double)fabsf(original[i] - mean[i]);
        const double other_edge = 1.0 + (double)fabsf(distorted[i] - other_mean[i]);
        const double change = other_edge / edge - 1.0, size = fabs(change);
        const double more = 0.5 * (size + change), less = 0.5 * (size - change);
        const double more2 = more * more, less2 = less * less;
        added[i] += more;
        added4[i] += more2 * more2;
        lost[i] += less;
        lost4[i] += less2 * less2;
    }
}

#endif
