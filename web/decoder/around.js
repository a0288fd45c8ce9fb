// Section 6 of additive.md: the symbols around a pixel, and their tags.

const PAD = 16; // columns kept left and right of the image
const MOST_RUN = 1024;

/**
 * Where words of four tags are, the first in the lowest byte: ABOVE has places 0 to 3 of the text,
 * BESIDE 4 to 7, UP 8 to 11, LEFT s(-1, 0) ... s(-4, 0). Modules make constants of their own of such
 * numbers: engines fold those, but load and check imported ones at each use.
 */
export const WORDS = { ABOVE: 0, BESIDE: 1, UP: 2, LEFT: 3 };
const { ABOVE, BESIDE, UP, LEFT } = WORDS;

/** The tag of a symbol; with at most 256 entries the symbol itself. */
export function tagOf(symbol) {
  return (symbol + (symbol >> 8) * 101) & 255;
}

/** Which bytes of a word are 0: bit 0 for the lowest one, bit 3 for the highest. */
export function zeroBytes(word) {
  const low = (word & 0x7f7f7f7f) + 0x7f7f7f7f;
  return Math.imul((~(low | word) >>> 7) & 0x01010101, 0x10204080) >>> 28;
}

/** Knows the row that is decoded and the two above it. */
export class Around {
  constructor(width, entries) {
    this.width = width;
    this.wide = entries > 256;
    this.stride = width + 2 * PAD;
    this.tags = new Uint8Array(3 * this.stride);
    this.symbols = new Uint16Array(3 * this.stride);
    this.view = new DataView(this.tags.buffer);
    this.words = new Int32Array(4);
    this.row0 = 0; // where column 0 is: of the row that is decoded, of the row above, and so on
    this.row1 = 0;
    this.row2 = 0;
  }

  /** Begin a strip: all is 0 above it. */
  begin() {
    this.tags.fill(0);
    this.symbols.fill(0);
    [this.row0, this.row1, this.row2] = [0, 1, 2].map((j) => j * this.stride + PAD);
  }

  /** Begin the next row. */
  nextRow() {
    const { row0, row1, row2, tags, symbols } = this;
    [this.row0, this.row1, this.row2] = [row2, row0, row1];
    tags.fill(tags[row0], row2 - PAD, row2);
    symbols.fill(symbols[row0], row2 - PAD, row2);
    this.words[LEFT] = this.view.getInt32(row2 - 4);
  }

  /** Look around at column x; the pixel before it, if there is one, was put there. */
  look(x) {
    const { view, words } = this;
    const above = this.row1 + x - 2;
    words[ABOVE] = view.getInt32(above, true);
    words[BESIDE] = this.tags[above + 4] | (words[LEFT] << 8);
    words[UP] = view.getInt32(this.row2 + x - 1, true);
  }

  /** The symbol at a column of the row. */
  at(x) {
    return this.symbols[this.row0 + x];
  }

  put(x, symbol) {
    const tag = tagOf(symbol);
    this.symbols[this.row0 + x] = symbol;
    this.tags[this.row0 + x] = tag;
    this.words[LEFT] = (this.words[LEFT] << 8) | tag;
  }

  fill(from, to, symbol) {
    const tag = tagOf(symbol);
    this.symbols.fill(symbol, this.row0 + from, this.row0 + to);
    this.tags.fill(tag, this.row0 + from, this.row0 + to);
    this.words[LEFT] = Math.imul(tag, 0x01010101);
  }

  /** Whether the tags at the places 0 to 7 are equal. */
  flat() {
    const { words } = this;
    const above = words[ABOVE];
    return above === words[BESIDE] && above === ((above << 8) | (above & 255));
  }

  /** How many pixels from column x on a run would have, if the tags around are equal. */
  ahead(x) {
    const { symbols } = this;
    const above = this.row1 + x;
    const beside = this.row0 + x;
    const same = symbols[beside - 1];
    if (symbols[above - 1] !== same || symbols[above - 2] !== same) return 0;
    if (symbols[beside - 2] !== same || symbols[beside - 3] !== same) return 0;
    const most = Math.min(this.width - x, MOST_RUN);
    let n = 0;
    if (!this.wide) {
      // Symbols are tags: four at a time.
      const all = Math.imul(same, 0x01010101);
      while (n + 4 <= most && this.view.getInt32(above + n) === all) n += 4;
    }
    while (n < most && symbols[above + n] === same) n += 1;
    return n;
  }
}
