// Tests of what pages use: node --test web/page/*.test.js

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import test from 'node:test';
import { inflateSync } from 'node:zlib';

import { crc32 } from '../decoder/crc.js';
import * as kmcodec from '../index.js';
import { download } from './download.js';
import { packError, unpackError } from './pictures.js';

const { decode, decodeFrames, KmcError, KmcForeignError, KmcLimitError, read, toPNG } = kmcodec;
const HERE = new URL('./', import.meta.url);
const GOOD = new URL('../../spec/vectors/good/', HERE);
const bytesOf = (name) => new Uint8Array(readFileSync(new URL(`${name}.kmc`, GOOD)));
const names = readdirSync(GOOD)
  .filter((name) => name.endsWith('.kmc'))
  .map((name) => name.slice(0, -4));

test('the description in TypeScript has the names that the module has', () => {
  for (const [module, types] of [
    ['index.js', 'index.d.ts'],
    ['image.js', 'image.d.ts'],
  ]) {
    const described = readFileSync(new URL(`../${types}`, HERE), 'utf8');
    const found = [...described.matchAll(/^export (?:class|const|function) (\w+)/gm)];
    const source = readFileSync(new URL(`../${module}`, HERE), 'utf8');
    const exported = [...source.matchAll(/^export \{([^}]*)\}/gm)].flatMap(([, list]) =>
      list.split(',').map((name) => name.trim()),
    );
    const sorted = (list) => list.filter(Boolean).sort();
    assert.deepEqual(sorted(found.map(([, name]) => name)), sorted(exported));
  }
});

test('a page imports nothing but its own modules', () => {
  for (const name of readdirSync(HERE).filter((one) => /^[a-z]+\.js$/.test(one))) {
    const source = readFileSync(new URL(name, HERE), 'utf8');
    for (const [, from] of source.matchAll(/ from '(.*)';$/gm)) {
      assert.match(from, /^(\.\/|\.\.\/decoder\/)[a-z]+\.js$/, name);
    }
  }
});

test('pixels are a plain object where there is no ImageData', () => {
  const bytes = bytesOf('frames-example');
  const { data, width, height, colorSpace } = decode(bytes);
  const image = read(bytes);
  assert.deepEqual([width, height, colorSpace], [image.header.width, image.header.height, 'srgb']);
  assert.deepEqual(data, kmcodec.toRGBA(image));
  assert.deepEqual(decode(bytes, { frame: 1 }).data, kmcodec.toRGBA(image, 1));
  assert.throws(() => decode(bytes, { frame: 2 }), RangeError);
  assert.throws(() => decode(bytes, { maxPixels: 11 }), KmcLimitError);
});

test('bytes may be a buffer or any view of one', () => {
  const bytes = bytesOf('example');
  const expected = decode(bytes).data;
  const larger = new Uint8Array(bytes.length + 9);
  larger.set(bytes, 3);
  const shared = new Uint8Array(new SharedArrayBuffer(bytes.length));
  shared.set(bytes);
  for (const data of [
    bytes.slice().buffer,
    new DataView(larger.buffer, 3, bytes.length),
    shared,
    shared.buffer,
  ]) {
    assert.deepEqual(decode(data).data, expected);
  }
  for (const data of ['bird.kmc', [1, 2], null, undefined, {}]) {
    assert.throws(() => decode(data), TypeError);
  }
});

test('frames', () => {
  const bytes = bytesOf('scenes-example');
  const { width, height, count, durations, loop, frame } = decodeFrames(bytes);
  const image = read(bytes);
  assert.deepEqual([width, height], [image.header.width, image.header.height]);
  assert.equal(loop, image.frames.loop);
  assert.equal(count, 3);
  assert.equal(durations.length, 3);
  for (let number = 0; number < count; number += 1) {
    assert.equal(durations[number], kmcodec.frameDuration(image, number));
    assert.deepEqual(frame(number).data, kmcodec.toRGBA(image, number));
  }
  assert.throws(() => frame(3), RangeError);
  const still = decodeFrames(bytesOf('example'));
  assert.deepEqual([still.count, still.durations, still.loop], [1, [null], 0]);
});

test('the header is known from 28 bytes', () => {
  const bytes = bytesOf('meta-all-types');
  assert.deepEqual(kmcodec.readHead(bytes.subarray(0, 28)), read(bytes).header);
  assert.throws(() => kmcodec.readHead(bytes.subarray(0, 27)), /truncated/);
  assert.throws(() => kmcodec.readHead(bytes, { maxPixels: 1 }), KmcLimitError);
  assert.throws(() => kmcodec.readHead(Uint8Array.of(0x89, 0x50)), KmcForeignError);
});

test('errors are the same after they were posted', () => {
  for (const error of [
    new KmcError('a', 1),
    new KmcLimitError('b', 2),
    new KmcForeignError('c', 3),
    new RangeError('d'),
    new Error('e'),
  ]) {
    const again = unpackError(structuredClone(packError(error)));
    assert.equal(again.constructor, error.constructor);
    assert.equal(again.name, error.constructor.name);
    assert.deepEqual(packError(again), packError(error));
  }
  assert.equal(unpackError(packError(new SyntaxError('f'))).message, 'f');
});

/** The chunks of a PNG, whose CRCs are right. */
async function chunksOf(blob) {
  assert.equal(blob.type, 'image/png');
  const bytes = Buffer.from(await blob.arrayBuffer());
  const found = [];
  for (let at = 8; at < bytes.length; at += 12 + found.at(-1).data.length) {
    const length = bytes.readUInt32BE(at);
    const type = bytes.toString('latin1', at + 4, at + 8);
    const data = bytes.subarray(at + 8, at + 8 + length);
    assert.equal(bytes.readUInt32BE(at + 8 + length), crc32(bytes.subarray(at + 4, at + 8), data));
    found.push({ type, data });
  }
  return found;
}

/** The pixels of the frames of a PNG that `toPNG` has made. */
function framesOf(chunks) {
  const one = (kind) => chunks.find(({ type }) => type === kind)?.data;
  const width = one('IHDR').readUInt32BE(0);
  const colours = one('PLTE');
  const alpha = one('tRNS');
  const stride = 1 + (colours ? width : 4 * width);
  return chunks
    .filter(({ type }) => type === 'IDAT' || type === 'fdAT')
    .map(({ type, data }) => {
      const rows = inflateSync(type === 'fdAT' ? data.subarray(4) : data);
      const values = [...rows].filter((_, place) => place % stride > 0);
      if (!colours) return values;
      return values.flatMap((i) => [...colours.subarray(3 * i, 3 * i + 3), alpha ? alpha[i] : 255]);
    });
}

for (const name of names) {
  const image = read(bytesOf(name));
  const count = kmcodec.frameCount(image);
  if (image.indices.length > 20000 || count > 300) continue;
  test(`a PNG of ${name}`, async () => {
    const chunks = await chunksOf(await toPNG(image));
    const frames = framesOf(chunks);
    assert.equal(frames.length, count);
    frames.forEach((pixels, number) => {
      assert.deepEqual(pixels, [...kmcodec.toRGBA(image, number)]);
    });
    const indexed = image.scenes.length === 1 && image.header.entries <= 256;
    assert.equal(chunks.some(({ type }) => type === 'PLTE'), indexed);
    assert.equal(chunks.some(({ type }) => type === 'acTL'), count > 1);
    const [first] = framesOf(await chunksOf(await toPNG(image, { still: true })));
    assert.deepEqual(first, frames[0]);
  });
}

test('durations that a PNG cannot tell in milliseconds', async () => {
  const image = read(bytesOf('frames-example'));
  for (const [duration, times] of [
    [0, [0, 1000]],
    [65535, [65535, 1000]],
    [65536, [6554, 100]],
    [655351, [655, 1]],
    [2 ** 32 - 1, [65535, 1]],
  ]) {
    const slow = { ...image, frames: { ...image.frames, durations: [duration] } };
    const control = (await chunksOf(await toPNG(slow))).find(({ type }) => type === 'fcTL').data;
    assert.deepEqual([control.readUInt16BE(20), control.readUInt16BE(22)], times);
  }
});

test('a profile is kept if it is for colours', async () => {
  const image = read(bytesOf('example'));
  for (const [space, kept] of [
    ['RGB ', true],
    ['GRAY', false],
  ]) {
    const icc = new Uint8Array(128);
    icc.set(Buffer.from(space), 16);
    const chunks = await chunksOf(
      await toPNG({ ...image, metadata: { ...image.metadata, icc } }),
    );
    const found = chunks.find(({ type }) => type === 'iCCP');
    assert.equal(found !== undefined, kept);
    if (kept) assert.deepEqual(new Uint8Array(inflateSync(found.data.subarray(5))), icc);
  }
});

test('a download tells the header before the rest is there', async () => {
  const bytes = bytesOf('example');
  let more = null;
  const body = new ReadableStream({
    start(controller) {
      for (const byte of bytes.subarray(0, 28)) controller.enqueue(Uint8Array.of(byte));
      more = controller;
    },
  });
  const before = globalThis.fetch;
  try {
    globalThis.fetch = async () => new Response(body);
    let all = null;
    const head = await new Promise((resolve) => {
      all = download('x', {}, {}, resolve);
    });
    assert.equal(head.width, 5);
    more.enqueue(bytes.subarray(28));
    more.close();
    assert.deepEqual(await all, bytes);
    globalThis.fetch = async () => new Response('no', { status: 404, statusText: 'Not Found' });
    await assert.rejects(download('x', {}, {}, assert.fail), /^Error: HTTP 404 Not Found$/);
    globalThis.fetch = async () => new Response(bytes.subarray(0, 20));
    await assert.rejects(download('x', {}, {}, assert.fail), /truncated/);
  } finally {
    globalThis.fetch = before;
  }
});
