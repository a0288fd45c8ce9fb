// The viewer: files that are picked, dropped or embedded, and the one that is shown.

/* global kmc */

import { cancel, decode } from './decode.js';
import { showFacts } from './facts.js';
import { Picture } from './picture.js';
import { Player } from './player.js';
import { hexOf, Swatches } from './swatches.js';
import { build, grouped } from './words.js';

const element = (id) => document.getElementById(id);
const files = []; // { name, bytes(): a promise, button }
let shown = null; // what `work` made of the file that is shown, with its name and current frame
let pointed = null; // the place under the pointer

const picture = new Picture(
  (place) => {
    pointed = place;
    tellPointed();
  },
  (place) => place !== null && swatches.choose(indexAt(place), true),
);
const swatches = new Swatches((entry) =>
  picture.lightUp(entry, entry === null ? null : swatches.colour(entry)),
);
const player = new Player(showFrame);

function showFrame(number) {
  shown.frame = kmc.frameOf(shown.image, number);
  swatches.turnTo(number); // first: of another palette no entry is lit up
  picture.draw(shown.frame);
  tellPointed();
}

function indexAt({ x, y }) {
  return shown.frame.indices[y * shown.frame.header.width + x];
}

function tellPointed() {
  element('pointed').textContent = pointed === null ? '' : wordsAt(pointed);
}

function wordsAt(place) {
  const entry = indexAt(place);
  const colour = hexOf(swatches.colour(entry), shown.image.header.channels);
  return `x ${place.x}, y ${place.y}: entry ${entry}, ${colour}`;
}

/** Show one of welcome, trouble, view; or none. */
function turnTo(id) {
  for (const part of ['welcome', 'trouble', 'view']) element(part).hidden = part !== id;
}

function say(words) {
  element('status').textContent = words;
  element('status').hidden = words === '';
}

/** Add files to the list and show the first of them. */
function add(found) {
  const first = files.length;
  for (const file of found) {
    const number = files.length;
    const button = build('button', { type: 'button' }, file.name);
    button.addEventListener('click', () => open(number));
    const item = build('li');
    item.append(button);
    element('files').firstElementChild.append(item);
    files.push({ ...file, button });
  }
  element('files').hidden = files.length < 2;
  if (files.length > first) open(first);
}

let asked = 0; // counts openings: an answer to an earlier one comes too late

async function open(number) {
  const file = files[number];
  const turn = ++asked;
  cancel();
  player.pause();
  shown = null;
  pointed = null;
  turnTo(null);
  say(`Decoding ${file.name} …`);
  for (const other of files) other.button.setAttribute('aria-current', other === file);
  document.title = `${file.name} - kmc viewer`;
  let result;
  try {
    result = await decode(await file.bytes());
  } catch (error) {
    result = { message: `the file cannot be read: ${error.message}`, fault: 'damage' };
  }
  if (turn !== asked) return;
  file.button.classList.toggle('bad', 'message' in result);
  if ('message' in result) refuse(file.name, result);
  else show(file.name, result);
}

function refuse(name, { message, fault }) {
  const trouble = element('trouble');
  const part = (kind) => trouble.querySelector(kind);
  say('');
  part('h2').textContent = `${name} cannot be shown`;
  part('.reason').textContent = `${message[0].toUpperCase()}${message.slice(1)}.`;
  for (const kind of ['damage', 'foreign', 'size']) part(`.${kind}`).hidden = kind !== fault;
  turnTo('trouble');
}

function show(name, result) {
  const { image, counts, step } = result;
  shown = { name, ...result };
  say('');
  turnTo('view');
  picture.show(result, name);
  swatches.show(image, counts);
  showFacts(image);
  element('note').hidden = step === 1;
  element('note').textContent =
    `Too large for a canvas: only one pixel in ${grouped(step)} is drawn, across and down.`;
  player.show(image);
}

function fromFile(file) {
  return { name: file.name, bytes: async () => new Uint8Array(await file.arrayBuffer()) };
}

function listen() {
  element('pick').addEventListener('change', (event) => {
    add([...event.target.files].map(fromFile));
    event.target.value = ''; // so that the same file can be picked again
  });
  const carriesFiles = (event) => event.dataTransfer?.types.includes('Files');
  addEventListener('dragover', (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    element('target').hidden = false;
  });
  addEventListener('dragleave', (event) => {
    if (event.relatedTarget === null) element('target').hidden = true;
  });
  addEventListener('drop', (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    element('target').hidden = true;
    add([...event.dataTransfer.files].map(fromFile));
  });
  addEventListener('keydown', pressed);
}

function pressed(event) {
  if (shown === null || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === 'Escape') swatches.choose(null);
  else if (event.key === '+' || event.key === '=') picture.step(1);
  else if (event.key === '-') picture.step(-1);
  else if (event.key === '0') picture.fit();
  else if (event.key === '1') picture.setZoom(1);
  else player.pressed(event);
}

/** The file that `kmc view` has put into the page, if it has. */
function embedded() {
  const found = element('embedded');
  if (!found) return [];
  const bytes = Uint8Array.from(atob(found.textContent), (character) => character.charCodeAt(0));
  return [{ name: found.dataset.name, bytes: async () => bytes }];
}

listen();
add(embedded());

/** What is shown, and which frame, for whoever wants exact numbers; null while there is nothing. */
export function current() {
  return shown;
}
