// Where around a pixel a symbol is: `near`, `all`, `shape`, `wide` of section 9 of context.md.

/** B_v, from the place `first` to `last`. */
function equal(symbols, first, last, v) {
  let bits = 0;
  for (let at = last; at >= first; at -= 1) {
    bits = (bits << 1) | (((symbols[at] ^ v) - 1) >>> 31); // 1 if both are equal, without a branch
  }
  return bits;
}

export function all(around, v) {
  const { symbols, x, row0, row1, row2, row3 } = around;
  return (
    equal(symbols, row0 + x - 6, row0 + x - 1, v) |
    (equal(symbols, row1 + x - 4, row1 + x + 5, v) << 6) |
    (equal(symbols, row2 + x - 3, row2 + x + 3, v) << 16) |
    (equal(symbols, row3 + x - 2, row3 + x + 2, v) << 23)
  );
}

export function near(around, v) {
  const { symbols, x, row0, row1, row2 } = around;
  return (
    equal(symbols, row0 + x - 2, row0 + x - 1, v) |
    (equal(symbols, row1 + x - 1, row1 + x + 2, v) << 2) |
    (equal(symbols, row2 + x - 1, row2 + x + 1, v) << 6)
  );
}

// The pixels of the other patterns are among those of `all`: they need not be compared again.

export function nearIn(all) {
  return ((all >> 4) & 3) | (((all >> 9) & 15) << 2) | (((all >> 18) & 7) << 6);
}

export function shapeIn(all) {
  const lower = ((all >> 3) & 7) | (((all >> 8) & 31) << 3);
  return lower | (((all >> 18) & 7) << 8) | (((all >> 25) & 1) << 11);
}

export function wideIn(all) {
  const lower = ((all >> 3) & 7) | (((all >> 7) & 127) << 3);
  return lower | (((all >> 17) & 31) << 10) | (((all >> 25) & 1) << 15);
}
