// What the pixels of labels stand for: the data of a section `labl` (kmc-1.md, section 7.1).

import { inflateOr } from './inflate.js';

const MOST_AXES = 32;
const MOST_PLANES = 8;
const MOST_VALUES = 65536n;
const TOO_LARGE = 1n << 63n; // bytes of an array
const DTYPES = ['|b1', '|i1', '|u1'].concat(
  [2, 4, 8].flatMap((size) => ['<i', '<u', '>i', '>u'].map((kind) => kind + size)),
);

/**
 * Read `dtype` as NumPy writes it, `shape`, `planes`, and `values`, the labels in ascending order.
 *
 * With planes `values` has the least alone. `refuse(message)` throws what is wrong.
 */
export function readLabels(data, refuse) {
  const fields = new Fields(data, refuse);
  const dtype = DTYPES[fields.byte()];
  if (dtype === undefined) refuse('the dtype is unknown');
  const axes = fields.byte();
  if (axes > MOST_AXES) refuse(`there are ${axes} axes, more than ${MOST_AXES}`);
  const lengths = Array.from({ length: axes }, () => fields.number());
  const size = lengths.reduce((product, length) => product * (length || 1n), 1n);
  if (size * BigInt(dtype[2]) >= TOO_LARGE) refuse('the shape is too large');
  const planes = fields.byte();
  if (planes > MOST_PLANES) refuse(`a value has ${planes} bytes, more than ${MOST_PLANES}`);
  const values = planes > 0 ? [first(fields, dtype)] : readValues(fields, dtype);
  if (fields.left > 0) refuse('bytes follow the values');
  return { dtype, shape: lengths.map(Number), planes, values };
}

/** The bytes of the data, from the first to the last. */
class Fields {
  constructor(bytes, refuse) {
    this.bytes = bytes;
    this.refuse = refuse;
    this.at = 0;
  }

  get left() {
    return this.bytes.length - this.at;
  }

  take(count) {
    if (count > this.left) this.refuse('it is truncated');
    this.at += count;
    return this.bytes.subarray(this.at - count, this.at);
  }

  byte() {
    return this.take(1)[0];
  }

  /** A number in groups of seven bits, as a BigInt. */
  number() {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.byte();
      value |= BigInt(byte & 127) << shift;
      if (byte > 127) continue;
      if (byte === 0 && shift > 0n) break;
      if (value >> 64n) break;
      return value;
    }
    return this.refuse('a number is malformed');
  }
}

/** The least and the greatest value of a dtype. */
function span(dtype) {
  const bits = dtype === '|b1' ? 1n : 8n * BigInt(dtype[2]);
  const least = dtype[1] === 'i' ? -(1n << (bits - 1n)) : 0n;
  return [least, least + (1n << bits) - 1n];
}

function first(fields, dtype) {
  const [least, most] = span(dtype);
  const value = least + fields.number();
  if (value > most) fields.refuse(`a value is outside ${dtype}`);
  return value;
}

function readValues(fields, dtype) {
  const gaps = fields.number();
  if (gaps >= MOST_VALUES) fields.refuse('there are too many values');
  const count = Number(gaps);
  const values = [first(fields, dtype)];
  const form = fields.byte();
  const size = form & 15;
  if (size > 8 || form > 31) fields.refuse('the form of the gaps is unknown');
  const planes = form > 15 ? unpacked(fields, size * count) : fields.take(size * count);
  for (let i = 0; i < count; i += 1) {
    let gap = 0n;
    for (let plane = size - 1; plane >= 0; plane -= 1) {
      gap = (gap << 8n) | BigInt(planes[plane * count + i]);
    }
    values.push(values[i] + gap + 1n);
  }
  if (values[count] > span(dtype)[1]) fields.refuse(`a value is outside ${dtype}`);
  return values;
}

function unpacked(fields, size) {
  const length = fields.number();
  if (length > fields.left) fields.refuse('it is truncated');
  const data = inflateOr(fields.take(Number(length)), size, fields.refuse);
  if (data.length !== size) fields.refuse('the gaps have another size');
  return data;
}
