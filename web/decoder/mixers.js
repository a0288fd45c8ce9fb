// Mixing, of section 8 of context.md: weights, what mixers make of the inputs, and how they learn.
//
// Most of the time goes into the loops over inputs and weights, at the end of this file, and there
// each access to an array costs more than the arithmetic. So inputs and weights, which have 16 bits,
// are read and written in pairs, as one number of 32 bits. An odd last one has a pair of 0.

import { SQUASH, clamp } from './numbers.js';

/**
 * The mixers of a stage. Whoever asks for a decision fills in `set`, the set of weights that each
 * takes, and `finalSet`.
 */
export class Mixers {
  /** `sets` has the number of sets of each mixer, `weights` what each set begins with. */
  constructor(rate, sets, finalSets, weights) {
    [this.rateLeast, this.rateMore, this.rateHalf] = rate;
    this.count = sets.length;
    this.pairs = (weights.length + 1) >> 1; // of a set
    this.input = new Int16Array(2 * this.pairs);
    this.inputPairs = new Int32Array(this.input.buffer);
    const first = new Int16Array(2 * this.pairs);
    first.set(weights);
    this.initialPairs = new Int32Array(first.buffer);
    this.allSets = sets.reduce((sum, number) => sum + number, 0);
    this.finals = finalSets * this.count;
    this.first = new Int32Array(this.count); // the number of each mixer's first set, of all
    for (let m = 1; m < this.count; m += 1) this.first[m] = this.first[m - 1] + sets[m - 1];
    this.set = new Int32Array(this.count);
    this.finalSet = 0;
    this.base = new Int32Array(this.count); // where the weights of the sets begin
    this.opinion = new Int32Array(this.count);
    this.mixed = 0; // the probability
  }

  /** Forget everything: a strip begins. */
  begin() {
    const { pairs } = this;
    this.weights = new Int32Array(this.allSets * pairs);
    for (let at = 0; at < this.weights.length; at += pairs) {
      for (let i = 0; i < pairs; i += 1) this.weights[at + i] = this.initialPairs[i];
    }
    this.finalWeights = new Int32Array(this.finals).fill(Math.floor(65536 / this.count));
    this.learned = 0;
    this.rate = this.rateLeast + this.rateMore;
  }

  /** The logistic value that the mixers give together. */
  mix() {
    const { count, pairs, inputPairs, first, set, base, opinion, weights, finalWeights } = this;
    for (let m = 0; m < count; m += 1) base[m] = (first[m] + set[m]) * pairs;
    let m = 0;
    for (; m + 4 <= count; m += 4) mixFour(inputPairs, weights, base, m, opinion);
    for (; m < count; m += 1) opinion[m] = mixOne(inputPairs, weights, base[m]);
    let at = this.finalSet * count;
    let high = 0; // the sum has up to 34 bits: those above the lowest 16, and these
    let low = 0;
    for (m = 0; m < count; m += 1, at += 1) {
      const product = Math.imul(opinion[m], finalWeights[at]);
      high += product >> 16;
      low += product & 0xffff;
    }
    const v = limited(high + (low >> 16));
    this.mixed = SQUASH[v + 2047];
    return v;
  }

  /** Learn the bit that was mixed last. */
  learn(bit) {
    const { count, inputPairs, base, opinion, weights, finalWeights, rate } = this;
    const goal = bit << 16;
    const e = (goal - this.mixed) >> 4;
    let at = this.finalSet * count;
    for (let m = 0; m < count; m += 1, at += 1) {
      const moved = finalWeights[at] + ((Math.imul(opinion[m], e) + 4096) >> 13);
      finalWeights[at] = clamp(moved, -524287, 524287);
      const error = goal - SQUASH[opinion[m] + 2047];
      if (error < 512 && error > -512) continue;
      const g = clamp(Math.imul(error, rate) >> 6, -32768, 32767);
      learnOne(inputPairs, weights, base[m], g);
    }
    this.learned += 1;
    if ((this.learned & 63) === 0) {
      const divisor = this.rateHalf + Math.min(this.learned, 262144);
      this.rate = this.rateLeast + Math.floor((this.rateMore * this.rateHalf) / divisor);
    }
  }
}

function limited(v) {
  if (v < -2047) return -2047;
  return v > 2047 ? 2047 : v;
}

// The loops: `| 0` where the engine would otherwise check for more than 32 bits.

function mixOne(inputs, weights, base) {
  const pairs = inputs.length;
  let sum = 0;
  for (let i = 0; i < pairs; i = (i + 1) | 0) {
    const input = inputs[i];
    const w = weights[(base + i) | 0];
    sum = (sum + product(input, w)) | 0;
  }
  return limited(sum >> 14);
}

/** Four mixers from number m on: each input is loaded once for them, and their sums do not wait. */
function mixFour(inputs, weights, base, m, opinion) {
  const pairs = inputs.length;
  const base0 = base[m];
  const base1 = base[m + 1];
  const base2 = base[m + 2];
  const base3 = base[m + 3];
  let sum0 = 0;
  let sum1 = 0;
  let sum2 = 0;
  let sum3 = 0;
  for (let i = 0; i < pairs; i = (i + 1) | 0) {
    const input = inputs[i];
    sum0 = (sum0 + product(input, weights[(base0 + i) | 0])) | 0;
    sum1 = (sum1 + product(input, weights[(base1 + i) | 0])) | 0;
    sum2 = (sum2 + product(input, weights[(base2 + i) | 0])) | 0;
    sum3 = (sum3 + product(input, weights[(base3 + i) | 0])) | 0;
  }
  opinion[m] = limited(sum0 >> 14);
  opinion[m + 1] = limited(sum1 >> 14);
  opinion[m + 2] = limited(sum2 >> 14);
  opinion[m + 3] = limited(sum3 >> 14);
}

/** The products of both inputs and their weights, summed. */
function product(input, w) {
  return (Math.imul((input << 16) >> 16, (w << 16) >> 16) + Math.imul(input >> 16, w >> 16)) | 0;
}

function learnOne(inputs, weights, base, g) {
  const pairs = inputs.length;
  for (let i = 0; i < pairs; i = (i + 1) | 0) {
    const input = inputs[i];
    const at = (base + i) | 0;
    const w = weights[at];
    let a = ((w << 16) >> 16) + ((Math.imul((input << 16) >> 16, g) + 32768) >> 16);
    let b = (w >> 16) + ((Math.imul(input >> 16, g) + 32768) >> 16);
    // Few leave the 16 bits: one comparison finds them.
    if (((a + 32768) | (b + 32768)) >>> 16 !== 0) {
      a = clamp(a, -32768, 32767);
      b = clamp(b, -32768, 32767);
    }
    weights[at] = (b << 16) | (a & 65535);
  }
}
