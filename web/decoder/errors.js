// What a reader refuses, and where.

/** A file that is refused: one sentence, and the byte of the file at which the fault was found. */
export class KmcError extends Error {
  constructor(message, offset) {
    super(`${message} (at byte ${offset})`);
    this.name = 'KmcError';
    this.offset = offset;
  }
}

/** More pixels or metadata than the reader was asked to handle; the file may well be right. */
export class KmcLimitError extends KmcError {}

/** A file of some other format. */
export class KmcForeignError extends KmcError {}

/** A number with commas, for messages. */
export function grouped(number) {
  return String(number).replace(/\B(?=(\d{3})+$)/g, ',');
}
