/**
 * Payloads of at most a megabyte that take far longer to read than their length tells: many small values, or keys that are all
 * different.
 */

const A_MILLION = 1_000_000;

/** A map in MessagePack whose only value is a list of so many items. */
const listOf = (length: number): Buffer => {
  const header = Buffer.from([0x81, 0xa1, 0x61, 0xdd, 0, 0, 0, 0]);
  header.writeUInt32BE(length, 4);
  return header;
};

/** Four letters that no other number has. */
const key = (n: number): string => n.toString(36).padStart(4, '0');

const times = (count: number, one: (n: number) => string): string =>
  Array.from({ length: count }, (_, n) => one(n)).join(',');

/** By what they hold. */
export const BOMBS: readonly (readonly [name: string, payload: Buffer])[] = [
  ['empty maps in MessagePack', Buffer.concat([listOf(A_MILLION - 8), Buffer.alloc(A_MILLION - 8, 0x80)])],
  ['empty lists in MessagePack', Buffer.concat([listOf(A_MILLION - 8), Buffer.alloc(A_MILLION - 8, 0x90)])],
  [
    'a map of 150,000 keys in MessagePack',
    Buffer.concat([
      Buffer.from([0xdf, 0x00, 0x02, 0x49, 0xf0]),
      ...Array.from({ length: 150_000 }, (_, n) => Buffer.from(`\xa4${key(n)}\xc0`, 'latin1')),
    ]),
  ],
  [
    'maps of one key in MessagePack',
    Buffer.concat([
      listOf(140_000),
      ...Array.from({ length: 140_000 }, (_, n) => Buffer.from(`\x81\xa4${key(n)}\xc0`, 'latin1')),
    ]),
  ],
  ['empty maps in JSON', Buffer.from(`{"a":[${times(330_000, () => '{}')}]}`)],
  ['maps of one key in JSON', Buffer.from(`{"a":[${times(80_000, (n) => `{"${key(n)}":1}`)}]}`)],
  ['a map of 100,000 keys in JSON', Buffer.from(`{${times(100_000, (n) => `"${key(n)}":1`)}}`)],
];

/** The same as the only report of a frame. */
export function inFrame(bomb: Buffer): Buffer {
  const [before, after] = bomb[0] === 0x7b ? ['[', ']'] : [Buffer.from([0x91]), ''];
  return Buffer.concat([Buffer.from(before), bomb, Buffer.from(after)]);
}
