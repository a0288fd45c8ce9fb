// Section 6 of context.md: the symbols around a pixel, and what summarises them.

import { clamp, hash, log2, S, U } from './numbers.js';

const PAD = 16; // columns kept left and right of the image
const SHARES = 14;
const NEIGHBOURS = 15;
const TALL_LEFT = -6; // the columns that tall sums up, and low
const TALL_RIGHT = 6;
const LOW_LEFT = -2;
const LOW_RIGHT = 3;
const TALL_LEAVING = power(TALL_RIGHT - TALL_LEFT + 1);
const LOW_LEAVING = power(LOW_RIGHT - LOW_LEFT + 1);

/** S to the power of a number, modulo 2^32. */
function power(exponent) {
  let result = 1;
  for (let i = 0; i < exponent; i += 1) result = Math.imul(result, S);
  return result;
}

/** Moves over a strip and knows what is around the pixel it stands at. */
export class Surroundings {
  constructor(tree, width, profile) {
    this.colours = tree.colours;
    this.width = width;
    this.stride = width + 2 * PAD;
    this.n = new Int32Array(NEIGHBOURS);
    this.hashFirst = new Int32Array(NEIGHBOURS); // the hashes of the first 0 ... 14 neighbours
    this.hashAbove = new Int32Array(2); // of the columns that tall hashes, and low
    this.hashedAt = new Int32Array(2); // the x at which they were last hashed
    this.learns = profile.expected > 2;
    this.expected = new Int32Array(9); // median, average, learned: three coordinates each
    this.difference = new Int32Array(3 * SHARES);
    this.energy = 0;
    this.x = 0;
    this.activity = 0;
    this.equality = 0;
    this.comparison = 0;
  }

  /** Begin a strip: all is 0 above it. */
  begin() {
    this.symbols = new Uint16Array(4 * this.stride); // of four rows
    // Where column 0 of the row is, and of those above.
    [this.row0, this.row1, this.row2, this.row3] = [0, 1, 2, 3].map((j) => j * this.stride + PAD);
    this.shares = new Int32Array(SHARES);
    this.y = -1;
  }

  /** Begin the next row. */
  nextRow() {
    this.y += 1;
    const { row0, row1, row2, row3, symbols } = this;
    [this.row0, this.row1, this.row2, this.row3] = [row3, row0, row1, row2];
    // Left of the image is column 0 of the row above the one asked for, as that was above it.
    symbols.fill(this.y === 0 ? 0 : symbols[row0], row3 - PAD, row3);
    this.hashedAt.fill(-2);
  }

  /** The sum c of section 6 for a column; `third` is what the third row above is multiplied by. */
  sum(column, third) {
    const { symbols, row1, row2, row3 } = this;
    const c = Math.imul(symbols[row1 + column], 0x85ebca77);
    const lower = Math.imul(symbols[row2 + column], 0xc2b2ae3d);
    return (c + lower + Math.imul(symbols[row3 + column], third)) | 0;
  }

  /**
   * The hash of the sums from `left` to `right`, seen from here; `place` is where it is kept. A hash
   * is a polynomial in S, so that of the next column follows from the last: one sum, times
   * `leaving` (S to the power of their number), leaves it, one enters.
   */
  above(place, left, right, leaving, third) {
    const { x, hashAbove, hashedAt } = this;
    let h = 0;
    if (hashedAt[place] === x - 1) {
      h = hashAbove[place] - Math.imul(this.sum(x - 1 + left, third) + 1, leaving);
      h = hash(h, this.sum(x + right, third));
    } else {
      for (let i = x + left; i <= x + right; i += 1) h = hash(h, this.sum(i, third));
    }
    hashedAt[place] = x;
    hashAbove[place] = h;
    return h;
  }

  put(x, symbol) {
    this.symbols[this.row0 + x] = symbol;
  }

  fill(from, to, symbol) {
    this.symbols.fill(symbol, this.row0 + from, this.row0 + to);
  }

  /** Look around at column x. */
  moveTo(x) {
    this.x = x;
    const { n, y, symbols } = this;
    const at0 = this.row0 + x;
    const at1 = this.row1 + x;
    const at2 = this.row2 + x;
    n[0] = symbols[at0 - 1];
    n[4] = symbols[at0 - 2];
    n[9] = symbols[at0 - 3];
    n[1] = symbols[at1];
    n[2] = symbols[at1 - 1];
    n[3] = symbols[at1 + 1];
    n[7] = symbols[at1 + 2];
    n[8] = symbols[at1 - 2];
    n[14] = symbols[at1 + 3];
    n[5] = symbols[at2];
    n[6] = symbols[at2 + 1];
    n[10] = symbols[at2 - 1];
    n[12] = symbols[at2 + 2];
    n[13] = symbols[at2 - 2];
    n[11] = symbols[this.row3 + x];
    if (y > 2) return;
    if (y === 0) n[1] = n[2] = n[3] = n[7] = n[8] = n[0];
    if (y < 2) {
      n[5] = n[1];
      n[6] = n[3];
      n[10] = n[2];
    }
    n[11] = n[5];
  }

  /** How many pixels from here on a run would have. */
  ahead() {
    const { n, symbols } = this;
    const same = n[0];
    if (this.y < 2 || n[1] !== same || n[2] !== same || n[3] !== same) return 0;
    if (n[4] !== same || n[5] !== same || n[8] !== same) return 0;
    const from = this.row1 + this.x;
    const most = Math.min(this.width - this.x, 1024);
    let k = 0;
    while (k < most && symbols[from + k] === same) k += 1;
    return k;
  }

  summarise() {
    const { colours, expected, n } = this;
    const at0 = 3 * n[0];
    const at1 = 3 * n[1];
    const at2 = 3 * n[2];
    const at3 = 3 * n[3];
    let t = 0;
    for (let axis = 0; axis < 3; axis += 1) {
      const left = colours[at0 + axis];
      const above = colours[at1 + axis];
      const between = colours[at2 + axis];
      const right = colours[at3 + axis];
      t += Math.abs(left - between) + Math.abs(above - right) + Math.abs(above - between);
      const least = Math.min(left, above);
      const most = Math.max(left, above);
      expected[axis] = clamp(left + above - between, least, most);
      expected[3 + axis] = (3 * left + 3 * above + between + right + 4) >> 3;
    }
    this.activity = t < 4 ? 0 : Math.min(7, log2(t) - 1);
    this.compare();
    this.hashNeighbours();
    if (this.learns) this.expectLearned();
  }

  compare() {
    const { n } = this;
    const n0 = n[0];
    const n1 = n[1];
    const n2 = n[2];
    const n3 = n[3];
    const n4 = n[4];
    const i = n0 === n1 ? 0 : n0 === n2 ? 1 : 2;
    const j = n1 === n3 ? 0 : n1 === n2 ? 1 : 2;
    const k = n2 === n3 ? 0 : n0 === n4 ? 1 : 2;
    this.equality = 9 * i + 3 * j + k;
    this.comparison =
      (n3 > n[6] ? 1 : 0) |
      (n2 > n[10] ? 2 : 0) |
      (n1 > n[5] ? 4 : 0) |
      (n0 > n4 ? 8 : 0) |
      (n0 > n2 ? 16 : 0) |
      (n1 > n3 ? 32 : 0) |
      (n0 > n1 ? 64 : 0) |
      (Math.abs(n0 - n2) > 4 ? 128 : 0) |
      (Math.abs(n1 - n3) > 4 ? 256 : 0) |
      (Math.abs(n0 - n1) > 4 ? 512 : 0);
  }

  hashNeighbours() {
    const { n, hashFirst } = this;
    let h = 0;
    for (let i = 0; i < NEIGHBOURS - 1; i += 1) {
      h = hash(h, n[i]);
      hashFirst[i + 1] = h;
    }
  }

  expectLearned() {
    const { colours, expected, difference, shares, n } = this;
    let energy = 0;
    let sum0 = 32768;
    let sum1 = 32768;
    let sum2 = 32768;
    for (let i = 0; i < SHARES; i += 1) {
      const at = 3 * n[i];
      const u0 = colours[at] - expected[3];
      const u1 = colours[at + 1] - expected[4];
      const u2 = colours[at + 2] - expected[5];
      difference[3 * i] = u0;
      difference[3 * i + 1] = u1;
      difference[3 * i + 2] = u2;
      sum0 += Math.imul(u0, shares[i]);
      sum1 += Math.imul(u1, shares[i]);
      sum2 += Math.imul(u2, shares[i]);
      energy += u0 * u0 + u1 * u1 + u2 * u2;
    }
    expected[6] = clamp(expected[3] + (sum0 >> 16), 0, 255);
    expected[7] = clamp(expected[4] + (sum1 >> 16), 0, 255);
    expected[8] = clamp(expected[5] + (sum2 >> 16), 0, 255);
    this.energy = energy;
  }

  /** Move the shares, after the symbol of this pixel is known. */
  learn(symbol) {
    if (!this.learns) return;
    const { colours, expected, difference, shares } = this;
    const e0 = 256 * (colours[3 * symbol] - expected[6]);
    const e1 = 256 * (colours[3 * symbol + 1] - expected[7]);
    const e2 = 256 * (colours[3 * symbol + 2] - expected[8]);
    const shift = log2(256 + this.energy) - 4;
    for (let i = 0; i < SHARES; i += 1) {
      const at = 3 * i;
      const step = e0 * difference[at] + e1 * difference[at + 1] + e2 * difference[at + 2];
      shares[i] = clamp(shares[i] + (step >> shift), -65536, 65536);
    }
  }

  /** H(N_a), H(N_a, N_b) and H(N_a, N_b, N_c). */
  hash1(a) {
    return hash(0, this.n[a]);
  }

  hash2(a, b) {
    return hash(hash(0, this.n[a]), this.n[b]);
  }

  hash3(a, b, c) {
    return hash(hash(hash(0, this.n[a]), this.n[b]), this.n[c]);
  }

  hashLeft(count) {
    const { symbols } = this;
    const at = this.row0 + this.x;
    let h = 0;
    for (let i = at - count; i < at; i += 1) h = hash(h, symbols[i]);
    return h;
  }

  tall() {
    const h = this.above(0, TALL_LEFT, TALL_RIGHT, TALL_LEAVING, 0x27d4eb2f);
    return (Math.imul(h, U) + this.hashLeft(8)) | 0;
  }

  low() {
    const h = this.above(1, LOW_LEFT, LOW_RIGHT, LOW_LEAVING, 0);
    return (Math.imul(h, U) + this.hashLeft(4)) | 0;
  }
}
