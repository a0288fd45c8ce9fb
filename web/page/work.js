// The tasks of a worker. Each takes the bytes of a file and options, and gives what can be posted.

import { frameCount, read, toRGBA } from '../decoder/kmc.js';
import { packError } from './pictures.js';
import { toPNG } from './png.js';

const TASKS = {
  /** The pixels of a frame. */
  pixels(bytes, { frame = 0, ...limits }) {
    const image = read(bytes, limits);
    const { width, height } = image.header;
    return { data: toRGBA(image, frame), width, height };
  },

  /** All that is in the file. */
  image: (bytes, limits) => read(bytes, limits),

  /** A PNG of the first frame, and an animated one, or null if there is one frame. */
  async pngs(bytes, limits) {
    const image = read(bytes, limits);
    const still = await toPNG(image, { still: true });
    return { still, moving: frameCount(image) > 1 ? await toPNG(image) : null };
  },
};

/** Do a task; gives a promise. */
export async function work({ task, bytes, options }) {
  return TASKS[task](bytes, options);
}

/** Do what a page asks for by messages: the body of a worker. */
export function serve(scope) {
  scope.addEventListener('message', async ({ data }) => {
    try {
      const value = await work(data);
      // Moved, not copied, where that is most.
      scope.postMessage({ value }, { transfer: [value.data, value.indices].flatMap(bufferOf) });
    } catch (error) {
      scope.postMessage({ error: packError(error) });
    }
  });
  scope.postMessage('ready');
}

function bufferOf(array) {
  return array ? [array.buffer] : [];
}
