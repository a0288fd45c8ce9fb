// Sections 3, 5 and 6 of labels.md: the symbols around a pixel, candidates, and places of slots.

import { MULTIPLIERS } from './range.js';

const { A, B, C, D } = MULTIPLIERS;
const LEFT = 8; // columns kept left of the image
const RIGHT = 4; // and right of it
const MOST_RUN = 1025;
const MOST_CANDIDATES = 4;
const FLAGS = 12; // bits of a place in a table

/** 1 if two symbols are equal: only the difference of 0 becomes negative. */
function same(one, other) {
  return ((one ^ other) - 1) >>> 31;
}

/** Which of eight places hold the symbol: bit 0 for the first. */
function eight(symbols, at, symbol) {
  const low =
    same(symbols[at], symbol) |
    (same(symbols[at + 1], symbol) << 1) |
    (same(symbols[at + 2], symbol) << 2) |
    (same(symbols[at + 3], symbol) << 3);
  const high =
    same(symbols[at + 4], symbol) |
    (same(symbols[at + 5], symbol) << 1) |
    (same(symbols[at + 6], symbol) << 2) |
    (same(symbols[at + 7], symbol) << 3);
  return low | (high << 4);
}

/** Knows the row that is decoded and those above it that count, in a ring. */
export class Nearby {
  constructor(width) {
    this.width = width;
    this.stride = LEFT + width + RIGHT;
    this.symbols = new Uint16Array(0);
    this.candidates = new Int32Array(MOST_CANDIDATES);
    this.marks = new Int32Array(MOST_CANDIDATES); // q of each candidate
    this.places = new Int32Array(6); // of the slots of a flag
  }

  /** Begin a strip, with slices of so many rows or 0: all is 0 above it. */
  begin(slice) {
    this.slice = slice;
    this.rows = Math.max(4, slice + 2);
    const room = this.rows * this.stride;
    if (this.symbols.length < room) this.symbols = new Uint16Array(room);
    else this.symbols.fill(0, 0, room);
    this.y = -1;
    this.count = 0; // of candidates
    this.agree = 0;
  }

  /** Where column 0 is of the row that is so many rows above. */
  rowAt(above) {
    const row = (this.y - above + 2 * this.rows) % this.rows;
    return row * this.stride + LEFT;
  }

  nextRow() {
    this.y += 1;
    this.row0 = this.rowAt(0);
    this.row1 = this.rowAt(1);
    this.row2 = this.rowAt(2);
    this.row3 = this.rowAt(3);
    this.hasBefore = this.slice > 0 && this.y >= this.slice;
    if (this.hasBefore) {
      this.before = this.rowAt(this.slice);
      this.beforeAbove = this.rowAt(this.slice + 1);
      this.beforeBelow = this.rowAt(this.slice - 1);
    }
    const { symbols, row0, row1 } = this;
    symbols.fill(symbols[row1], row0 - LEFT, row0);
  }

  /** End the row, and write it to `out` at `start`. */
  endRow(out, start) {
    const { symbols, row0, width } = this;
    const end = row0 + width;
    symbols.fill(symbols[end - 1], end, end + RIGHT);
    out.set(symbols.subarray(row0, end), start);
  }

  at(x) {
    return this.symbols[this.row0 + x];
  }

  put(x, symbol) {
    this.symbols[this.row0 + x] = symbol;
  }

  fill(from, to, symbol) {
    this.symbols.fill(symbol, this.row0 + from, this.row0 + to);
  }

  /** How many pixels from column x on a run would have. */
  ahead(x) {
    const { symbols } = this;
    const beside = this.row0 + x;
    const above = this.row1 + x;
    const same = symbols[beside - 1];
    if (symbols[above] !== same || symbols[above - 1] !== same) return 0;
    if (symbols[beside - 2] !== same) return 0;
    const room = this.width - x;
    let most = Math.min(room, MOST_RUN);
    if (this.hasBefore) most = this.alike(this.before + x, most, same);
    const n = this.alike(above, most, same);
    return n < room ? n - 1 : n;
  }

  /** How many pixels from a place on, but `most` at most, have the symbol. */
  alike(at, most, symbol) {
    const { symbols } = this;
    let n = 0;
    while (n < most && symbols[at + n] === symbol) n += 1;
    return n;
  }

  /** Look around at column x: find the candidates. */
  look(x) {
    const { symbols } = this;
    const above = this.row1 + x;
    const w = symbols[this.row0 + x - 1];
    const n = symbols[above];
    const nw = symbols[above - 1];
    const ne = symbols[above + 1];
    const forW = (w === nw ? 1 : 0) + (w === ne ? 2 : 0);
    const forN = (n === nw ? 1 : 0) + (n === ne ? 2 : 0);
    const vote = forN > forW ? n : w;
    this.x = x;
    this.w = w;
    this.n = n;
    this.beside = Math.imul(w, C) + Math.imul(n, A) + Math.imul((nw << 16) ^ ne, D);
    this.count = 0;
    if (this.hasBefore) this.lookBefore(vote, w, n, nw, ne);
    else this.offer(vote);
    this.offer(n);
    this.offer(w);
    this.offer(ne);
    this.offer(nw);
    this.marks[0] = this.markOf(this.candidates[0]);
    this.marks[1] = this.count > 1 ? this.markOf(this.candidates[1]) : 0;
  }

  /** The first candidates where there is a slice before. */
  lookBefore(vote, w, n, nw, ne) {
    const { symbols, x } = this;
    const above = this.beforeAbove + x;
    const p = symbols[this.before + x];
    this.agree =
      (symbols[this.before + x - 1] === w ? 1 : 0) +
      (symbols[above] === n ? 1 : 0) +
      (symbols[above - 1] === nw ? 1 : 0) +
      (symbols[above + 1] === ne ? 1 : 0);
    this.guess = Math.imul(1 + this.agree + (p === vote ? 8 : 0), C);
    if (this.agree >= 3) this.offer(p);
    this.offer(vote);
    this.offer(p);
  }

  offer(symbol) {
    const { candidates, count } = this;
    if (count === MOST_CANDIDATES) return;
    for (let rank = 0; rank < count; rank += 1) if (candidates[rank] === symbol) return;
    candidates[count] = symbol;
    this.count = count + 1;
  }

  /** q of a symbol. */
  markOf(symbol) {
    const { symbols, x } = this;
    const beside = eight(symbols, this.row0 + x - 8, symbol);
    const first = eight(symbols, this.row1 + x - 3, symbol) << 8;
    const second = eight(symbols, this.row2 + x - 3, symbol) << 16;
    return beside | first | second | (eight(symbols, this.row3 + x - 3, symbol) << 24);
  }

  /** z of a symbol. */
  markBefore(symbol) {
    const { symbols, x } = this;
    const beside = eight(symbols, this.before + x - 3, symbol);
    return beside | (eight(symbols, this.beforeBelow + x - 3, symbol) << 8) | 0x10000;
  }

  /** Find the slots of the flag of a candidate: their places in an array of all tables. */
  findSlots(rank) {
    const { places, marks } = this;
    const symbol = this.candidates[rank];
    if (rank > 1) marks[rank] = this.markOf(symbol);
    const q = marks[rank];
    const other = marks[rank === 0 ? 1 : 0];
    places[0] = Math.imul(q & 0x1c3ec0, A) ^ Math.imul(other & 0x083e80, B);
    places[2] = this.beside + Math.imul(symbol, B);
    places[4] = Math.imul(q & 0x7f7f7f80, C);
    if (this.hasBefore) {
      const z = this.markBefore(symbol);
      places[1] = Math.imul(z & 0x13e1e, A) + Math.imul(q & 0x1c80, B) + this.guess;
      places[3] = Math.imul(z & 0x10c1c, A) + Math.imul(q & 0x1e3ce0, B);
      places[5] = Math.imul(z, A) + Math.imul(q & 0x1e80, B);
    } else {
      places[1] = Math.imul(q & 0xff7f80, B);
      places[3] = Math.imul(q & 0x3e3e3ec0, C) + Math.imul(other & 0x3e80, D);
      places[5] = Math.imul(q & 0x1c0080, A) + Math.imul(other & 0x1c00, B);
    }
    const first = 6 * Math.min(rank, 2);
    for (let t = 0; t < 6; t += 1) {
      places[t] = ((first + t) << FLAGS) | (places[t] >>> (32 - FLAGS));
    }
  }
}
