import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Encoding, decode, encode, encodingOf } from '../../../src/wire/codec.ts';
import { BOMBS } from '../../hostile/decoding-bombs.ts';
import { DEPTH_MAX, LIST_VALUES_MAX, MESSAGE_LIMITS, VALUES_MAX } from '../../../src/wire/decode-limits.ts';

const encodings: readonly Encoding[] = ['json', 'msgpack'];
const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A map or list of plain data, as deep and as odd as it may be. */
const plain = fc
  .object({
    maxDepth: 6,
    withNullPrototype: false,
    values: [fc.boolean(), fc.string(), fc.constant(null), safeNumber()],
  })
  .filter((value) => !JSON.stringify(value).includes('__proto__'));

function safeNumber(): fc.Arbitrary<number> {
  return fc
    .oneof(fc.integer(), fc.maxSafeInteger(), fc.double({ noNaN: true, noDefaultInfinity: true }))
    .map((number) => (Object.is(number, -0) ? 0 : number));
}

function storable(value: unknown): boolean {
  return !JSON.stringify(value).includes('\\u0000');
}

function problemOf(bytes: Uint8Array): string {
  const decoded = decode(bytes);
  return decoded.ok ? `ok: ${JSON.stringify(decoded.value)}` : decoded.problem;
}

describe('a payload', () => {
  test.each(encodings)('comes back from %s as it went in', (encoding) => {
    fc.assert(
      fc.property(plain.filter(storable), (value) => {
        expect(decode(encode(value, encoding))).toEqual({ ok: true, value, encoding });
      }),
    );
  });

  test('is told to be JSON or MessagePack by its first byte', () => {
    expect(encodingOf(ascii('{"a":1}'))).toBe('json');
    expect(encodingOf(ascii(' \n[]'))).toBe('json');
    expect(encodingOf(encode({ a: 1 }, 'msgpack'))).toBe('msgpack');
    expect(
      encodingOf(
        encode(
          Array.from({ length: 20 }, () => ({})),
          'msgpack',
        ),
      ),
    ).toBe('msgpack');
    expect(
      encodingOf(encode(Object.fromEntries(Array.from({ length: 70_000 }, (_, n) => [n, n])), 'msgpack')),
    ).toBe('msgpack');
    expect(encodingOf(ascii('"text"'))).toBeNull();
    expect(encodingOf(new Uint8Array())).toBeNull();
  });

  test('of arbitrary bytes is refused or read, and never throws', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 300 }),
        fc.constantFrom(0x7b, 0x5b, 0x81, 0x93, 0xdf, 0xdd, 0xde),
        (bytes, first) => {
          decode(bytes);
          decode(Uint8Array.of(first, ...bytes));
        },
      ),
      { numRuns: 2_000 },
    );
  });

  test('that was cut off or damaged does not change how the next one is read', () => {
    const good = encode(
      { boot: 1, temperatureCelsiusOutside: 'größer', list: [{ 'a key of some length, ü': 1.5 }] },
      'msgpack',
    );
    const expected = decode(good);
    const long = encode(
      { text: 'x'.repeat(300), temperatureCelsiusOutside: 'größer', 'a key of some length, ü': 1 },
      'msgpack',
    );
    fc.assert(
      fc.property(
        fc.constantFrom(good, long),
        fc.nat(400),
        fc.nat(255),
        fc.boolean(),
        (whole, at, byte, isCut) => {
          const damaged = isCut ? whole.slice(0, at) : whole.with(at % whole.length, byte);
          decode(damaged);
          expect(decode(good)).toEqual(expected);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  test('without bytes is empty', () => {
    expect(problemOf(new Uint8Array())).toBe('empty');
  });

  test('that is no map and no list is refused as such', () => {
    for (const text of ['5', '"a"', 'true', 'null', ' null', ' 5', '\n"a"', '\u0001']) {
      expect(problemOf(ascii(text)), text).toBe('not-a-map');
    }
  });

  test('that ends too early or too late is malformed', () => {
    const whole = encode({ a: [1, 2, 3], b: 'text' }, 'msgpack');
    expect(problemOf(whole.slice(0, -1))).toBe('malformed');
    expect(problemOf(Uint8Array.of(...whole, 0))).toBe('malformed');
    expect(problemOf(ascii('{"a":1'))).toBe('malformed');
    expect(problemOf(ascii('{"a":1}}'))).toBe('malformed');
  });

  test('in JSON that is not UTF-8 is malformed', () => {
    expect(problemOf(Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d))).toBe('malformed');
  });

  test.each(encodings)('nested deeper than the limit is too deep, in %s', (encoding) => {
    const nested = (levels: number): unknown => (levels === 0 ? 1 : [nested(levels - 1)]);
    expect(problemOf(encode(nested(DEPTH_MAX), encoding))).toMatch(/^ok/);
    expect(problemOf(encode(nested(DEPTH_MAX + 1), encoding))).toBe('too-deep');
  });

  test('nested a million levels deep is too deep, in both encodings', () => {
    expect(problemOf(ascii(`{"a":${'['.repeat(1e6)}${']'.repeat(1e6)}}`))).toBe('too-deep');
    expect(problemOf(new Uint8Array(1e6).fill(0x91))).toBe('too-deep');
  });

  test.each([
    ['a NUL character', { text: 'a\u0000b' }],
    ['a NUL character in a key', { 'a\u0000b': 1 }],
    ['a lone surrogate', { text: '\ud800' }],
    ['a lone surrogate in a key', { '\udc00': 1 }],
  ])('with %s is not plain data', (_, value) => {
    expect(problemOf(ascii(JSON.stringify(value)))).toBe('not-plain-data');
  });

  test('with a number that JSON cannot hold is not plain data', () => {
    expect(problemOf(ascii('{"a":1e999}'))).toBe('not-plain-data');
    for (const number of [NaN, Infinity, -Infinity]) {
      expect(problemOf(encode({ a: number }, 'msgpack')), String(number)).toBe('not-plain-data');
    }
  });

  test('with an integer beyond 2^53 in MessagePack is not plain data', () => {
    expect(problemOf(encode({ a: 2n ** 60n }, 'msgpack'))).toBe('not-plain-data');
    expect(problemOf(encode({ a: Number.MAX_SAFE_INTEGER }, 'msgpack'))).toMatch(/^ok/);
  });

  test('with a key that would change what a copy of the map is, is not plain data', () => {
    expect(problemOf(ascii('{"__proto__":{"state":"available"}}'))).toBe('not-plain-data');
    expect(problemOf(ascii('{"a":[{"\\u005f_proto__":1}]}'))).toBe('not-plain-data');
    const name = ascii('__proto__');
    for (const length of [[0xa9], [0xd9, 9], [0xda, 0, 9], [0xdb, 0, 0, 0, 9]]) {
      const map = [0x81, ...length, ...name, 1];
      expect(problemOf(Uint8Array.from(map)), String(length)).toBe('not-plain-data');
      expect(problemOf(Uint8Array.from([0x91, 0x81, 0xa1, 0x61, ...map])), 'inside').toBe('not-plain-data');
    }
  });

  test.each(encodings)('keeps keys in %s that only look like it', (encoding) => {
    for (const key of ['__proto_', '_proto__', '__proto___', 'a__proto__', '__Proto__', 'constructor']) {
      const value = { [key]: '__proto__' };
      expect(decode(encode(value, encoding))).toEqual({ ok: true, value, encoding });
    }
  });

  test.each([
    ['binary', Uint8Array.of(0x81, 0xa1, 0x61, 0xc4, 0x01, 0x00)],
    ['a time', Uint8Array.of(0x81, 0xa1, 0x61, 0xd6, 0xff, 0, 0, 0, 1)],
    ['an unknown extension', Uint8Array.of(0x81, 0xa1, 0x61, 0xd4, 0x05, 0)],
    ['a regular expression', Uint8Array.of(0x81, 0xa1, 0x61, 0xd4, 0x78, 0, 0x92, 0xa1, 0x61, 0xa0)],
    ['an undefined value', Uint8Array.of(0x81, 0xa1, 0x61, 0xd4, 0, 0)],
    ['the byte that MessagePack never uses', Uint8Array.of(0x81, 0xa1, 0x61, 0xc1)],
  ])('with %s is refused', (_, bytes) => {
    expect(decode(bytes).ok).toBe(false);
  });

  test('cannot refer to its own parts, and so cannot unfold into more than it is', () => {
    const id = (n: number): number[] => [0xd6, 0x69, 0, 0, 0, n];
    const pointer = (n: number): number[] => [0xd6, 0x70, 0, 0, 0, n];
    const levels = Array.from({ length: 14 }, (_, level) => [
      ...id(level + 2),
      0x9a,
      ...Array.from({ length: 10 }, () => pointer(level + 1)).flat(),
    ]);
    const bytes = Uint8Array.of(0x9f, ...id(1), 0x91, 0, ...levels.flat());
    expect(problemOf(bytes)).toBe('not-plain-data');
  });

  test('that announces four billion items and brings none is malformed', () => {
    expect(problemOf(Uint8Array.of(0xdd, 0xff, 0xff, 0xff, 0xff))).toBe('malformed');
    expect(problemOf(Uint8Array.of(0xdf, 0xff, 0xff, 0xff, 0xff))).toBe('malformed');
  });

  test.each([
    ['a lone byte', [0xa1, 0xff]],
    ['a character that is cut off', [0xa2, 0xe2, 0x82]],
    ['half of a surrogate pair', [0xa3, 0xed, 0xa0, 0x80]],
    ['an overlong character', [0xa2, 0xc0, 0xaf]],
    ['a character beyond the last one', [0xa4, 0xf4, 0x90, 0x80, 0x80]],
    ['a long text', [0xd9, 40, ...new Uint8Array(39).fill(0x61), 0xff]],
  ])(
    'in MessagePack with a string that is not UTF-8, %s, is malformed, as a value and as a key',
    (_, text) => {
      expect(problemOf(Uint8Array.of(0x81, 0xa1, 0x61, ...text))).toBe('malformed');
      expect(problemOf(Uint8Array.of(0x81, ...text, 0x01))).toBe('malformed');
      expect(problemOf(Uint8Array.of(0x81, 0xa1, 0x61, 0x91, 0x81, ...text, 0x01))).toBe('malformed');
    },
  );

  test('in UTF-8 is read as it is, in both encodings', () => {
    const value = { größe: '\u{1f697} é ߿ ࠀ �', '': '' };
    for (const encoding of encodings)
      expect(decode(encode(value, encoding))).toEqual({ ok: true, value, encoding });
  });

  test.each([
    ['a whole number', [0x01]],
    ['nothing', [0xc0]],
    ['true', [0xc3]],
    ['a float', [0xcb, 0, 0, 0, 0, 0, 0, 0, 0]],
    ['a list', [0x91, 0x01]],
    ['a map', [0x80]],
    ['binary', [0xc4, 0x01, 0x61]],
    ['an extension', [0xd4, 0x05, 0x00]],
  ])('in MessagePack with a key that is no string, %s, is not plain data, however deep', (_, key) => {
    expect(problemOf(Uint8Array.of(0x81, ...key, 0x01))).toBe('not-plain-data');
    expect(problemOf(Uint8Array.of(0x82, 0xa1, 0x61, 0x01, ...key, 0x01))).toBe('not-plain-data');
    expect(problemOf(Uint8Array.of(0x81, 0xa1, 0x61, 0x91, 0x81, ...key, 0x01))).toBe('not-plain-data');
  });

  test.each([
    ['twice in JSON', ascii('{"a":1,"a":1}')],
    ['in another spelling in JSON', ascii('{"a":1,"\\u0061":2}')],
    ['deep in JSON', ascii('{"a":[{"b":1,"c":{},"b":2}]}')],
    ['twice in MessagePack', Uint8Array.of(0x82, 0xa1, 0x61, 0x01, 0xa1, 0x61, 0x02)],
    ['in another format in MessagePack', Uint8Array.of(0x82, 0xa1, 0x61, 0x01, 0xd9, 1, 0x61, 0x02)],
    ['deep in MessagePack', Uint8Array.of(0x91, 0x91, 0x82, 0xa1, 0x61, 0x01, 0xa1, 0x61, 0x02)],
  ])('with a key that stands %s, is not plain data: nobody knows which value is meant', (_, bytes) => {
    expect(problemOf(bytes)).toBe('not-plain-data');
  });

  test('may hold colons, quotes and digits in its strings', () => {
    const value = { 'a:b': '"c":1,', '\\': '\\"', 'd\\"': ['99999999999999999999', ':'], e: '{"x":1,"x":2}' };
    for (const encoding of encodings)
      expect(decode(encode(value, encoding))).toEqual({ ok: true, value, encoding });
  });

  test('with a whole number that would be rounded is not plain data, in both encodings', () => {
    for (const number of ['9007199254740993', '-9007199254740993', '12345678901234567890'])
      expect(problemOf(ascii(`{"a":${number}}`)), number).toBe('not-plain-data');
    expect(problemOf(Uint8Array.of(0x81, 0xa1, 0x61, 0xcf, 0, 0x20, 0, 0, 0, 0, 0, 1))).toBe(
      'not-plain-data',
    );
    for (const number of ['9007199254740991', '0.12345678901234567890', '1.5e30', '100000000000000000000'])
      expect(problemOf(ascii(`{"a":${number}}`)), number).toMatch(/^ok/);
  });

  test('in MessagePack is refused or read as the same in both encodings, whatever its bytes', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 40 }),
        fc.constantFrom(0x81, 0x82, 0x91, 0x92),
        (bytes, first) => {
          const read = decode(Uint8Array.of(first, ...bytes));
          if (!read.ok) return;
          expect(decode(encode(read.value, 'json'))).toMatchObject({ ok: true });
        },
      ),
      { numRuns: 5_000 },
    );
  });

  test('is refused with a sentence that can be stored', () => {
    for (const text of ['{"a":\u0000}', '[\u0000', '{"\\ud800":tru\u0000']) {
      const decoded = decode(ascii(text));
      expect(decoded).toMatchObject({ ok: false, problem: 'malformed' });
      if (!decoded.ok) expect(decoded.detail).not.toContain('\u0000');
    }
  });
});

describe('the values of a payload', () => {
  const of = (count: number, value: unknown): readonly unknown[] =>
    Array.from({ length: count }, () => value);

  test.each(encodings)('may be as many as the limit, and not one more, in %s', (encoding) => {
    const problem = (value: unknown): string => problemOf(encode(value, encoding)).slice(0, 15);
    expect(problem({ a: of(VALUES_MAX - 1, 0) })).toBe('ok: {"a":[0,0,0');
    expect(problem({ a: of(VALUES_MAX, 0) })).toBe('too-many-values');
    // An empty map or list counts once more.
    for (const empty of [{}, []]) {
      expect(problem({ a: of(VALUES_MAX / 2 - 1, empty) })).toMatch(/^ok/);
      expect(problem({ a: of(VALUES_MAX / 2, empty) })).toBe('too-many-values');
    }
    const keys = Object.fromEntries(of(VALUES_MAX, null).map((_, n) => [`k${String(n)}`, n]));
    expect(problem(keys)).toMatch(/^ok/);
    expect(problem({ ...keys, more: 1 })).toBe('too-many-values');
  });

  test.each(encodings)(
    'of a list may be as many in each item, and as many as its limit in all, in %s',
    (encoding) => {
      const problem = (value: unknown): string => problemOf(encode(value, encoding)).slice(0, 15);
      const items = Math.floor(LIST_VALUES_MAX / (VALUES_MAX + 1));
      expect(problem(of(items, of(VALUES_MAX, 0)))).toMatch(/^ok/);
      expect(problem(of(items + 1, of(VALUES_MAX, 0)))).toBe('too-many-values');
      expect(problem([{}, of(VALUES_MAX + 1, 0), {}])).toBe('too-many-values');
      expect(problem(of(LIST_VALUES_MAX, 0))).toMatch(/^ok/);
      expect(problem(of(LIST_VALUES_MAX + 1, 0))).toBe('too-many-values');
    },
  );

  test('are counted the same in both encodings', () => {
    fc.assert(
      fc.property(plain.filter(storable), fc.integer({ min: 0, max: 12 }), (value, valuesMax) => {
        const limits = { ...MESSAGE_LIMITS, valuesMax, listValuesMax: 2 * valuesMax };
        const [json, msgpack] = encodings.map((encoding) => decode(encode(value, encoding), limits).ok);
        expect(json).toBe(msgpack);
      }),
    );
  });

  test.each(BOMBS)('are refused before anything is made of them: %s', (_, bytes) => {
    const decoded = decode(bytes);
    expect(decoded).toMatchObject({ ok: false, problem: 'too-many-values' });
    const sentence = `a message may hold ${String(VALUES_MAX)} values, and all of a list together ${String(LIST_VALUES_MAX)}`;
    expect(decoded.ok ? '' : decoded.detail).toContain(sentence);
    // It is not read to its end: what stands there would be refused for another reason.
    const last = encodingOf(bytes) === 'json' ? 0x21 : 0xc1;
    expect(decode(Buffer.concat([bytes.subarray(0, -1), Buffer.from([last])]))).toEqual(decoded);
  });
});

test('a text that is no JSON is malformed, whatever its strings, braces and commas are like', () => {
  for (const text of [
    '{"a":"',
    '{"a":"\\"',
    '{",,,,',
    '[}}}}]',
    '{"a":1,}',
    '[]]',
    '{"a":12345678901234567890',
  ])
    expect(problemOf(ascii(text)), text).toBe('malformed');
});
