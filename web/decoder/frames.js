// The frame table (kmc-1.md, section 4.1), and frames out of the rows that hold them all.

import { grouped, KmcLimitError } from './errors.js';
import { scenesIn, soleScene, takeSceneTable } from './scenes.js';

const LARGEST_SIDE = 2147483647;
const MOST_FRAMES = 65536;
const HEAD = 9;

/**
 * Read the table; more than `maxPixels` in all frames are refused. Gives `frames`, what it says, and
 * `scenes`, of which at least one is there, all without their palettes.
 */
export function readFrames(source, header, maxPixels) {
  const { width, height } = header;
  const start = source.at;
  source.take(HEAD, 'the frame table');
  const count = source.view.getUint32(start, true);
  const flags = source.bytes[start + 4];
  const loop = source.view.getUint32(start + 5, true);
  const stored = flags & 2 ? count : 1;
  source.take(4 * stored, 'the durations of the frames');
  const table = flags & 4 ? takeSceneTable(source) : null;
  source.check('the frame table', source.bytes.subarray(start, source.at));
  if (count === 0) source.refuse('there are 0 frames', start);
  if (count > MOST_FRAMES) {
    source.refuse(`${grouped(count)} frames are more than ${grouped(MOST_FRAMES)}`, start);
  }
  if (flags > 7) source.refuse(`a reserved flag of the frame table is set (${flags})`, start + 4);
  if (count * Math.max(width, height) > LARGEST_SIDE) {
    source.refuse(`${grouped(count)} frames are more than a row can hold`, start);
  }
  const interleaved = (flags & 1) === 1;
  const scenes = table
    ? scenesIn(source, table, header, count, interleaved)
    : [soleScene(header, count, interleaved)];
  if (count * width * height > maxPixels) {
    const words = `${grouped(count)} frames are too large: more than ${grouped(maxPixels)} pixels`;
    source.refuse(words, start, KmcLimitError);
  }
  const durations = [];
  for (let i = 0; i < stored; i += 1) {
    durations.push(source.view.getUint32(start + HEAD + 4 * i, true));
  }
  return { frames: { count, durations, loop, interleaved, hasScenes: table !== null }, scenes };
}

/** Put indices that have the first rows of all frames, then the second, into order by frames. */
export function frameAfterFrame(indices, sorted, { width, height }, count) {
  for (let row = 0, from = 0; row < height; row += 1) {
    for (let frame = 0; frame < count; frame += 1, from += width) {
      sorted.set(indices.subarray(from, from + width), (frame * height + row) * width);
    }
  }
}

/** How many frames an image has; 1 if the file has no frame table. */
export function frameCount({ frames }) {
  return frames === null ? 1 : frames.count;
}

/** Which of `image.scenes` a frame is in. Throws RangeError if there is no such frame. */
export function sceneNumber(image, number) {
  checked(image, number);
  return image.scenes.findLastIndex(({ firstFrame }) => firstFrame <= number);
}

/**
 * One frame of what `read` gave, the first is 0: the same object but for `palette`, that of its
 * scene, which `header.entries` and `header.paletteCoded` and `scenes` then tell of, `indices`, a
 * view of this frame's, not a copy, and `frames`, which is null. Throws RangeError if there is no
 * such frame.
 */
export function frameOf(image, number) {
  const scene = image.scenes[sceneNumber(image, number)];
  const { entries, paletteCoded, palette } = scene;
  const header = { ...image.header, entries, paletteCoded };
  const size = header.width * header.height;
  const indices = image.indices.subarray(number * size, (number + 1) * size);
  const scenes = [{ ...scene, firstFrame: 0, frames: 1 }];
  return { ...image, header, palette, indices, frames: null, scenes };
}

/**
 * How long a frame is shown, in milliseconds: 0 is as short as can be. Gives null if the file has
 * no frame table, throws RangeError if there is no such frame.
 */
export function frameDuration(image, number) {
  checked(image, number);
  if (image.frames === null) return null;
  const { durations } = image.frames;
  return durations[durations.length === 1 ? 0 : number];
}

function checked(image, number) {
  const count = frameCount(image);
  if (Number.isInteger(number) && number >= 0 && number < count) return number;
  throw new RangeError(`there is no frame ${number}, they are 0 to ${count - 1}`);
}
