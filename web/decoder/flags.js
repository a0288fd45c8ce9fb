// Sections 7 and 9 of context.md: heads, candidates, flags.

import { estimate, hash, key, log2, spread, teach } from './numbers.js';
import { Stage } from './stage.js';

const RANKS = 2;
const RELATIONS = 6;
const PATTERN_SLOTS = 65536;
const RUNS = 32;
const MOST_CANDIDATES = 24;
const TRUST_LIMIT = 1023;
const VOTES = new Int32Array(RUNS);
[80, 120, 140, 160, 170, 180, 190, 200, 200, 210, 210].forEach((votes, i) => {
  VOTES[i + 1] = votes;
});
VOTES.fill(220, 12, 16).fill(240, 16, 24).fill(250, 24, 31).fill(260, 31);

const KEYS = [
  (s) => s.hashFirst(9),
  (s) => s.tall(),
  (s) => s.hashOf(0, 4, 9),
  (s) => s.hashFirst(14),
  (s) => s.hashFirst(4),
  (s) => s.hashOf(1, 5),
  (s) => hash(s.hashFirst(1), s.x >> 5),
  (s) => s.low(),
];

const PATTERNS = [
  (s, c, o) => spread(s.near(c) * 512 + s.near(o), 16),
  (s, c) => spread(s.all(c), 16),
  (s, c) => spread(s.shape(c) * 1024 + s.activity * 128 + (s.comparison & 127), 16),
  (s, c) => hash(hash(0, s.wide(c)), c) >>> 16,
  (s, c, o, run) => hash(hash(0, s.wide(c)), run) >>> 16,
];

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
    this.head = new Int32Array(this.heads);
    this.symbols = new Int32Array(MOST_CANDIDATES); // those voted for, in order
    this.votes = new Int32Array(MOST_CANDIDATES);
    this.candidate = new Int32Array(2);
  }

  begin(tableBits) {
    this.tableBits = tableBits;
    const heads = this.heads * 2 ** tableBits;
    this.check = new Uint16Array(heads);
    this.last = new Uint16Array(heads);
    this.before = new Uint16Array(heads);
    this.run = new Uint8Array(heads);
    this.patternBase = 2 * heads;
    this.stage.begin(2 * heads + this.profile.flagPatterns * RANKS * PATTERN_SLOTS);
    this.trust = new Uint32Array(128).fill(estimate(1, 2, 2));
  }

  fetch() {
    for (let i = 0; i < this.heads; i += 1) {
      const q = key(KEYS[i](this.around));
      const head = i * 2 ** this.tableBits + (q >>> (32 - this.tableBits));
      const check = (q & 0xffff) | 1;
      if (this.check[head] !== check) {
        this.check[head] = check;
        this.run[head] = 0;
        this.stage.slots[2 * head] = 0;
        this.stage.slots[2 * head + 1] = 0;
      }
      this.head[i] = head;
    }
  }

  vote(symbol, votes) {
    let i = 0;
    while (i < this.voted && this.symbols[i] !== symbol) i += 1;
    if (i === this.voted) {
      this.symbols[i] = symbol;
      this.votes[i] = 0;
      this.voted += 1;
    }
    this.votes[i] += votes;
  }

  /** Choose the candidates, and look the trust in them up. */
  choose() {
    const { n } = this.around;
    this.voted = 0;
    for (let i = 0; i < this.heads; i += 1) {
      const head = this.head[i];
      const run = this.run[head];
      if (run === 0) continue;
      const votes = VOTES[run < 31 ? run : 31];
      this.vote(this.last[head], votes);
      if (this.before[head] !== this.last[head]) this.vote(this.before[head], 80 - (votes >> 2));
    }
    this.vote(n[0], 150);
    this.vote(n[1], 150);
    this.vote(n[3], 75);
    this.vote(n[2], 37);
    const first = this.mostVoted(-1);
    const second = this.mostVoted(first);
    this.candidate[0] = this.symbols[first];
    this.candidate[1] = this.symbols[second < 0 ? first : second];
    this.hasSecond = second >= 0;
    const v0 = this.votes[first];
    const v1 = this.hasSecond ? this.votes[second] : 0;
    this.trustPlace = 8 * Math.min(15, Math.floor(v0 / 150)) + Math.floor((8 * v1) / (v0 + 1));
  }

  mostVoted(but) {
    let best = -1;
    for (let i = 0; i < this.voted; i += 1) {
      if (i !== but && (best < 0 || this.votes[i] > this.votes[best])) best = i;
    }
    return best;
  }

  /** Decode the flags of the pixel; gives how many were 0 and, if one was 1, its candidate. */
  decode(coder) {
    this.excluded = 0;
    if (this.trust[this.trustPlace] >>> 16 < this.profile.trustNeeded) return -1;
    if (this.flag(coder, 0)) return this.candidate[0];
    this.excluded = 1;
    if (!this.hasSecond || !this.profile.twoFlags) return -1;
    if (this.flag(coder, 1)) return this.candidate[1];
    this.excluded = 2;
    return -1;
  }

  flag(coder, rank) {
    const { stage, around } = this;
    const c = this.candidate[rank];
    const o = this.candidate[1 - rank];
    const headRun = this.run[this.head[0]];
    let known = 0;
    let agree = 0;
    for (let i = 0; i < this.heads; i += 1) {
      const head = this.head[i];
      const run = this.run[head];
      stage.slot[i] = 2 * head + rank;
      let relation = 0;
      if (run > 0) {
        known += 1;
        relation = this.last[head] === c ? 1 : this.before[head] === c ? 2 : 3;
        if (relation === 1) agree += 1;
      }
      const place = ((i * RANKS + rank) * RELATIONS + relation) * RUNS + Math.min(run, 31);
      stage.estimate[i] = relation === 0 ? -1 : place;
    }
    for (let i = 0; i < this.profile.expected; i += 1) {
      const place = ((i * RANKS + rank) * 8 + around.activity) * 64 + this.distance(i, c);
      stage.estimate[this.heads + i] = this.distances + place;
    }
    for (let i = 0; i < this.profile.flagPatterns; i += 1) {
      const place = (i * RANKS + rank) * PATTERN_SLOTS + PATTERNS[i](around, c, o, headRun);
      stage.slot[this.heads + i] = this.patternBase + place;
    }
    const perAgree = this.heads + 1;
    stage.kind = rank;
    stage.finalSet = rank * perAgree + agree;
    stage.curve = rank * 256 + (c & 255);
    stage.set[0] = rank * 256 + (c & 255);
    if (stage.mixers > 1) {
      stage.set[1] = rank * 27 + around.equality;
      stage.set[2] = (rank * perAgree + known) * perAgree + agree;
    }
    if (stage.mixers > 3) {
      stage.set[3] = (around.x >> 3) & 127;
      stage.set[4] = rank * 8 + around.activity;
      stage.set[5] = around.comparison;
      stage.set[6] = ((around.x + around.y) >> 5) & 255;
      stage.set[7] = rank * 32 + Math.min(headRun, 31);
    }
    const bit = coder.bit(stage.predict());
    stage.learn(bit);
    return bit;
  }

  distance(colour, c) {
    const { expected } = this.around;
    let a = 0;
    for (let axis = 0; axis < 3; axis += 1) {
      const difference = expected[3 * colour + axis] - this.colours[3 * c + axis];
      a += difference * difference;
    }
    const k = a < 4 ? 0 : log2(a) - 1;
    return 2 * k + (a >> k);
  }

  /** Learn what the pixel was: trust. */
  learnTrust(symbol) {
    teach(this.trust, this.trustPlace, symbol === this.candidate[0] ? 1 : 0, TRUST_LIMIT);
  }

  /** Heads take note of what the pixel was. */
  note(symbol) {
    for (let i = 0; i < this.heads; i += 1) {
      const head = this.head[i];
      if (this.run[head] === 0) {
        this.last[head] = symbol;
        this.before[head] = symbol;
        this.run[head] = 1;
      } else if (this.last[head] === symbol) {
        if (this.run[head] < 255) this.run[head] += 1;
      } else {
        this.before[head] = this.last[head];
        this.last[head] = symbol;
        this.run[head] = 1;
      }
    }
  }
}
