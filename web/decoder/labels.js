// labels.md: the strips of coding method 6.

import { Nearby } from './nearby.js';
import { bitsFor, log2 } from './numbers.js';
import { decide, decideFour, decideSix, MULTIPLIERS, RangeDecoder, renew } from './range.js';
import { unpackPlain } from './rows.js';

const { A, B, C } = MULTIPLIERS;
const FORMS = { ROWS: 0, SLICES: 1, PLAIN: 0xff }; // by the first byte of a payload
const MOST_SLICE = 4096;
const LEAST_RUN = 8;
const RUNS = 44;
const TABLE = 4096;
const RUN_WEIGHT = 15000;
const FLAG_WEIGHT = 4000;
const FLOOR = 2600;
const SYMBOL_FLOOR = 1200;

/** Decodes strips of an image, one at a time. */
export class LabelDecoder {
  constructor(entries, width) {
    this.entries = entries;
    this.width = width;
    this.bits = bitsFor(entries);
    this.nearby = null; // made with the first strip that is coded
  }

  /** Decode a strip into `out`, the indices of its rows; `refuse(message)` throws the error. */
  strip(payload, out, refuse) {
    const { width, entries } = this;
    if (entries === 1) {
      if (payload.length > 0) refuse('has a payload, but one entry needs none');
      return;
    }
    const form = payload[0];
    if (form === FORMS.PLAIN) {
      unpackPlain(payload.subarray(1), width, entries, out, refuse);
      return;
    }
    if (form !== FORMS.ROWS && form !== FORMS.SLICES) {
      refuse(form === undefined ? 'has no payload' : `has a payload of unknown form ${form}`);
    }
    const slice = form === FORMS.SLICES ? sliceOf(payload, out.length / width, refuse) : 0;
    this.begin(slice);
    const coder = new RangeDecoder(payload.subarray(form === FORMS.SLICES ? 3 : 1), refuse);
    for (let start = 0; start < out.length; start += width) {
      this.row(coder, refuse);
      this.nearby.endRow(out, start);
    }
    coder.end();
  }

  begin(slice) {
    if (this.nearby === null) {
      this.nearby = new Nearby(this.width);
      this.runs = new Int32Array(RUNS);
      this.flags = new Int32Array(18 * TABLE);
      this.others = new Int32Array(6); // by the number of candidates; 0 is about the next symbol
      this.symbols = new Int32Array(4 * TABLE);
      this.occurred = new Uint8Array(this.entries);
    }
    this.nearby.begin(slice);
    renew(this.runs, RUN_WEIGHT);
    renew(this.flags);
    renew(this.flags.subarray(0, 6 * TABLE), FLAG_WEIGHT);
    renew(this.others);
    renew(this.symbols);
    this.occurred.fill(0);
    this.occurred[0] = 1;
    this.known = 1; // how many symbols have occurred
    this.last = 0; // the last symbol that was coded as one that had not
  }

  /** Decode the next row. */
  row(coder, refuse) {
    const { nearby, width } = this;
    nearby.nextRow();
    for (let x = 0, limit = 0; x < width;) {
      const ahead = x >= limit ? nearby.ahead(x) : 0;
      if (ahead >= LEAST_RUN) {
        limit = x + ahead;
        if (this.run(coder, x, limit)) {
          x = limit;
          continue;
        }
      }
      nearby.look(x);
      let symbol = this.candidate(coder);
      if (symbol < 0) symbol = this.other(coder, refuse);
      this.note(symbol);
      nearby.put(x, symbol);
      x += 1;
    }
  }

  /** Decode whether the pixels up to `limit` are a run, and go past them if so. */
  run(coder, x, limit) {
    const { nearby } = this;
    const ahead = limit - x;
    const whole = log2(ahead);
    const half = (ahead >> (whole - 1)) & 1;
    const place = 4 * whole + 2 * half + (limit < this.width ? 1 : 0);
    const bit = decide(coder, this.runs, place, FLOOR);
    if (bit) {
      const symbol = nearby.at(x - 1);
      nearby.fill(x, limit, symbol);
      this.note(symbol);
    }
    return bit;
  }

  /** Decode which candidate it is; -1 if none. */
  candidate(coder) {
    const { nearby, flags } = this;
    const { candidates, places, count } = nearby;
    for (let rank = 0; rank < count; rank += 1) {
      nearby.findSlots(rank);
      if (decideSix(coder, flags, places, 0, places[5], FLOOR)) return candidates[rank];
    }
    return -1;
  }

  /** Note that a symbol has occurred. */
  note(symbol) {
    if (this.occurred[symbol]) return;
    this.occurred[symbol] = 1;
    this.known += 1;
  }

  /** Decode a symbol that is no candidate. */
  other(coder, refuse) {
    const { nearby, symbols, bits, others } = this;
    if (this.known < this.entries && decide(coder, others, nearby.count, FLOOR)) {
      this.last = this.fresh(coder, refuse);
      return this.last;
    }
    const forW = Math.imul(nearby.w, B);
    const forN = Math.imul(nearby.n, C);
    let k = 1;
    for (let i = 0; i < bits; i += 1) {
      const own = Math.imul(k, A);
      const a = own >>> 20;
      const b = TABLE | ((own + forW) >>> 20);
      const c = (2 * TABLE) | ((own + forN) >>> 20);
      const d = (3 * TABLE) | ((own + forN + forW) >>> 20);
      k = (k << 1) | decideFour(coder, symbols, a, b, c, d, SYMBOL_FLOOR);
    }
    return this.checked(k, refuse);
  }

  /** Decode a symbol that has not occurred. */
  fresh(coder, refuse) {
    const next = this.last + 1;
    if (next < this.entries && decide(coder, this.others, 0, FLOOR)) return next;
    let k = 1;
    for (let i = 0; i < this.bits; i += 1) k = (k << 1) | coder.bit(32768);
    return this.checked(k, refuse);
  }

  checked(k, refuse) {
    const symbol = k - 2 ** this.bits;
    if (symbol >= this.entries) {
      refuse(`has the index ${symbol}, but there are ${this.entries} entries`);
    }
    return symbol;
  }
}

/** The rows of a slice, in a strip of so many. */
function sliceOf(payload, rows, refuse) {
  if (payload.length < 3) refuse('ends within the rows of a slice');
  const slice = payload[1] | (payload[2] << 8);
  if (slice < 2 || slice > MOST_SLICE || slice >= rows) {
    refuse(`has slices of ${slice} rows, which are not 2 to ${Math.min(MOST_SLICE, rows - 1)}`);
  }
  return slice;
}
