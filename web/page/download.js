// A file from the web, whose header is read as soon as it is there.

import { HEADER_SIZE, readHead } from '../decoder/kmc.js';

/**
 * Fetch all of a file, and call `onHead(header)` before the rest of it has come. Throws what `fetch`
 * and `readHead` throw, and an Error for an answer that is an error.
 */
export async function download(url, options, limits, onHead) {
  const response = await fetch(url, options);
  if (!response.ok) throw new Error(`HTTP ${response.status} ${response.statusText}`.trim());
  const chunks = [];
  let size = 0;
  let known = false;
  const reader = response.body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (!done) {
      chunks.push(value);
      size += value.length;
    }
    if (!known && (done || size >= HEADER_SIZE)) {
      onHead(readHead(joined(chunks, size), limits));
      known = true;
    }
    if (done) return joined(chunks, size);
  }
}

function joined(chunks, size) {
  const all = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}
