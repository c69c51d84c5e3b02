import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ArrayParameter } from '../../../src/postgres/array-parameter.ts';

/** The elements of an array in Postgres' binary format; `null` for a null. */
function elementsOf(bytes: Buffer): readonly (Buffer | null)[] {
  const [dimensions, hasNull, count] = [bytes.readInt32BE(0), bytes.readInt32BE(4), bytes.readInt32BE(12)];
  expect(dimensions).toBe(1);
  const elements: (Buffer | null)[] = [];
  let at = 20;
  while (at < bytes.length) {
    const size = bytes.readInt32BE(at);
    at += 4;
    elements.push(size === -1 ? null : bytes.subarray(at, at + size));
    at += Math.max(size, 0);
  }
  expect(elements).toHaveLength(count);
  expect(elements.includes(null)).toBe(hasNull === 1);
  return elements;
}

const orNull = <T>(arbitrary: fc.Arbitrary<T>) => fc.array(fc.option(arbitrary, { nil: null }));

describe('an array parameter', () => {
  // Each begins with room for nothing, so that it grows on the way.
  test.each([
    ['integer', fc.integer(), 'integer', (bytes: Buffer) => bytes.readInt32BE()],
    ['smallint', fc.integer({ min: -32768, max: 32767 }), 'smallint', (bytes: Buffer) => bytes.readInt16BE()],
    ['bigint', fc.maxSafeInteger(), 'bigint', (bytes: Buffer) => Number(bytes.readBigInt64BE())],
    ['double precision', fc.double(), 'double', (bytes: Buffer) => bytes.readDoubleBE()],
    ['boolean', fc.boolean(), 'boolean', (bytes: Buffer) => bytes[0] === 1],
    [
      'text',
      fc.string({ unit: 'grapheme', maxLength: 80 }),
      'text',
      (bytes: Buffer) => bytes.toString('utf8'),
    ],
  ] as const)('of %s holds what was put in, in order', (type, values, method, read) => {
    fc.assert(
      fc.property(orNull<number | boolean | string>(values), (all) => {
        const array = new ArrayParameter(type, 0);
        for (const value of all) (array[method] as (value: unknown) => void).call(array, value);
        expect(elementsOf(array.finish()).map((bytes) => bytes && read(bytes))).toEqual(all);
      }),
    );
  });

  test('of bytes holds what was put in, in order', () => {
    fc.assert(
      fc.property(orNull(fc.uint8Array()), (all) => {
        const array = new ArrayParameter('bytea', 0);
        for (const value of all) array.bytea(value);
        expect(elementsOf(array.finish()).map((bytes) => bytes && Uint8Array.from(bytes))).toEqual(all);
      }),
    );
  });

  test('keeps times to the microsecond, and absurd ones as the end of what Postgres holds', () => {
    const array = new ArrayParameter('timestamptz', 0);
    for (const time of [946_684_800_000, 946_684_800_000.123, 0, 1e300, -Infinity]) array.time(time);
    const micros = elementsOf(array.finish()).map((bytes) => bytes?.readBigInt64BE());
    expect(micros.slice(0, 3)).toEqual([0n, 123n, -946_684_800_000_000n]);
    expect(new Date(Number(micros[3]! / 1000n) + 946_684_800_000).getUTCFullYear()).toBe(275_760);
    expect(micros[4]).toBe(-211_813_488_000_000_000n);
  });

  test('refuses a number that its column cannot hold', () => {
    expect(() => new ArrayParameter('smallint', 1).smallint(40_000)).toThrow(TypeError);
    expect(() => new ArrayParameter('integer', 1).integer(2 ** 31)).toThrow(TypeError);
    expect(() => new ArrayParameter('integer', 1).integer(1.5)).toThrow(TypeError);
    expect(() => new ArrayParameter('bigint', 1).bigint(2 ** 53)).toThrow(TypeError);
    expect(() => new ArrayParameter('timestamptz', 1).time(NaN)).toThrow(TypeError);
  });
});
