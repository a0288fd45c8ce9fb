// The box of the element: as large as that of an img, by rules that any rule of the page overrides.

const SHARED = `
:host { display: inline-block; width: max-content; min-width: 0; min-height: 0;
        overflow: clip; overflow-clip-margin: content-box; }
:host([hidden]) { display: none; }
img { display: block; width: 100%; height: 100%; object-fit: inherit; object-position: inherit; }
img[hidden] { visibility: hidden; }
`;
let shared = null; // of all elements

/** What an attribute like `width="50%"` means in CSS; '' if it means nothing. */
function length(value) {
  const found = /^[\t\n\f\r ]*(\d+(?:\.\d*)?)(%?)/.exec(value ?? '');
  return found ? `${parseFloat(found[1])}${found[2] || 'px'}` : '';
}

export class Box {
  constructor(root) {
    if (shared === null) {
      shared = new CSSStyleSheet();
      shared.replaceSync(SHARED);
    }
    const own = new CSSStyleSheet();
    own.replaceSync(':host {}');
    root.adoptedStyleSheets = [shared, own];
    this.style = own.cssRules[0].style;
  }

  /**
   * Fit it to the attributes and to the natural `size`, null while that is not known. If the image
   * is broken, the text instead of it has its own size.
   */
  fit({ width, height, size, isBroken }) {
    const [across, down] = [width, height].map(length);
    const given = across.endsWith('px') && down.endsWith('px');
    const [x, y] = size ? [size.width, size.height] : [across, down].map(parseFloat);
    const style = {
      width: across,
      height: down,
      contain: isBroken ? '' : 'size',
      'contain-intrinsic-size': size ? `${x}px ${y}px` : '',
      'aspect-ratio': size || given ? `auto ${x} / ${y}` : '',
    };
    for (const [name, value] of Object.entries(style)) this.style.setProperty(name, value);
  }
}
