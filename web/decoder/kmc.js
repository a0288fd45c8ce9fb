// A decoder of KMC 1, written from kmc-1.md, additive.md, context.md and labels.md alone.
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

import { AdditiveDecoder } from './additive.js';
import { ContextDecoder } from './context.js';
import { grouped, KmcError, KmcForeignError, KmcLimitError } from './errors.js';
import {
  frameAfterFrame,
  frameCount,
  frameDuration,
  frameOf,
  readFrames,
  sceneNumber,
} from './frames.js';
import { inflateOr } from './inflate.js';
import { LabelDecoder } from './labels.js';
import { bitsFor } from './numbers.js';
import { decodePalette, ramp } from './palette.js';
import { packedStride, unpackRows } from './rows.js';
import { soleScene } from './scenes.js';
import { readSections } from './sections.js';
import { Source } from './source.js';

export { frameCount, frameDuration, frameOf, KmcError, KmcForeignError, KmcLimitError, sceneNumber };

const SIGNATURE = [0x8b, 0x4b, 0x4d, 0x43, 0x0d, 0x0a, 0x1a, 0x0a];
export const HEADER_SIZE = 28;
const LARGEST_SIDE = 2147483647;
const PACKED = 0;
const DEFLATE = 1;
const ADAPTIVE = 2; // the first of the coders that learn
const CONTEXT = [3, 4];
const LABELS = 6;
const LAST = 6;

export const LIMITS = { maxPixels: 2 ** 28, maxMetadata: 2 ** 26 };

/**
 * Read a file.
 *
 * `bytes` is a Uint8Array of all of it. `limits.maxPixels`, in all frames together, and
 * `limits.maxMetadata` (bytes) are what it may hold at most.
 *
 * Gives an object with `header` (width, height, coding, channels, entries, rowsPerStrip,
 * hasSections, paletteCoded, hasFrames, isRamp: whether no palette is stored; the size is that of
 * one frame), `palette` (a Uint8Array, an entry's channels after each other), `indices` (a
 * Uint8Array or Uint16Array, row by row, one frame after the other; `frameOf` gives those of one),
 * `frames` (count, durations in milliseconds, one for all or one for each as `frameDuration` tells,
 * loop: how often all are shown, 0 is forever, interleaved, hasScenes; null if the file has no frame
 * table), `scenes` (at least one: firstFrame, frames, interleaved, entries, paletteCoded, palette;
 * `header` and `palette` are about the first of them, `frameOf` gives each frame its own), `strips`,
 * `sections` and `parts` (where the bytes are:
 * palettes, coded indices, payloads of sections as metadata, and the container around them), and
 * `metadata` (icc, exif, xmp: Uint8Array or null; text: a Map; labels: null, or dtype, shape, planes
 * and values as ids.js has them).
 *
 * Throws KmcError for everything that the specification refuses; its child KmcLimitError for what
 * is beyond the limits, KmcForeignError for files of other formats.
 */
export function read(bytes, limits = {}) {
  const { maxPixels, maxMetadata } = { ...LIMITS, ...limits };
  const source = new Source(bytes);
  const header = readHeader(source, maxPixels);
  const first = readPalette(source, header, 'the palette');
  const { frames, scenes } = header.hasFrames
    ? readFrames(source, header, maxPixels)
    : { frames: null, scenes: [soleScene(header, 1, false)] };
  scenes[0].palette = first.palette;
  let paletteBytes = first.size;
  scenes.slice(1).forEach((scene, i) => {
    const { entries, paletteCoded } = scene;
    const what = `the palette of scene ${i + 1}`;
    const read = readPalette(source, { ...header, entries, paletteCoded }, what);
    scene.palette = read.palette;
    paletteBytes += read.size;
  });
  const count = countStrips(source, header, scenes.length);
  const strips = readStrips(source, header, scenes, count);
  const sections = header.hasSections ? readSections(source, maxMetadata) : noSections();
  if (source.left > 0) source.refuse(`${grouped(source.left)} bytes follow the end of the file`);
  return {
    header,
    palette: first.palette,
    indices: strips.indices,
    frames,
    scenes,
    strips: strips.list,
    sections: sections.list,
    metadata: sections.metadata,
    parts: partsOf(bytes.length, paletteBytes, strips.list, sections.list),
  };
}

/**
 * Read the header, the first 28 bytes of a file, which may be all that is there so far. Gives
 * `header` as `read` does, and throws the same errors.
 */
export function readHead(bytes, limits = {}) {
  const { maxPixels } = { ...LIMITS, ...limits };
  return readHeader(new Source(bytes), maxPixels);
}

function noSections() {
  return { list: [], metadata: { icc: null, exif: null, xmp: null, labels: null, text: new Map() } };
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
  if (found >= 0) {
    const words = 'this is not a .kmc file: its signature is another';
    source.refuse(words, found, KmcForeignError);
  }
}

function readHeader(source, maxPixels) {
  checkSignature(source);
  const bytes = source.take(HEADER_SIZE, 'the header');
  source.at = HEADER_SIZE - 4;
  source.check('the header', bytes.subarray(0, HEADER_SIZE - 4));
  const [version, coding, channels, flags] = bytes.subarray(8, 12);
  if (version !== 1) source.refuse(`version ${version} of the format is not supported`, 8);
  if (coding > LAST) source.refuse(`coding method ${coding} is not supported`, 9);
  if (channels < 1 || channels > 4) source.refuse(`${channels} channels are not supported`, 10);
  if (flags > 15) source.refuse(`a reserved flag is set (flags ${flags}): not supported`, 11);
  if (flags & 2 && coding < ADAPTIVE) {
    source.refuse(`a coded palette cannot come with coding method ${coding}`, 11);
  }
  if (flags & 8 && flags & 6) {
    source.refuse('the palette is said to be the ramp, and coded or that of several frames', 11);
  }
  const entries = source.view.getUint16(20, true) + 1;
  if (flags & 8 && channels !== (entries > 256 ? 3 : 1)) {
    source.refuse(`the ramp of ${grouped(entries)} entries cannot have ${channels} channels`, 10);
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
    entries,
    rowsPerStrip: source.view.getUint16(22, true),
    hasSections: (flags & 1) === 1,
    paletteCoded: (flags & 2) === 2,
    hasFrames: (flags & 4) === 4,
    isRamp: (flags & 8) === 8,
  };
}

/** A palette, and how many bytes it has in the file, without length and CRC; `what` it is for messages. */
function readPalette(source, { entries, channels, paletteCoded, isRamp }, what) {
  if (isRamp) return { palette: ramp(entries), size: 0 };
  const size = entries * channels;
  const start = source.at;
  if (!paletteCoded) {
    const palette = source.take(size, what);
    source.check(what, palette);
    return { palette, size };
  }
  const width = size <= 256 ? 1 : size <= 65536 ? 2 : 4;
  const length = source
    .take(width, `the length of ${what}, which is coded,`)
    .reduceRight((sum, byte) => sum * 256 + byte, 0);
  if (length >= size) {
    source.refuse(
      `${what} is coded with ${grouped(length)} bytes, not less than ${grouped(size)}`,
      start,
    );
  }
  const coded = source.take(length, what);
  source.check(what, source.bytes.subarray(start, source.at));
  const refuse = (message) => source.refuse(`${what}, which is coded, ${message}`, start + width);
  return { palette: decodePalette(coded, entries, channels, refuse), size: length };
}

/** The number of strips of a scene. */
function countStrips(source, { height, rowsPerStrip }, scenes) {
  const count = rowsPerStrip === 0 ? 1 : Math.ceil(height / rowsPerStrip);
  if (count * scenes > source.left / 8) {
    const [all, room] = [count * scenes, source.left].map(grouped);
    source.refuse(`the file is truncated: ${all} strips do not fit in ${room} bytes`);
  }
  return count;
}

/** The decoder of payloads for this coding: (payload, indices, refuse). */
function payloadDecoder({ coding, channels }, width, { entries, palette }) {
  const bits = bitsFor(entries);
  if (coding >= ADAPTIVE) {
    const Decoder = CONTEXT.includes(coding) ? ContextDecoder : AdditiveDecoder;
    const decoder =
      coding === LABELS
        ? new LabelDecoder(entries, width)
        : new Decoder(coding, palette, channels, width);
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

/** Read the strips of all scenes, `count` of each. */
function readStrips(source, header, scenes, count) {
  const { width, height } = header;
  const rows = header.rowsPerStrip || height;
  const list = [];
  const found = [];
  for (let number = 0; number < scenes.length * count; number += 1) {
    const strip = readStrip(source, number);
    const firstRow = (number % count) * rows;
    list.push({ firstRow, rows: Math.min(rows, height - firstRow), ...strip.facts });
    found.push(strip.payload);
  }
  // Only now: a file that is cut off is refused before memory is taken for its pixels.
  const { firstFrame, frames } = scenes.at(-1);
  const Indices = scenes.some(({ entries }) => entries > 256) ? Uint16Array : Uint8Array;
  const indices = new Indices((firstFrame + frames) * width * height);
  scenes.forEach((scene, place) => {
    const start = scene.firstFrame * width * height;
    const own = indices.subarray(start, start + scene.frames * width * height);
    const sheet = scene.frames === 1 ? own : new Indices(own.length);
    decodeScene(source, header, scene, place * count, list, found, sheet);
    if (sheet !== own) frameAfterFrame(sheet, own, header, scene.frames);
  });
  return { indices, list };
}

/** Decode the strips of a scene, the first of which has the number `first`, into its sheet. */
function decodeScene(source, header, scene, first, list, found, sheet) {
  const across = header.width * scene.frames;
  const decode = payloadDecoder(header, scene.interleaved ? header.width : across, scene);
  for (let start = 0, number = first; start < sheet.length; number += 1) {
    const refuse = (message) => source.refuse(`strip ${number} ${message}`, list[number].offset);
    const end = start + list[number].rows * across;
    decode(found[number], sheet.subarray(start, end), refuse);
    start = end;
  }
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

/** How many bytes each part of the file takes; lengths, types and CRCs belong to the container. */
function partsOf(total, palette, strips, sections) {
  const [indices, metadata] = [strips, sections].map((list) =>
    list.reduce((sum, { length }) => sum + length, 0),
  );
  return { total, palette, indices, metadata, container: total - palette - indices - metadata };
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
  const { header, indices, palette } = frameOf(image, frame);
  const colours = new Uint32Array(paletteRGBA(palette, header.channels).buffer);
  const pixels = new Uint32Array(indices.length);
  for (let i = 0; i < indices.length; i += 1) pixels[i] = colours[indices[i]];
  return new Uint8ClampedArray(pixels.buffer);
}
