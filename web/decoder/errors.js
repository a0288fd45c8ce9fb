// What a reader refuses, and where.

/** A file that is refused: `reason`, and `offset`, the byte of the file at which the fault was found. */
export class KmcError extends Error {
  constructor(reason, offset) {
    super(`${reason} (at byte ${offset})`);
    this.reason = reason;
    this.offset = offset;
  }
}

/** More pixels or metadata than the reader was asked to handle; the file may well be right. */
export class KmcLimitError extends KmcError {}

/** A file of some other format. */
export class KmcForeignError extends KmcError {}

// Not the classes' own names, which minifiers shorten.
Object.entries({ KmcError, KmcLimitError, KmcForeignError }).forEach(([name, { prototype }]) => {
  Object.defineProperty(prototype, 'name', { value: name, writable: true, configurable: true });
});

/** A number with commas, for messages. */
export function grouped(number) {
  return String(number).replace(/\B(?=(\d{3})+$)/g, ',');
}
