// Section 5 of context.md: bits from bytes.

const LOW = 0;
const HIGH = 1;
const CODE = 2;

/** The decoder of one strip's bits, or of a coded palette's. */
export class BitDecoder {
  /** `refuse(message)` throws the error. */
  constructor(bytes, refuse) {
    this.bytes = bytes;
    this.refuse = refuse;
    // An array, as a member that needs all 32 bits is a double, which each bit would convert.
    this.state = Uint32Array.of(0, 0xffffffff, 0);
    for (let at = 0; at < 4; at += 1) this.state[CODE] = (this.state[CODE] << 8) | this.byte(at);
    this.shifts = 0;
  }

  byte(at) {
    return at < this.bytes.length ? this.bytes[at] : 0;
  }

  /** The next bit, `p` being the probability of 1 in 1/65536. */
  bit(p) {
    const { state } = this;
    const low = state[LOW];
    const range = (state[HIGH] - low) >>> 0;
    // (range * p) >> 16 in two halves, as the product has up to 48 bits.
    const part = Math.imul(range >>> 16, p) + (Math.imul(range & 0xffff, p) >>> 16);
    const middle = (low + part) >>> 0;
    let bit = 0;
    if (state[CODE] <= middle) {
      bit = 1;
      state[HIGH] = middle;
    } else {
      state[LOW] = middle + 1;
    }
    while ((state[LOW] ^ state[HIGH]) >>> 24 === 0) this.shift();
    return bit;
  }

  shift() {
    const { state } = this;
    this.shifts += 1;
    // There must be one byte more than there are shifts: there is no need to decode on.
    if (this.shifts >= this.bytes.length) this.refuse('has fewer bytes than decoding it takes');
    state[LOW] <<= 8;
    state[HIGH] = (state[HIGH] << 8) | 255;
    state[CODE] = (state[CODE] << 8) | this.byte(this.shifts + 3);
  }

  /** Check that the bytes end as those of an encoder do. */
  end() {
    const size = this.shifts + 1;
    if (this.bytes.length < size) this.refuse('has fewer bytes than decoding it takes');
    if (this.bytes.length > size) {
      this.refuse(`has ${this.bytes.length} bytes where decoding takes ${size}`);
    }
    const last = this.bytes[size - 1];
    const right = (this.state[LOW] >>> 24) + 1;
    if (last !== right) this.refuse(`ends with the byte ${last}, but decoding it gives ${right}`);
  }
}
