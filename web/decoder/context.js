// Sections 5 to 11 of context.md: the strips of coding methods 3 and 4.

import { BitDecoder } from './arithmetic.js';
import { Flags } from './flags.js';
import { Leaves } from './leaves.js';
import { bitsFor, clamp, estimate, log2, teach } from './numbers.js';
import { PROFILES } from './profiles.js';
import { Surroundings } from './surroundings.js';
import { Tree } from './tree.js';

const RUN_LIMIT = 255;

/** Decodes strips of an image, one at a time. */
export class ContextDecoder {
  constructor(coding, palette, channels, width) {
    this.profile = PROFILES[coding];
    this.tree = new Tree(palette, channels);
    this.width = width;
    this.flags = null; // made with the first strip that is not empty
  }

  /** Decode a strip into `out`, the indices of its rows; `refuse(message)` throws the error. */
  strip(payload, out, refuse) {
    if (this.tree.entries === 1) {
      if (payload.length > 0) refuse('has a payload, but one entry needs none');
      return;
    }
    this.begin(out.length);
    const coder = new BitDecoder(payload, refuse);
    const { width, around, tree } = this;
    for (let start = 0; start < out.length; start += width) {
      around.nextRow();
      this.row(coder);
      const { symbols, row0 } = around;
      for (let x = 0; x < width; x += 1) out[start + x] = tree.entryOf[symbols[row0 + x]];
    }
    coder.end();
  }

  begin(pixels) {
    const { profile, tree } = this;
    const bits = clamp(bitsFor(pixels), 8, profile.tableBits);
    if (this.flags === null) {
      this.around = new Surroundings(tree, this.width, profile);
      this.flags = new Flags(profile, tree, this.around);
      this.leaves = new Leaves(profile, tree, this.around, this.flags);
    }
    this.around.begin();
    this.flags.begin(bits);
    this.leaves.begin(bits);
    this.runs = new Uint32Array(7 * 256).fill(estimate(4, 5, 2));
  }

  row(coder) {
    const { around, width, profile } = this;
    for (let x = 0, asked = 0; x < width;) {
      around.moveTo(x);
      const ahead = x >= asked ? around.ahead() : 0;
      if (ahead >= profile.leastRun) {
        asked = x + ahead;
        if (this.run(coder, ahead)) {
          around.fill(x, asked, around.n[0]);
          x = asked;
          continue;
        }
      }
      around.put(x, this.pixel(coder));
      x += 1;
    }
  }

  run(coder, ahead) {
    const length = log2(Math.floor(ahead / this.profile.leastRun));
    const place = length * 256 + (this.around.n[0] & 255);
    const bit = coder.bit(clamp(this.runs[place] >>> 16, 4, 65532));
    teach(this.runs, place, bit, RUN_LIMIT);
    return bit;
  }

  /** In the order of section 11. */
  pixel(coder) {
    const { around, flags } = this;
    around.summarise();
    flags.fetch();
    flags.choose();
    let symbol = flags.decode(coder);
    if (symbol < 0) symbol = this.leaves.decode(coder);
    flags.learnTrust(symbol);
    around.learn(symbol);
    flags.note(symbol);
    return symbol;
  }
}
