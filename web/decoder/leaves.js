// Section 10 of context.md: the way from the root of the tree down to a leaf.

import { treeKeys } from './keys.js';
import { SQUASH, estimate, hash, key, spread } from './numbers.js';
import { all } from './patterns.js';
import { Stage } from './stage.js';

const RELATIONS = 6;
const RUNS = 32;
const LINE = 16; // a line's check, then its 15 slots
const PATTERN_SLOTS = 131072;

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
    this.top = 2 ** tree.depth; // what the leaf of a symbol adds to it
    // The leaves of symbols: excluded ones, and those of the heads' last and before; 0 if there is
    // none, which is below no node.
    this.excluded0 = 0;
    this.excluded1 = 0;
    this.last = new Int32Array(heads);
    this.before = new Int32Array(heads);
    this.all = 0; // the pattern
    // Of the node at which it is: the numbers G3, G9, Z, O, and how many heads have each side.
    this.neighbours = profile.treePatterns > 5 ? 15 : 9;
    this.digits3 = 0;
    this.digits9 = 0;
    this.zeroSides = 0;
    this.oneSides = 0;
    this.zeros = 0;
    this.ones = 0;
  }

  begin(tableBits) {
    this.lineBits = tableBits - 2;
    this.patternBase = this.profile.treeContexts * 2 ** this.lineBits * LINE;
    this.stage.begin(this.patternBase + this.profile.treePatterns * PATTERN_SLOTS);
  }

  /** Decode the pixel's symbol, flags having said what it is not. */
  decode(coder) {
    const { flags, top } = this;
    const { depth: levels, leaves } = this.tree;
    this.excluded0 = flags.excluded > 0 ? flags.candidate[0] + top : 0;
    this.excluded1 = flags.excluded > 1 ? flags.candidate[1] + top : 0;
    let fetched = -1; // the group of four levels whose lines are there
    let node = 1;
    for (let depth = 0; depth < levels; depth += 1) {
      const open0 = this.isOpen(2 * node, levels - depth - 1);
      const open1 = this.isOpen(2 * node + 1, levels - depth - 1);
      let side = open0 || !open1 ? 0 : 1;
      if (open0 && open1) {
        if (fetched < 0) this.look();
        if (fetched !== depth >> 2) this.fetch(node >> (depth & 3));
        fetched = depth >> 2;
        side = this.side(coder, node, depth);
      }
      node = 2 * node + side;
    }
    return node - top;
  }

  /** Whether a node, so many levels above the leaves, has leaves that are no holes or excluded. */
  isOpen(node, levels) {
    let count = this.tree.leaves[node];
    if (this.excluded0 >> levels === node) count -= 1;
    if (this.excluded1 >> levels === node) count -= 1;
    return count > 0;
  }

  /** What all decisions of the pixel share. */
  look() {
    const { flags, around, top, excluded0, excluded1, last, before } = this;
    treeKeys(around, flags, this.value);
    for (let i = 0; i < last.length; i += 1) {
      const known = flags.run[i] > 0;
      const first = flags.last[i] + top;
      const second = flags.before[i] + top;
      last[i] = known && first !== excluded0 && first !== excluded1 ? first : 0;
      before[i] = known && second !== excluded0 && second !== excluded1 ? second : 0;
    }
    if (this.profile.treePatterns > 6) this.all = all(around, flags.candidate[0]);
  }

  fetch(topNode) {
    const { slots } = this.stage;
    const { value, line, lineBits } = this;
    const addend = Math.imul(topNode, 0x85ebca6b);
    for (let i = 0; i < line.length; i += 1) {
      const q = key(value[i] + addend);
      const place = ((i << lineBits) + (q >>> (32 - lineBits))) * LINE;
      const check = (q & 0xffff) | 1;
      line[i] = place;
      if (slots[place] === check) continue;
      slots[place] = check;
      for (let at = place + 1; at < place + LINE; at += 1) slots[at] = 0;
    }
  }

  side(coder, node, depth) {
    const { stage } = this;
    stage.kind = depth;
    stage.curve = Math.min(node, 255);
    this.askHeads(node, depth);
    this.askColours(node, depth);
    this.askLines(node, depth);
    this.lookAtNeighbours(node, depth);
    this.askPatterns(node, depth);
    this.chooseSets(depth);
    const bit = coder.bit(stage.predict());
    stage.learn(bit);
    return bit;
  }

  askHeads(node, depth) {
    const { last, before, tree } = this;
    const { run } = this.flags;
    const { estimate: places } = this.stage;
    const child = 2 * node;
    const shift = tree.depth - 1 - depth;
    let zeros = 0;
    let ones = 0;
    for (let i = 0; i < last.length; i += 1) {
      let relation = 2 + (last[i] >> shift) - child;
      if (relation === 2) zeros += 1;
      else if (relation === 3) ones += 1;
      else {
        relation = 4 + (before[i] >> shift) - child;
        if (relation !== 4 && relation !== 5) relation = 0;
      }
      const kind = (i * tree.depth + depth) * RELATIONS + relation;
      places[i] = relation === 0 ? -1 : kind * RUNS + (run[i] < 31 ? run[i] : 31);
    }
    this.zeros = zeros;
    this.ones = ones;
  }

  askColours(node, depth) {
    const { tree, around, profile, distances } = this;
    const { estimate: places } = this.stage;
    const { expected, activity } = around;
    const axis = tree.axis[node];
    const middle = tree.middle[node];
    const scale = tree.scale[node];
    let at = this.flags.heads;
    for (let i = 0; i < profile.expected; i += 1, at += 1) {
      const kind = (i * tree.depth + depth) * 8 + activity;
      places[at] = distances + kind * 64 + distance(expected[3 * i + axis], middle, scale);
    }
    if (profile.pairs > 0) this.askPairs(node, depth, at);
  }

  askPairs(node, depth, at) {
    const { tree, around, pairs } = this;
    const { estimate: places } = this.stage;
    const { colours } = tree;
    const { n } = around;
    const axis = tree.axis[node];
    const middle = tree.middle[node];
    const scale = tree.scale[node];
    const left = colours[3 * n[0] + axis];
    const above = colours[3 * n[1] + axis];
    const between = colours[3 * n[2] + axis];
    const right = colours[3 * n[3] + axis];
    const left2 = colours[3 * n[4] + axis];
    const above2 = colours[3 * n[5] + axis];
    const first0 = distance(right, middle, scale);
    const second0 = distance(left + above - between, middle, scale);
    const first1 = distance(2 * above - above2, middle, scale);
    const second1 = distance(2 * left - left2, middle, scale);
    places[at] = pairs + (depth * 64 + first0) * 64 + second0;
    places[at + 1] = pairs + ((tree.depth + depth) * 64 + first1) * 64 + second1;
  }

  askLines(node, depth) {
    const { line } = this;
    const { slot } = this.stage;
    const first = 1 << (depth & 3);
    const number = (node & (first - 1)) | first;
    for (let i = 0; i < line.length; i += 1) slot[i] = line[i] + number;
  }

  /** The sides on which the neighbours are, for the patterns. */
  lookAtNeighbours(node, depth) {
    const { top, neighbours } = this;
    const { n } = this.around;
    const child = 2 * node;
    const shift = this.tree.depth - 1 - depth;
    let digits = 0;
    let zeroSides = 0;
    let oneSides = 0;
    for (let i = 0; i < 9; i += 1) {
      const side = ((n[i] + top) >> shift) - child;
      const zero = side === 0 ? 1 : 0;
      const one = side === 1 ? 1 : 0;
      digits = 3 * digits + zero + 2 * one;
      if (i === 2) this.digits3 = digits;
      zeroSides |= zero << i;
      oneSides |= one << i;
    }
    this.digits9 = digits;
    for (let i = 9; i < neighbours; i += 1) {
      const side = ((n[i] + top) >> shift) - child;
      zeroSides |= (side === 0 ? 1 : 0) << i;
      oneSides |= (side === 1 ? 1 : 0) << i;
    }
    this.zeroSides = zeroSides;
    this.oneSides = oneSides;
  }

  askPatterns(node, depth) {
    const { around } = this;
    const { slot } = this.stage;
    const count = this.profile.treePatterns;
    const at = this.line.length;
    const base = this.patternBase;
    slot[at] = base + spread(27 * node + this.digits3, 17);
    slot[at + 1] = base + PATTERN_SLOTS + spread(19683 * depth + this.digits9, 17);
    if (count === 2) return;
    const z = depth * 8192 + around.comparison * 8 + around.activity;
    slot[at + 2] = base + 2 * PATTERN_SLOTS + z;
    if (count === 3) return;
    const here = hash(0, node);
    const sides = hash(hash(here, this.zeroSides), this.oneSides);
    slot[at + 3] = base + 3 * PATTERN_SLOTS + (hash(here, around.y) >>> 15);
    slot[at + 4] = base + 4 * PATTERN_SLOTS + (hash(here, around.x) >>> 15);
    slot[at + 5] = base + 5 * PATTERN_SLOTS + (sides >>> 15);
    slot[at + 6] = base + 6 * PATTERN_SLOTS + (hash(here, this.all) >>> 15);
  }

  chooseSets(depth) {
    const { around, ones, zeros } = this;
    const { mixers, curve } = this.stage;
    const { set } = mixers;
    mixers.finalSet = depth;
    set[0] = curve;
    if (set.length === 1) return;
    set[1] = depth * 27 + around.equality;
    set[2] = (depth * 6 + Math.min(ones, 5)) * 6 + Math.min(zeros, 5);
    if (set.length === 3) return;
    set[3] = (around.x >> 3) & 127;
    set[4] = depth * 8 + around.activity;
    set[5] = around.comparison;
    set[6] = ((around.x + around.y) >> 5) & 255;
    set[7] = depth * 32 + Math.min(this.flags.run[0], 31);
  }
}

function distance(value, middle, scale) {
  const steps = (((16 * value - middle) * scale) >> 13) + 32;
  if (steps < 0) return 0;
  return steps > 63 ? 63 : steps;
}
