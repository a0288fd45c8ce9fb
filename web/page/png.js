// PNG and animated PNG out of what `read` gives: the same palette and indices where a PNG can have
// them, so that no canvas rounds colours that are half clear.

import { crc32 } from '../decoder/crc.js';
import { frameCount, frameDuration, frameOf, paletteRGBA, toRGBA } from '../decoder/kmc.js';

const SIGNATURE = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a);
const PALETTE = 3; // the colour types
const RGBA = 6;
const LARGEST_U16 = 65535;
const LARGEST_U31 = 2 ** 31 - 1;

/**
 * A Blob of type image/png: all frames as an animated PNG, or with `still` only the first. A profile
 * for RGB is kept, no other metadata.
 */
export async function toPNG(image, { still = false } = {}) {
  const { width, height } = image.header;
  const frames = still ? 1 : frameCount(image);
  const scenes = image.scenes.slice(0, frames); // each has a palette, of which a PNG can have one
  const indexed = scenes.length === 1 && scenes[0].entries <= 256;
  const parts = [SIGNATURE, ...chunk('IHDR', u32(width), u32(height), headOf(indexed))];
  parts.push(...(await profileOf(image)));
  if (frames > 1) {
    parts.push(...chunk('acTL', u32(frames), u32(Math.min(image.frames.loop, LARGEST_U31))));
  }
  if (indexed) parts.push(...paletteOf(image));
  for (let number = 0, sequence = 0; number < frames; number += 1) {
    if (frames > 1) {
      const control = controlOf(image, number);
      parts.push(...chunk('fcTL', u32(sequence), u32(width), u32(height), control));
      sequence += 1;
    }
    const rows = indexed ? frameOf(image, number).indices : toRGBA(image, number);
    const packed = await deflate(filtered(rows, indexed ? width : 4 * width, height));
    if (number === 0) {
      parts.push(...chunk('IDAT', packed));
    } else {
      parts.push(...chunk('fdAT', u32(sequence), packed));
      sequence += 1;
    }
  }
  parts.push(...chunk('IEND'));
  return new Blob(parts, { type: 'image/png' });
}

function chunk(type, ...data) {
  const letters = Uint8Array.from(type, (letter) => letter.charCodeAt(0));
  const length = data.reduce((sum, part) => sum + part.length, 0);
  return [u32(length), letters, ...data, u32(crc32(letters, ...data))];
}

function u32(number) {
  return Uint8Array.of(number >>> 24, number >>> 16, number >>> 8, number);
}

/** What follows the size: 8 bits, the colour type, and methods of which there is one each. */
function headOf(indexed) {
  return Uint8Array.of(8, indexed ? PALETTE : RGBA, 0, 0, 0);
}

function paletteOf({ palette, header }) {
  const colours = paletteRGBA(palette, header.channels);
  const count = colours.length / 4;
  const solid = Uint8Array.from({ length: 3 * count }, (_, i) => colours[i + Math.floor(i / 3)]);
  const alpha = Uint8Array.from({ length: count }, (_, i) => colours[4 * i + 3]);
  const opaque = alpha.every((value) => value === 255);
  return [...chunk('PLTE', solid), ...(opaque ? [] : chunk('tRNS', alpha))];
}

/** The profile, if it is for colours: with one for grey, as for inks, browsers would refuse it. */
async function profileOf({ metadata: { icc } }) {
  if (icc === null || String.fromCharCode(...icc.subarray(16, 20)) !== 'RGB ') return [];
  const head = Uint8Array.from('icc\0\0', (letter) => letter.charCodeAt(0));
  return chunk('iCCP', head, await deflate(icc));
}

/** What follows the size in an fcTL: no offset, how long the frame stays, and that it replaces all. */
function controlOf(image, number) {
  const duration = frameDuration(image, number);
  const unit = [1, 10, 1000].find((size) => duration <= size * LARGEST_U16) ?? 1000;
  const stay = Math.min(Math.round(duration / unit), LARGEST_U16);
  const each = 1000 / unit;
  const times = Uint8Array.of(stay >> 8, stay, each >> 8, each);
  return Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, ...times, 0, 0);
}

/** Rows with a zero before each: no filter, which palettes do best without. */
function filtered(data, stride, height) {
  const out = new Uint8Array((stride + 1) * height);
  for (let row = 0; row < height; row += 1) {
    out.set(data.subarray(row * stride, (row + 1) * stride), row * (stride + 1) + 1);
  }
  return out;
}

async function deflate(bytes) {
  const packed = new Blob([bytes]).stream().pipeThrough(new CompressionStream('deflate'));
  return new Uint8Array(await new Response(packed).arrayBuffer());
}
