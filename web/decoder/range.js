// Sections 2 to 4 of additive.md: multipliers of hashes, decisions from bits, and the slots that
// predict them.

import { SQUASH } from './numbers.js';

export const MULTIPLIERS = {
  A: 0x9e3779b1,
  B: 0x85ebca77,
  C: 0xc2b2ae3d,
  D: 0x27d4eb2f,
  E: 0x165667b1,
};

const CHANCES = SQUASH;
const WINDOW = 0;
const RANGE = 1;
const SPARE = 2;
const BELOW = 15; // bits of the window below the code

/** Decodes the decisions of one strip. */
export class RangeDecoder {
  /** `refuse(message)` throws the error. */
  constructor(bytes, refuse) {
    this.bytes = bytes;
    this.refuse = refuse;
    this.at = 0;
    // The window has the code in bits 15 to 30, and below it `spare` bits that come next. An array,
    // as a member of more than 31 bits is a double in some engines, which each bit would convert.
    this.state = Int32Array.of(0, 0xff00, -16);
    this.refill();
  }

  /** How many shifts there have been. */
  shifts() {
    return 8 * this.at - 16 - this.state[SPARE];
  }

  /** The next bit, `p` being the probability of 1 in 1/65536. */
  bit(p) {
    const { state } = this;
    const range = state[RANGE];
    const bound = Math.imul(range, p) >>> 16;
    const part = bound << BELOW;
    const window = state[WINDOW];
    const bit = window < part ? 1 : 0;
    this.narrow(bit ? window : window - part, bit ? bound : range - bound);
    return bit;
  }

  /** The code, and the range that it lies in. */
  code() {
    return this.state[WINDOW] >> BELOW;
  }

  range() {
    return this.state[RANGE];
  }

  /** Take the part of the range from `low` up to, but without, `high`, in which the code lies. */
  take(low, high) {
    this.narrow(this.state[WINDOW] - (low << BELOW), high - low);
  }

  /** Go on with the part of the range that a decision has left. */
  narrow(window, range) {
    const { state } = this;
    const shift = Math.clz32(range) - 16;
    state[WINDOW] = window << shift;
    state[RANGE] = range << shift;
    const spare = state[SPARE] - shift;
    state[SPARE] = spare;
    if (spare < 0) this.refill();
  }

  refill() {
    const { state, bytes } = this;
    // There must be one byte more than eighths of the shifts: there is no need to decode on.
    if (this.shifts() >= 8 * bytes.length) this.refuse('has fewer bytes than decoding it takes');
    let spare = state[SPARE];
    for (; spare < 8; spare += 8) {
      const byte = this.at < bytes.length ? bytes[this.at] : 0;
      state[WINDOW] |= byte << (BELOW - 8 - spare);
      this.at += 1;
    }
    state[SPARE] = spare;
  }

  /** Check that the bytes end as those of an encoder do. */
  end() {
    const { bytes } = this;
    const shifts = this.shifts();
    const size = Math.floor(shifts / 8) + 1;
    if (bytes.length < size) this.refuse('has fewer bytes than decoding it takes');
    if (bytes.length > size) {
      this.refuse(`has ${bytes.length} bytes where decoding takes ${size}`);
    }
    if (bytes[size - 1] & (127 >> (shifts & 7))) this.refuse('has a pad bit that is 1');
    if (this.state[WINDOW] >> BELOW >= 0x8000) this.refuse('does not end where decoding ends');
  }
}

/**
 * Make all slots new, with this weight. A slot is one 32-bit number: its rate in the upper 16 bits,
 * its weight in the lower.
 */
export function renew(slots, weight = 0) {
  slots.fill((20000 << 16) | weight);
}

/** What a slot becomes with half the error of the probability. */
function taught(slot, error, floor) {
  const rate = slot >> 16;
  const weight = ((slot << 16) >> 16) + (Math.imul(error, rate) >> 16);
  const inside = weight > 32767 ? 32767 : weight < -32768 ? -32768 : weight;
  const slower = rate - (Math.imul(rate, rate) >> 16);
  return ((slower < floor ? floor : slower) << 16) | (inside & 0xffff);
}

/** The probability of 1 for a sum of weights. */
function chance(sum) {
  const d = sum >> 6;
  return CHANCES[d > 2047 ? 4094 : d < -2047 ? 0 : 2047 + d];
}

/** Decode a bit with one slot, and teach it. */
export function decide(coder, slots, place, floor) {
  const slot = slots[place];
  const p = chance((slot << 16) >> 16);
  const bit = coder.bit(p);
  slots[place] = taught(slot, ((bit << 16) - p) >> 1, floor);
  return bit;
}

/** The same with four slots. */
export function decideFour(coder, slots, a, b, c, d, floor) {
  const slotA = slots[a];
  const slotB = slots[b];
  const slotC = slots[c];
  const slotD = slots[d];
  const sum = ((slotA << 16) >> 16) + ((slotB << 16) >> 16);
  const p = chance(sum + ((slotC << 16) >> 16) + ((slotD << 16) >> 16));
  const bit = coder.bit(p);
  const error = ((bit << 16) - p) >> 1;
  slots[a] = taught(slotA, error, floor);
  slots[b] = taught(slotB, error, floor);
  slots[c] = taught(slotC, error, floor);
  slots[d] = taught(slotD, error, floor);
  return bit;
}

/** The same with six: five by places to which `more` is added, and one at another place. */
export function decideSix(coder, slots, places, more, other, floor) {
  const last = slots[other];
  let sum = (last << 16) >> 16;
  for (let i = 0; i < 5; i += 1) sum += (slots[places[i] + more] << 16) >> 16;
  const p = chance(sum);
  const bit = coder.bit(p);
  const error = ((bit << 16) - p) >> 1;
  for (let i = 0; i < 5; i += 1) {
    const place = places[i] + more;
    slots[place] = taught(slots[place], error, floor);
  }
  slots[other] = taught(last, error, floor);
  return bit;
}
