import { describe, expect, test } from 'vitest';
import type { LedgerEntry } from '../../../src/contract/ledger-entry.ts';
import { type RefusalCode, REFUSALS } from '../../../src/contract/refusal.ts';
import { decode } from '../../../src/wire/codec.ts';
import {
  encodeChanged,
  encodeDeadLetter,
  encodeFailure,
  encodeFound,
  encodeOutcome,
  encodeRefusal,
  encodeReply,
} from '../../../src/wire/reply.ts';
import { REFUSAL_ERROR_CODES } from '../../../src/wire/service-error.ts';

const entry: LedgerEntry = {
  device: 'cp-001',
  id: '6f1c1e0a-8f5f-4d0c-9b1e-0c5a4f7d2e11',
  n: 4,
  name: 'reserve',
  args: { holdMs: 60_000 },
  by: 'user 7',
  asker: 'http:till-2',
  epoch: 9,
  incarnation: 1,
  boot: 3,
  notAfterUp: 5_000,
  holdMs: 60_000,
  acceptedAt: 1_000,
  sentAt: 1_200,
  certainAt: 6_000,
  outcome: 'rejected',
  reason: 'busy',
  proof: 'report 3/17 names it rejected',
  decidedAt: 1_500,
  closedAt: 1_500,
  compensatedBy: 'release',
};

/** What stands on the wire, in both encodings. */
function onWire(encoded: (encoding: 'json' | 'msgpack') => Uint8Array): unknown {
  const [json, msgpack] = (['json', 'msgpack'] as const).map((encoding) => decode(encoded(encoding)));
  expect(json).toMatchObject({ ok: true, encoding: 'json' });
  expect(msgpack).toMatchObject({ ok: true, encoding: 'msgpack' });
  if (!json?.ok || !msgpack?.ok) throw new Error('not readable');
  expect(msgpack.value).toEqual(json.value);
  return json.value;
}

const outcome = {
  id: entry.id,
  outcome: 'rejected',
  device: 'cp-001',
  n: 4,
  name: 'reserve',
  args: { holdMs: 60_000 },
  by: 'user 7',
  asker: 'http:till-2',
  reason: 'busy',
  proof: 'report 3/17 names it rejected',
  acceptedAt: 1_000,
  sentAt: 1_200,
  certainAt: 6_000,
  decidedAt: 1_500,
  closedAt: 1_500,
  compensatedBy: 'release',
};

describe('on the wire', () => {
  test('a command stands with its outcome and its times, without what only the device needs', () => {
    expect(onWire((encoding) => encodeReply({ type: 'ledger', entry }, encoding).payload)).toEqual(outcome);
  });

  test('an outcome is published with its journal number', () => {
    const line = { type: 'outcome', no: 12, partition: 5, entry } as const;
    expect(onWire((encoding) => encodeOutcome(line, encoding))).toEqual({ ...outcome, partition: 5, no: 12 });
  });

  test('a refusal says its code, the state and what is allowed, and is a service error', () => {
    const refusal = {
      id: entry.id,
      code: 'illegal-state',
      detail: 'it is charging',
      state: 'charging',
      allowed: ['stop'],
    } as const;
    expect(onWire((encoding) => encodeRefusal(refusal, encoding).payload)).toEqual({
      ...refusal,
      outcome: 'refused',
    });
    expect(encodeReply({ type: 'refused', refusal }, 'json').error).toEqual({
      code: 409,
      text: 'illegal-state: it is charging',
    });
  });

  test('every refusal code has a service error code', () => {
    for (const code of Object.keys(REFUSALS)) {
      expect(REFUSAL_ERROR_CODES[code as RefusalCode], code).toBeGreaterThanOrEqual(400);
    }
  });

  test('a request that nobody decided on is no refusal', () => {
    const { payload, error } = encodeFailure('unavailable', 'ask again', 'json');
    expect(decode(payload)).toMatchObject({
      value: { outcome: 'failed', code: 'unavailable', detail: 'ask again' },
    });
    expect(error).toEqual({ code: 503, text: 'unavailable: ask again' });
  });

  test('desired answers with its version and what is not applied yet', () => {
    const reply = { type: 'desired', version: 3, delta: { limit: 16 } } as const;
    expect(onWire((encoding) => encodeReply(reply, encoding).payload)).toEqual({
      version: 3,
      delta: { limit: 16 },
    });
  });

  test('the last page of a find has no cursor', () => {
    const devices = [{ device: 'a' }];
    expect(onWire((encoding) => encodeFound({ devices, cursor: 'a' }, encoding).payload)).toEqual({
      devices,
      cursor: 'a',
    });
    expect(onWire((encoding) => encodeFound({ devices, cursor: null }, encoding).payload)).toEqual({
      devices,
    });
  });

  test('a transition is published with the document of its twin', () => {
    const transition = {
      device: 'cp-001',
      from: 'available',
      to: 'charging',
      cause: { type: 'report', detail: 'report 3/17 says charging' },
      measuredAt: 900,
      errorMs: null,
      recordedAt: 1_000,
      version: 8,
      incarnation: 1,
      boot: 3,
      seq: 17,
    } as const;
    const line = { type: 'transition', no: 11, partition: 5, transition } as const;
    const twin = { device: 'cp-001', state: 'charging' };
    expect(onWire((encoding) => encodeChanged(line, twin, encoding))).toEqual({
      ...transition,
      partition: 5,
      no: 11,
      twin,
    });
  });

  test('a dead letter says where its message is and what was wrong with it', () => {
    const deadLetter = {
      partition: 5,
      site: 'depot',
      device: 'cp-001',
      stream: 'DEVICES-depot',
      sequence: 99,
      receivedAt: 1_000,
      reason: 'bad-report',
      detail: '/seq: expected integer',
      bytes: 12,
    };
    const line = { type: 'dead-letter', no: 13, partition: 5, deadLetter } as const;
    expect(onWire((encoding) => encodeDeadLetter(line, encoding))).toEqual({ ...deadLetter, no: 13 });
  });
});
