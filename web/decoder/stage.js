// Section 8 of context.md: a decision, mixed from what the models say, and what is learned from it.
//
// A slot is one 32-bit number: its probability less 32768 in the upper 16 bits, its count in the
// next 8, zeros and ones in 4 each. So new slots are 0, as new arrays are.

import { RECIPROCAL, SQUASH, STRETCH, clamp, estimate, teach } from './numbers.js';

const POINTS = 33; // of a curve
const LIMIT = 255;

function teachSlot(slots, place, bit) {
  const slot = slots[place];
  const n = (slot >> 8) & 31;
  let p = slot >> 16;
  p += ((bit ? 32767 - p : -32768 - p) * RECIPROCAL[n]) >> 16;
  let history = slot & 255;
  if (bit) {
    if ((history & 15) < 15) history += 1;
  } else if (history < 240) history += 16;
  slots[place] = (p << 16) | ((n < 30 ? n + 1 : n) << 8) | history;
}

/**
 * One of the two stages. Whoever asks for a decision fills in what sections 9 and 10 choose:
 * `kind`, `slot` (places in `slots`), `estimate` (places in `map`, -1 for a relation of 0), `set`,
 * `finalSet` and `curve`.
 */
export class Stage {
  /**
   * `shape` has the numbers of `contexts`, `patterns`, `kinds`, `finalSets`, `curves`, and the list
   * `sets` of the mixers; `estimates` are those of the maps run, distance and pair at the
   * beginning.
   */
  constructor(profile, shape, weights, estimates) {
    this.profile = profile;
    this.shape = shape;
    this.initialWeights = weights;
    this.mixers = profile.mixers;
    this.slotCount = shape.contexts + shape.patterns;
    this.inputCount = weights.length;
    this.historyBase = estimates.length;
    this.initialMap = this.withHistories(estimates);
    this.kind = 0;
    this.slot = new Int32Array(this.slotCount);
    this.estimate = new Int32Array(profile.flagContexts + profile.expected + shape.pairs);
    this.set = new Int32Array(this.mixers);
    this.finalSet = 0;
    this.curve = 0;
    this.input = new Int32Array(this.inputCount);
    this.history = new Int32Array(this.slotCount); // places in the map, -1 for an empty history
    this.opinion = new Int32Array(this.mixers);
  }

  withHistories(estimates) {
    if (!this.profile.histories) return Uint32Array.from(estimates);
    const block = [];
    for (let zeros = 0; zeros < 16; zeros += 1) {
      for (let ones = 0; ones < 16; ones += 1) {
        block.push(estimate(2 * ones + 1, 2 * (zeros + ones) + 2, 0));
      }
    }
    const blocks = this.slotCount * this.shape.kinds;
    const map = new Uint32Array(estimates.length + 256 * blocks);
    map.set(estimates);
    for (let i = 0; i < blocks; i += 1) map.set(block, estimates.length + 256 * i);
    return map;
  }

  /** Forget everything: a strip begins, with so many slots. */
  begin(slots) {
    const { shape, profile, inputCount } = this;
    this.slots = new Int32Array(slots);
    this.map = this.initialMap.slice();
    const sets = shape.sets.slice(0, this.mixers);
    this.weightBase = [];
    let total = 0;
    for (const count of sets) {
      this.weightBase.push(total);
      total += count * inputCount;
    }
    this.weights = new Int16Array(total);
    for (let at = 0; at < total; at += inputCount) this.weights.set(this.initialWeights, at);
    const even = Math.floor(65536 / this.mixers);
    this.finalWeights = new Int32Array(shape.finalSets * this.mixers).fill(even);
    this.curves = new Int32Array(shape.curves * POINTS);
    for (let i = 0; i < this.curves.length; i += 1) {
      this.curves[i] = SQUASH[2047 + clamp(128 * ((i % POINTS) - 16), -2047, 2047)];
    }
    this.learned = 0;
    this.rate = profile.rate[0] + profile.rate[1];
  }

  /** The inputs of some slots, from place `at` of the inputs on; gives the place after them. */
  slotInputs(first, end, at) {
    const { slots, slot, input, history, map } = this;
    const count = end - first;
    const histories = this.profile.histories;
    for (let i = first; i < end; i += 1, at += 1) {
      const value = slots[slot[i]];
      input[at] = STRETCH[(value >> 20) + 2048];
      input[at + count] = value >> 21;
      if (!histories) continue;
      const counts = value & 255;
      const place = this.historyBase + ((i * this.shape.kinds + this.kind) << 8) + counts;
      const opinion = counts === 0 ? 0 : STRETCH[map[place] >>> 20];
      history[i] = counts === 0 ? -1 : place;
      input[at + 2 * count] = opinion;
      input[at + 3 * count] = (counts & 15) === 0 || counts < 16 ? opinion : 0;
    }
    return at + (histories ? 3 : 1) * count;
  }

  /** The probability of 1, in 1/65536. */
  predict() {
    const { input, inputCount, weights, map, opinion } = this;
    let at = this.slotInputs(0, this.shape.contexts, 0);
    at = this.slotInputs(this.shape.contexts, this.slotCount, at);
    for (let i = 0; i < this.estimate.length; i += 1, at += 1) {
      const place = this.estimate[i];
      input[at] = place < 0 ? 0 : STRETCH[map[place] >>> 20];
    }
    input[at] = 256;

    let total = 0; // up to 34 bits
    const final = this.finalSet * this.mixers;
    for (let m = 0; m < this.mixers; m += 1) {
      const base = this.weightBase[m] + this.set[m] * inputCount;
      let sum = 0;
      for (let i = 0; i < inputCount; i += 1)
        sum = (sum + Math.imul(input[i], weights[base + i])) | 0;
      opinion[m] = clamp(sum >> 14, -2047, 2047);
      total += opinion[m] * this.finalWeights[final + m];
    }
    const v = clamp(Math.floor(total / 65536), -2047, 2047);
    this.mixed = SQUASH[v + 2047];
    const point = this.curve * POINTS + ((v + 2048) >> 7);
    const t = (v + 2048) & 127;
    this.point = point + (t >> 6);
    const corrected = (this.curves[point] * (128 - t) + this.curves[point + 1] * t) >> 7;
    this.p = (this.mixed + corrected) >> 1;
    return this.p;
  }

  /** Learn the bit that was predicted last. */
  learn(bit) {
    if (bit ? this.p > 65472 : this.p < 64) return;
    const { curves, slots, slot, map, profile } = this;
    const r = curves[this.point];
    curves[this.point] = r + (((bit ? 65535 - r : -r) * 1311) >> 16);
    this.learnWeights(bit << 16);
    this.learned += 1;
    if (this.learned % 64 === 0) {
      const [ra, rb, rc] = profile.rate;
      this.rate = ra + Math.floor((rb * rc) / (rc + Math.min(this.learned, 262144)));
    }
    for (let i = 0; i < this.slotCount; i += 1) {
      if (profile.histories && this.history[i] >= 0) teach(map, this.history[i], bit, LIMIT);
      teachSlot(slots, slot[i], bit);
    }
    for (let i = 0; i < this.estimate.length; i += 1) {
      if (this.estimate[i] >= 0) teach(map, this.estimate[i], bit, LIMIT);
    }
  }

  learnWeights(goal) {
    const { input, inputCount, weights, finalWeights, opinion, rate } = this;
    const e = (goal - this.mixed) >> 4;
    for (let m = 0; m < this.mixers; m += 1) {
      const place = this.finalSet * this.mixers + m;
      const moved = finalWeights[place] + ((opinion[m] * e + 4096) >> 13);
      finalWeights[place] = clamp(moved, -524287, 524287);
      const error = goal - SQUASH[opinion[m] + 2047];
      if (error < 512 && error > -512) continue;
      const g = clamp((error * rate) >> 6, -32768, 32767);
      const base = this.weightBase[m] + this.set[m] * inputCount;
      for (let i = 0; i < inputCount; i += 1) {
        const w = weights[base + i] + ((Math.imul(input[i], g) + 32768) >> 16);
        weights[base + i] = w > 32767 ? 32767 : w < -32768 ? -32768 : w;
      }
    }
  }
}
