/**
 * Text that Postgres can hold: without NUL characters, and without halves of surrogate pairs.
 */

/** True when `text` can be stored as it is. */
export function isStorableText(text: string): boolean {
  return text.isWellFormed() && !text.includes('\u0000');
}

/** `text` with U+FFFD for what cannot be stored: for what strangers wrote and people are to read. */
export function storableText(text: string): string {
  return isStorableText(text) ? text : text.toWellFormed().replaceAll('\u0000', '\uFFFD');
}
