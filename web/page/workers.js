// Decoding in workers.

import { bytesOf, framesOf, imageData } from './pictures.js';
import { run } from './pool.js';

/** The bytes alone: what is posted takes all of its buffer with it. */
function alone(data) {
  const bytes = bytesOf(data);
  return bytes.length === bytes.buffer.byteLength ? bytes : bytes.slice();
}

/** As `decode`, but a promise; an abort of `signal` ends the decoding. */
export async function decodeInWorker(bytes, options) {
  const { data, width, height } = await run('pixels', alone(bytes), options);
  return imageData(data, width, height);
}

/** As `decodeFrames`, but a promise; an abort of `signal` ends the decoding. */
export async function decodeFramesInWorker(bytes, options) {
  return framesOf(await run('image', alone(bytes), options));
}
