/**
 * Test vectors for whoever implements the device's side: messages in both encodings, and what a device makes of a command.
 * Bytes come from the codec and decisions from the reference agent, so that a vector is what Corral really says and takes.
 */
import type { Command } from '../../machines/command.ts';
import { type Report, type RingEntry, UNDECIDED } from '../../machines/report.ts';
import { readCommand } from '../../src/device/command-reader.ts';
import { framePayload } from '../../src/device/frame.ts';
import { type DeviceMemory, holdAt } from '../../src/device/device-state.ts';
import type { Verdict } from '../../src/device/ports.ts';
import { receive } from '../../src/device/reception.ts';
import { encode } from '../../src/wire/codec.ts';
import { DEPTH_MAX } from '../../src/wire/decode-limits.ts';
import { readReports, type ReportProblemReason } from '../../src/wire/report.ts';
import { ack, REFUSAL } from '../conform/bench.ts';

/** The device of all vectors. */
export const VECTOR_DEVICE = 'cp-001';

/** One message in both encodings. */
export interface MessageVector {
  readonly name: string;
  readonly json: string;
  /** MessagePack, hex. */
  readonly msgpack: string;
}

/** A payload that is no command. */
export interface UnreadableVector {
  readonly name: string;
  /** The payload, hex. */
  readonly hex: string;
}

/** A payload that is no report. */
export interface RefusedVector extends UnreadableVector {
  /** Of the dead letter that it becomes. */
  readonly reason: ReportProblemReason;
}

/** What a device remembers, as far as decisions depend on it. */
export interface VectorMemory {
  readonly boot: number;
  readonly highestN: number;
  readonly highestEpoch: number;
  readonly commands: readonly RingEntry[];
  /** The hold ends by itself at the uptime `endsUp`. */
  readonly hold: { readonly id: string; readonly endsUp: number } | null;
}

/** A command that reaches a device, and what becomes of it. */
export interface DecisionVector {
  readonly name: string;
  readonly before: VectorMemory;
  /** The device's uptime when the command reaches it, ms. */
  readonly up: number;
  readonly command: Command;
  /** Its entry in the `commands` of the next report; `null` where it finds no place there. */
  readonly entry: RingEntry | null;
  readonly after: VectorMemory;
}

/** Everything, as `docs/protocol-vectors.json` holds it. */
export interface ProtocolVectors {
  readonly device: string;
  readonly reports: readonly MessageVector[];
  readonly commands: readonly MessageVector[];
  readonly unreadable: readonly UnreadableVector[];
  readonly refused: readonly RefusedVector[];
  /** Answers to a publish; they are always JSON. */
  readonly answers: readonly { readonly name: string; readonly json: string; readonly isAck: boolean }[];
  readonly decisions: readonly DecisionVector[];
}

const smallest: Report = { boot: 1, seq: 1, up: 0, state: 'available', sensors: {} };

const whole: Report = {
  boot: 7,
  seq: 42,
  up: 360_000,
  at: 1_767_225_600_000,
  state: 'reserved',
  sensors: { hatchOpen: false, cableConnected: false, carPresent: true, meterWh: 1_234.5, temperatureC: -4 },
  since: { hatchOpen: 360_000, cableConnected: 360_000, carPresent: 12_500 },
  commands: [
    { n: 31, outcome: 'done' },
    { n: 30, outcome: 'rejected', reason: 'busy' },
    { n: 29, outcome: 'undecided', reason: 'no-answer' },
    { n: 28, outcome: 'unknown', reason: 'interrupted', fence: { boot: 6 } },
  ],
  hold: { id: '0b9c7a1e-5f0a-4d53-9a37-6a8f3f0f6a11', leftMs: 870_000 },
  firmware: '4.2.0',
  config: { version: 3 },
  kind: 'charge-point',
};

const scanned: Report = {
  boot: 8,
  seq: 1,
  up: 1_200,
  state: 'available',
  sensors: { hatchOpen: false },
  since: { hatchOpen: 1_200 },
  commands: [{ n: 31, outcome: 'done' }],
  components: [{ slot: 'modem', model: 'EC25', serial: '867698041234567', firmware: '06A' }],
};

const old: Report = { boot: 7, seq: 43, up: 2 ** 32 + 5, state: 'available', sensors: {}, commands: [] };

const spokenFor: Report = {
  boot: 7,
  seq: 44,
  up: 370_000,
  state: 'available',
  sensors: {},
  commands: [],
  via: { id: 'gw-1', session: 12 },
};

const reports: readonly (readonly [string, readonly Report[]])[] = [
  ['the smallest report', [smallest]],
  ['a whole report of a charge point, in the middle of a reservation', [whole]],
  ['the first report of a boot, with the inventory scan', [scanned]],
  ['an uptime beyond 2^32 ms, which is 49.7 days', [old]],
  ['a report of a device that a gateway speaks for', [spokenFor]],
  ['a frame of two reports', [smallest, { ...smallest, seq: 2, up: 500 }]],
];

const reserve: Command = {
  n: 31,
  epoch: 12,
  id: '0b9c7a1e-5f0a-4d53-9a37-6a8f3f0f6a11',
  name: 'reserve',
  args: { token: 'A1' },
  boot: 7,
  notAfterUp: 350_000,
  holdMs: 900_000,
};

const commands: readonly (readonly [string, Command | (Command & Readonly<Record<string, unknown>>)])[] = [
  ['`report`: no deadline', { n: 30, epoch: 12, id: 'probe-30', name: 'report', args: {} }],
  ['`reserve`, with deadline and `holdMs`', reserve],
  ['`release`', { n: 32, epoch: 12, id: 'c2', name: 'release', args: {}, boot: 7, notAfterUp: 410_000 }],
  [
    'a deadline beyond 2^32 ms: in MessagePack a 64-bit float',
    { n: 33, epoch: 12, id: 'c3', name: 'start', args: {}, boot: 7, notAfterUp: 2 ** 32 + 20_000 },
  ],
  [
    'fields that are not known yet: they are passed over',
    { n: 34, epoch: 12, id: 'p-34', name: 'report', args: {}, later: { hint: [1, null, -1.5] } },
  ],
];

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

const unreadable: readonly (readonly [string, Uint8Array])[] = [
  ['nothing', new Uint8Array()],
  ['a first byte that begins neither a map nor a list', Uint8Array.of(0xc1, 0xff)],
  ['a list', text('[1,2,3]')],
  ['JSON that is cut off', text('{"n":1,"epoch":1,')],
  ['MessagePack that is cut off', Uint8Array.of(0x82, 0xa1, 0x6e, 0x01, 0xa5)],
  ['no `name`', text('{"n":1,"epoch":1,"id":"a"}')],
  ['an `n` that is no number', text('{"n":"1","epoch":1,"id":"a","name":"report"}')],
  ['an `n` that is not whole', text('{"n":1.5,"epoch":1,"id":"a","name":"report"}')],
  [
    'an `n` above 2^40, which would have to be remembered',
    text(`{"n":${2 ** 40 + 1},"epoch":1,"id":"a","name":"report"}`),
  ],
  ['an `epoch` above 2^44', text(`{"n":1,"epoch":${2 ** 44 + 1},"id":"a","name":"report"}`)],
  ['a negative deadline', text('{"n":1,"epoch":1,"id":"a","name":"stop","boot":1,"notAfterUp":-1}')],
];

/** `{boot: 1, seq: 1, up: 0, state: "available", sensors: <these bytes>}` in MessagePack. */
const withSensors = (...sensors: number[]): Uint8Array =>
  Uint8Array.of(...encode(smallest, 'msgpack').slice(0, -1), ...sensors);
const jsonWith = (sensors: string): Uint8Array =>
  text(`{"boot":1,"seq":1,"up":0,"state":"available","sensors":${sensors}}`);

const refused: readonly (readonly [string, Uint8Array])[] = [
  ['MessagePack: a string that is not UTF-8', withSensors(0x81, 0xa1, 0x61, 0xa1, 0xff)],
  ['MessagePack: a key that is a number', withSensors(0x81, 0x01, 0x01)],
  ['MessagePack: a key that stands twice', withSensors(0x82, 0xa1, 0x61, 0x01, 0xa1, 0x61, 0x02)],
  ['MessagePack: binary', withSensors(0x81, 0xa1, 0x61, 0xc4, 0x01, 0x00)],
  ['MessagePack: a timestamp', withSensors(0x81, 0xa1, 0x61, 0xd6, 0xff, 0, 0, 0, 1)],
  ['MessagePack: an extension', withSensors(0x81, 0xa1, 0x61, 0xd4, 0x05, 0x00)],
  ['MessagePack: not a number (NaN)', withSensors(0x81, 0xa1, 0x61, 0xca, 0x7f, 0xc0, 0, 0)],
  ['MessagePack: infinity', withSensors(0x81, 0xa1, 0x61, 0xca, 0x7f, 0x80, 0, 0)],
  ['MessagePack: 2^53 + 1', withSensors(0x81, 0xa1, 0x61, 0xcf, 0, 0x20, 0, 0, 0, 0, 0, 1)],
  [
    'MessagePack: nested too deep',
    withSensors(0x81, 0xa1, 0x61, ...Array<number>(DEPTH_MAX).fill(0x91), 0x01),
  ],
  ['MessagePack: a byte after the end', withSensors(0x80, 0x00)],
  ['JSON: bytes that are not UTF-8', Uint8Array.of(...jsonWith('{"a":"').slice(0, -1), 0xff, ...text('"}}'))],
  ['JSON: half of a surrogate pair', jsonWith('{"a":"\\ud800"}')],
  ['JSON: a NUL character', jsonWith('{"a":"\\u0000"}')],
  ['JSON: a key that stands twice', jsonWith('{"a":1,"a":2}')],
  ['JSON: 2^53 + 1', jsonWith('{"a":9007199254740993}')],
  ['JSON: a number beyond all', jsonWith('{"a":1e999}')],
  ['JSON: nested too deep', jsonWith(`{"a":${'['.repeat(DEPTH_MAX)}1${']'.repeat(DEPTH_MAX)}}`)],
  ['JSON: a character after the end', jsonWith('{}}')],
];

/** The device of the decisions: in its seventh boot, with three commands behind it. */
const remembered: DeviceMemory = {
  boot: 7,
  highestN: 30,
  highestEpoch: 12,
  begun: null,
  hold: null,
  ring: [
    { n: 30, outcome: 'done' },
    { n: 28, outcome: 'rejected', reason: 'busy' },
    { n: 27, outcome: 'done' },
  ],
};
const held: DeviceMemory = { ...remembered, hold: { id: 'other', endsUp: 500_000, chargedUp: 500_000 } };
const full: DeviceMemory = {
  ...remembered,
  ring: Array.from({ length: 8 }, (_, index) => ({ n: 30 - index, outcome: 'done' })),
};

const waiting: DeviceMemory = {
  ...full,
  ring: [...full.ring.slice(0, 7), { n: 5, outcome: UNDECIDED, reason: 'no-answer' }],
  undecided: [{ n: 5, epoch: 12, id: 'c0', name: 'start', args: {}, boot: 7, notAfterUp: 100_000 }],
};

const UP = 340_000;
const wrong = { epoch: 11, boot: 6, notAfterUp: 1 };

const decisions: readonly (readonly [string, DeviceMemory, Partial<Command>])[] = [
  ['in order: it begins a hold that ends `holdMs` after this uptime', remembered, {}],
  ['at the last moment: `notAfterUp` is the present uptime', remembered, { notAfterUp: UP }],
  ['a millisecond too late', remembered, { notAfterUp: UP - 1 }],
  ['of the boot before', remembered, { boot: 6 }],
  ['of a deposed sender', remembered, { epoch: 11 }],
  ['of a new sender: its epoch is remembered', remembered, { epoch: 13 }],
  [
    'of a new sender, and too late: its epoch is remembered all the same',
    remembered,
    { epoch: 13, notAfterUp: 1 },
  ],
  ['a number that was passed over, and is below the highest', remembered, { n: 29 }],
  [
    'a number in the ring: its outcome stands, and nothing else is looked at',
    remembered,
    { n: 30, ...wrong },
  ],
  ['a number in the ring that was rejected', remembered, { n: 28 }],
  ['everything wrong but the ring: the number comes first', remembered, { n: 29, ...wrong }],
  ['a deposed sender comes before another boot', remembered, wrong],
  ['another boot comes before the deadline', remembered, { boot: 6, notAfterUp: 1 }],
  ['the deadline comes before its own state', held, { notAfterUp: 1 }],
  ['its own state: it is held for somebody else', held, {}],
  ['the hold has ended by itself, at this very uptime', withEnd(held, UP), {}],
  ['`release` ends the hold', held, { name: 'release', holdMs: undefined }],
  [
    '`release` of nothing is done: what it asks for is true',
    remembered,
    { name: 'release', holdMs: undefined },
  ],
  ['`reserve` without `holdMs`: nobody could say when it ends', remembered, { holdMs: undefined }],
  ['`report` is done in every state', held, { name: 'report', ...noDeadline() }],
  ['`reserve` without a deadline', remembered, noDeadline()],
  ['a command it does not know', remembered, { name: 'levitate' }],
  ['a full ring lets the lowest number go', full, {}],
  ['a number below all of a full ring finds no place in it, and is not named', full, { n: 20 }],
  ['a full ring keeps what is undecided, however low its number: the lowest other one goes', waiting, {}],
  ['a number that is undecided: it is named so again, and not sent on again', waiting, { n: 5, ...wrong }],
] as readonly (readonly [string, DeviceMemory, Partial<Command>])[];

function withEnd(memory: DeviceMemory, endsUp: number): DeviceMemory {
  return { ...memory, hold: memory.hold && { ...memory.hold, endsUp, chargedUp: endsUp } };
}

function noDeadline(): object {
  return { boot: undefined, notAfterUp: undefined };
}

/** Makes all vectors. Throws when Corral itself does not take one for what it says. */
export function protocolVectors(): ProtocolVectors {
  return {
    device: VECTOR_DEVICE,
    reports: reports.map(([name, list]) => reportVector(name, list)),
    commands: commands.map(([name, command]) => commandVector(name, command)),
    unreadable: unreadable.map(([name, bytes]) => unreadableVector(name, bytes)),
    refused: refused.map(([name, bytes]) => refusedVector(name, bytes)),
    answers: [
      { name: 'stored: the publish is acknowledged', json: JSON.stringify(ack(1_234)), isAck: true },
      { name: 'not stored: it has to be sent again', json: JSON.stringify(REFUSAL), isAck: false },
      {
        name: 'not stored: another message had its `Nats-Msg-Id`, and nobody says that it was this report',
        json: JSON.stringify({ ...ack(1_234), duplicate: true }),
        isAck: false,
      },
    ],
    decisions: decisions.map(([name, memory, given]) => decisionVector(name, memory, given)),
  };
}

function reportVector(name: string, list: readonly Report[]): MessageVector {
  const json = payload(list, 'json');
  const msgpack = payload(list, 'msgpack');
  for (const bytes of [json, msgpack]) {
    const read = readReports(VECTOR_DEVICE, bytes);
    if (!read.ok || read.problems.length > 0) throw new Error(`the vector "${name}" is no report`);
  }
  return { name, json: Buffer.from(json).toString('utf8'), msgpack: hex(msgpack) };
}

function payload(list: readonly Report[], encoding: 'json' | 'msgpack'): Uint8Array {
  return framePayload(
    list.map((report) => encode(report, encoding)),
    encoding,
  );
}

function commandVector(name: string, command: Command): MessageVector {
  const json = encode(command, 'json');
  const msgpack = encode(command, 'msgpack');
  for (const bytes of [json, msgpack]) {
    if (!readCommand(bytes).ok) throw new Error(`the vector "${name}" is no command`);
  }
  return { name, json: Buffer.from(json).toString('utf8'), msgpack: hex(msgpack) };
}

function unreadableVector(name: string, bytes: Uint8Array): UnreadableVector {
  if (readCommand(bytes).ok) throw new Error(`the vector "${name}" is a command`);
  return { name, hex: hex(bytes) };
}

function refusedVector(name: string, bytes: Uint8Array): RefusedVector {
  const read = readReports(VECTOR_DEVICE, bytes);
  if (read.ok) throw new Error(`the vector "${name}" is a report`);
  return { name, hex: hex(bytes), reason: read.reason };
}

function decisionVector(name: string, memory: DeviceMemory, given: Partial<Command>): DecisionVector {
  const usual: Command = {
    n: 31,
    epoch: 12,
    id: 'c1',
    name: 'reserve',
    args: {},
    boot: 7,
    notAfterUp: UP + 10_000,
    holdMs: 900_000,
  };
  const command = JSON.parse(JSON.stringify({ ...usual, ...given })) as Command;
  const reception = receive(memory, command, { up: UP, holdChargeMs: 10_000 }, (hold) =>
    judge(command, hold !== null),
  );
  const entry = reception.memory.ring.find(({ n }) => n === command.n) ?? null;
  const after = { ...reception.memory, hold: holdAt(reception.memory, UP) };
  return { name, before: shown(memory), up: UP, command, entry, after: shown(after) };
}

/** A device that can be reserved, and nothing else. */
function judge({ name }: Command, isHeld: boolean): Verdict {
  switch (name) {
    case 'reserve':
      return isHeld ? { type: 'refuse', reason: 'busy' } : { type: 'accept', hold: 'begin', acts: false };
    case 'release':
      return { type: 'accept', hold: 'end', acts: false };
    default:
      return { type: 'refuse', reason: 'unknown-command' };
  }
}

function shown({ boot, highestN, highestEpoch, ring, hold }: DeviceMemory): VectorMemory {
  return {
    boot,
    highestN,
    highestEpoch,
    commands: ring,
    hold: hold === null ? null : { id: hold.id, endsUp: hold.endsUp },
  };
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
