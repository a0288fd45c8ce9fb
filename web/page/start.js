// Starting a worker, from modules.

import { startFrom } from './blobs.js';

/** A worker that runs worker.js. */
export function startWorker() {
  const here = import.meta.url;
  if (new URL(here).origin === location.origin) {
    // Bundlers look for just this expression.
    return new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
  }
  // From another site, such as a network that delivers packages, only an import is allowed.
  const { href } = new URL('./worker.js', here);
  return startFrom(`import ${JSON.stringify(href)};`, { type: 'module' });
}
