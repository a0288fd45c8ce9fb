// What each context sees: the hashes of sections 7 and 10 of context.md, before `key`.
//
// A profile uses the first of each list, so each function stops where its profile does.

import { hash } from './numbers.js';

/** The values of the flag contexts; `s` are the surroundings. */
export function flagKeys(s, value) {
  const { n, x, hashFirst } = s;
  value[0] = hashFirst[9];
  value[1] = s.tall();
  value[2] = s.hash3(0, 4, 9);
  value[3] = hashFirst[14];
  value[4] = hashFirst[4];
  if (value.length === 5) return;
  value[5] = s.hash2(1, 5);
  value[6] = hash(hash(0, n[0]), x >> 5);
  value[7] = s.low();
}

/** The values of the tree contexts; `flags` have chosen candidates and fetched heads. */
export function treeKeys(s, flags, value) {
  const { x, hashFirst, expected } = s;
  const { candidate, excluded } = flags;
  value[0] = hash(hash(hash(0, candidate[0]), candidate[1]), excluded);
  value[1] = hash(hashFirst[1], x >> 5);
  value[2] = hashFirst[4];
  value[3] = hashColour(hash(0, s.activity), expected, 0, 4);
  if (value.length === 4) return;
  value[4] = hash(s.hash1(3), x >> 5);
  value[5] = s.hash2(0, 4);
  value[6] = s.hash2(1, 5);
  value[7] = flags.value[1]; // tall
  value[8] = hash(hash(0, x >> 5), s.y >> 5);
  value[9] = s.hash3(0, 4, 9);
  value[10] = hash(s.hash1(1), x >> 5);
  value[11] = hashFirst[9];
  value[12] = hashFirst[14];
  value[13] = flags.value[7]; // low
  value[14] = s.hash1(1);
  value[15] = hashFirst[1];
  value[16] = hash(hash(0, x >> 4), s.y >> 3);
  value[17] = hashColour(0, expected, 6, 3);
  value[18] = 0;
  value[19] = s.hash2(2, 3);
  value[20] = s.hash2(0, 7);
  value[21] = s.hash2(0, 8);
  value[22] = s.hash3(4, 5, 0);
  value[23] = s.hash3(3, 7, 14);
  value[24] = s.hash2(0, 3);
  value[25] = s.hash2(1, 3);
  value[26] = hashFirst[3];
}

function hashColour(before, colours, at, shift) {
  const h = hash(hash(before, colours[at] >> shift), colours[at + 1] >> shift);
  return hash(h, colours[at + 2] >> shift);
}
