// Section 10 of context.md: the way from the root of the tree down to a leaf.

import { SQUASH, clamp, estimate, hash, key, spread } from './numbers.js';
import { Stage } from './stage.js';

const RELATIONS = 6;
const RUNS = 32;
const LINE = 16; // a line's check, then its 15 slots
const PATTERN_SLOTS = 131072;

/** What each tree context sees; `f` are the flags. */
const KEYS = [
  (s, f) => hash(hash(hash(0, f.candidate[0]), f.candidate[1]), f.excluded),
  (s) => hash(s.hashFirst(1), s.x >> 5),
  (s) => s.hashFirst(4),
  (s) => hash3(hash(0, s.activity), s.expected, 0, 4),
  (s) => hash(s.hashOf(3), s.x >> 5),
  (s) => s.hashOf(0, 4),
  (s) => s.hashOf(1, 5),
  (s) => s.tall(),
  (s) => hash(hash(0, s.x >> 5), s.y >> 5),
  (s) => s.hashOf(0, 4, 9),
  (s) => hash(s.hashOf(1), s.x >> 5),
  (s) => s.hashFirst(9),
  (s) => s.hashFirst(14),
  (s) => s.low(),
  (s) => s.hashOf(1),
  (s) => s.hashFirst(1),
  (s) => hash(hash(0, s.x >> 4), s.y >> 3),
  (s) => hash3(0, s.expected, 6, 3),
  () => 0,
  (s) => s.hashOf(2, 3),
  (s) => s.hashOf(0, 7),
  (s) => s.hashOf(0, 8),
  (s) => s.hashOf(4, 5, 0),
  (s) => s.hashOf(3, 7, 14),
  (s) => s.hashOf(0, 3),
  (s) => s.hashOf(1, 3),
  (s) => s.hashFirst(3),
];

function hash3(before, colours, at, shift) {
  const h = hash(hash(before, colours[at] >> shift), colours[at + 1] >> shift);
  return hash(h, colours[at + 2] >> shift);
}

const PATTERNS = [
  (w) => spread(27 * w.node + w.digits3, 17),
  (w) => spread(19683 * w.depth + w.digits9, 17),
  (w) => w.depth * 8192 + w.around.comparison * 8 + w.around.activity,
  (w) => hash(hash(0, w.node), w.around.y) >>> 15,
  (w) => hash(hash(0, w.node), w.around.x) >>> 15,
  (w) => hash(hash(hash(0, w.node), w.zeroSides), w.oneSides) >>> 15,
  (w) => hash(hash(0, w.node), w.all) >>> 15,
];

function initialEstimates(profile, depths) {
  const map = new Array(profile.flagContexts * depths * RELATIONS * RUNS).fill(estimate(1, 2, 2));
  for (let i = 0; i < profile.expected * depths * 8; i += 1) {
    for (let distance = 0; distance < 64; distance += 1) {
      map.push(estimate(SQUASH[2047 + 38 * distance - 1197], 65536, 3));
    }
  }
  const pairs = profile.pairs * depths * 4096;
  for (let i = 0; i < pairs; i += 1) map.push(estimate(1, 2, 0));
  return map;
}

export class Leaves {
  constructor(profile, tree, around, flags) {
    this.profile = profile;
    this.tree = tree;
    this.around = around;
    this.flags = flags;
    const heads = profile.flagContexts;
    const shape = {
      contexts: profile.treeContexts,
      patterns: profile.treePatterns,
      kinds: tree.depth,
      pairs: profile.pairs,
      finalSets: 16,
      curves: 256,
      sets: [256, 16 * 27, 16 * 36, 128, 128, 1024, 256, 512],
    };
    const estimates = initialEstimates(profile, tree.depth);
    this.stage = new Stage(profile, shape, profile.treeWeights, estimates);
    this.distances = heads * tree.depth * RELATIONS * RUNS;
    this.pairs = this.distances + profile.expected * tree.depth * 512;
    this.line = new Int32Array(profile.treeContexts);
    this.value = new Int32Array(profile.treeContexts); // of the contexts, for this pixel
    this.node = 1;
    this.depth = 0;
  }

  begin(tableBits) {
    this.lineBits = tableBits - 2;
    this.patternBase = this.profile.treeContexts * 2 ** this.lineBits * LINE;
    this.stage.begin(this.patternBase + this.profile.treePatterns * PATTERN_SLOTS);
  }

  /** Decode the pixel's symbol, flags having said what it is not. */
  decode(coder) {
    const { tree, flags } = this;
    const b = tree.depth;
    let fetched = -1; // the group of four levels whose lines are there
    let known = false;
    this.node = 1;
    for (let depth = 0; depth < b; depth += 1) {
      this.depth = depth;
      const open0 = this.open(2 * this.node, depth + 1);
      const open1 = this.open(2 * this.node + 1, depth + 1);
      let side = open0 || !open1 ? 0 : 1;
      if (open0 && open1) {
        if (!known) {
          this.look(flags);
          known = true;
        }
        if (fetched !== depth >> 2) {
          this.fetch();
          fetched = depth >> 2;
        }
        side = this.side(coder);
      }
      this.node = 2 * this.node + side;
    }
    return this.node - 2 ** b;
  }

  /** Whether the node, at this depth, has leaves that are neither holes nor excluded. */
  open(node, depth) {
    const { tree, flags } = this;
    let leaves = tree.leaves[node];
    for (let i = 0; i < flags.excluded && leaves > 0; i += 1) {
      if ((flags.candidate[i] + 2 ** tree.depth) >> (tree.depth - depth) === node) leaves -= 1;
    }
    return leaves > 0;
  }

  /** What all decisions of the pixel share. */
  look(flags) {
    for (let i = 0; i < this.value.length; i += 1) this.value[i] = KEYS[i](this.around, flags);
    if (this.profile.treePatterns > 6) this.all = this.around.all(flags.candidate[0]);
  }

  fetch() {
    const { slots } = this.stage;
    const top = Math.imul(this.node >> (this.depth & 3), 0x85ebca6b);
    for (let i = 0; i < this.line.length; i += 1) {
      const q = key(this.value[i] + top);
      const line = (i * 2 ** this.lineBits + (q >>> (32 - this.lineBits))) * LINE;
      const check = (q & 0xffff) | 1;
      if (slots[line] !== check) {
        slots.fill(0, line + 1, line + LINE);
        slots[line] = check;
      }
      this.line[i] = line;
    }
  }

  /** Whether the node we are at is above a symbol. */
  isAbove(symbol) {
    const b = this.tree.depth;
    return (symbol + 2 ** b) >> (b - this.depth) === this.node;
  }

  sideOf(symbol) {
    return (symbol >> (this.tree.depth - 1 - this.depth)) & 1;
  }

  isExcluded(symbol) {
    const { candidate, excluded } = this.flags;
    if (excluded === 0) return false;
    return candidate[0] === symbol || (excluded > 1 && candidate[1] === symbol);
  }

  relation(head) {
    const { run, last, before } = this.flags;
    if (run[head] === 0) return 0;
    if (this.isAbove(last[head]) && !this.isExcluded(last[head]))
      return 2 + this.sideOf(last[head]);
    if (this.isAbove(before[head]) && !this.isExcluded(before[head])) {
      return 4 + this.sideOf(before[head]);
    }
    return 0;
  }

  side(coder) {
    const { stage, around, depth, node } = this;
    const { zeros, ones } = this.askHeads();
    this.askColours();
    this.lookAtNeighbours();
    const within = depth & 3;
    const slot = (node & ((1 << within) - 1)) | (1 << within);
    for (let i = 0; i < this.line.length; i += 1) stage.slot[i] = this.line[i] + slot;
    for (let i = 0; i < this.profile.treePatterns; i += 1) {
      const place = this.patternBase + i * PATTERN_SLOTS + PATTERNS[i](this);
      stage.slot[this.line.length + i] = place;
    }
    stage.kind = depth;
    stage.finalSet = depth;
    stage.curve = Math.min(node, 255);
    stage.set[0] = stage.curve;
    if (stage.mixers > 1) {
      stage.set[1] = depth * 27 + around.equality;
      stage.set[2] = (depth * 6 + Math.min(ones, 5)) * 6 + Math.min(zeros, 5);
    }
    if (stage.mixers > 3) {
      stage.set[3] = (around.x >> 3) & 127;
      stage.set[4] = depth * 8 + around.activity;
      stage.set[5] = around.comparison;
      stage.set[6] = ((around.x + around.y) >> 5) & 255;
      stage.set[7] = depth * 32 + Math.min(this.flags.run[this.flags.head[0]], 31);
    }
    const bit = coder.bit(stage.predict());
    stage.learn(bit);
    return bit;
  }

  askHeads() {
    const { stage, flags, depth } = this;
    let zeros = 0;
    let ones = 0;
    for (let i = 0; i < flags.heads; i += 1) {
      const head = flags.head[i];
      const relation = this.relation(head);
      if (relation === 2) zeros += 1;
      if (relation === 3) ones += 1;
      const kind = (i * this.tree.depth + depth) * RELATIONS + relation;
      stage.estimate[i] = relation === 0 ? -1 : kind * RUNS + Math.min(flags.run[head], 31);
    }
    return { zeros, ones };
  }

  distance(value) {
    const { tree, node } = this;
    const steps = ((16 * value - tree.middle[node]) * tree.scale[node]) >> 13;
    return clamp(steps + 32, 0, 63);
  }

  askColours() {
    const { stage, tree, around, profile, depth } = this;
    const axis = tree.axis[this.node];
    let at = this.flags.heads;
    for (let i = 0; i < profile.expected; i += 1, at += 1) {
      const kind = (i * tree.depth + depth) * 8 + around.activity;
      const distance = this.distance(around.expected[3 * i + axis]);
      stage.estimate[at] = this.distances + kind * 64 + distance;
    }
    if (profile.pairs === 0) return;
    const on = (i) => tree.colours[3 * around.n[i] + axis];
    const [w, n, nw, ne, ww, nn] = [on(0), on(1), on(2), on(3), on(4), on(5)];
    const pair = (i, first, second) =>
      this.pairs +
      ((i * tree.depth + depth) * 64 + this.distance(first)) * 64 +
      this.distance(second);
    stage.estimate[at] = pair(0, ne, w + n - nw);
    stage.estimate[at + 1] = pair(1, 2 * n - nn, 2 * w - ww);
  }

  /** The sides on which the neighbours are, for the patterns. */
  lookAtNeighbours() {
    const { n } = this.around;
    const count = this.profile.treePatterns > 5 ? 15 : 9;
    let digits = 0;
    this.zeroSides = 0;
    this.oneSides = 0;
    for (let i = 0; i < count; i += 1) {
      const g = this.isAbove(n[i]) ? 1 + this.sideOf(n[i]) : 0;
      if (g === 1) this.zeroSides |= 1 << i;
      if (g === 2) this.oneSides |= 1 << i;
      if (i < 9) digits = 3 * digits + g;
      if (i === 2) this.digits3 = digits;
    }
    this.digits9 = digits;
  }
}
