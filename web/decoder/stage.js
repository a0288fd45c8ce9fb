// Section 8 of context.md: a decision, mixed from what the models say, and what is learned from it.
//
// A slot is one 32-bit number: its probability less 32768 in the upper 16 bits, its count in the
// next 8, zeros and ones in 4 each. So new slots are 0, as new arrays are.

import { Mixers } from './mixers.js';
import { RECIPROCAL, SQUASH, STRETCH, clamp, estimate, teach } from './numbers.js';

const POINTS = 33; // of a curve
const LIMIT = 255;

/** The history after a bit, at `bit << 8 | history`. */
const NEXT_HISTORY = new Uint8Array(512);
for (let history = 0; history < 256; history += 1) {
  NEXT_HISTORY[history] = history < 240 ? history + 16 : history;
  NEXT_HISTORY[256 | history] = (history & 15) < 15 ? history + 1 : history;
}

/** All bits set where a history has zeros or ones only, none elsewhere. */
const PURE = new Int8Array(256).fill(-1, 0, 16);
for (let history = 16; history < 256; history += 16) PURE[history] = -1;

/** The estimate of an empty history is never taught; its logistic value is 0. */
const NO_OPINION = 2047 << 20;

function teachSlots(slots, slot, bit) {
  // Tables of modules, here and below, are first made local: each use of another's costs two loads.
  const reciprocal = RECIPROCAL;
  const nextHistory = NEXT_HISTORY;
  const count = slot.length;
  const goal = (65535 & -bit) - 32768;
  const histories = bit << 8;
  for (let i = 0; i < count; i = (i + 1) | 0) {
    const place = slot[i];
    const value = slots[place];
    const n = (value >> 8) & 31;
    const p = value >> 16;
    const learned = p + (Math.imul(goal - p, reciprocal[n]) >> 16);
    const history = nextHistory[histories | (value & 255)];
    slots[place] = (learned << 16) | ((n < 30 ? n + 1 : n) << 8) | history;
  }
}

/**
 * One of the two stages. Whoever asks for a decision fills in what sections 9 and 10 choose:
 * `kind`, `slot` (places in `slots`), `estimate` (places in `map`, -1 for a relation of 0),
 * `curve`, and `set` and `finalSet` of the mixers.
 */
export class Stage {
  /**
   * `shape` has the numbers of `contexts`, `patterns`, `kinds`, `finalSets`, `curves`, and the list
   * `sets` of the mixers; `estimates` are those of the maps run, distance and pair at the
   * beginning.
   */
  constructor(profile, shape, weights, estimates) {
    const { contexts, patterns, kinds, curves, finalSets } = shape;
    const sets = shape.sets.slice(0, profile.mixers);
    this.mixers = new Mixers(profile.rate, sets, finalSets, weights);
    this.histories = profile.histories;
    this.contexts = contexts;
    this.slotCount = contexts + patterns;
    this.kinds = kinds;
    this.historyBase = estimates.length;
    this.initialMap = this.withHistories(estimates);
    this.initialCurves = new Int32Array(curves * POINTS);
    for (let i = 0; i < this.initialCurves.length; i += 1) {
      this.initialCurves[i] = SQUASH[2047 + clamp(128 * ((i % POINTS) - 16), -2047, 2047)];
    }
    this.kind = 0;
    this.slot = new Int32Array(this.slotCount);
    this.estimate = new Int32Array(profile.flagContexts + profile.expected + shape.pairs);
    this.curve = 0;
    this.input = this.mixers.input;
    this.input[weights.length - 1] = 256;
    this.point = 0; // of the curves, the one nearest to the logistic value
    this.p = 0;
  }

  withHistories(estimates) {
    if (!this.histories) return Uint32Array.from(estimates);
    const block = new Uint32Array(256);
    for (let zeros = 0; zeros < 16; zeros += 1) {
      for (let ones = 0; ones < 16; ones += 1) {
        block[16 * zeros + ones] = estimate(2 * ones + 1, 2 * (zeros + ones) + 2, 0);
      }
    }
    block[0] = NO_OPINION;
    const blocks = this.slotCount * this.kinds;
    const map = new Uint32Array(estimates.length + 256 * blocks);
    map.set(estimates);
    for (let i = 0; i < blocks; i += 1) map.set(block, estimates.length + 256 * i);
    return map;
  }

  /** Forget everything: a strip begins, with so many slots. */
  begin(slots) {
    this.slots = new Int32Array(slots);
    this.map = this.initialMap.slice();
    this.curves = this.initialCurves.slice();
    this.mixers.begin();
  }

  /** The inputs of some slots, from place `at` of the inputs on; gives the place after them. */
  slotInputs(first, end, at) {
    const { slots, slot, input } = this;
    const stretch = STRETCH;
    const count = end - first;
    for (let i = first; i < end; i += 1, at += 1) {
      const value = slots[slot[i]];
      input[at] = stretch[(value >> 20) + 2048];
      input[at + count] = value >> 21;
    }
    return at + count;
  }

  /** The same of a profile with histories, which give two more for each slot. */
  historyInputs(first, end, at) {
    const { slots, slot, input, map, kinds } = this;
    const stretch = STRETCH;
    const pure = PURE;
    const count = end - first;
    let block = this.historyBase + ((first * kinds + this.kind) << 8);
    for (let i = first; i < end; i += 1, at += 1, block += kinds << 8) {
      const value = slots[slot[i]];
      const counts = value & 255;
      const opinion = stretch[map[block + counts] >>> 20];
      input[at] = stretch[(value >> 20) + 2048];
      input[at + count] = value >> 21;
      input[at + 2 * count] = opinion;
      input[at + 3 * count] = opinion & pure[counts];
    }
    return at + 3 * count;
  }

  fillInputs() {
    const { contexts, slotCount, histories, estimate: places, map, input } = this;
    const middle = histories ? this.historyInputs(0, contexts, 0) : this.slotInputs(0, contexts, 0);
    let at = histories
      ? this.historyInputs(contexts, slotCount, middle)
      : this.slotInputs(contexts, slotCount, middle);
    for (let i = 0; i < places.length; i += 1, at += 1) {
      const place = places[i];
      input[at] = place < 0 ? 0 : STRETCH[map[place] >>> 20];
    }
  }

  /** The probability of 1, in 1/65536. */
  predict() {
    const { mixers, curves } = this;
    this.fillInputs();
    const v = mixers.mix() + 2048;
    const point = this.curve * POINTS + (v >> 7);
    const t = v & 127;
    this.point = point + (t >> 6);
    const corrected = (curves[point] * (128 - t) + curves[point + 1] * t) >> 7;
    this.p = (mixers.mixed + corrected) >> 1;
    return this.p;
  }

  /** Learn the bit that was predicted last. */
  learn(bit) {
    if (bit ? this.p > 65472 : this.p < 64) return;
    const { curves, slots, slot, map, estimate: places, point } = this;
    curves[point] += Math.imul((65535 & -bit) - curves[point], 1311) >> 16;
    this.mixers.learn(bit);
    if (this.histories) this.learnHistories(bit);
    teachSlots(slots, slot, bit);
    for (let i = 0; i < places.length; i += 1) {
      if (places[i] >= 0) teach(map, places[i], bit, LIMIT);
    }
  }

  /** Before the slots count the bit. */
  learnHistories(bit) {
    const { slots, slot, slotCount, map, kinds } = this;
    let block = this.historyBase + (this.kind << 8);
    for (let i = 0; i < slotCount; i += 1, block += kinds << 8) {
      const counts = slots[slot[i]] & 255;
      if (counts > 0) teach(map, block + counts, bit, LIMIT);
    }
  }
}
