import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { TObject, TSchema } from '@sinclair/typebox';
import { COMMAND_N_MAX, DEVICE_REFUSALS, EPOCH_MAX } from '../../../machines/command.ts';
import { kinds } from '../../../machines/kinds.ts';
import { decode, encode, encodingOf } from '../../../src/wire/codec.ts';
import { rules } from '../../../tools/conform/rules.ts';
import { COMMAND_BYTES_MAX, protocolDocument } from '../../../tools/docs/protocol-document.ts';
import { protocolVectors } from '../../../tools/docs/protocol-vectors.ts';

const docs = join(import.meta.dirname, '../../../docs');
const document = readFileSync(join(docs, 'protocol.md'), 'utf8');
const vectors = protocolVectors();
const sources = { kinds, rules, vectors };

/** As a heading is named in an address. */
const anchor = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\w\s-]/g, '')
    .replaceAll(' ', '-');

const anchors = [...document.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => anchor(heading));

/** The rows of the first table after `heading`, without its head. */
function tableAfter(heading: string): string[][] {
  const from = document.slice(document.indexOf(`\n${heading}\n`));
  const [table = ''] = /(?:^\|.*\n)+/m.exec(from) ?? [];
  const rows = table.trim().split('\n').slice(2);
  return rows.map((row) =>
    row
      .split('|')
      .map((cell) => cell.trim())
      .slice(1, -1),
  );
}

/** A command with every argument, each as long as its schema allows, of what takes the most room in JSON. */
function longestCommand(name: string, args: TObject): object {
  const values = Object.entries<TSchema>(args.properties).map(([key, schema]): [string, unknown] => {
    const { type, maxLength, maximum } = schema as Readonly<Record<string, unknown>>;
    return [
      key,
      type === 'string' ? '\u0001'.repeat(Number(maxLength)) : Number(maximum ?? Number.MAX_SAFE_INTEGER),
    ];
  });
  return {
    n: COMMAND_N_MAX,
    epoch: EPOCH_MAX,
    id: '\u0001'.repeat(64),
    name,
    args: Object.fromEntries(values),
    boot: Number.MAX_SAFE_INTEGER,
    notAfterUp: 2 ** 41,
    holdMs: 43_200_000,
  };
}

describe('docs/protocol.md', () => {
  test('says what the code does (npm run docs writes it)', () => {
    expect(protocolDocument(document, sources)).toBe(document);
  });

  test('has the same vectors as the file beside it', () => {
    const written = readFileSync(join(docs, 'protocol-vectors.json'), 'utf8');
    expect(written).toBe(`${JSON.stringify(vectors, null, 2)}\n`);
  });

  test('has a section for every rule of the kit, and a place for every address in it', () => {
    const addresses = [...document.matchAll(/\]\(#([^)]+)\)/g)].map(([, address = '']) => address);
    expect(addresses.length).toBeGreaterThan(rules.length);
    expect(addresses.filter((address) => !anchors.includes(address))).toEqual([]);
  });

  test('gives the order of checks that the contract gives', () => {
    const outcomes = tableAfter('### The order of checks').map(([, , outcome = '']) => outcome);
    const reasons = outcomes.flatMap((outcome) => /^`rejected`, `([a-z-]+)`/.exec(outcome)?.[1] ?? []);
    expect(reasons).toEqual([...DEVICE_REFUSALS, 'no-deadline']);
  });

  test('describes every field of a command', () => {
    const described = tableAfter('## Commands').map(([field = '']) => field.replaceAll('`', ''));
    const sent = vectors.commands.flatMap(({ json }) => Object.keys(JSON.parse(json) as object));
    expect([...new Set(sent)].filter((field) => field !== 'later' && !described.includes(field))).toEqual([]);
  });

  test('says how long a command may be, and no kind gives a longer one', () => {
    const longest = kinds.flatMap(({ commands }) =>
      Object.entries(commands)
        .filter(([, { decidedBy }]) => decidedBy === 'device')
        .flatMap(([name, { args }]) =>
          (['json', 'msgpack'] as const).map(
            (encoding) => encode(longestCommand(name, args), encoding).length,
          ),
        ),
    );
    expect(longest.length).toBeGreaterThan(kinds.length);
    expect(Math.max(...longest)).toBeLessThan(COMMAND_BYTES_MAX);
  });

  test('describes every part of the file with the vectors', () => {
    const described = tableAfter('## Test vectors').flatMap(([keys = '']) =>
      keys.replaceAll('`', '').split(', '),
    );
    expect(described.toSorted()).toEqual(Object.keys(vectors).toSorted());
  });

  test('tells the encodings apart as the code does, by every first byte', () => {
    const announced = new Map<number, string>();
    for (const [bytes = '', what = ''] of tableAfter('## Encodings')) {
      for (const [, from = '', to = from] of bytes.matchAll(/`([0-9a-f]{2})`(?:-`([0-9a-f]{2})`)?/g)) {
        for (let byte = parseInt(from, 16); byte <= parseInt(to, 16); byte += 1) {
          announced.set(byte, what.startsWith('JSON') ? 'json' : 'msgpack');
        }
      }
    }
    for (let byte = 0; byte <= 0xff; byte += 1) {
      expect([byte, announced.get(byte) ?? null]).toEqual([byte, encodingOf(Uint8Array.of(byte))]);
    }
  });
});

describe('the writer of docs/protocol.md', () => {
  test('refuses a mark that it does not know', () => {
    const asking = `${document}\n<!-- generated: horoscope -->\n<!-- end -->\n`;
    expect(() => protocolDocument(asking, sources)).toThrow('horoscope');
  });

  test('refuses a document that has no place for a part', () => {
    const lacking = document.replace('<!-- generated: rules -->', '');
    expect(() => protocolDocument(lacking, sources)).toThrow('no place for rules');
  });
});

describe('a test vector', () => {
  test.each([...vectors.reports, ...vectors.commands])(
    'is the same in both encodings: $name',
    ({ json, msgpack }) => {
      const fromJson = decode(Buffer.from(json));
      const fromMsgpack = decode(Buffer.from(msgpack, 'hex'));
      expect(fromMsgpack).toMatchObject({ ok: true, encoding: 'msgpack' });
      expect(fromJson.ok && fromMsgpack.ok && fromMsgpack.value).toEqual(fromJson.ok && fromJson.value);
    },
  );

  test.each(vectors.decisions)(
    'of a decision names the command, or leaves the ring as it was: $name',
    (vector) => {
      const { command, entry, before, after } = vector;
      if (entry === null) expect(after.commands).toEqual(before.commands);
      else expect(after.commands).toContainEqual(entry);
      expect(entry?.n ?? command.n).toBe(command.n);
    },
  );
});
