// Section 6 of context.md: the symbols around a pixel, and what summarises them.

import { clamp, hash, log2, U } from './numbers.js';

const PAD = 16; // columns kept left and right of the image
const SHARES = 14;
const NEIGHBOURS = 15;

/** Moves over a strip and knows what is around the pixel it stands at. */
export class Surroundings {
  constructor(tree, width, expected) {
    this.colours = tree.colours;
    this.width = width;
    this.n = new Int32Array(NEIGHBOURS);
    this.colourCount = expected;
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
    this.rows = [0, 1, 2, 3].map(() => new Uint16Array(this.width + 2 * PAD));
    this.shares = new Int32Array(SHARES);
    this.y = -1;
  }

  /** Begin the next row. */
  nextRow() {
    this.y += 1;
    const last = this.rows[0];
    this.rows.unshift(this.rows.pop());
    // Left of the image is column 0 of the row above the one asked for, as that was above it.
    this.rows[0].fill(this.y === 0 ? 0 : last[PAD], 0, PAD);
  }

  symbol(i, j) {
    return this.rows[j][PAD + this.x + i];
  }

  put(x, symbol) {
    this.rows[0][PAD + x] = symbol;
  }

  fill(from, to, symbol) {
    this.rows[0].fill(symbol, PAD + from, PAD + to);
  }

  /** The coded row, without what lies left and right of it. */
  row() {
    return this.rows[0].subarray(PAD, PAD + this.width);
  }

  /** Look around at column x. */
  moveTo(x) {
    this.x = x;
    const n = this.n;
    const at = PAD + x;
    const [r0, r1, r2, r3] = this.rows;
    n[0] = r0[at - 1];
    n[4] = r0[at - 2];
    n[9] = r0[at - 3];
    n[1] = r1[at];
    n[2] = r1[at - 1];
    n[3] = r1[at + 1];
    n[7] = r1[at + 2];
    n[8] = r1[at - 2];
    n[14] = r1[at + 3];
    n[5] = r2[at];
    n[6] = r2[at + 1];
    n[10] = r2[at - 1];
    n[12] = r2[at + 2];
    n[13] = r2[at - 2];
    n[11] = r3[at];
    if (this.y === 0) n[1] = n[2] = n[3] = n[7] = n[8] = n[0];
    if (this.y < 2) {
      n[5] = n[1];
      n[6] = n[3];
      n[10] = n[2];
    }
    if (this.y < 3) n[11] = n[5];
  }

  /** How many pixels from here on a run would have. */
  ahead() {
    const n = this.n;
    const same = n[0];
    if (this.y < 2 || n[1] !== same || n[2] !== same || n[3] !== same) return 0;
    if (n[4] !== same || n[5] !== same || n[8] !== same) return 0;
    const above = this.rows[1];
    const from = PAD + this.x;
    const most = Math.min(this.width - this.x, 1024);
    let k = 0;
    while (k < most && above[from + k] === same) k += 1;
    return k;
  }

  summarise() {
    const { colours, expected } = this;
    const [n0, n1, n2, n3, n4, n5, n6] = this.n;
    let t = 0;
    for (let axis = 0; axis < 3; axis += 1) {
      const w = colours[3 * n0 + axis];
      const n = colours[3 * n1 + axis];
      const nw = colours[3 * n2 + axis];
      const ne = colours[3 * n3 + axis];
      t += Math.abs(w - nw) + Math.abs(n - ne) + Math.abs(n - nw);
      expected[axis] = clamp(w + n - nw, Math.min(w, n), Math.max(w, n));
      expected[3 + axis] = (3 * w + 3 * n + nw + ne + 4) >> 3;
    }
    this.activity = t < 4 ? 0 : Math.min(7, log2(t) - 1);
    const i = n0 === n1 ? 0 : n0 === n2 ? 1 : 2;
    const j = n1 === n3 ? 0 : n1 === n2 ? 1 : 2;
    const k = n2 === n3 ? 0 : n0 === n4 ? 1 : 2;
    this.equality = 9 * i + 3 * j + k;
    this.comparison =
      (n3 > n6 ? 1 : 0) |
      (n2 > this.n[10] ? 2 : 0) |
      (n1 > n5 ? 4 : 0) |
      (n0 > n4 ? 8 : 0) |
      (n0 > n2 ? 16 : 0) |
      (n1 > n3 ? 32 : 0) |
      (n0 > n1 ? 64 : 0) |
      (Math.abs(n0 - n2) > 4 ? 128 : 0) |
      (Math.abs(n1 - n3) > 4 ? 256 : 0) |
      (Math.abs(n0 - n1) > 4 ? 512 : 0);
    if (this.colourCount > 2) this.expectLearned();
  }

  expectLearned() {
    const { colours, expected, difference, shares, n } = this;
    let energy = 0;
    for (let axis = 0; axis < 3; axis += 1) {
      const average = expected[3 + axis];
      let sum = 0;
      for (let i = 0; i < SHARES; i += 1) {
        const u = colours[3 * n[i] + axis] - average;
        difference[3 * i + axis] = u;
        sum += u * shares[i];
        energy += u * u;
      }
      expected[6 + axis] = clamp(average + ((sum + 32768) >> 16), 0, 255);
    }
    this.energy = energy;
  }

  /** Move the shares, after the symbol of this pixel is known. */
  learn(symbol) {
    if (this.colourCount < 3) return;
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

  /** The hash of the neighbours with these numbers. */
  hashOf(...numbers) {
    let h = 0;
    for (let i = 0; i < numbers.length; i += 1) h = hash(h, this.n[numbers[i]]);
    return h;
  }

  /** The hash of the first so many neighbours. */
  hashFirst(count) {
    let h = 0;
    for (let i = 0; i < count; i += 1) h = hash(h, this.n[i]);
    return h;
  }

  hashLeft(count) {
    let h = 0;
    for (let i = -count; i < 0; i += 1) h = hash(h, this.symbol(i, 0));
    return h;
  }

  tall() {
    const [, r1, r2, r3] = this.rows;
    let h = 0;
    for (let i = PAD + this.x - 6; i <= PAD + this.x + 6; i += 1) {
      const c = Math.imul(r1[i], 0x85ebca77) + Math.imul(r2[i], 0xc2b2ae3d);
      h = hash(h, c + Math.imul(r3[i], 0x27d4eb2f));
    }
    return Math.imul(h, U) + this.hashLeft(8);
  }

  low() {
    const [, r1, r2] = this.rows;
    let h = 0;
    for (let i = PAD + this.x - 2; i <= PAD + this.x + 3; i += 1) {
      h = hash(h, Math.imul(r1[i], 0x85ebca77) + Math.imul(r2[i], 0xc2b2ae3d));
    }
    return Math.imul(h, U) + this.hashLeft(4);
  }

  /** B_v(i ... k; j) of section 9. */
  equal(v, i, k, j) {
    const row = this.rows[j];
    const at = PAD + this.x;
    let bits = 0;
    for (let column = k; column >= i; column -= 1) {
      bits = (bits << 1) | (row[at + column] === v ? 1 : 0);
    }
    return bits;
  }

  near(v) {
    return (
      this.equal(v, -2, -1, 0) | (this.equal(v, -1, 2, 1) << 2) | (this.equal(v, -1, 1, 2) << 6)
    );
  }

  all(v) {
    const lower = this.equal(v, -6, -1, 0) | (this.equal(v, -4, 5, 1) << 6);
    return lower | (this.equal(v, -3, 3, 2) << 16) | (this.equal(v, -2, 2, 3) << 23);
  }

  shape(v) {
    const lower = this.equal(v, -3, -1, 0) | (this.equal(v, -2, 2, 1) << 3);
    return lower | (this.equal(v, -1, 1, 2) << 8) | (this.equal(v, 0, 0, 3) << 11);
  }

  wide(v) {
    const lower = this.equal(v, -3, -1, 0) | (this.equal(v, -3, 3, 1) << 3);
    return lower | (this.equal(v, -2, 2, 2) << 10) | (this.equal(v, 0, 0, 3) << 15);
  }
}
