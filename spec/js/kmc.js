// A decoder of KMC 1, written from kmc-1.md and context.md alone.
//
//     import { frameCount, frameDuration, read, toRGBA } from './kmc.js';
//     const image = read(bytes); // a Uint8Array; throws KmcError
//     const pixels = new ImageData(toRGBA(image), image.header.width); // of the first frame
//
// Frame by frame, all of which are decoded by then:
//
//     for (let number = 0; number < frameCount(image); number += 1) {
//       draw(toRGBA(image, number), frameDuration(image, number)); // milliseconds
//     }
//
// It runs in browsers and in Node 18 and later, needs nothing else, and shares nothing with the
// other readers of this repository.

import { ContextDecoder } from './context.js';
import { grouped, KmcError, KmcLimitError } from './errors.js';
import {
  frameAfterFrame,
  frameCount,
  frameDuration,
  frameOf,
  ONE_FRAME,
  readFrames,
} from './frames.js';
import { bitsFor } from './numbers.js';
import { decodePalette } from './palette.js';
import { packedStride, unpackRows } from './rows.js';
import { inflateOr, readSections } from './sections.js';
import { Source } from './source.js';

export { frameCount, frameDuration, frameOf, KmcError, KmcLimitError };

const SIGNATURE = [0x8b, 0x4b, 0x4d, 0x43, 0x0d, 0x0a, 0x1a, 0x0a];
const HEADER_SIZE = 28;
const LARGEST_SIDE = 2147483647;
const PACKED = 0;
const DEFLATE = 1;
const FAST = 2; // the first of the context coder's profiles
const MAX = 4;

export const LIMITS = { maxPixels: 2 ** 28, maxMetadata: 2 ** 26 };

/**
 * Read a file.
 *
 * `bytes` is a Uint8Array of all of it. `limits.maxPixels`, in all frames together, and
 * `limits.maxMetadata` (bytes) are what it may hold at most.
 *
 * Gives an object with `header` (width, height, coding, channels, entries, rowsPerStrip,
 * hasSections, paletteCoded, hasFrames; the size is that of one frame), `palette` (a Uint8Array, an
 * entry's channels after each other), `indices` (a Uint8Array or Uint16Array, row by row, one frame
 * after the other; `frameOf` gives those of one), `frames` (count, durations in milliseconds, one
 * for all or one for each as `frameDuration` tells, loop: how often all are shown, 0 is forever,
 * interleaved; null if the file has no frame table), `strips`, `sections` and `parts` (where the
 * bytes are), and `metadata` (icc, exif, xmp: Uint8Array or null; text: a Map).
 *
 * Throws KmcError for everything that the specification refuses; its child KmcLimitError for what
 * is beyond the limits.
 */
export function read(bytes, limits = {}) {
  const { maxPixels, maxMetadata } = { ...LIMITS, ...limits };
  const source = new Source(bytes);
  const header = readHeader(source, maxPixels);
  const palette = readPalette(source, header);
  const paletteEnd = source.at;
  const frames = header.hasFrames ? readFrames(source, header, maxPixels) : null;
  const count = countStrips(source, header);
  const strips = readStrips(source, header, frames ?? ONE_FRAME, count, palette);
  const stripsEnd = source.at;
  const sections = header.hasSections ? readSections(source, maxMetadata) : noSections();
  if (source.left > 0) source.refuse(`${grouped(source.left)} bytes follow the end of the file`);
  return {
    header,
    palette,
    indices: strips.indices,
    frames,
    strips: strips.list,
    sections: sections.list,
    metadata: sections.metadata,
    parts: partsOf(bytes.length, paletteEnd, stripsEnd, strips.list),
  };
}

function noSections() {
  return { list: [], metadata: { icc: null, exif: null, xmp: null, text: new Map() } };
}

function checkSignature(source) {
  const { bytes } = source;
  const found = SIGNATURE.findIndex((byte, i) => i < bytes.length && bytes[i] !== byte);
  if (found > 3) {
    source.refuse(
      'the line ends of this .kmc file were converted by a transfer in text mode',
      found,
    );
  }
  if (found >= 0) source.refuse('this is not a .kmc file: its signature is another', found);
}

function readHeader(source, maxPixels) {
  checkSignature(source);
  const bytes = source.take(HEADER_SIZE, 'the header');
  source.at = HEADER_SIZE - 4;
  source.check('the header', bytes.subarray(0, HEADER_SIZE - 4));
  const [version, coding, channels, flags] = bytes.subarray(8, 12);
  if (version !== 1) source.refuse(`version ${version} of the format is not supported`, 8);
  if (coding > MAX) source.refuse(`coding method ${coding} is not supported`, 9);
  if (channels < 1 || channels > 4) source.refuse(`${channels} channels are not supported`, 10);
  if (flags > 7) source.refuse(`a reserved flag is set (flags ${flags}): not supported`, 11);
  if (flags & 2 && coding < FAST) {
    source.refuse(`a coded palette cannot come with coding method ${coding}`, 11);
  }
  const width = source.view.getUint32(12, true);
  const height = source.view.getUint32(16, true);
  for (const [name, side, at] of [
    ['width', width, 12],
    ['height', height, 16],
  ]) {
    if (side < 1 || side > LARGEST_SIDE) source.refuse(`the ${name} of ${side} is not allowed`, at);
  }
  if (width * height > maxPixels) {
    const sides = `${grouped(width)} x ${grouped(height)} pixels`;
    const words = `the image is too large: ${sides}, more than ${grouped(maxPixels)}`;
    source.refuse(words, 12, KmcLimitError);
  }
  return {
    version,
    coding,
    channels,
    width,
    height,
    entries: source.view.getUint16(20, true) + 1,
    rowsPerStrip: source.view.getUint16(22, true),
    hasSections: (flags & 1) === 1,
    paletteCoded: (flags & 2) === 2,
    hasFrames: (flags & 4) === 4,
  };
}

function readPalette(source, { entries, channels, paletteCoded }) {
  const size = entries * channels;
  const start = source.at;
  if (!paletteCoded) {
    const palette = source.take(size, 'the palette');
    source.check('the palette', palette);
    return palette;
  }
  const width = size <= 256 ? 1 : size <= 65536 ? 2 : 4;
  const length = source
    .take(width, 'the length of the coded palette')
    .reduceRight((sum, byte) => sum * 256 + byte, 0);
  if (length >= size) {
    source.refuse(
      `the coded palette has ${grouped(length)} bytes, not less than ${grouped(size)}`,
      start,
    );
  }
  const coded = source.take(length, 'the coded palette');
  source.check('the coded palette', source.bytes.subarray(start, source.at));
  const refuse = (message) => source.refuse(`the coded palette ${message}`, start + width);
  return decodePalette(coded, entries, channels, refuse);
}

function countStrips(source, { height, rowsPerStrip }) {
  const count = rowsPerStrip === 0 ? 1 : Math.ceil(height / rowsPerStrip);
  if (count > source.left / 8) {
    const room = grouped(source.left);
    source.refuse(`the file is truncated: ${grouped(count)} strips do not fit in ${room} bytes`);
  }
  return count;
}

/** The decoder of payloads for this coding: (payload, indices, refuse). */
function payloadDecoder({ coding, channels, entries }, width, palette) {
  const bits = bitsFor(entries);
  if (coding >= FAST) {
    const decoder = new ContextDecoder(coding, palette, channels, width);
    return (payload, out, refuse) => decoder.strip(payload, out, refuse);
  }
  const wide = coding === PACKED ? bits : [0, 1, 2, 4, 8, 16].find((n) => n >= bits);
  const stride = packedStride(width, wide);
  return (payload, out, refuse) => {
    const size = (out.length / width) * stride;
    const packed = coding === DEFLATE ? inflateOr(payload, size, refuse) : payload;
    if (packed.length !== size) {
      refuse(`has ${grouped(packed.length)} bytes where its rows need ${grouped(size)}`);
    }
    unpackRows(packed, width, wide, entries, out, refuse);
  };
}

function readStrips(source, header, frames, count, palette) {
  const { height } = header;
  const sheetWidth = header.width * frames.count;
  const rows = header.rowsPerStrip || height;
  const decode = payloadDecoder(header, frames.interleaved ? header.width : sheetWidth, palette);
  const list = [];
  const found = [];
  for (let number = 0; number < count; number += 1) {
    const strip = readStrip(source, number);
    list.push({
      firstRow: number * rows,
      rows: Math.min(rows, height - number * rows),
      ...strip.facts,
    });
    found.push(strip.payload);
  }
  // Only now: a file that is cut off is refused before memory is taken for its pixels.
  const Indices = header.entries > 256 ? Uint16Array : Uint8Array;
  const indices = new Indices(sheetWidth * height);
  list.forEach((strip, number) => {
    const refuse = (message) => source.refuse(`strip ${number} ${message}`, strip.offset);
    const start = strip.firstRow * sheetWidth;
    decode(found[number], indices.subarray(start, start + strip.rows * sheetWidth), refuse);
  });
  return { indices: frameAfterFrame(indices, header, frames.count), list };
}

function readStrip(source, number) {
  const what = `strip ${number}`;
  const start = source.at;
  const length = source.u32(`the length of ${what}`);
  const crc = source.u32(`the CRC of ${what}`);
  const offset = source.at;
  const payload = source.take(length, what);
  const order = new Uint8Array(4);
  new DataView(order.buffer).setUint32(0, number, true);
  source.compare(crc, what, start + 4, order, source.bytes.subarray(start, start + 4), payload);
  return { facts: { offset, length, crc }, payload };
}

/** How many bytes each part of the file takes. */
function partsOf(total, paletteEnd, stripsEnd, strips) {
  const indices = strips.reduce((sum, strip) => sum + strip.length, 0);
  const palette = paletteEnd - HEADER_SIZE - 4;
  const sections = total - stripsEnd;
  return { total, palette, indices, sections, container: total - palette - indices - sections };
}

/** The colours of a palette as red, green, blue, alpha; straight alpha. */
export function paletteRGBA(palette, channels) {
  const count = palette.length / channels;
  const out = new Uint8ClampedArray(4 * count);
  for (let entry = 0; entry < count; entry += 1) {
    const at = entry * channels;
    for (let axis = 0; axis < 3; axis += 1) {
      out[4 * entry + axis] = palette[channels < 3 ? at : at + axis];
    }
    out[4 * entry + 3] = channels % 2 === 0 ? palette[at + channels - 1] : 255;
  }
  return out;
}

/** All pixels of a frame of what `read` gave as red, green, blue, alpha, for ImageData. */
export function toRGBA(image, frame = 0) {
  const { indices } = frameOf(image, frame);
  const colours = new Uint32Array(paletteRGBA(image.palette, image.header.channels).buffer);
  const pixels = new Uint32Array(indices.length);
  for (let i = 0; i < indices.length; i += 1) pixels[i] = colours[indices[i]];
  return new Uint8ClampedArray(pixels.buffer);
}
