/**
 * Bytes to plain values and back. A payload is a MessagePack or a JSON map (or list of maps); the first byte tells them
 * apart, and a reply comes in the encoding of its request (wire contract 2).
 *
 * What comes out of `decode` is plain JSON data and safe to store: nothing deeper than DEPTH_MAX, no more values than VALUES_MAX, no NUL character and no
 * lone surrogate (Postgres can hold neither in text), no number that is not finite, no binary or extension values. It is what
 * stood there: nothing that a parser would have put right, such as bytes that are not UTF-8, a key that stands twice, or a whole
 * number that it cannot hold.
 */
import { Packr, Unpackr } from 'msgpackr';
import type { Encoding } from '../../actors/twin.ts';

export type { Encoding };
import { type DecodeLimits, MESSAGE_LIMITS, type ScanFlaw } from './decode-limits.ts';
import { scanJson, wasRounded } from './json-scan.ts';
import { scanMsgpack } from './msgpack-scan.ts';
import { isStorableText, storableText } from './storable-text.ts';

/** Why bytes could not be read as a message. */
export type DecodeProblem = 'empty' | 'not-a-map' | ScanFlaw['problem'];

/** What came of reading a payload: a map or a list of plain data, or why not. */
export type Decoded =
  | { readonly ok: true; readonly value: object; readonly encoding: Encoding }
  | { readonly ok: false; readonly problem: DecodeProblem; readonly detail: string };

const packr = new Packr({ useRecords: false, variableMapSize: true });
const unpackr = new Unpackr({
  useRecords: false,
  mapsAsObjects: true,
  // A number while it is exact, else a bigint, which is refused. Missing from msgpackr's types.
  int64AsType: 'auto' as 'number',
  // References between objects would let 500 bytes unfold into a value that takes hours to walk.
  structuredClone: false,
});
const utf8 = new TextDecoder('utf-8', { fatal: true });

/** The encoding that the first byte announces, or `null` when it begins neither a map nor a list. */
export function encodingOf(bytes: Uint8Array): Encoding | null {
  const first = bytes[0];
  if (first === undefined) return null;
  if (first === 0x7b || first === 0x5b) return 'json';
  if (isSpace(first)) return 'json';
  const isMap = (first >= 0x80 && first <= 0x8f) || first === 0xde || first === 0xdf;
  return isMap || announcesList(bytes) ? 'msgpack' : null;
}

/** Whether a payload announces a list by its first byte that is no white space, whatever follows. */
export function announcesList(bytes: Uint8Array): boolean {
  let at = 0;
  while (isSpace(bytes[at])) at += 1;
  if (bytes[at] === 0x5b) return true;
  const first = bytes[0] ?? 0;
  return (first >= 0x90 && first <= 0x9f) || first === 0xdc || first === 0xdd;
}

/** Before a map or list in JSON white space may stand. */
function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d;
}

/** Reads a payload. Never throws: what cannot be read comes back as a problem with a sentence. */
export function decode(bytes: Uint8Array, limits: DecodeLimits = MESSAGE_LIMITS): Decoded {
  if (bytes.length === 0) return { ok: false, problem: 'empty', detail: 'the payload has no bytes' };
  const encoding = encodingOf(bytes);
  if (encoding === null) {
    const first = bytes[0] ?? 0;
    const detail = `the first byte 0x${first.toString(16).padStart(2, '0')} begins neither a JSON nor a MessagePack map or list`;
    return { ok: false, problem: 'not-a-map', detail };
  }
  let value: unknown;
  let keys: number;
  try {
    if (encoding === 'json') {
      const text = utf8.decode(bytes);
      const scanned = scanJson(text, limits);
      if (typeof scanned !== 'number') return { ok: false, ...scanned };
      keys = scanned;
      value = JSON.parse(text) as unknown;
      if (wasRounded())
        return { ok: false, ...notPlain('a whole number beyond 2^53 - 1, which would be rounded,') };
    } else {
      const scanned = scanMsgpack(bytes, limits);
      if (typeof scanned !== 'number') return { ok: false, ...scanned };
      keys = scanned;
      value = unpackr.unpack(bytes) as unknown;
    }
  } catch (error) {
    const problem = error instanceof RangeError && error.message.includes('stack') ? 'too-deep' : 'malformed';
    const because = error instanceof Error ? error.message : String(error);
    // A parser's message quotes the payload.
    return { ok: false, problem, detail: `not readable as ${encoding}: ${storableText(because)}` };
  }
  if (typeof value !== 'object' || value === null) {
    return { ok: false, problem: 'not-a-map', detail: `a ${typeof value} is neither a map nor a list` };
  }
  keysFound = 0;
  const flaw = flawOf(value, limits.depthMax);
  if (flaw !== null) return { ok: false, ...flaw };
  if (keysFound !== keys) return { ok: false, ...notPlain('a map in which one key stands twice') };
  return { ok: true, value, encoding };
}

/** Keys of all maps in the value that is looked through: as many as stand in its bytes, or one stands twice in a map. */
let keysFound = 0;

/** Writes a plain value. */
export function encode(value: unknown, encoding: Encoding): Uint8Array {
  // A short buffer is a piece of a shared one; an encoder would make memory of its own for each, which is dear to give back.
  return encoding === 'json' ? Buffer.from(JSON.stringify(value)) : packr.pack(value);
}

interface Flaw {
  readonly problem: DecodeProblem;
  readonly detail: string;
}

/** The first thing in `value` that is not plain, storable data. `levels`: how many more maps or lists it may be nested in. */
function flawOf(value: unknown, levels: number): Flaw | null {
  switch (typeof value) {
    case 'boolean':
      return null;
    case 'number':
      return Number.isFinite(value) ? null : notPlain(`the number ${String(value)}`);
    case 'string':
      return isStorableText(value) ? null : notPlain('a string with a NUL character or a lone surrogate');
    case 'object':
      return value === null ? null : flawInside(value, levels - 1);
    default:
      return notPlain(`a value of type ${typeof value}`);
  }
}

function flawInside(value: object, levels: number): Flaw | null {
  if (levels < 0) return { problem: 'too-deep', detail: 'nested deeper than may be kept' };
  if (Array.isArray(value)) {
    for (const item of value) {
      const flaw = flawOf(item, levels);
      if (flaw !== null) return flaw;
    }
    return null;
  }
  if (Object.getPrototypeOf(value) !== Object.prototype)
    return notPlain(`a value of class ${value.constructor.name}`);
  for (const key in value) {
    keysFound += 1;
    const flaw = isStorableKey(key)
      ? flawOf((value as Record<string, unknown>)[key], levels)
      : notPlain('a key named __proto__, or with a NUL character or a lone surrogate,');
    if (flaw !== null) return flaw;
  }
  return null;
}

function notPlain(what: string): Flaw {
  return { problem: 'not-plain-data', detail: `${what} cannot be kept` };
}

/** `__proto__` is no data to JavaScript: whoever copies the map would change what the copy is. */
function isStorableKey(key: string): boolean {
  return isStorableText(key) && key !== '__proto__';
}
