/**
 * Reads through the bytes of a MessagePack payload before they are decoded, because the library that decodes takes more than the
 * protocol does: strings that are not UTF-8, keys of any type, extensions that become objects, and of two values under one key the
 * last. This runs for every report, so that it makes nothing but what it returns.
 */
import { isUtf8 } from 'node:buffer';
import {
  type DecodeLimits,
  MESSAGE_LIMITS,
  type ScanFlaw,
  TOO_DEEP,
  tooManyValues,
} from './decode-limits.ts';

/** A payload in the making: where the scan is, the keys of all maps so far, and what it may hold. */
let at = 0;
let keys = 0;
let limits = MESSAGE_LIMITS;
/** Values that may still come: in the map, or in the item of the outermost list, that the scan is in. */
let valuesLeft = 0;

/** How many keys all maps of the payload have, or what is wrong with it. */
export function scanMsgpack(bytes: Uint8Array, allowed: DecodeLimits): number | ScanFlaw {
  keys = 0;
  limits = allowed;
  valuesLeft = limits.valuesMax;
  const length = listLengthOf(bytes);
  const flaw = length === null ? scanValue(bytes, limits.depthMax) : scanItems(bytes, length);
  if (flaw !== null) return flaw;
  if (at > bytes.length) return CUT_OFF;
  return at === bytes.length ? keys : TRAILING;
}

/** How many items the list announces that the payload begins with; `null` where it begins with something else. */
export function listLengthOf(bytes: Uint8Array): number | null {
  const first = bytes[0] ?? 0;
  at = 0;
  if ((first < 0x90 || first >= 0xa0) && first !== 0xdc && first !== 0xdd) return null;
  at = 1;
  return first < 0xa0 ? first & 0x0f : lengthOf(bytes, first === 0xdc ? 2 : 4);
}

/** Passes over the outermost list: each item may hold as much as a map that comes alone, while there is any left for all. */
function scanItems(bytes: Uint8Array, length: number): ScanFlaw | null {
  valuesLeft = limits.listValuesMax;
  const flaw = spend(bytes, length);
  if (flaw !== null) return flaw;
  let listLeft = valuesLeft;
  for (let index = 0; index < length; index += 1) {
    const given = Math.min(limits.valuesMax, listLeft);
    valuesLeft = given;
    const inside = scanValue(bytes, limits.depthMax - 1);
    if (inside !== null) return inside;
    // What is unlimited stays so: of infinity, nothing can be taken away.
    if (given !== Infinity) listLeft -= given - valuesLeft;
  }
  return null;
}

/** Counts the values of a map or list that announces so many. */
function spend(bytes: Uint8Array, length: number): ScanFlaw | null {
  if (length > bytes.length - at) return CUT_OFF;
  valuesLeft -= length === 0 ? 1 : length;
  return valuesLeft < 0 ? tooManyValues(limits) : null;
}

const CUT_OFF: ScanFlaw = { problem: 'malformed', detail: 'not readable as msgpack: it ends too early' };
const TRAILING: ScanFlaw = {
  problem: 'malformed',
  detail: 'not readable as msgpack: there are bytes after its end',
};
const NEVER_USED: ScanFlaw = {
  problem: 'malformed',
  detail: 'not readable as msgpack: the byte 0xc1, which begins nothing',
};
const NOT_UTF8: ScanFlaw = {
  problem: 'malformed',
  detail: 'not readable as msgpack: a string that is not UTF-8',
};
const BINARY: ScanFlaw = { problem: 'not-plain-data', detail: 'a binary value cannot be kept' };
const EXTENSION: ScanFlaw = { problem: 'not-plain-data', detail: 'an extension or timestamp cannot be kept' };
const KEY: ScanFlaw = { problem: 'not-plain-data', detail: 'a key that is no string cannot be kept' };
const PROTOTYPE: ScanFlaw = { problem: 'not-plain-data', detail: 'a key named __proto__ cannot be kept' };
/** What the library that decodes would call otherwise, so that it would be kept as something that nobody sent. */
const PROTOTYPE_NAME = Buffer.from('__proto__');

/** Passes over one value. `levels`: how many more maps or lists it may be nested in, itself included. */
function scanValue(bytes: Uint8Array, levels: number): ScanFlaw | null {
  if (at >= bytes.length) return CUT_OFF;
  const first = bytes[at] ?? 0;
  at += 1;
  if (first < 0x80 || first >= 0xe0) return null;
  if (first < 0x90) return scanMap(bytes, first & 0x0f, levels);
  if (first < 0xa0) return scanList(bytes, first & 0x0f, levels);
  if (first < 0xc0) return scanString(bytes, first & 0x1f);
  switch (first) {
    case 0xc0:
    case 0xc2:
    case 0xc3:
      return null;
    case 0xc1:
      return NEVER_USED;
    case 0xcc:
    case 0xd0:
      return skip(1);
    case 0xcd:
    case 0xd1:
      return skip(2);
    case 0xca:
    case 0xce:
    case 0xd2:
      return skip(4);
    case 0xcb:
    case 0xcf:
    case 0xd3:
      return skip(8);
    case 0xd9:
    case 0xda:
    case 0xdb:
      return scanString(bytes, lengthOf(bytes, 1 << (first - 0xd9)));
    case 0xdc:
    case 0xdd:
      return scanList(bytes, lengthOf(bytes, first === 0xdc ? 2 : 4), levels);
    case 0xde:
    case 0xdf:
      return scanMap(bytes, lengthOf(bytes, first === 0xde ? 2 : 4), levels);
    default:
      return first <= 0xc6 ? BINARY : EXTENSION;
  }
}

function scanMap(bytes: Uint8Array, length: number, levels: number): ScanFlaw | null {
  if (levels === 0) return TOO_DEEP;
  const excess = spend(bytes, length);
  if (excess !== null) return excess;
  keys += length;
  for (let index = 0; index < length; index += 1) {
    if (at >= bytes.length) return CUT_OFF;
    const first = bytes[at] ?? 0;
    const isString = (first >= 0xa0 && first < 0xc0) || (first >= 0xd9 && first <= 0xdb);
    if (!isString) return first === 0xc1 ? NEVER_USED : KEY;
    const name = at + 1 + (first < 0xc0 ? 0 : 1 << (first - 0xd9));
    const flaw = scanValue(bytes, 0) ?? (isPrototype(bytes, name) ? PROTOTYPE : scanValue(bytes, levels - 1));
    if (flaw !== null) return flaw;
  }
  return null;
}

/** Whether the key that was passed over last, of which the name begins at `from`, is the one that no map may have. */
function isPrototype(bytes: Uint8Array, from: number): boolean {
  return at - from === PROTOTYPE_NAME.length && PROTOTYPE_NAME.equals(bytes.subarray(from, at));
}

function scanList(bytes: Uint8Array, length: number, levels: number): ScanFlaw | null {
  if (levels === 0) return TOO_DEEP;
  const excess = spend(bytes, length);
  if (excess !== null) return excess;
  for (let index = 0; index < length; index += 1) {
    const flaw = scanValue(bytes, levels - 1);
    if (flaw !== null) return flaw;
  }
  return null;
}

function scanString(bytes: Uint8Array, length: number): ScanFlaw | null {
  const end = at + length;
  if (end > bytes.length) return CUT_OFF;
  let high = 0;
  for (let index = at; index < end; index += 1) high |= bytes[index] ?? 0;
  const isText = high < 0x80 || isUtf8(bytes.subarray(at, end));
  at = end;
  return isText ? null : NOT_UTF8;
}

/** A length of so many bytes, big endian; beyond the end it is read as what no payload has. */
function lengthOf(bytes: Uint8Array, size: number): number {
  let length = 0;
  for (let index = 0; index < size; index += 1) length = length * 256 + (bytes[at + index] ?? Infinity);
  at += size;
  return length;
}

function skip(size: number): null {
  at += size;
  return null;
}
