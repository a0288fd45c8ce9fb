// What a page wants of a file: pixels for a canvas, frames, and errors that come from a worker.

import {
  frameCount,
  frameDuration,
  KmcError,
  KmcForeignError,
  KmcLimitError,
  read,
  toRGBA,
} from '../decoder/kmc.js';

const KINDS = { KmcError, KmcForeignError, KmcLimitError, RangeError };

/** A view of the bytes of a Uint8Array, another view or an ArrayBuffer. */
export function bytesOf(data) {
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const kind = Object.prototype.toString.call(data); // a buffer of another frame is no instance
  if (kind === '[object ArrayBuffer]' || kind === '[object SharedArrayBuffer]') {
    return new Uint8Array(data);
  }
  throw new TypeError(`bytes must be a Uint8Array or an ArrayBuffer, not ${kind}`);
}

/** An ImageData; where there is no such class, as in Node, a plain object with its members. */
export function imageData(data, width, height) {
  if (typeof ImageData !== 'undefined') return new ImageData(data, width, height);
  return { data, width, height, colorSpace: 'srgb' };
}

/** The pixels of a frame of what `read` gave. */
export function pixelsOf(image, number = 0) {
  const { width, height } = image.header;
  return imageData(toRGBA(image, number), width, height);
}

/** The frames of what `read` gave; a picture that is still has one, of duration null. */
export function framesOf(image) {
  const { width, height } = image.header;
  const count = frameCount(image);
  const durations = Array.from({ length: count }, (_, number) => frameDuration(image, number));
  const loop = image.frames?.loop ?? 0;
  return { width, height, count, durations, loop, frame: (number) => pixelsOf(image, number) };
}

/** The pixels of a file: of its first frame, or of `frame`. */
export function decode(bytes, { frame = 0, ...limits } = {}) {
  return pixelsOf(read(bytesOf(bytes), limits), frame);
}

/** The frames of a file; the pixels of each are made when they are asked for. */
export function decodeFrames(bytes, limits = {}) {
  return framesOf(read(bytesOf(bytes), limits));
}

/** What a worker can post of an error. */
export function packError(error) {
  const { name, message, reason, offset } = error;
  return { name, message, reason, offset };
}

/** The same error again, of the same class. */
export function unpackError({ name, message, reason, offset }) {
  const Kind = Object.hasOwn(KINDS, name) ? KINDS[name] : Error;
  return Kind === Error || Kind === RangeError ? new Kind(message) : new Kind(reason, offset);
}
