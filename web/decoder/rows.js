// Packed rows (kmc-1.md, section 6.1).

import { grouped } from './errors.js';
import { bitsFor } from './numbers.js';

/** The bytes of a row of `width` indices of `bits` bits each. */
export function packedStride(width, bits) {
  return Math.ceil((width * bits) / 8);
}

/**
 * Unpack rows of indices, which fill `out` and must be less than `entries`; `refuse(message)`
 * throws.
 */
export function unpackRows(packed, width, bits, entries, out, refuse) {
  if (bits === 0) return; // all indices are 0
  const stride = packedStride(width, bits);
  const mask = (1 << bits) - 1;
  for (let row = 0, place = 0; place < out.length; row += 1) {
    let at = row * stride;
    let held = 0; // never more than 15 + 8 bits of it count
    let count = 0;
    for (let x = 0; x < width; x += 1) {
      for (; count < bits; count += 8) held = ((held & 0x7fff) << 8) | packed[at++];
      count -= bits;
      const index = (held >> count) & mask;
      if (index >= entries) refuse(`has the index ${index}, but there are ${entries} entries`);
      out[place++] = index;
    }
    if (held & ((1 << count) - 1)) refuse('has a pad bit that is 1');
  }
}

/** Unpack what follows the byte FFh in a payload that is not coded. */
export function unpackPlain(packed, width, entries, out, refuse) {
  const bits = bitsFor(entries);
  const size = (out.length / width) * packedStride(width, bits);
  if (packed.length !== size) {
    const room = grouped(packed.length);
    refuse(`has ${room} bytes after the first where its rows need ${grouped(size)}`);
  }
  unpackRows(packed, width, bits, entries, out, refuse);
}
