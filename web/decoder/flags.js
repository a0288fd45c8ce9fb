// Sections 7 and 9 of context.md: heads, candidates, flags.

import { flagKeys } from './keys.js';
import { estimate, hash, key, log2, spread, teach } from './numbers.js';
import { all, near, nearIn, shapeIn, wideIn } from './patterns.js';
import { Stage } from './stage.js';

const RANKS = 2;
const RELATIONS = 6;
const PATTERN_SLOTS = 65536;
const RUNS = 32;
const HEAD = 4; // numbers of a head: check and run, last and before, 16 bits each; two slots
const MOST_CANDIDATES = 24;
const TRUST_LIMIT = 1023;
const VOTES = new Int32Array(RUNS);
[80, 120, 140, 160, 170, 180, 190, 200, 200, 210, 210].forEach((votes, i) => {
  VOTES[i + 1] = votes;
});
VOTES.fill(220, 12, 16).fill(240, 16, 24).fill(250, 24, 31).fill(260, 31);

function initialRun(relation, m) {
  if (relation === 1) return estimate(2 * m + 2, 2 * m + 3, 2);
  return relation === 3 ? estimate(3, 10 * m + 15, 2) : estimate(1, 2, 2);
}

function initialEstimates(profile) {
  const map = [];
  for (let i = 0; i < profile.flagContexts * RANKS * RELATIONS; i += 1) {
    for (let m = 0; m < RUNS; m += 1) map.push(initialRun(i % RELATIONS, m));
  }
  const distances = profile.expected * RANKS * 8 * 64;
  for (let i = 0; i < distances; i += 1) map.push(estimate(1, 2, 0));
  return map;
}

export class Flags {
  constructor(profile, tree, around) {
    this.profile = profile;
    this.colours = tree.colours;
    this.around = around;
    this.heads = profile.flagContexts;
    const perAgree = this.heads + 1;
    const shape = {
      contexts: this.heads,
      patterns: profile.flagPatterns,
      kinds: RANKS,
      pairs: 0,
      finalSets: RANKS * perAgree,
      curves: RANKS * 256,
      sets: [512, 54, RANKS * perAgree * perAgree, 128, 16, 1024, 256, 64],
    };
    this.stage = new Stage(profile, shape, profile.flagWeights, initialEstimates(profile));
    this.distances = this.heads * RANKS * RELATIONS * RUNS;
    this.value = new Int32Array(this.heads); // of the contexts, for this pixel
    // The heads fetched: their places, and copies of what they hold.
    this.head = new Int32Array(this.heads);
    this.run = new Int32Array(this.heads);
    this.last = new Int32Array(this.heads);
    this.before = new Int32Array(this.heads);
    this.voted = new Int32Array(MOST_CANDIDATES); // symbols, in the order of their first votes
    this.votedCount = 0;
    this.votes = new Int32Array(2 ** tree.depth); // of each symbol; 0 but for those voted for
    this.candidate = new Int32Array(2);
    this.hasSecond = false;
    this.excluded = 0;
    this.known = 0;
    this.agree = 0;
    this.near = new Int32Array(2); // of each candidate, for patterns
    this.trustPlace = 0;
  }

  begin(tableBits) {
    this.tableBits = tableBits;
    const heads = this.heads * 2 ** tableBits;
    // The heads are in one array with the slots, as each then takes one access to memory.
    this.patternBase = HEAD * heads;
    this.stage.begin(this.patternBase + this.profile.flagPatterns * RANKS * PATTERN_SLOTS);
    this.trust = new Uint32Array(128).fill(estimate(1, 2, 2));
  }

  fetch() {
    const { slots } = this.stage;
    const { value, tableBits, head, run, last, before } = this;
    flagKeys(this.around, value);
    for (let i = 0; i < head.length; i += 1) {
      const q = key(value[i]);
      const place = ((i << tableBits) + (q >>> (32 - tableBits))) * HEAD;
      const check = (q & 0xffff) | 1;
      if ((slots[place] & 0xffff) !== check) {
        slots[place] = check;
        slots[place + 2] = 0;
        slots[place + 3] = 0;
      }
      head[i] = place;
      run[i] = slots[place] >> 16;
      last[i] = slots[place + 1] & 0xffff;
      before[i] = slots[place + 1] >>> 16;
    }
  }

  vote(symbol, votes) {
    if (this.votes[symbol] === 0) {
      this.voted[this.votedCount] = symbol;
      this.votedCount += 1;
    }
    this.votes[symbol] += votes;
  }

  /** Choose the candidates, and look the trust in them up. */
  choose() {
    const { run, last, before } = this;
    const { n } = this.around;
    this.votedCount = 0;
    for (let i = 0; i < run.length; i += 1) {
      if (run[i] === 0) continue;
      const votes = VOTES[run[i] < 31 ? run[i] : 31];
      this.vote(last[i], votes);
      if (before[i] !== last[i]) this.vote(before[i], 80 - (votes >> 2));
    }
    this.vote(n[0], 150);
    this.vote(n[1], 150);
    this.vote(n[3], 75);
    this.vote(n[2], 37);
    this.count();
  }

  /** Count the votes, and clear them. */
  count() {
    const { voted, votes, candidate } = this;
    let v0 = 0;
    let v1 = 0;
    for (let i = 0; i < this.votedCount; i += 1) {
      const symbol = voted[i];
      const v = votes[symbol];
      votes[symbol] = 0;
      if (v > v0) {
        candidate[1] = candidate[0];
        v1 = v0;
        candidate[0] = symbol;
        v0 = v;
      } else if (v > v1) {
        candidate[1] = symbol;
        v1 = v;
      }
    }
    this.hasSecond = v1 > 0;
    if (!this.hasSecond) candidate[1] = candidate[0];
    if (this.profile.trustNeeded === 0) return;
    this.trustPlace = 8 * Math.min(15, Math.floor(v0 / 150)) + Math.floor((8 * v1) / (v0 + 1));
  }

  /** Decode the flags of the pixel; gives the candidate whose flag was 1, or -1. */
  decode(coder) {
    const { profile, candidate, around } = this;
    this.excluded = 0;
    if (profile.trustNeeded > 0 && this.trust[this.trustPlace] >>> 16 < profile.trustNeeded) {
      return -1;
    }
    this.near[1] = near(around, candidate[1]);
    if (this.flag(coder, 0)) return candidate[0];
    this.excluded = 1;
    if (!this.hasSecond || !profile.twoFlags) return -1;
    if (this.flag(coder, 1)) return candidate[1];
    this.excluded = 2;
    return -1;
  }

  flag(coder, rank) {
    const { stage } = this;
    const c = this.candidate[rank];
    stage.kind = rank;
    stage.curve = rank * 256 + (c & 255);
    this.askHeads(rank, c);
    this.askColours(rank, c);
    this.askPatterns(rank, c);
    this.chooseSets(rank);
    const bit = coder.bit(stage.predict());
    stage.learn(bit);
    return bit;
  }

  askHeads(rank, c) {
    const { head, run, last, before } = this;
    const { slot, estimate: places } = this.stage;
    let known = 0;
    let agree = 0;
    for (let i = 0; i < head.length; i += 1) {
      slot[i] = head[i] + 2 + rank;
      if (run[i] === 0) {
        places[i] = -1;
        continue;
      }
      known += 1;
      const relation = last[i] === c ? 1 : before[i] === c ? 2 : 3;
      if (relation === 1) agree += 1;
      const kind = (i * RANKS + rank) * RELATIONS + relation;
      places[i] = kind * RUNS + (run[i] < 31 ? run[i] : 31);
    }
    this.known = known;
    this.agree = agree;
  }

  askColours(rank, c) {
    const { heads, around, colours } = this;
    const { estimate: places } = this.stage;
    const { expected, activity } = around;
    const red = colours[3 * c];
    const green = colours[3 * c + 1];
    const blue = colours[3 * c + 2];
    for (let i = 0, at = heads; at < places.length; i += 1, at += 1) {
      const r = expected[3 * i] - red;
      const g = expected[3 * i + 1] - green;
      const b = expected[3 * i + 2] - blue;
      const a = r * r + g * g + b * b;
      const k = a < 4 ? 0 : log2(a) - 1;
      const kind = (i * RANKS + rank) * 8 + activity;
      places[at] = this.distances + kind * 64 + 2 * k + (a >> k);
    }
  }

  askPatterns(rank, c) {
    const { stage, around, heads } = this;
    const { slot } = stage;
    const count = this.profile.flagPatterns;
    const where = all(around, c);
    this.near[rank] = nearIn(where);
    let base = this.patternBase + rank * PATTERN_SLOTS;
    slot[heads] = base + spread(this.near[rank] * 512 + this.near[1 - rank], 16);
    base += RANKS * PATTERN_SLOTS;
    slot[heads + 1] = base + spread(where, 16);
    if (count === 2) return;
    base += RANKS * PATTERN_SLOTS;
    const summary = around.activity * 128 + (around.comparison & 127);
    slot[heads + 2] = base + spread(shapeIn(where) * 1024 + summary, 16);
    if (count === 3) return;
    const wide = hash(0, wideIn(where));
    base += RANKS * PATTERN_SLOTS;
    slot[heads + 3] = base + (hash(wide, c) >>> 16);
    base += RANKS * PATTERN_SLOTS;
    slot[heads + 4] = base + (hash(wide, this.run[0]) >>> 16);
  }

  chooseSets(rank) {
    const { around, candidate, known, agree } = this;
    const { mixers } = this.stage;
    const { set } = mixers;
    const perAgree = this.heads + 1;
    mixers.finalSet = rank * perAgree + agree;
    set[0] = rank * 256 + (candidate[rank] & 255);
    if (set.length === 1) return;
    set[1] = rank * 27 + around.equality;
    set[2] = (rank * perAgree + known) * perAgree + agree;
    if (set.length === 3) return;
    set[3] = (around.x >> 3) & 127;
    set[4] = rank * 8 + around.activity;
    set[5] = around.comparison;
    set[6] = ((around.x + around.y) >> 5) & 255;
    set[7] = rank * 32 + Math.min(this.run[0], 31);
  }

  /** Learn what the pixel was: trust. */
  learnTrust(symbol) {
    if (this.profile.trustNeeded === 0) return;
    teach(this.trust, this.trustPlace, symbol === this.candidate[0] ? 1 : 0, TRUST_LIMIT);
  }

  /** Heads take note of what the pixel was. */
  note(symbol) {
    const { slots } = this.stage;
    const { head, run, last } = this;
    for (let i = 0; i < head.length; i += 1) {
      const place = head[i];
      if (run[i] > 0 && last[i] === symbol) {
        if (run[i] < 255) slots[place] += 65536;
      } else {
        slots[place] = (slots[place] & 0xffff) | 65536;
        slots[place + 1] = symbol | ((run[i] === 0 ? symbol : last[i]) << 16);
      }
    }
  }
}
