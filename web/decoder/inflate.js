// Streams of RFC 1950 (zlib) around RFC 1951 (deflate), decompressed up to a limit. A decoder of
// its own because the browser's is asynchronous and lets trailing bytes pass or not as it likes.

const LONGEST_CODE = 15;
const END_OF_BLOCK = 256;
const LARGEST_STEP = 5552; // so many bytes leave the sums of Adler-32 below 2^32
const CODE_LENGTH_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

const LENGTH_BASE = [];
const LENGTH_EXTRA = [];
const DISTANCE_BASE = [];
const DISTANCE_EXTRA = [];
for (let code = 0, length = 3; code < 28; code += 1) {
  LENGTH_BASE.push(length);
  LENGTH_EXTRA.push(code < 8 ? 0 : (code >> 2) - 1);
  length += 1 << LENGTH_EXTRA[code];
}
LENGTH_BASE.push(258);
LENGTH_EXTRA.push(0);
for (let code = 0, distance = 1; code < 30; code += 1) {
  DISTANCE_BASE.push(distance);
  DISTANCE_EXTRA.push(code < 4 ? 0 : (code >> 1) - 1);
  distance += 1 << DISTANCE_EXTRA[code];
}

/** What is wrong with a zlib stream; whoever asked for it knows where the stream stands. */
export class ZlibError extends Error {}

/** A Huffman code: how many codes there are of each length, and the symbols in the codes' order. */
class Huffman {
  constructor(lengths, what, mayBeIncomplete) {
    this.counts = new Uint16Array(LONGEST_CODE + 1);
    for (const length of lengths) this.counts[length] += 1;
    const used = lengths.length - this.counts[0];
    this.counts[0] = 0;
    const starts = new Uint16Array(LONGEST_CODE + 2);
    let left = 1;
    for (let length = 1; length <= LONGEST_CODE; length += 1) {
      left = 2 * left - this.counts[length];
      if (left < 0) throw new ZlibError(`a Huffman code of ${what} has too many codes`);
      starts[length + 1] = starts[length] + this.counts[length];
    }
    // RFC 1951: a code for one symbol alone has one bit, and no distance code at all is right if
    // there are only literals. Everything else must use up all codes.
    if (left > 0 && !(mayBeIncomplete && (used === 0 || (used === 1 && this.counts[1] === 1)))) {
      throw new ZlibError(`a Huffman code of ${what} is incomplete`);
    }
    this.symbols = new Uint16Array(used);
    lengths.forEach((length, symbol) => {
      if (length > 0) this.symbols[starts[length]++] = symbol;
    });
  }
}

const FIXED_LENGTHS = Array.from({ length: 288 }, (_, symbol) => {
  if (symbol < 144) return 8;
  if (symbol < 256) return 9;
  return symbol < 280 ? 7 : 8;
});
const FIXED_LITERALS = new Huffman(FIXED_LENGTHS, 'literals', false);
const FIXED_DISTANCES = new Huffman(new Array(32).fill(5), 'distances', false);

class Inflater {
  constructor(bytes, limit) {
    this.bytes = bytes;
    this.at = 2;
    this.held = 0; // bits read but not used, the next one lowest
    this.count = 0;
    this.limit = limit;
    // Grows with what is there: a limit is no reason to take that much memory.
    this.out = new Uint8Array(Math.min(limit, 65536));
    this.size = 0;
  }

  bits(count) {
    while (this.count < count) {
      if (this.at >= this.bytes.length) throw new ZlibError('the zlib stream is truncated');
      this.held |= this.bytes[this.at++] << this.count;
      this.count += 8;
    }
    const value = this.held & ((1 << count) - 1);
    this.held >>>= count;
    this.count -= count;
    return value;
  }

  symbol(huffman) {
    let code = 0;
    let first = 0;
    let index = 0;
    for (let length = 1; length <= LONGEST_CODE; length += 1) {
      code |= this.bits(1);
      const count = huffman.counts[length];
      if (code - first < count) return huffman.symbols[index + code - first];
      index += count;
      first = (first + count) << 1;
      code <<= 1;
    }
    throw new ZlibError('the zlib stream has a code that stands for nothing');
  }

  /** Make room for so many bytes more. */
  reserve(more) {
    const needed = this.size + more;
    if (needed > this.limit) {
      throw new ZlibError(`the zlib stream holds more than ${this.limit} bytes`);
    }
    if (needed <= this.out.length) return;
    const larger = new Uint8Array(Math.min(this.limit, Math.max(needed, 2 * this.out.length)));
    larger.set(this.out.subarray(0, this.size));
    this.out = larger;
  }

  stored() {
    this.held = 0; // the rest of the byte; never more than seven bits are held here
    this.count = 0;
    if (this.at + 4 > this.bytes.length) throw new ZlibError('the zlib stream is truncated');
    const [a, b, c, d] = this.bytes.subarray(this.at, this.at + 4);
    const length = a | (b << 8);
    if ((length ^ (c | (d << 8))) !== 0xffff) {
      throw new ZlibError('a stored block of the zlib stream has a wrong length');
    }
    this.at += 4;
    if (this.at + length > this.bytes.length) throw new ZlibError('the zlib stream is truncated');
    this.reserve(length);
    this.out.set(this.bytes.subarray(this.at, this.at + length), this.size);
    this.at += length;
    this.size += length;
  }

  compressed(literals, distances) {
    for (;;) {
      const symbol = this.symbol(literals);
      if (symbol === END_OF_BLOCK) return;
      if (symbol < END_OF_BLOCK) {
        this.reserve(1);
        this.out[this.size++] = symbol;
      } else {
        this.copy(symbol - END_OF_BLOCK - 1, distances);
      }
    }
  }

  copy(code, distances) {
    if (code >= LENGTH_BASE.length) throw new ZlibError('the zlib stream has a wrong length code');
    const length = LENGTH_BASE[code] + this.bits(LENGTH_EXTRA[code]);
    const far = this.symbol(distances);
    if (far >= DISTANCE_BASE.length) {
      throw new ZlibError('the zlib stream has a wrong distance code');
    }
    const distance = DISTANCE_BASE[far] + this.bits(DISTANCE_EXTRA[far]);
    if (distance > this.size) {
      throw new ZlibError('the zlib stream refers back beyond its beginning');
    }
    this.reserve(length);
    // Byte by byte: the parts may overlap.
    for (let i = 0; i < length; i += 1, this.size += 1) {
      this.out[this.size] = this.out[this.size - distance];
    }
  }

  dynamic() {
    const literals = this.bits(5) + 257;
    const distances = this.bits(5) + 1;
    const given = this.bits(4) + 4;
    if (literals > 286 || distances > 30) {
      throw new ZlibError('a block of the zlib stream has too many codes');
    }
    const ofLengths = new Array(19).fill(0);
    for (let i = 0; i < given; i += 1) ofLengths[CODE_LENGTH_ORDER[i]] = this.bits(3);
    const huffman = new Huffman(ofLengths, 'code lengths', false);
    const lengths = [];
    while (lengths.length < literals + distances) {
      const symbol = this.symbol(huffman);
      if (symbol < 16) {
        lengths.push(symbol);
        continue;
      }
      if (symbol === 16 && lengths.length === 0) {
        throw new ZlibError('the zlib stream repeats a code length before the first');
      }
      const value = symbol === 16 ? lengths[lengths.length - 1] : 0;
      let times = 3 + this.bits(symbol === 16 ? 2 : 3);
      if (symbol === 18) times += this.bits(4) * 8 + 8;
      for (let i = 0; i < times; i += 1) lengths.push(value);
    }
    if (lengths.length > literals + distances) {
      throw new ZlibError('the zlib stream has too many code lengths');
    }
    return [
      new Huffman(lengths.slice(0, literals), 'literals', true),
      new Huffman(lengths.slice(literals), 'distances', true),
    ];
  }

  blocks() {
    for (let last = 0; last === 0;) {
      last = this.bits(1);
      const kind = this.bits(2);
      if (kind === 0) this.stored();
      else if (kind === 1) this.compressed(FIXED_LITERALS, FIXED_DISTANCES);
      else if (kind === 2) this.compressed(...this.dynamic());
      else throw new ZlibError('the zlib stream has a block of an unknown kind');
    }
    return this.out.subarray(0, this.size);
  }
}

function adler32(bytes) {
  let a = 1;
  let b = 0;
  for (let start = 0; start < bytes.length; start += LARGEST_STEP) {
    const end = Math.min(start + LARGEST_STEP, bytes.length);
    for (let i = start; i < end; i += 1) {
      a += bytes[i];
      b += a;
    }
    a %= 65521;
    b %= 65521;
  }
  return b * 65536 + a;
}

/**
 * Decompress a zlib stream that fills `bytes`, exactly.
 *
 * Throws ZlibError if it is malformed, ends too early or too late, or holds more than `limit`
 * bytes.
 */
export function inflate(bytes, limit) {
  if (bytes.length < 2) throw new ZlibError('the zlib stream is truncated');
  const [method, flags] = bytes;
  if ((method & 15) !== 8 || method >> 4 > 7 || (method * 256 + flags) % 31 !== 0) {
    throw new ZlibError('this is no zlib stream');
  }
  if (flags & 32) throw new ZlibError('the zlib stream uses a preset dictionary');
  const inflater = new Inflater(bytes, limit);
  const out = inflater.blocks();
  const rest = bytes.length - inflater.at;
  if (rest < 4) throw new ZlibError('the zlib stream is truncated');
  if (rest > 4) throw new ZlibError(`${rest - 4} bytes follow the zlib stream`);
  const sum = new DataView(bytes.buffer, bytes.byteOffset + inflater.at, 4).getUint32(0);
  if (sum !== adler32(out)) throw new ZlibError('the Adler-32 of the zlib stream does not match');
  return out;
}

/** Decompress, and have `refuse(message)` throw what is wrong. */
export function inflateOr(bytes, limit, refuse) {
  try {
    return inflate(bytes, limit);
  } catch (error) {
    if (!(error instanceof ZlibError)) throw error;
    return refuse(error.message);
  }
}
