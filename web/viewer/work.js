// What the viewer has a worker do: everything that takes time.

import {
  frameCount,
  frameDuration,
  frameOf,
  KmcError,
  KmcForeignError,
  KmcLimitError,
  paletteRGBA,
  read,
  sceneNumber,
  toRGBA,
} from '../decoder/kmc.js';

export { frameCount, frameDuration, frameOf, paletteRGBA, read, sceneNumber, toRGBA };

const LIMITS = { maxPixels: 2 ** 26 }; // of all frames; a page has less memory than a program
const LONGEST_SIDE = 16384; // of a canvas, in most browsers

/**
 * Decode a file and count the pixels of each entry of each scene, in all its frames.
 *
 * Gives `{ message, fault }` if it is refused, the fault as `page.html` calls it, else `{ image, counts, step }`: of each frame
 * every `step`th pixel of every `step`th row is to be drawn; `step` is 1 unless the image is too
 * long or high for a canvas. The pixels of a frame are made when it is shown: those of all would
 * take four times the memory of the indices, or more.
 */
export function work(bytes) {
  let image;
  try {
    image = read(bytes, LIMITS);
  } catch (error) {
    return { message: wordsFor(error), fault: faultOf(error) };
  }
  const { width, height } = image.header;
  const counts = image.scenes.map(({ firstFrame, frames, entries }) => {
    const found = new Uint32Array(entries);
    const [start, end] = [firstFrame, firstFrame + frames].map((frame) => frame * width * height);
    for (const index of image.indices.subarray(start, end)) found[index] += 1;
    return found;
  });
  return { image, counts, step: Math.ceil(Math.max(width, height) / LONGEST_SIDE) };
}

function faultOf(error) {
  if (error instanceof KmcForeignError) return 'foreign';
  return error instanceof KmcError && !(error instanceof KmcLimitError) ? 'damage' : 'size';
}

function wordsFor(error) {
  if (error instanceof KmcError) return error.message;
  if (error instanceof RangeError) return 'not enough memory for this image';
  throw error;
}

/** An image of every `step`th pixel of every `step`th row of a frame. */
export function sampled(frame, step) {
  if (step === 1) return frame;
  const { header, indices } = frame;
  const width = Math.ceil(header.width / step);
  const height = Math.ceil(header.height / step);
  const out = new indices.constructor(width * height);
  for (let y = 0, place = 0; y < header.height; y += step) {
    for (let x = 0; x < header.width; x += step) out[place++] = indices[y * header.width + x];
  }
  return { ...frame, header: { ...header, width, height }, indices: out };
}
