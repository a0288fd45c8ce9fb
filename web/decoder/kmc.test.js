// Tests of the decoder: node --test web/decoder/kmc.test.js

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import test from 'node:test';
import zlib from 'node:zlib';

import { ContextDecoder } from './context.js';
import { crc32 } from './crc.js';
import { inflate, ZlibError } from './inflate.js';
import {
  frameCount,
  frameDuration,
  frameOf,
  KmcError,
  KmcLimitError,
  paletteRGBA,
  read,
  sceneNumber,
  toRGBA,
} from './kmc.js';
import { SQUASH, STRETCH } from './numbers.js';
import { decodePalette } from './palette.js';

const HERE = new URL('./', import.meta.url);
const VECTORS = new URL('../../spec/vectors/', HERE);
const SMALL = [
  'example',
  'one-pixel-deflate',
  'meta-all-types-reversed',
  'k1-many-strips-deflate',
  'context-example-default',
  'context-palette-coded-default',
  'frames-example-interleaved',
  'scenes-example',
];

const bytesOf = (path) => new Uint8Array(readFileSync(new URL(path, VECTORS)));
const textOf = (path) => readFileSync(new URL(path, HERE), 'utf8');
const json = (path) => JSON.parse(readFileSync(new URL(path, VECTORS), 'utf8'));
const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');
const hex = (bytes) => Buffer.from(bytes).toString('hex');
const fromHex = (text) => new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'));
const names = (folder) =>
  readdirSync(new URL(`${folder}/`, VECTORS))
    .filter((name) => name.endsWith('.kmc'))
    .map((name) => name.slice(0, -4))
    .sort();

/** What the decoder says when it refuses these bytes. */
function refusal(bytes, limits) {
  let caught = null;
  try {
    read(bytes, limits);
  } catch (error) {
    caught = error;
  }
  assert.ok(caught instanceof KmcError, `not refused: ${caught?.stack}`);
  assert.match(caught.message, /^[ -~]+ \(at byte \d+\)$/); // one line, and where
  assert.ok(caught.offset <= bytes.length);
  return caught.message;
}

/** A palette or its hash, whichever is expected. */
function told(palette, expected) {
  return 'palette' in expected ? { palette: hex(palette) } : { palette_sha256: sha256(palette) };
}

/** The facts of an image as the JSON file of a vector has them. */
function facts(image, expected) {
  const { header, palette, metadata } = image;
  const found = {
    width: header.width,
    height: header.height,
    channels: header.channels,
    coding: header.coding,
    rows_per_strip: header.rowsPerStrip,
    strips: image.strips.length,
    sections: image.sections.map((section) => section.type),
    metadata: {
      icc: metadata.icc && hex(metadata.icc),
      exif: metadata.exif && hex(metadata.exif),
      xmp: metadata.xmp && hex(metadata.xmp),
      text: Object.fromEntries(metadata.text),
    },
  };
  if (image.frames !== null) {
    const { count, durations, hasScenes, ...others } = image.frames;
    const every = durations.length === count ? durations : Array(count).fill(durations[0]);
    found.frames = { count, durations: every, ...others };
    if (hasScenes) {
      found.frames.scenes = image.scenes.map(({ frames, interleaved, palette: own }, number) => ({
        frames,
        interleaved,
        ...told(own, expected.frames.scenes[number]),
      }));
    }
  }
  Object.assign(found, told(palette, expected));
  if ('indices' in expected) {
    const row = (y) => [...image.indices.subarray(y * header.width, (y + 1) * header.width)];
    found.indices = Array.from({ length: image.indices.length / header.width }, (_, y) => row(y));
  } else {
    const words = Buffer.alloc(2 * image.indices.length);
    image.indices.forEach((index, i) => words.writeUInt16LE(index, 2 * i));
    found.indices_sha256 = sha256(words);
  }
  return found;
}

test('there are vectors', () => {
  assert.ok(names('good').length >= 200);
  assert.deepEqual(names('bad'), Object.keys(json('bad/reasons.json')).sort());
});

for (const name of names('good')) {
  test(`good vector ${name}`, () => {
    const { about, ...expected } = json(`good/${name}.json`);
    assert.ok(about);
    const bytes = bytesOf(`good/${name}.kmc`);
    const image = read(bytes);
    assert.deepEqual(facts(image, expected), expected);
    const { total, ...parts } = image.parts;
    assert.equal(total, bytes.length);
    assert.equal(
      Object.values(parts).reduce((sum, size) => sum + size),
      total,
    );
  });
}

for (const folder of ['bad', 'large']) {
  for (const name of names(folder)) {
    test(`${folder} vector ${name}`, () => {
      const message = refusal(bytesOf(`${folder}/${name}.kmc`));
      if (folder === 'large') assert.match(message, /too large/);
    });
  }
}

for (const name of SMALL) {
  test(`no prefix of ${name} and no flipped bit is read`, () => {
    const bytes = bytesOf(`good/${name}.kmc`);
    for (let size = 0; size < bytes.length; size += 1) {
      refusal(bytes.slice(0, size));
      for (let bit = 0; bit < 8; bit += 1) {
        const damaged = bytes.slice();
        damaged[size] ^= 1 << bit;
        refusal(damaged);
      }
    }
  });
}

test('what is wrong is told apart', () => {
  for (const [name, words] of [
    ['version-2', /version 2/],
    ['crc-header-version', /CRC of the header/],
    ['text-mode-crlf-to-lf', /text mode/],
    ['text-mode-lf-to-crlf', /text mode/],
    ['signature-other', /not a \.kmc file/],
    ['truncated-07', /truncated/],
    ['required-empty', /not supported/],
  ]) {
    assert.match(refusal(bytesOf(`bad/${name}.kmc`)), words);
  }
  assert.match(refusal(Uint8Array.of(0x89, 0x50)), /not a \.kmc file/);
});

for (const name of names('good').filter((name) => /^(frames|scenes)-/.test(name))) {
  test(`each frame of ${name} has its palette, its pixels and its time`, () => {
    const { height, indices, frames, palette } = json(`good/${name}.json`);
    if (indices === undefined) return; // too large to be told
    const palettes = frames.scenes?.flatMap((scene) => Array(scene.frames).fill(scene.palette));
    const image = read(bytesOf(`good/${name}.kmc`));
    assert.equal(frameCount(image), frames.count);
    for (let number = 0; number < frames.count; number += 1) {
      const own = fromHex(palettes ? palettes[number] : palette);
      const colours = paletteRGBA(own, image.header.channels);
      const expected = indices.slice(number * height, (number + 1) * height).flat();
      const frame = frameOf(image, number);
      assert.deepEqual([...frame.indices], expected);
      assert.deepEqual([...frame.palette], [...own]);
      assert.equal(frame.header.entries * frame.header.channels, own.length);
      assert.equal(image.scenes[sceneNumber(image, number)].palette, frame.palette);
      assert.equal(frame.indices.buffer, image.indices.buffer); // not a copy
      assert.equal(frameCount(frame), 1);
      const pixels = expected.flatMap((index) => [...colours.subarray(4 * index, 4 * index + 4)]);
      assert.deepEqual([...toRGBA(image, number)], pixels);
      assert.deepEqual(toRGBA(frame), toRGBA(image, number));
      assert.equal(frameDuration(image, number), frames.durations[number]);
    }
  });
}

test('there are no frames but those of the file', () => {
  for (const [name, count] of [
    ['example', 1],
    ['frames-one', 1],
    ['frames-example', 2],
    ['scenes-example', 3],
  ]) {
    const image = read(bytesOf(`good/${name}.kmc`));
    assert.equal(frameCount(image), count);
    for (const number of [-1, 0.5, count, Number.NaN, '0', null]) {
      for (const ask of [frameOf, frameDuration, sceneNumber, toRGBA]) {
        assert.throws(() => ask(image, number), RangeError);
      }
    }
  }
  assert.equal(frameDuration(read(bytesOf('good/example.kmc')), 0), null);
});

test('the limit is on the pixels of all frames together', () => {
  const bytes = bytesOf('good/frames-example.kmc');
  assert.throws(() => read(bytes, { maxPixels: 11 }), KmcLimitError);
  assert.equal(read(bytes, { maxPixels: 12 }).indices.length, 12);
});

test('a file has at most 65,536 frames', () => {
  const bytes = bytesOf('bad/frames-65537.kmc');
  const at = 35; // of the frame table, whose CRC is after 13 bytes
  assert.match(refusal(bytes), /65,537 frames are more than 65,536/);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  view.setUint32(at, 65536, true);
  view.setUint32(at + 13, crc32(bytes.subarray(at, at + 13)), true);
  assert.equal(frameCount(read(bytes)), 65536);
});

test('the limit is checked before the palettes of later scenes are read', () => {
  const bytes = bytesOf('good/scenes-example.kmc');
  assert.equal(read(bytes, { maxPixels: 18 }).indices.length, 18);
  const size = Buffer.from(bytes).indexOf(fromHex('457B9D F1FAEE'));
  assert.throws(() => read(bytes.subarray(0, size), { maxPixels: 17 }), KmcLimitError);
});

test('limits are those that were asked for', () => {
  const bytes = bytesOf('good/example.kmc');
  assert.equal(read(bytes, { maxPixels: 15 }).indices.length, 15);
  assert.match(refusal(bytes, { maxPixels: 14 }), /too large: 5 x 3 pixels/);
  const metadata = bytesOf('good/meta-all-types.kmc');
  assert.match(refusal(metadata, { maxMetadata: 10 }), /metadata is too large/);
  assert.throws(() => read(bytes, { maxPixels: 14 }), KmcLimitError);
  assert.throws(() => read(metadata, { maxMetadata: 10 }), KmcLimitError);
});

test('bytes in the middle of a buffer are read', () => {
  const bytes = bytesOf('good/meta-deflate.kmc');
  const larger = new Uint8Array(bytes.length + 20);
  larger.set(bytes, 7);
  const image = read(larger.subarray(7, 7 + bytes.length));
  assert.deepEqual(image.indices, read(bytes).indices);
});

test('pixels as red, green, blue, alpha', () => {
  for (const [name, opaque] of [
    ['grey', true],
    ['grey-alpha', false],
    ['rgb', true],
    ['rgba', false],
  ]) {
    const image = read(bytesOf(`good/packed-${name}.kmc`));
    const { channels } = image.header;
    const pixels = toRGBA(image);
    image.indices.forEach((index, i) => {
      const entry = image.palette.subarray(index * channels, (index + 1) * channels);
      const [r, g, b] = channels < 3 ? [entry[0], entry[0], entry[0]] : entry;
      const alpha = opaque ? 255 : entry[channels - 1];
      assert.deepEqual([...pixels.subarray(4 * i, 4 * i + 4)], [r, g, b, alpha]);
    });
  }
});

test('the tables are those of the text', () => {
  assert.equal(crc32(Buffer.from('123456789')), 0xcbf43926);
  assert.equal(crc32(new Uint8Array(SQUASH.buffer)), 0x04b45c47);
  assert.equal(crc32(new Uint8Array(STRETCH.buffer)), 0xbb62f267);
});

test('the examples of the text', () => {
  const fail = (message) => assert.fail(message);
  const text = textOf('../../spec/context.md');
  const colours = fromHex('1D3557 E63946 F1FAEE A8DADC 457B9D');
  const indices = [0, 0, 4, 4, 3, 0, 0, 4, 3, 3, 0, 4, 4, 3, 2, 1, 1, 4, 3, 2];
  for (const [coding, payload] of [
    [2, '72 20 61 C1 46 07'],
    [3, '79 3E A1 E2 80 C5'],
    [4, 'DC B7 B3 78 32 65 0E'],
  ]) {
    assert.ok(text.includes(payload));
    const out = new Uint8Array(20);
    new ContextDecoder(coding, colours, 3, 5).strip(fromHex(payload), out, fail);
    assert.deepEqual([...out], indices);
  }
  const coded = 'CF 45 D5 52 06 BC D3 A9 32 E1 DC DD D0 8C 39 7A 06 6E';
  assert.ok(text.includes(coded));
  const palette = decodePalette(fromHex(coded), 5, 3, fail);
  assert.equal(hex(palette), '1d3557e63946457b9da8dadcf1faee');
});

test('zlib streams of all kinds are decompressed', () => {
  const sources = [
    new Uint8Array(0),
    Buffer.from('abcabcabc'.repeat(5000)),
    randomBytes(70000),
    Uint8Array.from({ length: 40000 }, (_, i) => (i * i) % 11),
  ];
  const { Z_FIXED, Z_HUFFMAN_ONLY, Z_RLE, Z_DEFAULT_STRATEGY } = zlib.constants;
  for (const source of sources) {
    for (const level of [0, 1, 6, 9]) {
      for (const strategy of [Z_FIXED, Z_HUFFMAN_ONLY, Z_RLE, Z_DEFAULT_STRATEGY]) {
        const stream = zlib.deflateSync(source, { level, strategy });
        assert.deepEqual(Buffer.from(inflate(stream, source.length)), Buffer.from(source));
        if (source.length > 0) assert.throws(() => inflate(stream, source.length - 1), ZlibError);
      }
    }
  }
});

test('damaged zlib streams are judged as zlib judges them', () => {
  const stream = zlib.deflateSync(textOf('kmc.js').slice(0, 900));
  let agreed = 0;
  for (let at = 0; at < stream.length - 4; at += 1) {
    for (let bit = 0; bit < 8; bit += 1) {
      const damaged = Uint8Array.from(stream);
      damaged[at] ^= 1 << bit;
      const { buffer, engine } = inflated(damaged);
      if (engine?.bytesWritten !== damaged.length) {
        assert.throws(() => inflate(damaged, 1 << 20), ZlibError);
      } else {
        assert.deepEqual(Buffer.from(inflate(damaged, 1 << 20)), buffer); // a pad bit
      }
      agreed += compareRaw(damaged.subarray(2, -4));
    }
  }
  assert.ok(agreed > 100); // many flipped bits change the data only, which Adler-32 tells
});

/** What zlib makes of a stream: nothing if it does not read it. */
function inflated(stream, inflateSync = zlib.inflateSync) {
  try {
    return inflateSync(stream, { info: true });
  } catch {
    return {};
  }
}

/** Compare as raw deflate, with no Adler-32 that tells all damage; gives 1 if zlib reads it. */
function compareRaw(deflated) {
  const { buffer: expected, engine } = inflated(deflated, zlib.inflateRawSync);
  if (engine?.bytesWritten !== deflated.length) return 0;
  const stream = new Uint8Array(deflated.length + 6);
  stream.set([0x78, 0x9c]);
  stream.set(deflated, 2);
  let [a, b] = [1, 0];
  for (const byte of expected) {
    a = (a + byte) % 65521;
    b = (b + a) % 65521;
  }
  new DataView(stream.buffer).setUint32(stream.length - 4, b * 65536 + a);
  assert.deepEqual(Buffer.from(inflate(stream, expected.length)), expected);
  return 1;
}

/** A zlib stream of these bits, each string from its first to its last bit. */
function streamOf(bits, adler) {
  const all = bits.join('');
  const bytes = [0x78, 0x9c];
  for (let at = 0; at < all.length; at += 8) {
    bytes.push(Number.parseInt([...all.slice(at, at + 8).padEnd(8, '0')].reverse().join(''), 2));
  }
  return Uint8Array.from([...bytes, ...adler]);
}

test('zlib streams that only their codes condemn are refused', () => {
  const fixed = ['1', '10'];
  assert.equal(inflate(streamOf([...fixed, '0000000'], [0, 0, 0, 1]), 9).length, 0);
  // Three bytes from one byte back, where there is none; zeros would have this Adler-32.
  const early = streamOf([...fixed, '0000001', '00000', '0000000'], [0, 3, 0, 1]);
  assert.throws(() => inflate(early, 9), /back beyond its beginning/);
  // The fixed code as a dynamic one: 288 lengths, where 286 are allowed. Lengths of the lengths,
  // then their codes, which are 0 for 8, 10 for 7, 110 for 1 and 111 for 9.
  const none = (count) => '000'.repeat(count);
  const lengths = [none(4), '100', '010', '110', none(10), '110'];
  const given = ['0'.repeat(144), '111'.repeat(112), '10'.repeat(24), '0'.repeat(8), '110110'];
  const counts = ['11111', '10000', '0111']; // 288, 2 distances, 18 lengths of lengths
  const many = streamOf(['1', '01', ...counts, ...lengths, ...given, '0000000'], [0, 0, 0, 1]);
  assert.throws(() => inflate(many, 9), /too many codes/);
});

test('the modules import each other and nothing else', () => {
  const modules = readdirSync(HERE).filter((name) => /^[a-z]+\.js$/.test(name));
  for (const name of modules) {
    for (const [, from] of textOf(name).matchAll(/ from '(.*)';$/gm)) {
      assert.ok(modules.includes(from.slice(2)), `${name} imports ${from}`);
    }
    assert.doesNotMatch(textOf(name), /\brequire\(|\bimport\(/);
  }
});
