// Sections 3 and 7 of additive.md: the strips of coding methods 2 and 5.

import { Around, tagOf } from './around.js';
import { Guesses } from './guesses.js';
import { bitsFor, clamp, log2 } from './numbers.js';
import { Path } from './path.js';
import { decide, RangeDecoder, renew } from './range.js';
import { unpackPlain } from './rows.js';
import { Tree } from './tree.js';
import { Values } from './values.js';

const FAST = 2; // 5 is profile fastest
const PLAIN = 0xff; // the first byte of a payload that is not coded
const LEAST_RUN = 16;
const RUN_FLOOR = 2600;
const RUN_WEIGHT = 22713;

/** Decodes strips of an image, one at a time. */
export class AdditiveDecoder {
  constructor(coding, palette, channels, width) {
    this.tree = new Tree(palette, channels);
    this.width = width;
    this.fast = coding === FAST;
    this.around = null; // made with the first strip that is coded
    this.runs = new Int32Array(7 * 256);
    this.entryOf = withoutHoles(this.tree);
  }

  /** Decode a strip into `out`, the indices of its rows; `refuse(message)` throws the error. */
  strip(payload, out, refuse) {
    const { width, tree } = this;
    if (tree.entries === 1) {
      if (payload.length > 0) refuse('has a payload, but one entry needs none');
      return;
    }
    if (payload[0] === PLAIN) {
      unpackPlain(payload.subarray(1), width, tree.entries, out, refuse);
      return;
    }
    this.begin(out.length);
    const coder = new RangeDecoder(payload, refuse);
    for (let start = 0; start < out.length; start += width) this.row(coder, out, start);
    coder.end();
  }

  begin(pixels) {
    if (this.around === null) {
      this.around = new Around(this.width, this.tree.entries);
      this.guesses = new Guesses(this.around, this.fast ? 2 : 1);
      const Rest = this.fast ? Path : Values;
      this.rest = new Rest(this.tree, this.around, this.guesses);
    }
    this.around.begin();
    this.guesses.begin(clamp(bitsFor(pixels) - 4, 8, 18));
    this.rest.begin();
    renew(this.runs, RUN_WEIGHT);
  }

  /** Decode the next row into `out`, where it begins at `start`. */
  row(coder, out, start) {
    const { around, guesses, rest, width, entryOf } = this;
    around.nextRow();
    for (let x = 0, limit = 0; x < width;) {
      around.look(x);
      const ahead = x >= limit && around.flat() ? around.ahead(x) : 0;
      if (ahead >= LEAST_RUN) {
        limit = x + ahead;
        if (this.run(coder, x, ahead)) {
          out.fill(entryOf[around.at(x)], start + x, start + limit);
          x = limit;
          continue;
        }
      }
      let symbol = guesses.decode(coder, x);
      if (symbol < 0) symbol = rest.decode(coder, x);
      guesses.learn(symbol);
      around.put(x, symbol);
      out[start + x] = entryOf[symbol];
      x += 1;
    }
  }

  /** Decode whether `ahead` pixels from column x on are a run, and go past them if so. */
  run(coder, x, ahead) {
    const { around } = this;
    const symbol = around.at(x - 1);
    const place = (log2(Math.floor(ahead / LEAST_RUN)) << 8) | tagOf(symbol);
    const bit = decide(coder, this.runs, place, RUN_FLOOR);
    if (bit) around.fill(x, x + ahead, symbol);
    return bit;
  }
}

/** The entries of all symbols: a hole has that of the nearest symbol below it that has one. */
function withoutHoles({ entryOf, leaves, depth }) {
  const filled = entryOf.slice();
  for (let symbol = 1; symbol < filled.length; symbol += 1) {
    if (leaves[2 ** depth + symbol] === 0) filled[symbol] = filled[symbol - 1];
  }
  return filled;
}
