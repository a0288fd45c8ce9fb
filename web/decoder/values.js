// Sections 5 and 12 of additive.md: a symbol that is no candidate, in profile fastest, in values.

import { tagOf } from './around.js';
import { MULTIPLIERS } from './range.js';

const { A } = MULTIPLIERS;
// A distribution is eight words: the bounds d_2i in the lower and d_2i+1 in the upper half, with
// d_0 = 0. Sums and differences of words are then those of halves, if no half over- or underflows.
const WORDS = 8;
const TOP = 4096 + 256; // distributions of the first value
const LEVEL = 16 * 17 * 17; // of a further value, in each of its two arrays
const HALVES = 0x10001; // a half times this is a word of two

/** The shift of learning by the count. */
const SHIFTS = Uint8Array.of(1, 2, 2, 3, 3, 3, 3, ...Array(13).fill(4), 5);

/** A bound of a value and a distribution that has learned it for long. */
function target(value, i) {
  return i <= value ? 4 * i : 32768 - 4 * (16 - i);
}

/** The words of a distribution with these bounds. */
function wordsOf(bound) {
  return Int32Array.from({ length: WORDS }, (_, j) => bound(2 * j) | (bound(2 * j + 1) << 16));
}

/** The targets of each value, with 32768 added to each half. */
const TARGETS = new Int32Array(16 * WORDS);
for (let value = 0; value < 16; value += 1) {
  TARGETS.set(wordsOf((i) => 32768 + target(value, i)), WORDS * value);
}

/** A distribution over so many values. */
function beginning(values) {
  const room = 32768 - 4 * (16 - values);
  return wordsOf((i) => (i < values ? Math.floor((i * room) / values) : target(0, i)));
}

/** Fill an array, by copies of what is there already. */
function repeat(array, words) {
  if (array.length === 0) return;
  array.set(words);
  for (let size = words.length; size < array.length; size *= 2) array.copyWithin(size, 0, size);
}

/** Decodes symbols in values of up to four bits. */
export class Values {
  constructor(tree, around, guesses) {
    this.depth = tree.depth;
    this.around = around;
    this.guesses = guesses;
    this.first = ((this.depth - 1) & 3) + 1; // bits of the first value
    const levels = (this.depth - this.first) / 4;
    this.initial = new Int32Array(WORDS * (TOP + 2 * LEVEL * levels));
    repeat(this.initial.subarray(0, WORDS * TOP), beginning(2 ** this.first));
    repeat(this.initial.subarray(WORDS * TOP), beginning(16));
    this.words = new Int32Array(this.initial.length);
    this.counts = new Uint8Array(this.initial.length / WORDS);
  }

  begin() {
    this.words.set(this.initial);
    this.counts.fill(0);
  }

  /** Decode the symbol at column x. */
  decode(coder, x) {
    const { symbols, row0, row1 } = this.around;
    const { first, second } = this.guesses;
    const w = symbols[row0 + x - 1];
    const n = symbols[row1 + x];
    let below = this.depth - this.first;
    const f = ((w >> below) << 8) | ((n >> below) << 4) | (symbols[row1 + x + 1] >> below);
    const g = below > 0 ? tagOf(first) : (first << 4) | second;
    let symbol = this.value(coder, f, 4096 + g) & ((1 << this.first) - 1);
    for (let level = TOP; below > 0; level += 2 * LEVEL) {
      below -= 4;
      const z = this.depth <= 8 ? symbol : Math.imul(symbol, A) >>> 28;
      const base = level + 289 * z;
      const around = 17 * partOf(w >> below, symbol) + partOf(n >> below, symbol);
      const guessed = 17 * partOf(first >> below, symbol) + partOf(second >> below, symbol);
      symbol = (symbol << 4) | this.value(coder, base + around, base + LEVEL + guessed);
    }
    return symbol;
  }

  /** Decode a value with two distributions, and teach them. */
  value(coder, f, g) {
    const { words } = this;
    const atF = WORDS * f;
    const atG = WORDS * g;
    const code = coder.code();
    const range = coder.range();
    // Of the bounds, the even ones first.
    let j = 0;
    for (let step = 4; step > 0; step >>= 1) {
      const bound = (words[atF + j + step] + words[atG + j + step]) & 0xffff;
      if (Math.imul(bound, range) >>> 16 <= code) j += step;
    }
    const pair = (words[atF + j] + words[atG + j]) | 0;
    let low = Math.imul(pair & 0xffff, range) >>> 16;
    let high = Math.imul(pair >>> 16, range) >>> 16;
    let value = 2 * j;
    if (high <= code) {
      value += 1;
      low = high;
      high = range;
      if (j < 7) {
        const next = (words[atF + j + 1] + words[atG + j + 1]) & 0xffff;
        high = Math.imul(next, range) >>> 16;
      }
    }
    coder.take(low, high);
    this.teach(f, value);
    this.teach(g, value);
    return value;
  }

  teach(number, value) {
    const { words, counts } = this;
    const count = counts[number];
    const shift = SHIFTS[count];
    const mask = Math.imul(0xffff >> shift, HALVES);
    const less = Math.imul(0x8000 >> shift, HALVES);
    const at = WORDS * number;
    const targets = WORDS * value;
    for (let i = 0; i < WORDS; i += 1) {
      // With 32768 in each half of a target, the difference is positive; `less` takes it off again.
      const word = words[at + i];
      words[at + i] = word + (((TARGETS[targets + i] - word) >>> shift) & mask) - less;
    }
    if (count < 20) counts[number] = count + 1;
  }
}

/** The lowest four bits of a path if the bits above are `before`, else 16. */
function partOf(path, before) {
  return path >> 4 === before ? path & 15 : 16;
}
