/**
 * Makes up what strangers may send to the hub: messages whose subjects, reply subjects, headers, sizes and payloads are right, nearly
 * right, or nothing of the sort. The same seed makes the same messages.
 */
import fc from 'fast-check';
import type { HubUser } from '../../tools/dev/hub.ts';

/** Bytes that a user of the hub sends. */
export interface Hostile {
  readonly user: HubUser;
  readonly bytes: Buffer;
}

const DEVICE = 'raw-1';

/** What each of them may say, or tries to. */
const SUBJECTS: Readonly<Partial<Record<HubUser, readonly string[]>>> = {
  // Another program than the one that goes on asking: of one account, each can take answers from the other (reply `>`).
  booking: [
    ...['get', 'ledger', 'desired', 'command.report', 'command.reserve', 'command.', 'changed'].map(
      (verb) => `twin.${DEVICE}.${verb}`,
    ),
    'twin.nobody.get',
    'twin.ü.get',
    'fleet.find',
    '$SRV.PING',
    '$SRV.INFO.corral',
    '$SRV.STATS',
    'owner.1.nats.x.raw-1.get',
    '_INBOX.guess.1',
    'inbox.runtime.x',
    '$JS.API.STREAM.INFO.CHANGES',
  ],
  engineer: [`twin.${DEVICE}.get`, `twin.${DEVICE}.ledger`, 'fleet.find', `node.log.${DEVICE}`, 'node.log.ü'],
  depot: [`device.${DEVICE}.report`, 'device.stranger.report', `device.${DEVICE}.command`, 'device.ü.report'],
  // Whoever has this password may fill inboxes and the stream CHANGES.
  runtime: [`twin.${DEVICE}.changed`, `twin.${DEVICE}.outcome`, '_INBOX.guess.1', 'fleet.find', 'owner.1.x'],
};

const REPLIES = [
  '',
  '_INBOX.fuzz.1',
  '_INBOX.fuzz.2',
  `twin.${DEVICE}.changed`,
  'twin.*.changed',
  'fleet.find',
  '>',
  '*',
  'owner.1.nats.x.raw-1.get',
  '$SRV.PING',
  'node.log.x',
  'a..b',
  '.',
  '_INBOX.\u00a0x',
  '_R_.x.y',
  '$JS.ACK.CHANGES.c.1.9007199254740991.1.1.1',
  'command.depot.raw-1',
  'x'.repeat(900),
];

/** In the node's own account a wildcard takes the node's answers away: whoever has its password may do worse. */
const OWN_REPLIES = ['', '_INBOX.fuzz.1', 'fleet.find', 'a..b'];

const BLOCKS = [
  'NATS/1.0\r\n\r\n',
  'NATS/1.0\r\na: b\r\n\r\n',
  'NATS/1.0 503\r\n\r\n',
  'NATS/1.0 -1 x\r\n\r\n',
  '',
  'NATS/1.0\r\nbad key: x\r\n\r\n',
  'NATS/1.0\r\n: x\r\n\r\n',
  'a: b\r\n\r\n',
  '\r\n',
  'NATS/1.0',
  'NATS/1.0\r\na: b\nc\r\n\r\n',
  'NATS/1.0\r\nno colon\r\n\r\n',
  'NATS/9.9 99999999999999999999 \0\r\n\r\n',
  'NATS/1.0\r\ntraceparent: 00-0-0-0\r\n\r\n',
  'NATS/1.0\r\nNats-Msg-Id: 1\r\n\r\n',
  'NATS/1.0\r\nNats-Service-Error-Code: x\r\n\r\n',
  `NATS/1.0\r\n${'k: v\r\n'.repeat(3_000)}\r\n`,
  `NATS/1.0\r\ntracestate: ${'x'.repeat(20_000)}\r\n\r\n`,
];

const id = '"id":"e5f0c3a8-0000-4000-8000-000000000001"';
const PAYLOADS = [
  '',
  '{}',
  '[]',
  'null',
  '{',
  `{${id}}`,
  `{${id},"args":7}`,
  `{${id},"waitMs":1e309}`,
  '{"patch":{"a":1}}',
  '{"limit":-1}',
  '{"level":"loud"}',
  '[[[[',
  '{"a":'.repeat(2_000),
  '{"boot":1,"seq":0}',
  '"x"',
  '{"stream":"CHANGES","seq":7}',
  '{"twin":{"suspicions":null}}',
  '\ud800',
  '{"a":"\\u0000"}',
];

const SHORT_BOMBS = [
  Buffer.from(`{${id},"args":{"a":[${Array<string>(15_000).fill('{}').join()}]},"patch":{}}`),
  Buffer.concat([Buffer.from([0x81, 0xa1, 0x61, 0xdc, 0xc3, 0x50]), Buffer.alloc(50_000, 0x80)]),
];

const payload = fc.oneof(
  fc.constantFrom(...PAYLOADS).map((text) => Buffer.from(text)),
  // Short enough to be read, and far more to make than their length tells.
  fc.constantFrom(...SHORT_BOMBS),
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
);
const block = fc.option(
  fc.oneof(
    fc.constantFrom(...BLOCKS).map((text) => Buffer.from(text)),
    fc.uint8Array({ maxLength: 80 }).map((bytes) => Buffer.concat([Buffer.from('NATS/1.0\r\n'), bytes])),
  ),
  { nil: null },
);

/** Mostly the size as it is: a wrong one ends the connection, and what follows in it is lost. */
const misstated = (size: number): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 60, arbitrary: fc.constant(String(size)) },
    { weight: 1, arbitrary: fc.constantFrom('-1', '1e3', '0x10', '99999999999', String(size + 7), '') },
  );

const hostile: fc.Arbitrary<Hostile> = fc
  .constantFrom('booking', 'booking', 'engineer', 'depot', 'runtime')
  .chain((user: HubUser) =>
    fc
      .tuple(
        fc.constantFrom(...(SUBJECTS[user] ?? [])),
        fc.constantFrom(...(user === 'runtime' ? OWN_REPLIES : REPLIES)),
        block,
        payload,
      )
      .chain(([subject, reply, headers, body]) =>
        fc
          .tuple(misstated(headers?.length ?? 0), misstated((headers?.length ?? 0) + body.length))
          .map(([headerSize, size]) => {
            const to = reply === '' ? subject : `${subject} ${reply}`;
            const line = headers === null ? `PUB ${to} ${size}` : `HPUB ${to} ${headerSize} ${size}`;
            const parts = [Buffer.from(`${line}\r\n`), headers ?? Buffer.alloc(0), body, Buffer.from('\r\n')];
            return { user, bytes: Buffer.concat(parts) };
          }),
      ),
  );

/** So many messages, made from a seed. */
export function hostileMessages(seed: number, count: number): readonly Hostile[] {
  return fc.sample(hostile, { seed, numRuns: count });
}
