// What the viewer has a worker do: everything that takes time.

import { KmcError, KmcLimitError, paletteRGBA, read, toRGBA } from '../kmc.js';

export { paletteRGBA, read, toRGBA };

const LIMITS = { maxPixels: 2 ** 26 }; // a page has less memory than a program
const LONGEST_SIDE = 16384; // of a canvas, in most browsers

/**
 * Decode a file and count the pixels of each entry.
 *
 * Gives `{ message, tooLarge }` if it is refused, else `{ image, counts, step, rgba }`: `rgba` has
 * every `step`th pixel of every `step`th row; `step` is 1 unless the image is too long or high for
 * a canvas.
 */
export function work(bytes) {
  let image;
  try {
    image = firstFrame(read(bytes, LIMITS));
  } catch (error) {
    return { message: wordsFor(error), tooLarge: !isDamage(error) };
  }
  const { width, height, entries } = image.header;
  const counts = new Uint32Array(entries);
  for (const index of image.indices) counts[index] += 1;
  const step = Math.ceil(Math.max(width, height) / LONGEST_SIDE);
  const shown = step === 1 ? image : { ...image, indices: sampled(image, step) };
  return { image, counts, step, rgba: toRGBA(shown) };
}

/** The first of several frames is what is shown and counted. */
function firstFrame(image) {
  const { width, height } = image.header;
  return { ...image, indices: image.indices.subarray(0, width * height) };
}

function isDamage(error) {
  return error instanceof KmcError && !(error instanceof KmcLimitError);
}

function wordsFor(error) {
  if (error instanceof KmcError) return error.message;
  if (error instanceof RangeError) return 'there is not enough memory for this image';
  throw error;
}

/** The indices of every `step`th pixel of every `step`th row. */
export function sampled({ header, indices }, step) {
  if (step === 1) return indices;
  const { width, height } = header;
  const across = Math.ceil(width / step);
  const out = new indices.constructor(across * Math.ceil(height / step));
  for (let y = 0, place = 0; y < height; y += step) {
    for (let x = 0; x < width; x += step) out[place++] = indices[y * width + x];
  }
  return out;
}
