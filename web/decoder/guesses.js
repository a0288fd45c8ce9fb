// Sections 8 to 10 of additive.md: heads, candidates, flags.

import { tagOf, WORDS, zeroBytes } from './around.js';
import { decideFour, MULTIPLIERS, renew } from './range.js';

const { ABOVE, BESIDE, UP, LEFT } = WORDS;
const { A, B, C, D, E } = MULTIPLIERS;
const BYTES = 0x01010101; // a byte times this is a word of four
const TABLES = 4; // of the flag of each candidate
const FLOOR = 2600;
const TRUST_X = Uint8Array.of(0, 0, 0, 0, 0, 1, 1, 2);
const TRUST_Y = Uint8Array.of(0, 0, 0, 0, 1, 1, 2, 2);

/**
 * Strength, and 8 if the vote is for N, by what is equal: W = NW counts 1, W = N 2, W = NE 4,
 * N = NW 8, N = NE 16.
 */
const VOTES = Uint8Array.from({ length: 32 }, (_, equal) => {
  const [nw, n, ne, aboveNW, aboveNE] = [0, 1, 2, 3, 4].map((i) => (equal >> i) & 1);
  const left = nw + 2 * ne + 4 * n;
  const above = aboveNW + 2 * aboveNE + 4 * n;
  return above > left ? 8 + above : left;
});

/** The candidates of a pixel, `first` and `second`; equal if there is no second one. */
export class Guesses {
  /** Profile fast has two heads, fastest one. */
  constructor(around, heads) {
    this.around = around;
    this.heads = heads;
    this.bits = heads === 2 ? 14 : 13; // of a table of flags
    this.first = 0;
    this.second = 0;
    this.near1 = 0; // the equalities of the candidates
    this.near2 = 0;
    this.strength = 0;
    this.placeX = 0;
    this.checkX = 0;
    this.runX = 0;
    this.lastX = 0;
    this.placeY = 0;
    this.checkY = 0;
    this.runY = 0;
    this.lastY = 0;
    this.slots = new Int32Array((2 * TABLES) << this.bits);
    // A head: its check in the upper 12 bits, its run in the next 4, its last symbol in 16.
    this.headsX = new Int32Array(0);
    this.headsY = new Int32Array(0);
    this.headShift = 0;
  }

  /** Begin a strip, with tables of `2^bits` heads. */
  begin(bits) {
    this.headShift = 32 - bits;
    this.headsX = cleared(this.headsX, 2 ** bits);
    if (this.heads === 2) this.headsY = cleared(this.headsY, 2 ** bits);
    renew(this.slots);
  }

  findX() {
    const { words } = this.around;
    const beside = this.heads === 2 ? words[BESIDE] & 0xffffff : words[BESIDE];
    let v = (Math.imul(words[ABOVE], A) + Math.imul(beside, B) + Math.imul(words[UP], C)) | 0;
    v = Math.imul(v ^ (v >>> 15), D);
    const place = v >>> this.headShift;
    const head = this.headsX[place];
    this.placeX = place;
    this.checkX = v & 0xfff;
    this.runX = head >>> 20 === (v & 0xfff) ? (head >>> 16) & 15 : 0;
    this.lastX = head & 0xffff;
  }

  findY(x) {
    const { view, words, row1, row2 } = this.around;
    let v = Math.imul(view.getInt32(row1 + x - 4, true), A);
    v = (v + Math.imul(view.getInt32(row1 + x, true), B)) | 0;
    v = (v + Math.imul(view.getInt32(row2 + x - 4, true), C)) | 0;
    v = (v + Math.imul(view.getInt32(row2 + x, true), D)) | 0;
    v = (v + Math.imul(words[LEFT], E)) | 0;
    v = Math.imul(v ^ (v >>> 15), D);
    const place = v >>> this.headShift;
    const head = this.headsY[place];
    this.placeY = place;
    this.checkY = v & 0xfff;
    this.runY = head >>> 20 === (v & 0xfff) ? (head >>> 16) & 15 : 0;
    this.lastY = head & 0xffff;
  }

  /** Choose the candidates at column x. */
  choose(x) {
    const { around, runX, lastX, runY, lastY } = this;
    const { symbols, row0, row1, words } = around;
    const above = words[ABOVE];
    const ofW = zeroBytes(above ^ Math.imul(words[LEFT] & 255, BYTES));
    const ofN = zeroBytes(above ^ Math.imul((above >>> 16) & 255, BYTES));
    const votes = VOTES[((ofW >> 1) & 7) | ((ofN << 2) & 8) | ((ofN << 1) & 16)];
    const strength = votes & 7;
    const w = symbols[row0 + x - 1];
    const n = symbols[row1 + x];
    const vote = votes > 7 ? n : w;
    const voted = runY > TRUST_Y[strength] ? lastY : vote;
    const first = runX > TRUST_X[strength] ? lastX : voted;
    let second = voted;
    if (second === first) second = vote;
    if (second === first && runX > 0) second = lastX;
    if (second === first && runY > 0) second = lastY;
    if (second === first) second = n;
    if (second === first) second = w;
    if (second === first) second = symbols[row1 + x + 1];
    if (second === first) second = symbols[row1 + x - 1];
    this.strength = strength;
    this.first = first;
    this.second = second;
    this.near1 = this.near(first);
    this.near2 = second === first ? this.near1 : this.near(second);
  }

  /** The equalities of a candidate. */
  near(candidate) {
    const { words } = this.around;
    const all = Math.imul(tagOf(candidate), BYTES);
    const up = zeroBytes(words[UP] ^ all) & 7;
    return zeroBytes(words[ABOVE] ^ all) | (zeroBytes(words[BESIDE] ^ all) << 4) | (up << 8);
  }

  /** Decode the flag of a candidate of rank 0 or 1. */
  flag(coder, rank, candidate, near, nearOther) {
    const { around, bits } = this;
    const { words } = around;
    const above = words[ABOVE];
    const left = words[LEFT];
    const table = (rank * TABLES) << bits;
    const size = 1 << bits;
    const shift = 32 - bits;
    const tag = Math.imul(tagOf(candidate), B);
    const x = this.runX + (this.lastX === candidate ? 16 : 0);
    const y = this.heads === 2 && this.lastY === candidate ? 4096 : 0;
    const column = ((words[UP] >>> 8) & 255) | ((above >>> 8) & 0xff00);
    const h2 = (Math.imul(above >>> 8, A) + Math.imul(left & 255, C) + tag) | 0;
    const h3 = (Math.imul(left & 0xffff, A) + Math.imul(column, C) + tag) | 0;
    return decideFour(
      coder,
      this.slots,
      table + x + (this.strength << 5) + (this.runY << 8) + y,
      table + size + (Math.imul((near << 11) | nearOther, A) >>> shift),
      table + 2 * size + (h2 >>> shift),
      table + 3 * size + (h3 >>> shift),
      FLOOR,
    );
  }

  /** Decode whether a candidate at column x is the symbol, and which; -1 if none is. */
  decode(coder, x) {
    this.findX();
    if (this.heads === 2) this.findY(x);
    this.choose(x);
    const { first, second, near1, near2 } = this;
    if (this.flag(coder, 0, first, near1, near2)) return first;
    if (second !== first && this.flag(coder, 1, second, near2, near1)) return second;
    return -1;
  }

  /** Learn the symbol of the pixel. */
  learn(symbol) {
    const { runX, runY } = this;
    const x = runX > 0 && this.lastX === symbol ? Math.min(15, runX + 1) : 1;
    this.headsX[this.placeX] = (this.checkX << 20) | (x << 16) | symbol;
    if (this.heads < 2) return;
    const y = runY > 0 && this.lastY === symbol ? Math.min(15, runY + 1) : 1;
    this.headsY[this.placeY] = (this.checkY << 20) | (y << 16) | symbol;
  }
}

/** An array of so many zeros: the same if it has this size. */
function cleared(array, size) {
  return array.length === size ? array.fill(0) : new Int32Array(size);
}
