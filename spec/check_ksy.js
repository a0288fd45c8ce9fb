// Compile kmc.ksy to JavaScript in memory, parse every good vector with it and compare what it
// finds with the JSON files. One line for each failure; the exit status is 1 if there was any.
//
// In a folder outside the repository:
//
//     npm install kaitai-struct-compiler@0.11.0 kaitai-struct@0.11.0 js-yaml
//
// then, in the repository (FOLDER is the other one):
//
//     NODE_PATH=FOLDER/node_modules node spec/check_ksy.js [VECTORS]
//
// VECTORS is spec/vectors if it is not given. The packages are also found in the folder
// node_modules of the current directory, and `yaml` is as good as `js-yaml`.

'use strict';

const crypto = require('crypto');
const fs = require('fs');
const { createRequire } = require('module');
const path = require('path');
const { isDeepStrictEqual } = require('util');

const DTYPES = ['|b1', '|i1', '|u1'].concat(
  [2, 4, 8].flatMap((size) => ['<i', '<u', '>i', '>u'].map((kind) => kind + size)),
);

const requireFromHere = createRequire(path.join(process.cwd(), 'check_ksy.js'));

function load(name) {
  try {
    return require(name);
  } catch (error) {
    if (error.code !== 'MODULE_NOT_FOUND') throw error;
    return requireFromHere(name);
  }
}

function parseYaml(text) {
  let yaml;
  try {
    yaml = load('js-yaml');
  } catch (error) {
    if (error.code !== 'MODULE_NOT_FOUND') throw error;
    return load('yaml').parse(text);
  }
  return yaml.load(text);
}

// Run the compiled module as CommonJS does, with requires that go through load().
function evaluate(source) {
  const module = { exports: {} };
  new Function('module', 'exports', 'require', source)(module, module.exports, load);
  return module.exports.Kmc || module.exports;
}

function sha256(bytes) {
  return crypto.createHash('sha256').update(bytes).digest('hex');
}

// A palette as hexadecimal digits or as its hash, whichever is expected; a coded one is not decoded.
function paletteFacts(palette, expected) {
  if ('palette' in expected) return { palette: Buffer.from(palette).toString('hex') };
  return { palette_sha256: sha256(Buffer.from(palette)) };
}

// The frames of all scenes; without a scene table they are one.
function scenesOf(kmc) {
  const { header, frameTable, indexBits } = kmc;
  if (!header.hasFrames) return [{ frames: 1, interleaved: false, bits: indexBits }];
  const { interleaved, hasScenes, scenes, numFrames } = frameTable;
  const first = { frames: hasScenes ? scenes.numFirstFrames : numFrames, interleaved };
  const further = hasScenes ? scenes.further : [];
  return [
    { ...first, bits: indexBits },
    ...further.map((scene) => ({
      frames: scene.numFrames,
      interleaved: scene.interleaved,
      bits: Math.ceil(Math.log2(scene.numEntries)),
    })),
  ];
}

function sceneFacts(kmc, expected) {
  const palettes = [kmc, ...kmc.scenePalettes].map(({ palette }) => palette);
  return scenesOf(kmc).map(({ frames, interleaved }, number) => {
    const palette = palettes[number];
    const told = palette ? paletteFacts(palette, expected[number]) : expected[number];
    return { ...told, frames, interleaved };
  });
}

// What a table of labels says, if it is not deflated; lengths of up to four groups are told.
function labelFacts(sections, expected) {
  const found = sections.find(({ type }) => type === 'labl');
  if (!found) return null;
  const { table } = found.payload;
  if (!table) return expected;
  const { values, shape, ...told } = expected;
  return {
    ...told,
    dtype: DTYPES[table.dtype],
    planes: table.planes,
    shape: table.lengths.map(({ groups, value }, axis) => (groups.length > 4 ? shape[axis] : value)),
    values: table.planes || table.numValues === values.length ? values : table.numValues,
  };
}

function facts(kmc, expected) {
  const sections = kmc.sections || [];
  const found = {
    width: kmc.header.width,
    height: kmc.header.height,
    channels: kmc.header.channels,
    coding: kmc.header.coding,
    rows_per_strip: kmc.header.rowsPerStrip,
    strips: kmc.strips.length,
    sections: sections.map((section) => section.type),
  };
  if (expected.metadata.labels) {
    found.metadata = { ...expected.metadata, labels: labelFacts(sections, expected.metadata.labels) };
  }
  if (kmc.header.hasFrames) {
    const { numFrames: count, durations, loop, interleaved } = kmc.frameTable;
    const every = durations.length === count ? durations : Array(count).fill(durations[0]);
    found.frames = { count, durations: every, loop, interleaved };
    if (kmc.frameTable.hasScenes) found.frames.scenes = sceneFacts(kmc, expected.frames.scenes);
  }
  const { paletteCoded, isRamp } = kmc.header; // the description decodes and makes no palette
  return paletteCoded || isRamp ? found : { ...found, ...paletteFacts(kmc.palette, expected) };
}

// How many bytes precede the packed rows of a strip; -1 if it is coded otherwise.
function bytesBefore(coding, payload) {
  if (coding === 0) return 0;
  return (coding === 2 || coding === 5) && payload[0] === 0xff ? 1 : -1;
}

function packedLengths(kmc) {
  const rows = kmc.header.rowsPerStrip || kmc.header.height;
  return scenesOf(kmc).every(({ frames, interleaved, bits }, scene) => {
    const width = kmc.header.width * (interleaved ? 1 : frames);
    const stride = Math.ceil((width * bits) / 8) * (interleaved ? frames : 1);
    const strips = kmc.strips.slice(scene * kmc.numStrips, (scene + 1) * kmc.numStrips);
    return strips.every((strip, number) => {
      const here = Math.min(rows, kmc.header.height - number * rows);
      const before = bytesBefore(kmc.header.coding, strip.payload);
      return before < 0 || strip.payload.length === before + here * stride;
    });
  });
}

async function main() {
  const vectors = process.argv[2] || path.join(__dirname, 'vectors');
  const good = path.join(vectors, 'good');
  const description = parseYaml(fs.readFileSync(path.join(__dirname, 'kmc.ksy'), 'utf8'));
  const compiled = await load('kaitai-struct-compiler').compile('javascript', description);
  const Kmc = evaluate(compiled['Kmc.js']);
  const KaitaiStream = load('kaitai-struct/KaitaiStream');

  let parsed = 0;
  let failures = 0;
  for (const file of fs.readdirSync(good).filter((name) => name.endsWith('.kmc')).sort()) {
    const json = path.join(good, file.replace(/kmc$/, 'json'));
    const wrong = [];
    try {
      const expected = JSON.parse(fs.readFileSync(json, 'utf8'));
      const bytes = new Uint8Array(fs.readFileSync(path.join(good, file)));
      const kmc = new Kmc(new KaitaiStream(bytes.buffer));
      for (const [name, value] of Object.entries(facts(kmc, expected))) {
        if (!isDeepStrictEqual(value, expected[name])) {
          wrong.push(`${name} ${JSON.stringify(value).slice(0, 60)}`);
        }
      }
      if (!packedLengths(kmc)) wrong.push('length of a packed payload');
      parsed += 1;
    } catch (error) {
      wrong.push(`not parsed: ${error}`);
    }
    if (wrong.length > 0) {
      failures += 1;
      console.log(`${file}: ${wrong.join(', ')}`);
    }
  }
  console.log(`${parsed} vectors parsed` + (failures ? `, ${failures} failed` : ''));
  return failures > 0 || parsed === 0 ? 1 : 0;
}

main().then(
  (status) => {
    process.exitCode = status;
  },
  (error) => {
    console.error(error);
    process.exitCode = 1;
  },
);
