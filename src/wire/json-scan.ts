/**
 * Reads through a JSON text that has been parsed, for what the parser does not tell: of two values under one key it takes the last,
 * and a whole number that it cannot hold it rounds. This runs for every report, so that it makes nothing.
 */

/** A whole number with fewer digits is below 2^53. */
const DIGITS_SAFE = 15;

/**
 * How many keys all maps of the text have; `null` when a whole number in it, beyond 2^53, would be rounded. The text is JSON: outside
 * of strings a colon stands after each key and nowhere else.
 */
export function scanJson(text: string): number | null {
  let keys = 0;
  for (let at = 0; at < text.length; at += 1) {
    const character = text.charCodeAt(at);
    if (character === QUOTE) at = endOfString(text, at);
    else if (character === COLON) keys += 1;
    else if (character >= ZERO && character <= NINE) {
      const end = endOfNumber(text, at);
      if (end - at > DIGITS_SAFE && isRounded(text.slice(at, end))) return null;
      at = end - 1;
    }
  }
  return keys;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const ZERO = 0x30;
const NINE = 0x39;

/** Index of the quote that ends the string which begins at `from`. */
function endOfString(text: string, from: number): number {
  let end = text.indexOf('"', from + 1);
  while (isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end;
}

/** A quote after an odd number of backslashes is part of the string. */
function isEscaped(text: string, quote: number): boolean {
  let from = quote;
  while (text.charCodeAt(from - 1) === BACKSLASH) from -= 1;
  return (quote - from) % 2 === 1;
}

/** Index after the number of which a digit stands at `from`. */
function endOfNumber(text: string, from: number): number {
  let end = from + 1;
  while (isOfNumber(text.charCodeAt(end))) end += 1;
  return end;
}

/** A digit, `.`, `e`, `E`, or the sign of an exponent. */
function isOfNumber(character: number): boolean {
  return (
    (character >= ZERO && character <= NINE) ||
    character === 0x2e ||
    (character | 0x20) === 0x65 ||
    character === 0x2b ||
    character === 0x2d
  );
}

/** What has a fraction or an exponent is as exact as anybody can expect; and so is what a large one of those is written as. */
function isRounded(number: string): boolean {
  if (!/^\d+$/.test(number)) return false;
  const read = Number(number);
  return Number.isFinite(read) && String(read) !== number && BigInt(read) !== BigInt(number);
}
