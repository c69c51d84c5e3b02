import { describe, expect, test } from 'vitest';
import { encode } from '../../../src/wire/codec.ts';
import { readPublished } from '../../../src/wire/published.ts';

const twin = {
  device: 'cp-1',
  kind: 'charge-point',
  site: 'depot',
  state: 'available',
  version: 7,
  since: 1,
  asOf: null,
  lastContact: 2,
  suspicions: [],
  pending: [],
};
const line = {
  device: 'cp-1',
  partition: 3,
  no: 5,
  from: 'offline',
  to: 'available',
  cause: { type: 'report', detail: '' },
  measuredAt: 1,
  recordedAt: 2,
  twin,
};
const read = (body: object): ReturnType<typeof readPublished> =>
  readPublished({ device: 'cp-1', type: 'changed' }, encode(body, 'json'));

describe('a line of the journal in CHANGES', () => {
  test('is read, also with fields that another version wrote', () => {
    const body = { ...line, later: 1, twin: { ...twin, later: 2 } };
    expect(read(body)).toEqual({ ok: true, published: { type: 'changed', device: 'cp-1', body } });
  });

  test('of an older version says under the new name what it said under the old one', () => {
    const older = { ...twin, hears: false };
    const ok = { ok: true, published: { body: { twin: { responsive: false } } } };
    expect(read({ ...line, twin: older })).toMatchObject(ok);
  });

  test.each([
    ['of another device', { ...line, device: 'cp-2' }],
    ['with the document of another device', { ...line, twin: { ...twin, device: 'cp-2' } }],
  ])('%s than that of its subject is none', (_, body) => {
    expect(read(body)).toEqual({ ok: false, detail: expect.stringMatching(/^it speaks of /) as string });
  });
});
