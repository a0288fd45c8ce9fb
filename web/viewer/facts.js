// What the file says of itself: bytes by part, header, sections.

import { build, bytes, grouped, share } from './words.js';

const CODINGS = [
  'packed',
  'deflate',
  'additive coder, profile fast',
  'context coder, profile default',
  'context coder, profile max',
  'additive coder, profile fastest',
  'label coder',
];
const CHANNELS = { 1: 'grey', 2: 'grey, alpha', 3: 'RGB', 4: 'RGBA' };
const SECTIONS = {
  iccp: 'ICC profile',
  exif: 'EXIF',
  xmpp: 'XMP',
  text: 'text',
  labl: 'labels',
  KEND: 'end',
};
const LONGEST_TEXT = 2000;

const element = (id) => document.getElementById(id);

export function showFacts(image) {
  showBytes(image);
  showHeader(image);
  showSections(image);
}

function showBytes({ parts, header, frames, scenes }) {
  const rows = [
    ['indices', parts.indices, '--part-1'],
    ['palette', parts.palette, '--part-2'],
    ['metadata', parts.metadata, '--part-3'],
    ['container', parts.container, '--part-4'],
  ].filter(([, size]) => size > 0);
  element('bytes-total').textContent = bytes(parts.total);
  element('bytes-bar').replaceChildren(
    ...rows.map(([, size, colour]) =>
      build('i', { style: `flex: ${size}; background: var(${colour})` }),
    ),
  );
  element('bytes').tBodies[0].replaceChildren(
    ...rows.map(([name, size, colour]) => {
      const row = build('tr');
      const head = build('th', { scope: 'row' });
      head.append(build('i', { style: `background: var(${colour})` }), name);
      row.append(head, build('td', {}, grouped(size)), build('td', {}, share(size, parts.total)));
      return row;
    }),
  );
  const pixels = header.width * header.height * (frames?.count ?? 1);
  const raw = pixels * header.channels;
  const bits = ((8 * parts.total) / pixels).toFixed(2);
  const plain = scenes.some(({ paletteCoded }) => paletteCoded)
    ? plainWords(scenes.reduce((sum, { palette }) => sum + palette.length, 0), scenes.length)
    : '';
  element('compared').textContent =
    `${bits} bits per pixel, ${share(parts.total, raw)} of ${bytes(raw)} uncompressed.${plain}`;
}

function plainWords(size, palettes) {
  if (palettes === 1) return ` The palette is coded; uncoded it takes ${bytes(size)}.`;
  return ` Palettes are coded; uncoded they take ${bytes(size)}.`;
}

/** The numbers of entries of all palettes. */
function entriesOf(scenes) {
  const counts = scenes.map(({ entries }) => entries);
  const [least, most] = [Math.min, Math.max].map((pick) => counts.reduce((a, b) => pick(a, b)));
  return least === most ? grouped(most) : `${grouped(least)} to ${grouped(most)}`;
}

/** Whether the palettes are stored, and coded. */
function storageOf({ isRamp }, scenes) {
  if (isRamp) return 'the ramp, not stored';
  const coded = scenes.filter(({ paletteCoded }) => paletteCoded).length;
  if (scenes.length === 1) return coded ? 'coded' : 'plain';
  const some = coded > 0 ? `, of which ${grouped(coded)} coded` : '';
  return `${grouped(scenes.length)}${some}`;
}

function showHeader({ header, frames, scenes, strips }) {
  const { width, height, rowsPerStrip } = header;
  const facts = [
    ['size', `${grouped(width)} × ${grouped(height)} pixels`],
    ['channels', `${header.channels}: ${CHANNELS[header.channels]}`],
    ['entries', entriesOf(scenes)],
    ['coding', `${header.coding}: ${CODINGS[header.coding]}`],
    [scenes.length > 1 ? 'palettes' : 'palette', storageOf(header, scenes)],
    ['strips', grouped(strips.length) + (rowsPerStrip ? ` of ${grouped(rowsPerStrip)} rows` : '')],
    ...(frames ? framesOf(frames) : []),
    ['version', header.version],
  ];
  element('header').replaceChildren(
    ...facts.flatMap(([name, value]) => [build('dt', {}, name), build('dd', {}, value)]),
  );
}

function framesOf({ count, durations, loop }) {
  const sum = durations.reduce((total, duration) => total + duration, 0);
  const seconds = ((durations.length === 1 ? count : 1) * sum) / 1000;
  const times = { 0: 'forever', 1: 'once' };
  return [
    ['frames', grouped(count)],
    ['time', `${grouped(seconds)} s`],
    ['shown', times[loop] ?? `${grouped(loop)} times`],
  ];
}

function showSections({ sections, metadata }) {
  element('sections-count').textContent = sections.length === 0 ? 'none' : '';
  element('sections').tBodies[0].replaceChildren(
    ...sections.map(({ type, offset, length }) => {
      const row = build('tr');
      const head = build('th', { scope: 'row' });
      head.append(build('code', {}, type), ` ${SECTIONS[type] ?? 'unknown'}`);
      row.append(head, build('td', {}, bytes(length)), build('td', {}, `at ${grouped(offset)}`));
      return row;
    }),
  );
  const texts = [...metadata.text]; // of which one may have any keyword, also this one
  if (metadata.labels) texts.push(['labels', labelsOf(metadata.labels)]);
  element('texts').replaceChildren(
    ...texts.flatMap(([keyword, text]) => {
      const shown = text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT)} …` : text;
      return [build('dt', {}, keyword), build('dd', {}, shown)];
    }),
  );
  element('texts').hidden = texts.length === 0;
}

/** What the pixels stand for, in words. */
function labelsOf({ dtype, shape, planes, values }) {
  const told = `${dtype}, ${shape.map(grouped).join(' × ') || 'a single value'}`;
  if (planes > 0) return `${told}, from ${values[0]}, in ${planes} bytes`;
  return `${told}, ${grouped(values.length)} values, ${values[0]} to ${values.at(-1)}`;
}
