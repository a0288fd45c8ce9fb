// The scene table (kmc-1.md, section 4.2): frames with a palette of their own, coded by themselves.

import { grouped } from './errors.js';

const HEAD = 8;
const ROW = 7;

/** What a scene has if there is no scene table: all frames. */
export function soleScene({ entries, paletteCoded }, frames, interleaved) {
  return { firstFrame: 0, frames, interleaved, entries, paletteCoded, palette: null };
}

/** Take the table's bytes; what they say is for `scenesIn`, once their CRC has been compared. */
export function takeSceneTable(source) {
  const at = source.at;
  source.take(HEAD, 'the scene table');
  const count = source.view.getUint32(at, true);
  if (count === 0) source.refuse('there are 0 scenes', at);
  source.take(ROW * (count - 1), 'the scene table');
  return { at, count };
}

/** The scenes in a table, all without their palettes; `frames` is how many there are in the file. */
export function scenesIn(source, { at, count }, header, frames, interleaved) {
  const { view } = source;
  const scenes = [soleScene(header, view.getUint32(at + 4, true), interleaved)];
  for (let number = 1; number < count; number += 1) {
    const row = at + HEAD + ROW * (number - 1);
    const flags = view.getUint8(row + 4);
    if (flags > 3 || (flags & 2 && header.coding < 2)) {
      const words = `flags ${flags} of scene ${number} are not supported`;
      source.refuse(`${words} with coding method ${header.coding}`, row + 4);
    }
    const { firstFrame, frames: before } = scenes[number - 1];
    scenes.push({
      firstFrame: firstFrame + before,
      frames: view.getUint32(row, true),
      interleaved: (flags & 1) === 1,
      entries: view.getUint16(row + 5, true) + 1,
      paletteCoded: (flags & 2) === 2,
      palette: null,
    });
  }
  const { firstFrame, frames: last } = scenes[count - 1];
  if (firstFrame + last !== frames) {
    const sum = grouped(firstFrame + last);
    source.refuse(`the scenes have ${sum} frames, the file has ${grouped(frames)}`, at);
  }
  scenes.forEach((scene, number) => checkScene(source, at, scene, number, header));
  return scenes;
}

function checkScene(source, at, { frames, entries }, number, { width, height }) {
  if (frames === 0) source.refuse(`scene ${number} has 0 frames`, at);
  const pixels = frames * width * height;
  if (number > 0 && entries > pixels) {
    const words = `${grouped(entries)} entries, but only ${grouped(pixels)} pixels`;
    source.refuse(`scene ${number} has ${words}`, at);
  }
}
