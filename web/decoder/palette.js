// Section 12 of context.md: a coded palette; section 4.3 of kmc-1.md: the ramp.

import { BitDecoder } from './arithmetic.js';
import { bitsFor, clamp, estimate, teach } from './numbers.js';

const LIMIT = 30;
const CASES = 10;
const TIGHTNESSES = 9;
const GREEN_FIRST = [1, 0, 2, 3];

function beginning(channels) {
  const map = new Uint32Array(channels * TIGHTNESSES * CASES).fill(estimate(1, 2, 0));
  if (channels < 3) return map;
  for (const channel of [0, 2]) {
    for (let t = 0; t < TIGHTNESSES; t += 1) {
      const place = (channel * TIGHTNESSES + t) * CASES;
      map[place + 4] = estimate(1, 4, 1);
      map[place + 5] = estimate(3, 4, 1);
    }
  }
  return map;
}

/** `u` and `g` are the bits so far, see the text. */
function caseOf(likeGreen, u, g, level) {
  if (!likeGreen) return 2 * (clamp(u - (g >> 1), -2, 2) + 2) + (g & 1);
  if (u === 0) return 1;
  return u === 2 ** (7 - level) - 1 ? 2 : 0;
}

class PaletteDecoder {
  constructor(bytes, channels, refuse) {
    this.coder = new BitDecoder(bytes, refuse);
    this.channels = channels;
    this.order = channels < 3 ? [0, 1].slice(0, channels) : GREEN_FIRST.slice(0, channels);
    this.map = beginning(channels);
    this.refuse = refuse;
  }

  bit(channel, t, kase) {
    const place = (channel * TIGHTNESSES + t) * CASES + kase;
    const bit = this.coder.bit(clamp(this.map[place] >>> 16, 64, 65472));
    teach(this.map, place, bit, LIMIT);
    return bit;
  }

  /** Decode an entry into `entry`; `before` is the one coded before it, or null. */
  entry(entry, before) {
    entry.fill(0);
    let tight = before !== null;
    for (let level = 7; level >= 0; level -= 1) {
      for (const channel of this.order) {
        const limit = tight ? (before[channel] >> level) & 1 : 0;
        let bit = 1;
        if (limit === 0) {
          const likeGreen = this.channels < 3 || channel === 1 || channel === 3;
          const kase = caseOf(likeGreen, entry[channel], entry[1], level);
          bit = this.bit(channel, tight ? level + 1 : 0, kase);
        }
        tight = tight && bit === limit;
        entry[channel] = 2 * entry[channel] + bit;
      }
    }
    if (tight) this.refuse('has an entry twice');
  }
}

/** The order in which the entries of a palette that can be coded stand. */
function sorted(entries, channels) {
  const visible = (entry) => Number(channels % 2 === 1 || entry[channels - 1] > 0);
  const light = (entry) =>
    channels < 3 ? entry[0] : 299 * entry[0] + 587 * entry[1] + 114 * entry[2];
  const keys = entries.map((entry) => [visible(entry), light(entry), ...entry]);
  keys.sort((a, b) => {
    const at = a.findIndex((value, i) => value !== b[i]);
    return at < 0 ? 0 : a[at] - b[at];
  });
  return Uint8Array.from(keys.flatMap((values) => values.slice(2)));
}

/** Decode `count` entries of so many channels; `refuse(message)` throws the error. */
export function decodePalette(bytes, count, channels, refuse) {
  const decoder = new PaletteDecoder(bytes, channels, refuse);
  const entries = [];
  for (let i = 0; i < count; i += 1) {
    const entry = new Uint8Array(channels);
    decoder.entry(entry, i > 0 ? entries[i - 1] : null);
    entries.push(entry);
  }
  decoder.coder.end();
  return sorted(entries, channels);
}

/** The palette of `count` entries that a file need not store. */
export function ramp(count) {
  if (count <= 256) {
    const last = Math.max(1, count - 1);
    return Uint8Array.from({ length: count }, (_, i) => Math.floor((255 * i) / last));
  }
  const levels = Math.ceil(bitsFor(count) / 3);
  const entries = [];
  for (let i = 0; i < count; i += 1) {
    const entry = new Uint8Array(3);
    for (let j = 0; j < 3 * levels; j += 1) {
      entry[j % 3] |= ((i >> j) & 1) << (8 - levels + Math.floor(j / 3));
    }
    entries.push(entry);
  }
  return sorted(entries, 3);
}
