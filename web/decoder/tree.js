// Section 4 of context.md: the tree of colours.

import { bitsFor } from './numbers.js';

/** The three coordinates of each entry, one entry after the other. */
function coordinates(palette, channels) {
  const count = palette.length / channels;
  const colours = new Uint8Array(3 * count);
  for (let entry = 0; entry < count; entry += 1) {
    const at = entry * channels;
    const alpha = channels % 2 === 0 ? palette[at + channels - 1] : 255;
    for (let axis = 0; axis < 3; axis += 1) {
      const value = palette[channels < 3 ? at : at + axis];
      const behind = axis === 1 ? 0 : 255;
      colours[3 * entry + axis] = Math.floor((value * alpha + behind * (255 - alpha)) / 255);
    }
  }
  return colours;
}

export class Tree {
  constructor(palette, channels) {
    this.entries = palette.length / channels;
    this.depth = bitsFor(this.entries);
    const leaves = 2 ** this.depth;
    const list = Uint32Array.from({ length: this.entries }, (_, entry) => entry);
    const colours = coordinates(palette, channels);
    this.axis = new Uint8Array(leaves);
    this.middle = new Int32Array(leaves);
    this.scale = new Int32Array(leaves);
    for (let depth = 0; depth < this.depth; depth += 1) {
      for (let node = 2 ** depth; node < 2 ** (depth + 1); node += 1) {
        this.divide(node, depth, list, colours);
      }
    }
    this.number(list, colours, leaves);
  }

  /** The place in the list at which the node `2^depth + j` begins. */
  place(j, depth) {
    return Math.ceil((j * this.entries) / 2 ** depth);
  }

  divide(node, depth, list, colours) {
    const j = node - 2 ** depth;
    const begin = this.place(j, depth);
    const end = this.place(j + 1, depth);
    if (end - begin < 2) return;
    const part = list.subarray(begin, end);
    const axis = widestAxis(part, colours);
    // Coordinate above, entry's number below: sorted as numbers they are as the text wants them.
    for (let i = 0; i < part.length; i += 1) part[i] += colours[3 * part[i] + axis] * 65536;
    part.sort();
    const mean = (from, to) => {
      let sum = 0;
      for (let i = from; i < to; i += 1) sum += list[i] >>> 16;
      return Math.floor((16 * sum) / (to - from));
    };
    const half = this.place(2 * j + 1, depth + 1);
    const low = mean(begin, half);
    const high = mean(half, end);
    for (let i = 0; i < part.length; i += 1) part[i] &= 0xffff;
    this.axis[node] = axis;
    this.middle[node] = (low + high) >> 1;
    this.scale[node] = Math.floor(65536 / Math.max(1, high - low));
  }

  /** Give the leaves their entries, and count the leaves that are no holes below each node. */
  number(list, colours, leaves) {
    this.entryOf = new Uint16Array(leaves);
    this.colours = new Uint8Array(3 * leaves); // by symbol
    this.leaves = new Uint32Array(2 * leaves);
    list.forEach((entry, place) => {
      const symbol = Math.floor((place * leaves) / this.entries);
      this.entryOf[symbol] = entry;
      this.colours.set(colours.subarray(3 * entry, 3 * entry + 3), 3 * symbol);
      this.leaves[leaves + symbol] = 1;
    });
    for (let node = leaves - 1; node > 0; node -= 1) {
      this.leaves[node] = this.leaves[2 * node] + this.leaves[2 * node + 1];
    }
  }
}

function widestAxis(part, colours) {
  let best = 0;
  let most = -1;
  for (let axis = 0; axis < 3; axis += 1) {
    let sum = 0;
    let squares = 0;
    for (const entry of part) {
      const value = colours[3 * entry + axis];
      sum += value;
      squares += value * value;
    }
    const spread = part.length * squares - sum * sum;
    if (spread > most) {
      most = spread;
      best = axis;
    }
  }
  return best;
}
