// Tests of the decoder: node --test web/decoder/*.test.js

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import test from 'node:test';

import { AdditiveDecoder } from './additive.js';
import { ContextDecoder } from './context.js';
import { crc32 } from './crc.js';
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
import { LabelDecoder } from './labels.js';
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
      ...(metadata.labels && {
        labels: { ...metadata.labels, values: metadata.labels.values.map(String) },
      }),
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
    // The decoder does not know the sections of classes.md, and skips them.
    delete expected.metadata.classes;
    delete expected.metadata.tiff;
    delete expected.metadata.labels?.ids; // it does not convert pixels to them
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

for (const name of names('classes')) {
  test(`vector ${name} is read without its classes`, () => {
    assert.equal(read(bytesOf(`classes/${name}.kmc`)).header.width, 5);
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

const COLOURS = fromHex('1D3557 E63946 F1FAEE A8DADC 457B9D');
const INDICES = [0, 0, 4, 4, 3, 0, 0, 4, 3, 3, 0, 4, 4, 3, 2, 1, 1, 4, 3, 2];
/** Payloads of these pixels, five in a row. */
const PAYLOADS = new Map([
  [2, '59 93 65 AF E4'],
  [3, '79 3E A1 E2 80 C5'],
  [4, 'DC B7 B3 78 32 65 0E'],
  [5, '4B 6A FA 01 23 60'],
  [6, '00 AF F2 AB FB 48 72 C0'],
]);

/** What a payload of coding 2 to 6 decodes to, with the palette of the examples unless given. */
function decoded(coding, payload, pixels = 20, palette = COLOURS) {
  const Decoder = coding === 3 || coding === 4 ? ContextDecoder : AdditiveDecoder;
  const decoder =
    coding === 6
      ? new LabelDecoder(palette.length / 3, 5)
      : new Decoder(coding, palette, 3, 5);
  const out = new Uint8Array(pixels);
  const refuse = (message) => {
    throw new KmcError(message, 0);
  };
  decoder.strip(fromHex(payload), out, refuse);
  return [...out];
}

test('the examples of the texts', () => {
  const texts = ['context', 'additive', 'labels']
    .map((name) => textOf(`../../spec/${name}.md`).replace(/\s+/g, ' '))
    .join(' ');
  for (const [coding, payload] of PAYLOADS) {
    assert.ok(texts.includes(payload));
    assert.deepEqual(decoded(coding, payload), INDICES);
  }
  const coded = 'CF 45 D5 52 06 BC D3 A9 32 E1 DC DD D0 8C 39 7A 06 6E';
  assert.ok(texts.includes(coded));
  const palette = decodePalette(fromHex(coded), 5, 3, (message) => assert.fail(message));
  assert.equal(hex(palette), '1d3557e63946457b9da8dadcf1faee');
});

test('payloads of the additive coder that no encoder ends like this are refused', () => {
  for (const [coding, payload, words] of [
    [2, '', /fewer bytes/],
    [2, '59 93', /fewer bytes/],
    [2, '59 93 65 AF E4 00', /has 6 bytes where decoding takes 5/],
    [2, '59 93 65 AF E5', /pad bit/],
    [2, '59 93 65 AF E6', /does not end where decoding ends/],
    [5, '', /fewer bytes/],
    [5, '4B 6A', /fewer bytes/],
    [5, '4B 6A FA 01 23 60 00', /has 7 bytes where decoding takes 6/],
    [5, '4B 6A FA 01 23 61', /pad bit/],
    [5, '4B 6A FA 01 23 64', /pad bit/],
    [5, '4B 6A FA 01 23 80', /does not end where decoding ends/],
  ]) {
    assert.throws(() => decoded(coding, payload), words, `${coding}: ${payload}`);
  }
  const one = COLOURS.subarray(0, 3);
  for (const coding of [2, 5, 6]) {
    assert.deepEqual(decoded(coding, '', 20, one), Array(20).fill(0));
    assert.throws(() => decoded(coding, '00', 20, one), /one entry needs none/);
    assert.throws(() => decoded(coding, 'FF', 20, one), /one entry needs none/);
  }
});

test('payloads of the additive and the label coder that are not coded are packed rows', () => {
  const rows = '02 46 02 36 12 34 26 34';
  for (const coding of [2, 5, 6]) {
    assert.deepEqual(decoded(coding, `FF ${rows}`), INDICES);
    for (const [payload, words] of [
      ['FF', /has 0 bytes after the first where its rows need 8/],
      [`FF ${rows.slice(3)}`, /has 7 bytes/],
      [`FF ${rows} 00`, /has 9 bytes/],
      ['FF 02 47 02 36 12 34 26 34', /pad bit/],
      ['FF 02 4A 02 36 12 34 26 34', /index 5/],
    ]) {
      assert.throws(() => decoded(coding, payload), words, `${coding}: ${payload}`);
    }
  }
});

test('payloads of the label coder in slices, and what is refused of them', () => {
  const slices = '01 02 00 AF F2 AB FE 10 C1 70';
  assert.deepEqual(decoded(6, slices), INDICES);
  for (const [payload, words] of [
    ['', /no payload/],
    ['02', /unknown form 2/],
    ['00', /fewer bytes/],
    ['00 AF F2', /fewer bytes/],
    [`${PAYLOADS.get(6)} 00`, /has 8 bytes where decoding takes 7/],
    ['01 02', /ends within the rows of a slice/],
    [slices.slice(0, 8), /fewer bytes/],
    [slices.replace('02', '00'), /slices of 0 rows, which are not 2 to 3/],
    [slices.replace('02', '01'), /slices of 1 rows/],
    [slices.replace('02', '04'), /slices of 4 rows/],
    [slices.replace('02 00', '02 01'), /slices of 258 rows/],
  ]) {
    assert.throws(() => decoded(6, payload), words, payload);
  }
});

test('a payload that is too short is refused long before all pixels are decoded', () => {
  for (const coding of [2, 5]) {
    const out = new Uint8Array(5 * 40000);
    let message = null;
    const refuse = (words) => {
      message = words;
      throw new KmcError(words, 0);
    };
    const decoder = new AdditiveDecoder(coding, COLOURS, 3, 5);
    assert.throws(() => decoder.strip(fromHex(PAYLOADS.get(coding)), out.fill(4), refuse));
    assert.match(message, /fewer bytes/);
    assert.ok(out.subarray(1000).every((index) => index === 4)); // not yet decoded
  }
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
