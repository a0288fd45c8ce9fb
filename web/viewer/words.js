// Numbers in words, and small pieces of the page.

export function grouped(number) {
  return number.toLocaleString('en');
}

/** A part in per cent. */
export function share(part, whole) {
  const percent = (100 * part) / whole;
  if (part > 0 && percent < 0.01) return 'below 0.01 %';
  return `${percent.toFixed(percent < 10 ? 2 : 1)} %`;
}

export function bytes(count) {
  return `${grouped(count)} ${count === 1 ? 'byte' : 'bytes'}`;
}

/** An element with attributes and text. */
export function build(tag, attributes = {}, text = '') {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.textContent = text;
  return made;
}
