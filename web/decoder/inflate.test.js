// Tests of decompression: node --test web/decoder/*.test.js

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import zlib from 'node:zlib';

import { inflate, ZlibError } from './inflate.js';

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
  const stream = zlib.deflateSync(readFileSync(new URL('./kmc.js', import.meta.url), 'utf8').slice(0, 900));
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
