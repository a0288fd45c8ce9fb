// What the npm package kmcodec exports; index.d.ts describes it.

export {
  frameCount,
  frameDuration,
  frameOf,
  KmcError,
  KmcForeignError,
  KmcLimitError,
  LIMITS,
  paletteRGBA,
  read,
  readHead,
  sceneNumber,
  toRGBA,
} from './decoder/kmc.js';
export { decode, decodeFrames } from './page/pictures.js';
export { toPNG } from './page/png.js';
export { decodeFramesInWorker, decodeInWorker } from './page/workers.js';
