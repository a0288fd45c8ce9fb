// The palette: a swatch for each entry, one of which can be chosen.

/* global kmc */

import { build, grouped, share } from './words.js';

const element = (id) => document.getElementById(id);
const PAGE = 1024; // swatches shown at first, and more at a time

/** An entry in hexadecimal, with its alpha if it has one. */
export function hexOf(colour, channels) {
  const bytes = channels % 2 === 0 ? colour : colour.slice(0, 3);
  return `#${[...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}

function pixels(count) {
  return `${grouped(count)} ${count === 1 ? 'pixel' : 'pixels'}`;
}

/** A row of the table of an animation's pixels. */
function amount(name, count, total) {
  const row = build('tr');
  const cells = [grouped(count), share(count, total)].map((words) => build('td', {}, words));
  row.append(build('th', { scope: 'row' }, name), ...cells);
  return row;
}

export class Swatches {
  /** `onChoose(entry or null)` is told what is chosen. */
  constructor(onChoose) {
    this.box = element('swatches');
    this.more = element('more');
    this.onChoose = onChoose;
    this.entry = null;
    this.box.addEventListener('click', (event) => {
      const button = event.target.closest('button');
      if (button) this.choose(Number(button.dataset.entry), true);
    });
    this.box.addEventListener('keydown', (event) => this.move(event));
    this.more.addEventListener('click', () => {
      const first = this.shown;
      this.add();
      this.focus(first);
    });
  }

  /** Show the first palette of an image; `counts` are the pixels of each entry, by scene. */
  show(image, counts) {
    Object.assign(this, { image, countsByScene: counts });
    this.showScene(0);
  }

  showScene(scene) {
    const { channels } = this.image.header;
    const { palette, frames } = this.image.scenes[scene];
    const colours = kmc.paletteRGBA(palette, channels);
    const counts = this.countsByScene[scene];
    const hadFocus = this.box.contains(document.activeElement);
    Object.assign(this, { scene, frames, colours, counts, channels, entry: null, shown: 0 });
    const palettes = this.image.scenes.length;
    this.where = palettes > 1 ? 'in all frames of this palette' : 'in all frames';
    this.pixels = counts.reduce((sum, count) => sum + count, 0);
    const used = counts.reduce((sum, count) => sum + (count > 0 ? 1 : 0), 0);
    const unused = counts.length - used;
    const entries = `${grouped(counts.length)} ${counts.length === 1 ? 'entry' : 'entries'}`;
    const which = palettes > 1 ? `, palette ${grouped(scene + 1)} of ${grouped(palettes)}` : '';
    element('palette-size').textContent =
      entries + (unused ? `, ${grouped(unused)} unused` : '') + which;
    this.box.replaceChildren();
    this.add();
    this.focus(0, hadFocus);
    this.tell();
    this.onChoose(null);
  }

  colour(entry) {
    return this.colours.subarray(4 * entry, 4 * entry + 4);
  }

  css(entry) {
    const [r, g, b, a] = this.colour(entry);
    return `rgb(${r} ${g} ${b} / ${a / 255})`;
  }

  add() {
    const total = this.counts.length;
    const end = Math.min(total, this.shown + PAGE);
    const buttons = [];
    for (let entry = this.shown; entry < end; entry += 1) buttons.push(this.button(entry));
    this.box.append(...buttons);
    this.shown = end;
    const next = Math.min(PAGE, total - end);
    this.more.hidden = next === 0;
    this.more.textContent = `Show ${grouped(next)} more of ${grouped(total)}`;
  }

  button(entry) {
    const count = this.counts[entry];
    const words = `${pixels(count)}${this.frames > 1 ? ` ${this.where}` : ''}`;
    const name = `Entry ${entry}, ${hexOf(this.colour(entry), this.channels)}`;
    const button = build('button', {
      type: 'button',
      tabindex: -1,
      title: `${name}, ${words}`,
      'aria-label': `${name}, ${words}`,
      'aria-pressed': 'false',
      'data-entry': entry,
    });
    button.style.setProperty('--colour', this.css(entry));
    button.classList.toggle('unused', count === 0);
    return button;
  }

  /** Choose an entry, or none for null; one that is chosen already is let go if `toggle`. */
  choose(entry, toggle = false) {
    const next = toggle && entry === this.entry ? null : entry;
    while (next !== null && next >= this.shown) this.add();
    for (const [which, pressed] of [
      [this.entry, false],
      [next, true],
    ]) {
      if (which !== null) this.box.children[which].setAttribute('aria-pressed', pressed);
    }
    this.entry = next;
    if (next !== null) {
      this.focus(next, false);
      this.box.children[next].scrollIntoView({ block: 'nearest' });
    }
    this.tell();
    this.onChoose(next);
  }

  /** Say what is chosen. */
  tell() {
    const box = element('chosen');
    if (this.entry === null) {
      box.replaceChildren('Choose a colour, or click on the image: its pixels light up.');
      return;
    }
    const { entry, counts } = this;
    const patch = build('span', { class: 'colour' });
    patch.style.setProperty('--colour', this.css(entry));
    const words = build('span', { class: 'words' });
    words.append(
      build('strong', {}, `Entry ${entry}, ${hexOf(this.colour(entry), this.channels)}`),
    );
    const all = build('button', { type: 'button', id: 'all' }, 'Show all');
    all.addEventListener('click', () => {
      this.choose(null);
      this.focus(entry);
    });
    box.replaceChildren(patch, words, all);
    if (this.frames > 1) box.append(this.amounts());
    else words.append(`${pixels(counts[entry])}, ${share(counts[entry], this.pixels)}`);
  }

  /** How many pixels of an animation has the entry that is chosen. */
  amounts() {
    const table = build('table');
    const count = this.counts[this.entry];
    table.append(amount(`pixels ${this.where}`, count, this.pixels), this.amountInFrame());
    return table;
  }

  amountInFrame() {
    let count = 0;
    for (const index of this.indices) count += index === this.entry ? 1 : 0;
    const row = amount('in this frame', count, this.indices.length);
    row.id = 'in-frame';
    row.setAttribute('aria-live', 'off'); // changes too often to be read out
    return row;
  }

  /** Tell of another frame, which may have another palette. */
  turnTo(number) {
    const scene = kmc.sceneNumber(this.image, number);
    if (scene !== this.scene) this.showScene(scene);
    this.indices = kmc.frameOf(this.image, number).indices;
    element('in-frame')?.replaceWith(this.amountInFrame());
  }

  /** One swatch is in the order of the Tab key; arrows lead to the others. */
  focus(entry, really = true) {
    this.box.querySelector('[tabindex="0"]')?.setAttribute('tabindex', -1);
    const button = this.box.children[entry];
    button.setAttribute('tabindex', 0);
    if (really) button.focus();
  }

  move(event) {
    const at = Number(event.target.dataset.entry);
    const columns = getComputedStyle(this.box).gridTemplateColumns.split(' ').length;
    const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns };
    let to = at + (steps[event.key] ?? 0);
    if (event.key === 'Home') to = 0;
    if (event.key === 'End') to = this.shown - 1;
    if (to === at || to < 0 || to >= this.shown) {
      if (event.key in steps) event.preventDefault();
      return;
    }
    event.preventDefault();
    this.focus(to);
  }
}
