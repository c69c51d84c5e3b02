/**
 * What twins say fits into a message, whatever devices and backends have written.
 */
import { describe, expect, test } from 'vitest';
import { DESIRED_BYTES_MAX, desiredBytes } from '../../../actors/desired.ts';
import type { Transition } from '../../../src/contract/journal-entry.ts';
import type { Suspicion, TwinDocument } from '../../../src/contract/twin-document.ts';
import { readDocument, readPage } from '../../../src/client/reply-reader.ts';
import { encode, type Encoding } from '../../../src/wire/codec.ts';
import { DEPTH_MAX } from '../../../src/wire/decode-limits.ts';
import { encodeChanged, encodeDocument, encodeFound, REPLY_BYTES_MAX } from '../../../src/wire/reply.ts';
import { readPublished } from '../../../src/wire/published.ts';
import { readReports, REPORT_BYTES_MAX } from '../../../src/wire/report.ts';
import { OPEN_MAX } from '../../../actors/prospect.ts';
import { Pair } from '../actors/pair.ts';
import { T0 } from '../actors/stage.ts';

const encodings: readonly Encoding[] = ['json', 'msgpack'];

/** What takes most room in JSON of all that a report of MessagePack may hold: characters that are written as six. */
const dearSensors = { noise: '\u0001'.repeat(REPORT_BYTES_MAX - 200) };
/** And in MessagePack, of all that JSON measures: numbers with few digits that are floats there. */
const dearValues = { list: Array.from({ length: 16_000 }, () => 0.5) };

/** Nothing about it can be larger. */
function largest(given: Partial<TwinDocument> = {}): TwinDocument {
  const text = (length: number): string => '\u0001'.repeat(length);
  const suspicions: Suspicion[] = Array.from({ length: 3 * OPEN_MAX }, (_, index) => ({
    reason: `unconfirmed-command`,
    since: T0 + index,
    detail: text(1_000),
  }));
  const pending = Array.from({ length: OPEN_MAX }, (_, n) => ({
    id: text(64),
    n,
    name: text(64),
    outcome: 'unknown',
    sentAt: T0,
    certainAt: T0,
  }));
  return {
    ...new Pair().meet().document,
    reported: dearSensors,
    firmware: text(64),
    suspicions,
    pending,
    desired: { version: Number.MAX_SAFE_INTEGER, values: dearValues, delta: dearValues },
    hold: { id: text(64), by: text(128), until: T0, certainUntil: T0 },
    ...given,
  };
}

const ofChanges = { device: 'cp-1', type: 'changed' } as const;

const transition: Transition = {
  device: 'cp-1',
  from: 'available',
  to: 'suspect',
  cause: { type: 'report', detail: 'x'.repeat(4_000) },
  measuredAt: T0,
  errorMs: null,
  recordedAt: T0,
  version: 1,
  incarnation: 1,
  boot: 1,
  seq: 1,
};

describe.each(encodings)('in %s', (encoding) => {
  test('the largest document that all bounds allow is said whole, asked for and published', () => {
    const report = { boot: 1, seq: 1, up: 1, state: 'available', sensors: dearSensors };
    expect(readReports('cp-1', encode(report, 'msgpack'))).toMatchObject({ ok: true });
    expect(desiredBytes(dearValues)).toBeLessThanOrEqual(DESIRED_BYTES_MAX);
    const document = largest();
    const line = { type: 'transition', no: 1, partition: 1, transition } as const;
    for (const payload of [
      encodeDocument(document, encoding).payload,
      encodeChanged(line, document, encoding),
      encodeFound({ devices: [document], cursor: 'cp-1' }, encoding).payload,
    ]) {
      expect(payload.length).toBeLessThanOrEqual(REPLY_BYTES_MAX);
    }
    expect(readDocument(encodeDocument(document, encoding).payload)).toMatchObject({
      body: { desired: { values: dearValues }, reported: dearSensors },
    });
  });

  test('a page that is too large ends sooner, and its cursor says where the next one begins', () => {
    const devices = Array.from({ length: 9 }, (_, index) => largest({ device: `cp-${String(index)}` }));
    const seen: string[] = [];
    for (let from = 0, pages = 0; from < devices.length; pages += 1) {
      expect(pages).toBeLessThan(devices.length);
      const { payload } = encodeFound({ devices: devices.slice(from), cursor: null }, encoding);
      expect(payload.length).toBeLessThanOrEqual(REPLY_BYTES_MAX);
      const read = readPage(payload);
      if (read.type !== 'answered') throw new Error(JSON.stringify(read));
      seen.push(...read.body.devices.map(({ device }) => device));
      from += read.body.devices.length;
      expect(read.body.cursor).toBe(from < devices.length ? `cp-${String(from - 1)}` : undefined);
    }
    expect(seen).toEqual(devices.map(({ device }) => device));
  });

  test('a document from before there were bounds is said without what is too much, and says so', () => {
    const values = { text: 'x'.repeat(REPLY_BYTES_MAX) };
    const document = largest({ desired: { version: 4, values, delta: values } });
    const short = {
      desired: { version: 4, values: {}, delta: {} },
      reported: {},
      leftOut: ['reported', 'desired'],
      state: document.state,
    };
    expect(readDocument(encodeDocument(document, encoding).payload)).toMatchObject({ body: short });
    const found = encodeFound({ devices: [document, largest()], cursor: null }, encoding).payload;
    expect(readPage(found)).toMatchObject({ body: { devices: [short, {}] } });
    const line = { type: 'transition', no: 7, partition: 1, transition } as const;
    const published = readPublished(ofChanges, encodeChanged(line, document, encoding));
    expect(published).toMatchObject({ published: { body: { no: 7, twin: short } } });
  });

  test('what a report and a patch may nest can be read in everything that tells of it', () => {
    const nested = (levels: number): unknown => (levels === 0 ? 1 : { a: nested(levels - 1) });
    const deepest = nested(DEPTH_MAX - 1) as Readonly<Record<string, unknown>>;
    const report = { boot: 1, seq: 1, up: 1, state: 'available', sensors: deepest };
    expect(readReports('cp-1', encode(report, encoding))).toMatchObject({ ok: true });
    const document = largest({
      reported: deepest,
      desired: { version: 1, values: deepest, delta: deepest },
    });
    expect(readDocument(encodeDocument(document, encoding).payload)).toMatchObject({ type: 'answered' });
    const { payload } = encodeFound({ devices: [document], cursor: null }, encoding);
    expect(readPage(payload)).toMatchObject({ type: 'answered' });
    const line = { type: 'transition', no: 7, partition: 1, transition } as const;
    expect(readPublished(ofChanges, encodeChanged(line, document, encoding))).toMatchObject({ ok: true });
  });
});

test('a patch that would make the desired configuration larger than its bound changes nothing, and is told the bound and the size', () => {
  const pair = new Pair().meet();
  const patch = (given: Readonly<Record<string, unknown>>): void => {
    const replyTo = { subject: '_INBOX.1', encoding: 'json' } as const;
    pair.tell({ type: 'desired', request: { patch: given, ifVersion: null, replyTo } });
  };
  patch({ a: 'x'.repeat(40_000) });
  const before = pair.twin;
  patch({ b: 'ü'.repeat(15_000) });
  expect(pair.twin).toBe(before);
  const detail =
    'a desired configuration has at most 65536 bytes as JSON, and this patch would make it 70015';
  expect(pair.replies.at(-1)?.reply).toMatchObject({
    refusal: { code: 'desired-too-large', detail: expect.stringContaining(detail) as unknown },
  });
  patch({ a: null, b: 'ü'.repeat(15_000) });
  expect(pair.replies.at(-1)?.reply).toMatchObject({ type: 'desired', version: 2 });
});
