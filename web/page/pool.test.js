// Tests of the pool of workers, with workers that Node runs in this thread.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';

import { KmcError, KmcLimitError, read, toRGBA } from '../decoder/kmc.js';
import { serve } from './work.js';

const bytes = (name) =>
  new Uint8Array(readFileSync(new URL(`../../spec/vectors/${name}.kmc`, import.meta.url)));
const later = () => new Promise((resolve) => {
  setTimeout(resolve, 5);
});

const made = []; // workers
const rests = []; // what is to be done after a long time
const set = setTimeout;
globalThis.setTimeout = (act, wait) => (wait < 1000 ? set(act, wait) : rests.push(act));

/** What a browser's does, but that its script is here. */
class FakeWorker {
  constructor(url, options) {
    assert.match(url.href, /\/web\/page\/worker\.js$/);
    assert.deepEqual(options, { type: 'module' });
    made.push(this);
    this.ended = false;
    this.scope = {
      addEventListener: (_, listen) => {
        this.listen = listen;
      },
      postMessage: (data, { transfer = [] } = {}) => {
        const copy = structuredClone(data, { transfer });
        queueMicrotask(() => this.ended || this.onmessage({ data: copy }));
      },
    };
    this.start();
  }

  start() {
    setTimeout(() => serve(this.scope), 0);
  }

  postMessage(data) {
    const copy = structuredClone(data);
    setTimeout(() => this.ended || this.held || this.listen({ data: copy }), 1);
  }

  terminate() {
    this.ended = true;
  }
}

let pages = 0;

/** What `run` is on a page with such workers, that has not run anything. */
async function page(Kind) {
  made.length = 0;
  globalThis.Worker = Kind;
  globalThis.location = { origin: 'null' }; // as of files
  pages += 1;
  return (await import(`./pool.js?${pages}`)).run;
}

test('workers decode, again and again', async () => {
  const run = await page(FakeWorker);
  const image = read(bytes('good/frames-example'));
  for (const frame of [0, 1]) {
    const { data, width, height } = await run('pixels', bytes('good/frames-example'), { frame });
    assert.deepEqual(data, toRGBA(image, frame));
    assert.deepEqual([width, height], [image.header.width, image.header.height]);
  }
  assert.deepEqual(await run('image', bytes('good/frames-example')), image);
  assert.equal(made.length, 1);
  const { still, moving } = await run('pngs', bytes('good/frames-example'));
  assert.ok(still.size > 50);
  assert.ok(moving.size > still.size);
  assert.equal((await run('pngs', bytes('good/example'))).moving, null);
});

test('many images at once take a few workers', async () => {
  const run = await page(FakeWorker);
  const all = Array.from({ length: 30 }, () => run('pixels', bytes('good/example')));
  const expected = toRGBA(read(bytes('good/example')));
  for (const { data } of await Promise.all(all)) assert.deepEqual(data, expected);
  assert.ok(made.length <= 4);
  assert.ok(made.every(({ ended }) => !ended));
});

test('errors are of the same class', async () => {
  const run = await page(FakeWorker);
  await assert.rejects(run('pixels', bytes('bad/crc-strip-1')), (error) => {
    assert.equal(error.constructor, KmcError);
    assert.match(error.message, /CRC of strip 1 .* \(at byte \d+\)$/);
    return error.offset > 0;
  });
  await assert.rejects(run('pixels', bytes('good/example'), { maxPixels: 3 }), KmcLimitError);
  await assert.rejects(run('pixels', bytes('good/example'), { frame: 7 }), RangeError);
  await run('pixels', bytes('good/example'));
  assert.equal(made.length, 1);
});

test('an abort ends the worker, and the next image has another', async () => {
  const run = await page(FakeWorker);
  const control = new AbortController();
  const { signal } = control;
  const asked = run('pixels', bytes('good/example'), { signal });
  made[0].held = true; // it decodes for long
  await later();
  control.abort();
  await assert.rejects(asked, { name: 'AbortError' });
  assert.ok(made[0].ended);
  await assert.rejects(run('pixels', bytes('good/example'), { signal }), { name: 'AbortError' });
  assert.equal((await run('pixels', bytes('good/example'))).width, 5);
  assert.equal(made.length, 2);
});

test('an abort of what waits ends no worker', async () => {
  const run = await page(FakeWorker);
  const control = new AbortController();
  const first = Array.from({ length: 8 }, () => run('pixels', bytes('good/example')));
  const last = run('pixels', bytes('good/example'), { signal: control.signal });
  control.abort(new Error('no longer'));
  await assert.rejects(last, /no longer/);
  await Promise.all(first);
  assert.ok(made.every(({ ended }) => !ended));
});

test('a worker that has had nothing to do ends', async () => {
  const run = await page(FakeWorker);
  rests.length = 0;
  await run('pixels', bytes('good/example'));
  assert.equal(rests.length, 1);
  rests[0]();
  assert.ok(made[0].ended);
  await run('pixels', bytes('good/example'));
  assert.equal(made.length, 2);
});

test('a worker that fails fails its image alone', async () => {
  const run = await page(FakeWorker);
  await run('pixels', bytes('good/example'));
  const asked = run('pixels', bytes('good/example'));
  made[0].held = true;
  made[0].onerror({ message: 'out of memory', preventDefault() {} });
  await assert.rejects(asked, /the worker that decodes has ended: out of memory/);
  assert.equal((await run('pixels', bytes('good/example'))).width, 5);
});

test('without workers this thread decodes, with one warning', async (t) => {
  const warn = t.mock.method(console, 'warn', () => {});
  class NotAllowed {
    constructor() {
      throw new Error('not allowed');
    }
  }
  class NotThere extends FakeWorker {
    start() {
      setTimeout(() => this.onerror({ preventDefault() {} }), 3);
    }

    postMessage() {}
  }
  for (const [Kind, words] of [
    [undefined, null],
    [NotAllowed, /not allowed/],
    [NotThere, /its script cannot be loaded/],
  ]) {
    warn.mock.resetCalls();
    const run = await page(Kind);
    const both = [run('pixels', bytes('good/example')), run('pixels', bytes('good/example'))];
    for (const { width } of await Promise.all(both)) assert.equal(width, 5);
    await assert.rejects(run('pixels', bytes('bad/crc-strip-1')), KmcError);
    assert.equal(warn.mock.callCount(), words ? 1 : 0);
    if (words) assert.match(warn.mock.calls[0].arguments[0], words);
  }
});
