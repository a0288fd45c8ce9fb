// Section 3 of context.md: tables, estimates, hashes.

/** Probabilities in 1/65536 of the logistic values from -2047 on. */
export const SQUASH = new Uint16Array(4095);
/** Logistic values of probabilities in 1/4096. */
export const STRETCH = new Int16Array(4096);
export const RECIPROCAL = new Uint16Array(1024);

const ONE = 1n << 62n;
for (let d = 0, e = ONE; d <= 2047; d += 1) {
  const value = Number((1n << 78n) / (ONE + e));
  SQUASH[2047 + d] = Math.min(65535, value);
  if (d > 0) SQUASH[2047 - d] = 65536 - SQUASH[2047 + d];
  e = (e * 4593706758521714574n) >> 62n;
}
for (let q = 0, d = -2047; q < 4096; q += 1) {
  while (d < 2047 && SQUASH[2047 + d] < 16 * q + 8) d += 1;
  STRETCH[q] = d;
}
for (let n = 0; n < 1024; n += 1) RECIPROCAL[n] = Math.floor(655360 / (10 * n + 16));

export function clamp(value, low, high) {
  if (value < low) return low;
  return value > high ? high : value;
}

/** log2, rounded down, of a number from 1 to 2^32 - 1. */
export function log2(value) {
  return 31 - Math.clz32(value);
}

/** The smallest b with 2^b >= count. */
export function bitsFor(count) {
  return count > 1 ? 32 - Math.clz32(count - 1) : 0;
}

/** An estimate, est(i, j, n): its probability in the upper 22 bits, its count in the lower 10. */
export function estimate(i, j, n) {
  return ((clamp(Math.floor((i * 4194304) / j), 1, 4194303) << 10) | n) >>> 0;
}

/** Teach the estimate at a place of a map (a Uint32Array) a bit. */
export function teach(map, place, bit, limit) {
  const n = map[place] & 1023;
  const p = map[place] >>> 10;
  const far = (4194303 & -bit) - p;
  const reciprocal = RECIPROCAL[n];
  // (far * reciprocal) >> 16 in two halves, as the product has up to 39 bits.
  const step = Math.imul(far >> 16, reciprocal) + (Math.imul(far & 0xffff, reciprocal) >>> 16);
  map[place] = ((p + step) << 10) | (n < limit ? n + 1 : n);
}

export const S = 0x2f0b4c47;
export const U = 0x9e3779b1;

/** The hash of the values so far, with one value more. */
export function hash(before, value) {
  return Math.imul(before + value + 1, S);
}

export function spread(value, bits) {
  return Math.imul(value, U) >>> (32 - bits);
}

export function key(value) {
  const u = Math.imul(value, U);
  return (u ^ (u >>> 15)) >>> 0;
}
