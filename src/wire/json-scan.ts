/**
 * Reads through a JSON text before it is parsed, for what the parser does not tell: how much it would make, that of two values under
 * one key it takes the last, and that a whole number which it cannot hold it rounds. This runs for every report, so that it makes
 * nothing.
 */
import { type DecodeLimits, type ScanFlaw, TOO_DEEP, tooManyValues } from './decode-limits.ts';

/** A whole number with fewer digits is below 2^53. */
const DIGITS_SAFE = 15;

/** A whole number in the text, beyond 2^53, would be rounded. */
let rounds = false;

/**
 * How many keys all maps of the text have, or why it must not be parsed. Outside of strings a colon stands after each key and nowhere
 * else, and a comma after each value but the last of a map or list: in a text that is no JSON there may be more of them, and what is
 * counted then says nothing.
 */
export function scanJson(text: string, limits: DecodeLimits): number | ScanFlaw {
  let keys = 0;
  let depth = 0;
  let isList = false;
  /** Of the map or of the item of the outermost list that the scan is in, and of all. */
  let values = 0;
  let all = 0;
  rounds = false;
  for (let at = 0; at < text.length; at += 1) {
    const character = text.charCodeAt(at);
    if (character === QUOTE) at = endOfString(text, at);
    else if (character === COLON) keys += 1;
    else if (character >= ZERO && character <= NINE) at = endOfNumber(text, at) - 1;
    else if (character === BRACE || character === BRACKET) {
      if (depth === 0) isList = character === BRACKET;
      else if (depth >= limits.depthMax) return TOO_DEEP;
      depth += 1;
      all += 1;
      if (depth > 1 || !isList) values += 1;
    } else if (character === END_OF_MAP || character === END_OF_LIST) depth -= 1;
    else if (character === COMMA) {
      all += 1;
      values = depth === 1 && isList ? 0 : values + 1;
    } else continue;
    if (values > limits.valuesMax || (isList && all > limits.listValuesMax)) return tooManyValues(limits);
  }
  return keys;
}

/** Whether the text that was scanned last holds a whole number that its parser has rounded. */
export function wasRounded(): boolean {
  return rounds;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const COMMA = 0x2c;
const BRACE = 0x7b;
const BRACKET = 0x5b;
const END_OF_MAP = 0x7d;
const END_OF_LIST = 0x5d;
const ZERO = 0x30;
const NINE = 0x39;

/** Index of the quote that ends the string which begins at `from`; the end of the text where none does. */
function endOfString(text: string, from: number): number {
  let end = text.indexOf('"', from + 1);
  while (end !== -1 && isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end === -1 ? text.length : end;
}

/** A quote after an odd number of backslashes is part of the string. */
function isEscaped(text: string, quote: number): boolean {
  let from = quote;
  while (text.charCodeAt(from - 1) === BACKSLASH) from -= 1;
  return (quote - from) % 2 === 1;
}

/** Index after the number of which a digit stands at `from`; notes when it would be rounded. */
function endOfNumber(text: string, from: number): number {
  let end = from + 1;
  while (isOfNumber(text.charCodeAt(end))) end += 1;
  if (end - from > DIGITS_SAFE && isRounded(text.slice(from, end))) rounds = true;
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
