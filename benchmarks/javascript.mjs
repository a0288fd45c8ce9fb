// Times decoders in JavaScript on one file, for javascript.py:
//
//     node javascript.mjs REPEATS FILE.kmc DECODER.js...
//
// Prints the least milliseconds of each, as JSON. They take turns, so that a busy moment of the
// machine does not meet one of them alone; the first turn also warms up the engine.

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const [repeats, file, ...paths] = process.argv.slice(2);
const bytes = new Uint8Array(readFileSync(file));
const decoders = [];
for (const path of paths) decoders.push(await import(pathToFileURL(resolve(path)).href));
const least = decoders.map(() => Infinity);
let expected = null;
for (let i = 0; i < Number(repeats); i += 1) {
  for (let d = 0; d < decoders.length; d += 1) {
    const start = performance.now();
    const { indices } = decoders[d].read(bytes);
    least[d] = Math.min(least[d], performance.now() - start);
    expected ??= indices;
    if (Buffer.compare(Buffer.from(expected.buffer), Buffer.from(indices.buffer)) !== 0) {
      throw new Error(`${paths[d]} gives other indices than ${paths[0]}`);
    }
  }
}
console.log(JSON.stringify(least));
