// Section 11 of additive.md: a symbol that is no candidate, in profile fast, as a path.

import { WORDS } from './around.js';
import { decideSix, MULTIPLIERS, renew } from './range.js';

const { ABOVE, BESIDE } = WORDS;
const { A, B, C } = MULTIPLIERS;
const TABLES = 6;
const TABLE_BITS = 15;
const LINE_SHIFT = 32 - 11; // a line is 16 slots
const FLOOR = 1200;
const BITS = 0x01010101; // the lowest bit of each byte

/** Bit `i` is the lowest bit of byte `i`. */
function lowestBits(word) {
  return Math.imul(word & BITS, 0x10204080) >>> 28;
}

/** Decodes symbols as paths through the tree. */
export class Path {
  constructor(tree, around, guesses) {
    this.leaves = tree.leaves;
    this.depth = tree.depth;
    this.around = around;
    this.guesses = guesses;
    this.slots = new Int32Array(TABLES << TABLE_BITS);
    this.lines = new Int32Array(5);
    // Eight symbols around, at the places 0 to 7, as words of four: their lower bytes, their upper.
    this.bytes = new Int32Array(4);
  }

  begin() {
    renew(this.slots);
  }

  /** Decode the symbol at column x. */
  decode(coder, x) {
    const { depth, bytes, lines, slots } = this;
    this.gather(x);
    let node = 1;
    let within = 0;
    // A byte is 1 if the node is above the symbol, at the places 0 to 3 and 4 to 7.
    let same0 = BITS;
    let same1 = BITS;
    for (let below = depth - 1; below >= 0; below -= 1) {
      if (within === 0 || (below & 3) === 3) {
        this.findLines(node, x);
        within = 1;
      }
      const half = (below >> 3) << 1;
      const side0 = bytes[half] >> (below & 7);
      const side1 = bytes[half + 1] >> (below & 7);
      let bit = this.forced(node, below);
      if (bit < 0) {
        const same = lowestBits(same0) | (lowestBits(same1) << 4);
        const sides = lowestBits(same0 & side0) | (lowestBits(same1 & side1) << 4);
        const hash = Math.imul(((depth - 1 - below) << 16) | (same << 8) | sides, A);
        const last = (5 << TABLE_BITS) + (hash >>> (32 - TABLE_BITS));
        bit = decideSix(coder, slots, lines, within, last, FLOOR);
      }
      same0 &= bit ? side0 : ~side0;
      same1 &= bit ? side1 : ~side1;
      node = 2 * node + bit;
      within = 2 * within + bit;
    }
    return node - (1 << depth);
  }

  gather(x) {
    const { bytes, depth } = this;
    const { symbols, words, row0, row1 } = this.around;
    if (depth <= 8) {
      bytes[0] = words[ABOVE];
      bytes[1] = words[BESIDE];
      return;
    }
    bytes.fill(0);
    for (let i = 0; i < 8; i += 1) {
      const symbol = symbols[i < 5 ? row1 + x + i - 2 : row0 + x + 4 - i];
      bytes[i >> 2] |= (symbol & 255) << (8 * (i & 3));
      bytes[2 + (i >> 2)] |= (symbol >> 8) << (8 * (i & 3));
    }
  }

  /** Find where the slots of a part of the tree begin, whose uppermost node is `node`. */
  findLines(node, x) {
    const { lines, guesses } = this;
    const { symbols, row0, row1 } = this.around;
    const h = Math.imul(node, A);
    const pair = (Math.imul(guesses.first, B) + Math.imul(guesses.second, C)) | 0;
    lines[0] = ((h + Math.imul(symbols[row0 + x - 1], B)) >>> LINE_SHIFT) << 4;
    lines[1] = ((h + Math.imul(symbols[row1 + x], B)) >>> LINE_SHIFT) << 4;
    lines[2] = ((h + Math.imul(symbols[row1 + x + 1], B)) >>> LINE_SHIFT) << 4;
    lines[3] = ((h + Math.imul(symbols[row1 + x - 1], B)) >>> LINE_SHIFT) << 4;
    lines[4] = ((h + pair) >>> LINE_SHIFT) << 4;
    for (let i = 1; i < 5; i += 1) lines[i] += i << TABLE_BITS;
  }

  /** The side that a node's path takes without a bit, -1 if that takes one. */
  forced(node, below) {
    const { leaves } = this;
    let zeros = leaves[2 * node];
    let ones = leaves[2 * node + 1];
    if (zeros > 2 && ones > 2) return -1;
    const { first, second } = this.guesses;
    const base = 1 << this.depth;
    for (let rank = 0; rank < 2; rank += 1) {
      const child = (base + (rank === 0 ? first : second)) >> below;
      if (child >> 1 !== node || (rank === 1 && second === first)) continue;
      if (child & 1) ones -= 1;
      else zeros -= 1;
    }
    if (zeros <= 0) return 1;
    return ones <= 0 ? 0 : -1;
  }
}
