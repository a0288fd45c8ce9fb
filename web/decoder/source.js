// The bytes of a file, read from the first to the last.

import { crc32 } from './crc.js';
import { grouped, KmcError } from './errors.js';

const hex = (number) => number.toString(16).padStart(8, '0');

export class Source {
  constructor(bytes) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.at = 0;
  }

  get left() {
    return this.bytes.length - this.at;
  }

  /** Refuse the file for what stands at byte `at`. */
  refuse(message, at = this.at, Kind = KmcError) {
    throw new Kind(message, at);
  }

  /** The next `count` bytes; `what` they are is for the message if they are not there. */
  take(count, what) {
    if (count > this.left) {
      const size = grouped(count);
      this.refuse(
        `the file is truncated: ${what} needs ${size} bytes, ${grouped(this.left)} are left`,
      );
    }
    this.at += count;
    return this.bytes.subarray(this.at - count, this.at);
  }

  u32(what) {
    this.take(4, what);
    return this.view.getUint32(this.at - 4, true);
  }

  /** Compare a CRC with that of the bytes it is for. */
  compare(stored, what, at, ...parts) {
    const computed = crc32(...parts);
    if (stored !== computed) {
      this.refuse(`the CRC of ${what} is ${hex(stored)}, but its bytes give ${hex(computed)}`, at);
    }
  }

  /** Read the CRC that comes next and compare it. */
  check(what, ...parts) {
    const at = this.at;
    this.compare(this.u32(`the CRC of ${what}`), what, at, ...parts);
  }
}
