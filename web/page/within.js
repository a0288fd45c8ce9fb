// Starting a worker, from the script in one file, in which this takes the place of start.js.

/* global kmcodec */

import { startFrom } from './blobs.js';

/** A worker that runs the same script, the function `kmcodec`, for its other purpose. */
export function startWorker() {
  return startFrom(`(${kmcodec})('worker');`);
}
