// Section 5 of context.md: bits from bytes.

/** The decoder of one strip's bits, or of a coded palette's. */
export class BitDecoder {
  /** `refuse(message)` throws the error. */
  constructor(bytes, refuse) {
    this.bytes = bytes;
    this.refuse = refuse;
    this.at = 0;
    this.low = 0;
    this.high = 0xffffffff;
    this.code = 0;
    for (let i = 0; i < 4; i += 1) this.code = ((this.code << 8) | this.next()) >>> 0;
    this.shifts = 0;
  }

  next() {
    return this.at < this.bytes.length ? this.bytes[this.at++] : 0;
  }

  /** The next bit, `p` being the probability of 1 in 1/65536. */
  bit(p) {
    const range = this.high - this.low;
    // (range * p) >> 16 in two halves, as the product has up to 48 bits.
    const part = (Math.imul(range >>> 16, p) >>> 0) + (Math.imul(range & 0xffff, p) >>> 16);
    const middle = this.low + part;
    let bit = 0;
    if (this.code <= middle) {
      bit = 1;
      this.high = middle;
    } else {
      this.low = middle + 1;
    }
    while ((this.low ^ this.high) >>> 24 === 0) this.shift();
    return bit;
  }

  shift() {
    this.shifts += 1;
    // There must be one byte more than there are shifts: there is no need to decode on.
    if (this.shifts >= this.bytes.length) this.refuse('has fewer bytes than decoding it takes');
    this.low = (this.low << 8) >>> 0;
    this.high = ((this.high << 8) | 255) >>> 0;
    this.code = ((this.code << 8) | this.next()) >>> 0;
  }

  /** Check that the bytes end as those of an encoder do. */
  end() {
    const size = this.shifts + 1;
    if (this.bytes.length < size) this.refuse('has fewer bytes than decoding it takes');
    if (this.bytes.length > size) {
      this.refuse(`has ${this.bytes.length} bytes where decoding takes ${size}`);
    }
    const last = this.bytes[size - 1];
    const right = (this.low >>> 24) + 1;
    if (last !== right) this.refuse(`ends with the byte ${last}, but decoding it gives ${right}`);
  }
}
