// The frames of an animation: which of them is shown, and when the next one is.

/* global kmc */

import { grouped } from './words.js';

const SHORTEST = 20; // milliseconds; frames of less, above all of 0, are shown for that
const LONGEST = 2 ** 30; // a timer of 2 ** 31 milliseconds would end at once

const element = (id) => document.getElementById(id);

export class Player {
  /** `onFrame(number)` shows a frame, the first is 0. */
  constructor(onFrame) {
    this.onFrame = onFrame;
    this.count = 1;
    this.timer = null; // there is one while it plays
    this.byPointer = false; // whether what has the focus has it by a click or touch
    this.slider = element('frame');
    this.slider.addEventListener('input', () => this.seek(this.slider.valueAsNumber - 1));
    element('play').addEventListener('click', () => this.toggle());
    element('previous').addEventListener('click', () => this.step(-1));
    element('next').addEventListener('click', () => this.step(1));
    addEventListener('pointerdown', () => {
      this.byPointer = true;
    });
  }

  /** Show the first frame of an image; others follow, unless less motion is asked for. */
  show(image) {
    this.pause();
    this.image = image;
    this.count = kmc.frameCount(image);
    this.loop = image.frames?.loop;
    this.round = 1;
    element('player').hidden = this.count === 1;
    this.slider.max = this.count;
    this.turnTo(0);
    if (this.count === 1) return;
    // Room for the longest words, so that the slider keeps its place.
    const longest = image.frames.durations.reduce((a, b) => Math.max(a, b), 0);
    const room = this.words(this.count, longest).length;
    element('frame-words').style.minWidth = `min(${room}ch, 100%)`;
    if (!matchMedia('(prefers-reduced-motion: reduce)').matches) this.play();
  }

  turnTo(number) {
    this.number = number;
    this.onFrame(number);
    if (this.count === 1) return;
    const words = this.words(number + 1, kmc.frameDuration(this.image, number));
    this.slider.value = number + 1;
    this.slider.setAttribute('aria-valuetext', words);
    element('frame-words').textContent = words;
  }

  words(number, duration) {
    return `${grouped(number)} of ${grouped(this.count)}: ${grouped(duration)} ms`;
  }

  /** Whether nothing follows: the last frame stays. */
  isOver() {
    const isLast = this.number === this.count - 1;
    return isLast && this.loop !== 0 && this.round >= this.loop;
  }

  play() {
    if (this.isOver()) {
      this.round = 1;
      this.turnTo(0);
    }
    this.due = performance.now();
    this.wait();
    this.tell();
  }

  wait() {
    const duration = kmc.frameDuration(this.image, this.number);
    const now = performance.now();
    // What was late is made up for by the next frame at most.
    this.due = Math.max(now, this.due + Math.min(Math.max(duration, SHORTEST), LONGEST));
    this.timer = setTimeout(() => this.advance(), this.due - now);
  }

  advance() {
    if (this.isOver()) {
      this.pause();
      return;
    }
    if (this.number === this.count - 1) this.round += 1;
    this.turnTo((this.number + 1) % this.count);
    this.wait();
  }

  pause() {
    clearTimeout(this.timer);
    this.timer = null;
    this.tell();
  }

  tell() {
    const plays = this.timer !== null;
    const words = plays ? 'Pause' : 'Play';
    element('player').classList.toggle('plays', plays);
    element('play').setAttribute('aria-label', words);
    element('play').title = `${words} (space)`;
  }

  toggle() {
    if (this.timer === null) this.play();
    else this.pause();
  }

  /** Stop at a frame. */
  seek(number) {
    this.pause();
    this.turnTo(number);
  }

  /** Stop at the frame after this one or before it, around the end. */
  step(direction) {
    this.seek((this.number + direction + this.count) % this.count);
  }

  /** Do what a key asks for. */
  pressed(event) {
    if (this.count === 1) return;
    if (event.key === ',') this.step(-1);
    else if (event.key === '.') this.step(1);
    else if (event.key !== ' ') this.byPointer = false;
    else if (this.byPointer || !event.target.closest('button, #pick')) {
      event.preventDefault(); // presses no button again that was clicked, and does not scroll
      if (!event.repeat) this.toggle();
    }
  }
}
