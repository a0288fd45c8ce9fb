// Workers out of text.

/** A worker that runs a script. */
export function startFrom(source, options) {
  const url = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
  // The worker may still have to fetch it.
  setTimeout(() => URL.revokeObjectURL(url), 10000);
  return new Worker(url, options);
}
