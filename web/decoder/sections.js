// Sections of a file (kmc-1.md, section 7).

import { grouped, KmcLimitError } from './errors.js';
import { inflateOr } from './inflate.js';
import { readLabels } from './ids.js';

const LARGEST_DATA = 16777216;
const MOST_SECTIONS = 1024;
const LONGEST_KEYWORD = 79;
const MEMBERS = { iccp: 'icc', exif: 'exif', xmpp: 'xmp', labl: 'labels' };

/**
 * Read all sections up to KEND from a Source.
 *
 * Gives `list`, the type, offset and payload's length of each, and `metadata`.
 */
export function readSections(source, maxMetadata) {
  const metadata = { icc: null, exif: null, xmp: null, labels: null, text: new Map() };
  const list = [];
  let total = 0;
  for (;;) {
    const section = readSection(source);
    list.push({ type: section.type, offset: section.offset, length: section.payload.length });
    if (section.type === 'KEND') return { list, metadata };
    if (list.length > MOST_SECTIONS) {
      source.refuse(`there are more than ${grouped(MOST_SECTIONS)} sections`, section.offset);
    }
    const known = section.type in MEMBERS || section.type === 'text';
    if (!known) continue;
    const data = dataOf(source, section);
    total += data.length;
    if (total > maxMetadata) {
      const limit = `more than ${grouped(maxMetadata)} bytes`;
      source.refuse(`the metadata is too large: ${limit}`, section.offset, KmcLimitError);
    }
    if (section.type === 'text') addText(source, section, data, metadata.text);
    else add(source, section, data, metadata);
  }
}

function readSection(source) {
  const offset = source.at;
  const letters = source.take(4, 'the type of a section');
  const type = String.fromCharCode(...letters);
  if (!/^[A-Za-z]{4}$/.test(type))
    source.refuse('the type of a section is not four letters', offset);
  const length = source.u32(`the length of section ${type}`);
  const payload = source.take(length, `section ${type}`);
  source.check(`section ${type}`, source.bytes.subarray(offset, source.at));
  if (type === 'KEND') {
    if (length > 0) source.refuse('section KEND has a payload', offset);
  } else if (type[0] < 'a') {
    source.refuse(`section ${type} is required to show the file, and not supported`, offset);
  }
  return { type, offset, payload };
}

function dataOf(source, { type, offset, payload }) {
  const refuse = (message) => source.refuse(`section ${type}: ${message}`, offset);
  if (payload.length === 0) refuse('there is no payload');
  const [storage] = payload;
  if (storage > 1) refuse(`storage ${storage} is not defined`);
  const stored = payload.subarray(1);
  if (storage === 0 && stored.length > LARGEST_DATA) refuse('there is too much data');
  const data = storage === 0 ? stored : inflateOr(stored, LARGEST_DATA, refuse);
  if (data.length === 0) refuse('there is no data');
  return data;
}

function add(source, { type, offset }, data, metadata) {
  const member = MEMBERS[type];
  if (metadata[member] !== null) source.refuse(`there is a second section ${type}`, offset);
  const refuse = (message) => source.refuse(`section ${type}: ${message}`, offset);
  metadata[member] = type === 'labl' ? readLabels(data, refuse) : data;
}

function addText(source, { offset }, data, texts) {
  const refuse = (message) => source.refuse(`section text: ${message}`, offset);
  const end = data.indexOf(0);
  if (end < 0) refuse('no zero byte ends the keyword');
  if (end === 0) refuse('the keyword is empty');
  if (end > LONGEST_KEYWORD) refuse(`the keyword has ${end} bytes, more than ${LONGEST_KEYWORD}`);
  const keyword = utf8(data.subarray(0, end), refuse);
  const text = utf8(data.subarray(end + 1), refuse);
  if (/[\u0000-\u001f\u007f-\u009f]/.test(keyword)) refuse('the keyword has a control character');
  if (texts.has(keyword)) refuse('its keyword comes a second time');
  texts.set(keyword, text);
}

function utf8(bytes, refuse) {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return refuse('it is not valid UTF-8');
  }
}
