// The image: its canvas, zoom, and the veil over all pixels but those of the chosen entry.

/* global kmc */

const ZOOMS = [
  1 / 64,
  1 / 32,
  1 / 16,
  1 / 8,
  1 / 4,
  1 / 2,
  1,
  2,
  3,
  4,
  6,
  8,
  12,
  16,
  24,
  32,
  48,
  64,
];
const LONGEST = 32000; // CSS pixels, beyond which browsers draw wrong
const DARK_VEIL = [16, 18, 24, 196];
const LIGHT_VEIL = [250, 250, 252, 208];

const element = (id) => document.getElementById(id);

export class Picture {
  /** `onPoint(place or null)` and `onPick(place)` are told of pixels under the pointer. */
  constructor(onPoint, onPick) {
    this.stage = element('stage');
    this.sheet = element('sheet');
    this.canvas = element('canvas');
    this.veil = element('veil');
    this.width = 0;
    this.lit = null; // the entry that is lit up and what covers the others' pixels
    this.zoom = 1;
    this.fitting = true;
    element('in').addEventListener('click', () => this.step(1));
    element('out').addEventListener('click', () => this.step(-1));
    element('fit').addEventListener('click', () => this.fit());
    element('actual').addEventListener('click', () => this.setZoom(1));
    this.stage.addEventListener('wheel', (event) => this.wheel(event), { passive: false });
    this.sheet.addEventListener('pointermove', (event) => onPoint(this.placeAt(event)));
    this.sheet.addEventListener('pointerleave', () => onPoint(null));
    this.sheet.addEventListener('click', (event) => onPick(this.placeAt(event)));
    new ResizeObserver(() => this.fitting && this.width > 0 && this.fit()).observe(this.stage);
  }

  /** Make room for the frames of what `work` gave; `draw` then shows one. */
  show({ image, step }, name) {
    const { width, height } = image.header;
    const count = kmc.frameCount(image);
    this.width = width;
    this.height = height;
    this.every = step;
    this.lit = null;
    for (const canvas of [this.canvas, this.veil]) {
      canvas.width = Math.ceil(width / step);
      canvas.height = Math.ceil(height / step);
    }
    const words = `${name}, ${width} by ${height} pixels${count > 1 ? `, ${count} frames` : ''}`;
    this.canvas.setAttribute('aria-label', words);
    this.stage.style.setProperty('--ratio', height / width);
    this.fit();
  }

  /** Draw a frame, and the veil if an entry is lit up. */
  draw(frame) {
    this.drawn = kmc.sampled(frame, this.every);
    this.put(this.canvas, kmc.toRGBA(this.drawn));
    if (this.lit !== null) this.drawVeil();
  }

  /** Let only the pixels of an entry be seen, whose colour is that; or all, for null. */
  lightUp(entry, colour) {
    if (entry === null) {
      this.lit = null;
      this.veil.getContext('2d').clearRect(0, 0, this.veil.width, this.veil.height);
      return;
    }
    const light = (299 * colour[0] + 587 * colour[1] + 114 * colour[2]) / 1000;
    // Dark pixels are seen on a light veil, light ones on a dark veil.
    const veil = Uint8Array.from(light < 110 && colour[3] > 0 ? LIGHT_VEIL : DARK_VEIL);
    const [cover] = new Uint32Array(veil.buffer);
    this.lit = { entry, cover };
    this.drawVeil();
  }

  drawVeil() {
    const { entry, cover } = this.lit;
    const { indices } = this.drawn;
    const pixels = new Uint32Array(indices.length);
    for (let i = 0; i < pixels.length; i += 1) {
      if (indices[i] !== entry) pixels[i] = cover;
    }
    this.put(this.veil, new Uint8ClampedArray(pixels.buffer));
  }

  put(canvas, rgba) {
    const pixels = new ImageData(rgba, canvas.width, canvas.height);
    canvas.getContext('2d').putImageData(pixels, 0, 0);
  }

  placeAt(event) {
    const box = this.sheet.getBoundingClientRect();
    const x = Math.floor(((event.clientX - box.left) / box.width) * this.width);
    const y = Math.floor(((event.clientY - box.top) / box.height) * this.height);
    if (x < 0 || y < 0 || x >= this.width || y >= this.height) return null;
    return { x, y };
  }

  fit() {
    const room = (side, size) => Math.max(1, this.stage[side] - 24) / size;
    const exact = Math.min(room('clientWidth', this.width), room('clientHeight', this.height));
    // Whole factors keep all pixels of one size.
    this.setZoom(exact >= 1 ? Math.min(Math.floor(exact), 64) : exact);
    this.fitting = true;
  }

  step(direction, anchor) {
    const above = ZOOMS.find((zoom) => zoom > this.zoom * 1.001);
    const below = ZOOMS.findLast((zoom) => zoom < this.zoom * 0.999);
    this.setZoom((direction > 0 ? above : below) ?? this.zoom, anchor);
  }

  wheel(event) {
    if (!event.ctrlKey && !event.metaKey) return; // scrolls
    event.preventDefault();
    this.step(event.deltaY < 0 ? 1 : -1, event);
  }

  /** Zoom; the point of the image under `anchor`, or in the middle of the stage, stays there. */
  setZoom(zoom, anchor) {
    const { stage, sheet } = this;
    const longest = Math.max(this.width, this.height);
    if (zoom > 1 && zoom * longest > LONGEST) return;
    const frame = stage.getBoundingClientRect();
    const left = anchor ? anchor.clientX - frame.left : stage.clientWidth / 2;
    const top = anchor ? anchor.clientY - frame.top : stage.clientHeight / 2;
    const before = sheet.getBoundingClientRect();
    const x = before.width > 0 ? (frame.left + left - before.left) / before.width : 0.5;
    const y = before.height > 0 ? (frame.top + top - before.top) / before.height : 0.5;
    this.zoom = zoom;
    this.fitting = false;
    sheet.style.width = `${this.width * zoom}px`;
    sheet.style.height = `${this.height * zoom}px`;
    sheet.classList.toggle('crisp', zoom >= 1);
    const after = sheet.getBoundingClientRect();
    stage.scrollLeft += after.left + x * after.width - (frame.left + left);
    stage.scrollTop += after.top + y * after.height - (frame.top + top);
    const percent = zoom * 100;
    element('zoom').textContent = `${percent < 10 ? percent.toFixed(1) : Math.round(percent)} %`;
  }
}
