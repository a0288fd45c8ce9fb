// <kmc-image src="bird.kmc" alt="A robin">: an element that behaves as an img does.
//
// It shows a real img: of a PNG with the palette and the indices of the file, which a worker makes.
// So browsers save, copy and drag it, play animations and apply colour profiles as ever.

import { Box } from './box.js';
import { download } from './download.js';
import { run } from './pool.js';

const LIMITS = { maxPixels: 2 ** 26 }; // of all frames; a page has less memory than a program
const NEAR = '1250px'; // of the window: where lazy images begin to load
const PROPERTIES = ['alt', 'crossOrigin', 'height', 'loading', 'src', 'width'];

// What is shown, or is to be.
const EMPTY = 'empty';
const WAITING = 'waiting'; // to be started, for lazy images until the window is near
const LOADING = 'loading';
const SHOWN = 'shown';
const BROKEN = 'broken';

const Element = globalThis.HTMLElement ?? class {}; // so that servers can import this

export class KmcImage extends Element {
  static observedAttributes = ['alt', 'crossorigin', 'height', 'loading', 'src', 'width'];

  #internals = this.attachInternals();
  #img = document.createElement('img');
  #box;
  #calm = matchMedia('(prefers-reduced-motion: reduce)');
  #state = EMPTY;
  #due = false; // whether #begin is called as soon as scripts have set all attributes
  #load = null; // the AbortController of what is being loaded
  #sight = null; // the observer of an element that waits for the window
  #size = null; // { width, height }, once they are known
  #pngs = null; // { still, moving }: Blobs
  #url = null; // of the one that the img shows, while it does
  #error = null;
  #asked = []; // promises of decode()

  constructor() {
    super();
    const root = this.attachShadow({ mode: 'open' });
    this.#box = new Box(root);
    this.#img.setAttribute('aria-hidden', 'true'); // the element itself is the image
    root.append(this.#img);
    this.#describe();
    this.#fit();
  }

  connectedCallback() {
    // Scripts may have set these before they were more than names.
    for (const name of PROPERTIES.filter((one) => Object.hasOwn(this, one))) {
      const value = this[name];
      delete this[name];
      this[name] = value;
    }
    this.#calm.addEventListener('change', this.#turn);
    if (this.#state === WAITING) this.#schedule();
    else if (this.#state === SHOWN && this.#url === null) this.#turn();
  }

  disconnectedCallback() {
    // Elements that are moved are back by then.
    queueMicrotask(() => {
      if (this.isConnected) return;
      this.#calm.removeEventListener('change', this.#turn);
      if (this.#state === LOADING) this.#await();
      this.#sight?.disconnect();
      this.#conceal();
    });
  }

  attributeChangedCallback(name, before, value) {
    if (name === 'alt') this.#describe();
    else if (name === 'width' || name === 'height') this.#fit();
    else if (name === 'src' || before !== value) {
      if (name !== 'loading') this.#await();
      if (this.#state === WAITING) this.#schedule();
    }
  }

  /** Forget what is being loaded; it is to be loaded again. */
  #await() {
    this.#load?.abort();
    this.#load = null;
    this.#sight?.disconnect();
    this.#state = WAITING;
    this.#settle((one) => one.reject(new DOMException('another image is loaded', 'EncodingError')));
  }

  #schedule() {
    if (this.#due) return;
    this.#due = true;
    queueMicrotask(() => {
      this.#due = false;
      if (this.#state === WAITING) this.#begin();
    });
  }

  #begin() {
    const src = this.getAttribute('src');
    if (src === null) {
      this.#forget(EMPTY);
    } else if (src.trim() === '') {
      this.#fail(new Error('src is empty'));
    } else if (this.loading === 'lazy') {
      this.#sight?.disconnect();
      this.#sight = new IntersectionObserver((entries) => this.#see(entries, src), {
        rootMargin: NEAR,
      });
      if (this.isConnected) this.#sight.observe(this);
    } else {
      this.#start(src);
    }
  }

  #see(entries, src) {
    if (this.#state !== WAITING || !entries.some(({ isIntersecting }) => isIntersecting)) return;
    this.#start(src);
  }

  async #start(src) {
    this.#sight?.disconnect();
    this.#state = LOADING;
    const load = new AbortController();
    this.#load = load;
    const { signal } = load;
    const credentials = this.crossOrigin === 'use-credentials' ? 'include' : 'same-origin';
    try {
      const url = new URL(src, this.baseURI);
      const bytes = await download(url, { signal, credentials }, LIMITS, (head) => {
        signal.throwIfAborted();
        this.#forget(LOADING);
        this.#size = { width: head.width, height: head.height };
        this.#fit();
      });
      this.#pngs = await run('pngs', bytes, { signal, ...LIMITS });
      await this.#display();
      signal.throwIfAborted();
    } catch (error) {
      if (signal.aborted) return; // something else is loaded, or nothing
      load.abort();
      this.#fail(error);
      return;
    }
    this.#load = null;
    this.#state = SHOWN;
    if (!this.isConnected) this.#conceal();
    this.#settle((one) => one.resolve());
    this.dispatchEvent(new Event('load'));
  }

  /** Have the img show the PNG that the user's system asks for. */
  #display() {
    this.#conceal();
    const { still, moving } = this.#pngs;
    this.#url = URL.createObjectURL(moving === null || this.#calm.matches ? still : moving);
    this.#img.src = this.#url;
    this.#img.hidden = false;
    return this.#img.decode();
  }

  /** Display it anew, if it is displayed. */
  #turn = () => {
    if (this.#state !== SHOWN) return;
    this.#display().catch(() => {}); // it was right before; or the next is on its way
  };

  /** A URL would keep the bytes of its PNG for as long as the page lives. */
  #conceal() {
    if (this.#url === null) return;
    URL.revokeObjectURL(this.#url);
    this.#url = null;
    this.#img.removeAttribute('src');
  }

  #forget(state) {
    this.#conceal();
    this.#state = state;
    this.#size = null;
    this.#pngs = null;
    this.#error = null;
    this.#fit();
  }

  #fail(error) {
    this.#forget(BROKEN);
    this.#load = null;
    this.#error = error;
    this.#settle((one) => one.reject(error));
    const src = this.getAttribute('src');
    if (src) console.warn(`kmc-image: ${src} cannot be shown: ${error.message}`);
    this.dispatchEvent(new Event('error'));
  }

  #settle(end) {
    this.#asked.splice(0).forEach(end);
  }

  #describe() {
    const alt = this.getAttribute('alt');
    this.#img.alt = alt ?? '';
    // As with an img, an empty text says that it is only decoration.
    this.#internals.role = alt === '' ? 'presentation' : 'img';
    this.#internals.ariaLabel = alt;
  }

  #fit() {
    const isBroken = this.#state === BROKEN;
    this.#img.hidden = this.#url === null && !isBroken;
    const [width, height] = ['width', 'height'].map((name) => this.getAttribute(name));
    this.#box.fit({ width, height, size: this.#size, isBroken });
  }

  /** Whether nothing is on its way: all is shown, or there is nothing, or it is broken. */
  get complete() {
    return (this.#state !== WAITING && this.#state !== LOADING) || !this.getAttribute('src');
  }

  get naturalWidth() {
    return this.#size?.width ?? 0;
  }

  get naturalHeight() {
    return this.#size?.height ?? 0;
  }

  /** Why there was an `error` event; null if there was none. */
  get error() {
    return this.#error;
  }

  get currentSrc() {
    return this.src;
  }

  get src() {
    const src = this.getAttribute('src');
    if (src === null) return '';
    return URL.canParse(src, this.baseURI) ? new URL(src, this.baseURI).href : src;
  }

  set src(value) {
    this.setAttribute('src', value);
  }

  get alt() {
    return this.getAttribute('alt') ?? '';
  }

  set alt(value) {
    this.setAttribute('alt', value);
  }

  get loading() {
    return this.getAttribute('loading')?.toLowerCase() === 'lazy' ? 'lazy' : 'eager';
  }

  set loading(value) {
    this.setAttribute('loading', value);
  }

  get crossOrigin() {
    const value = this.getAttribute('crossorigin')?.toLowerCase();
    return value === undefined || value === 'use-credentials' ? value ?? null : 'anonymous';
  }

  set crossOrigin(value) {
    if (value === null) this.removeAttribute('crossorigin');
    else this.setAttribute('crossorigin', value);
  }

  /** A side as it is rendered; where nothing is, what the attribute says, or else the file. */
  #side(name, natural) {
    if (this.#img.getClientRects().length > 0) return this.#img[name];
    return parseInt(this.getAttribute(name), 10) || natural;
  }

  get width() {
    return this.#side('width', this.naturalWidth);
  }

  set width(value) {
    this.setAttribute('width', value);
  }

  get height() {
    return this.#side('height', this.naturalHeight);
  }

  set height(value) {
    this.setAttribute('height', value);
  }

  /** A promise that the image is shown; it is broken for what `error` tells. */
  decode() {
    if (this.#state === SHOWN) return Promise.resolve();
    if (this.complete) {
      const reason = this.#error ?? new DOMException('there is no image', 'EncodingError');
      return Promise.reject(reason);
    }
    return new Promise((resolve, reject) => {
      this.#asked.push({ resolve, reject });
    });
  }
}

/** Make `<kmc-image>` known, unless another copy of this has. */
export function define() {
  const { customElements } = globalThis;
  if (customElements && !customElements.get('kmc-image')) {
    customElements.define('kmc-image', KmcImage);
  }
}
