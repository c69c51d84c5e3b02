/** The AsyncAPI document: it is what the code says, the standard's form, and what is really written on the wire. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TSchema } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { describe, expect, test } from 'vitest';
import { kinds } from '../../../machines/kinds.ts';
import { NumberedDeadLetterSchema } from '../../../src/contract/dead-letter.ts';
import type { Transition } from '../../../src/contract/journal-entry.ts';
import { CommandOutcomeSchema, type LedgerEntry } from '../../../src/contract/ledger-entry.ts';
import { RefusalSchema } from '../../../src/contract/refusal.ts';
import {
  ChangedSchema,
  DesiredReplySchema,
  FailureSchema,
  FoundSchema,
  PublishedOutcomeSchema,
} from '../../../src/contract/reply-bodies.ts';
import { RingEntrySchema } from '../../../machines/report.ts';
import { bornTwin } from '../../../actors/twin.ts';
import { twinDocument } from '../../../actors/document.ts';
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
import { STREAMS } from '../../../src/wire/subjects.ts';
import { asyncapiDocument } from '../../../tools/docs/asyncapi-document.ts';
import { projectFolder } from '../../../tools/dev/project-folders.ts';

const file = join(projectFolder, 'docs/asyncapi.json');

const entry: LedgerEntry = {
  device: 'cp-001',
  id: '6f1c1e0a-8f5f-4d0c-9b1e-0c5a4f7d2e11',
  n: 4,
  name: 'reserve',
  args: {},
  by: null,
  asker: 'nats:backend',
  epoch: 9,
  incarnation: 1,
  boot: 3,
  notAfterUp: 5_000,
  holdMs: 60_000,
  acceptedAt: 1_000,
  sentAt: 1_200,
  certainAt: 6_000,
  decidedAt: null,
  closedAt: null,
  outcome: 'pending',
  reason: null,
  proof: null,
  compensatedBy: 'release',
};
const [kind] = kinds;
const twin = bornTwin({ device: 'cp-001', kind: kind!, site: 'depot' });
const document = twinDocument({ twin, kind: kind!, now: 2_000, serverErrorMs: 50 });

/** What is wrong with a payload, fields that the schema does not name included. */
function problemsOf(schema: TSchema, payload: Uint8Array): readonly string[] {
  const decoded = decode(payload);
  if (!decoded.ok) return [decoded.detail];
  const cleaned = Value.Clean(schema, structuredClone(decoded.value));
  expect(cleaned).toEqual(decoded.value);
  return [...Value.Errors(schema, decoded.value)].map(({ path, message }) => `${path}: ${message}`);
}

describe('docs/asyncapi.json', () => {
  test('is what the code says (npm run docs writes it)', () => {
    expect(readFileSync(file, 'utf8')).toBe(`${JSON.stringify(asyncapiDocument(), null, 2)}\n`);
  });

  test('says of the way up and of the ring what docs/protocol.md says', () => {
    const text = JSON.stringify(asyncapiDocument());
    expect(text).toContain('"description":"the highest number first"');
    expect(text).not.toContain('newest first');
    for (const outcome of ['done', 'rejected', 'unknown'])
      expect(RingEntrySchema.properties.outcome.description).toContain(`\`${outcome}\``);
    expect(text).toContain('A device publishes as a core NATS request');
    expect(text).not.toMatch(/publishes through JetStream/i);
  });

  test('is of the form of AsyncAPI 3', () => {
    const redocly = join(projectFolder, 'node_modules/@redocly/cli/bin/cli.js');
    const args = [redocly, 'lint', file, '--extends', 'spec', '--format', 'json'];
    const said = execFileSync(process.execPath, args, {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    expect(JSON.parse(said.slice(said.indexOf('{')))).toMatchObject({ totals: { errors: 0 } });
  });

  test('names every subject that a stream of Corral takes', () => {
    const { channels } = asyncapiDocument() as { channels: Record<string, { address?: string }> };
    const addresses = Object.values(channels).map(({ address = '' }) => address.replaceAll(/\{\w+\}/g, '*'));
    expect(addresses).toEqual(
      expect.arrayContaining([...STREAMS.changes.subjects, ...STREAMS.deadLetters.subjects]),
    );
  });
});

describe('what is written on the wire is what the schemas say, without a field more:', () => {
  const place = { partition: 3, no: 17 };
  const transition: Transition = {
    device: 'cp-001',
    from: 'offline',
    to: 'available.idle',
    cause: { type: 'report', detail: 'says' },
    measuredAt: 1_000,
    errorMs: null,
    recordedAt: 1_100,
    version: 2,
    incarnation: 1,
    boot: 1,
    seq: 1,
  };
  const deadLetter = {
    partition: 3,
    site: 'depot',
    device: 'cp-001',
    stream: 'DEVICES-depot',
    sequence: 7,
    receivedAt: 1_000,
    reason: 'bad-report',
    detail: 'no state',
    bytes: 12,
  };
  const written: [string, TSchema, Uint8Array][] = [
    ['an outcome', CommandOutcomeSchema, encodeReply({ type: 'ledger', entry }, 'json').payload],
    [
      'a refusal',
      RefusalSchema,
      encodeRefusal({ id: null, code: 'stale', detail: 'old', state: null, allowed: [] }, 'json').payload,
    ],
    ['a failure', FailureSchema, encodeFailure('unavailable', 'later', 'json').payload],
    [
      'a desired configuration',
      DesiredReplySchema,
      encodeReply({ type: 'desired', version: 1, delta: { a: 1 } }, 'json').payload,
    ],
    ['a page of twins', FoundSchema, encodeFound({ devices: [document], cursor: 'cp-001' }, 'json').payload],
    [
      'a change',
      ChangedSchema,
      encodeChanged({ type: 'transition', ...place, transition }, document, 'json'),
    ],
    [
      'a published outcome',
      PublishedOutcomeSchema,
      encodeOutcome({ type: 'outcome', ...place, entry }, 'json'),
    ],
    [
      'a dead letter',
      NumberedDeadLetterSchema,
      encodeDeadLetter({ type: 'dead-letter', ...place, deadLetter }, 'json'),
    ],
  ];

  test.each(written)('%s', (_name, schema, payload) => {
    expect(problemsOf(schema, payload)).toEqual([]);
  });
});
