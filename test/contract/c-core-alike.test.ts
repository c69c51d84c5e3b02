/**
 * The C core beside the reference agent: both are asked the same, at random, and have to answer the same. What is made up is mostly nearly
 * right, and the core is built with sanitizers, which end it at the first byte that it reads or writes where nothing is.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Command } from '../../machines/command.ts';
import { readCommand } from '../../src/device/command-reader.ts';
import { unsettled } from '../../src/device/executed-before.ts';
import { BLANK_MEMORY, type DeviceMemory, nextBoot, passTime } from '../../src/device/device-state.ts';
import { Outbox } from '../../src/device/outbox.ts';
import type { ActResult, LastResult, Shown, Verdict } from '../../src/device/ports.ts';
import { amend, finish, outcomeAfterRestart, receive, type Reception } from '../../src/device/reception.ts';
import { decode, encode, type Encoding } from '../../src/wire/codec.ts';
import { protocolVectors } from '../../tools/docs/protocol-vectors.ts';
import { buildProgram, compilerNote, harnessSources, hasCompiler } from '../devices/c-compiler.ts';
import { CHarness, word } from '../devices/c-harness.ts';
import { BOMBS } from '../hostile/decoding-bombs.ts';

const seed = Number(process.env.CORRAL_FUZZ_SEED ?? 20_261_130);
const runs = Number(process.env.CORRAL_FUZZ_MESSAGES ?? 3_000);
const HOLD_CHARGE_MS = 1_000;

let folder: string;
let core: CHarness;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'corral-c-'));
});
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
});

// ---------------------------------------------------------------------------------------------------------- payloads

const text = fc.oneof(
  fc.constantFrom(
    'report',
    'reserve',
    'release',
    'a',
    'é€𝄞',
    '',
    '__proto__',
    'x'.repeat(64),
    '𝄞'.repeat(33),
  ),
  fc.string({ maxLength: 70, unit: 'binary' }),
);
const whole = fc.oneof(
  fc.constantFrom(
    0,
    1,
    127,
    128,
    255,
    256,
    65_535,
    65_536,
    2 ** 31,
    2 ** 32 - 1,
    2 ** 32,
    2 ** 40,
    2 ** 40 + 1,
  ),
  fc.constantFrom(2 ** 44, 2 ** 44 + 1, 2 ** 53 - 1, -1, -32, -33, -129, 1.5, -0.25, 1e21, 1e300, 5e-324),
  fc.maxSafeNat(),
);
const anything = fc.anything({
  key: text,
  values: [fc.boolean(), whole, text, fc.constant(null)],
  maxDepth: 4,
});

/** What is right, and now and then what is not. */
const usually = <T, U>(right: fc.Arbitrary<T>, wrong: fc.Arbitrary<U>): fc.Arbitrary<T | U> =>
  fc.oneof({ arbitrary: right, weight: 9 }, { arbitrary: wrong, weight: 1 });

/** A map that is a command, or would be one but for a field or two. */
const nearlyCommand = fc
  .record({
    n: usually(fc.integer({ min: 1, max: 2 ** 40 }), whole),
    epoch: usually(fc.integer({ min: 0, max: 2 ** 44 }), whole),
    id: usually(fc.string({ minLength: 1, maxLength: 64 }), text),
    name: usually(fc.constantFrom('report', 'reserve'), text),
  })
  .chain((required) =>
    fc
      .record(
        {
          args: usually(fc.dictionary(fc.string({ maxLength: 8 }), fc.string(), { maxKeys: 4 }), anything),
          boot: usually(fc.maxSafeNat(), anything),
          notAfterUp: usually(fc.maxSafeNat(), whole),
          holdMs: usually(fc.maxSafeNat(), whole),
          later: anything,
        },
        { requiredKeys: [] },
      )
      .map((optional) => ({ ...required, ...optional })),
  );

/** Bytes in which something was changed: cut, repeated, flipped, or a piece of them put elsewhere. */
const damaged = (bytes: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> =>
  fc
    .tuple(bytes, fc.array(fc.tuple(fc.nat(), fc.nat(255), fc.nat(3)), { maxLength: 3 }))
    .map(([whole, edits]) => {
      let edited = Buffer.from(whole);
      for (const [place, byte, how] of edits) {
        const at = edited.length === 0 ? 0 : place % edited.length;
        if (how === 0) edited = edited.subarray(0, at);
        else if (how === 1)
          edited = Buffer.concat([edited.subarray(0, at), Buffer.of(byte), edited.subarray(at)]);
        else if (how === 2) edited = Buffer.concat([edited.subarray(0, at), edited.subarray(at + 1)]);
        else if (edited.length > 0)
          edited = Buffer.concat([edited.subarray(0, at), Buffer.of(byte), edited.subarray(at + 1)]);
      }
      return edited;
    });

const encoded = fc
  .tuple(nearlyCommand, fc.constantFrom<Encoding>('json', 'msgpack'), fc.boolean())
  .map(([value, encoding, isSpaced]) =>
    encoding === 'json' && isSpaced ? Buffer.from(JSON.stringify(value, null, 1)) : encode(value, encoding),
  );

/** Every sequence of bytes that the vectors hold. */
const known = (() => {
  const { commands, unreadable, refused, reports } = protocolVectors();
  const both = [...commands, ...reports].flatMap(({ json, msgpack }) => [
    Buffer.from(json),
    Buffer.from(msgpack, 'hex'),
  ]);
  return [...both, ...[...unreadable, ...refused].map(({ hex }) => Buffer.from(hex, 'hex'))];
})();

const payload = fc.oneof(
  encoded,
  { arbitrary: damaged(encoded), weight: 3 },
  damaged(fc.constantFrom(...known)),
  fc.uint8Array({ maxLength: 60 }),
);

/** What the reference agent reads, as the harness says it; without the arguments. */
function readByReference(bytes: Uint8Array): string {
  const read = readCommand(bytes);
  if (!read.ok) return 'none';
  const { n, epoch, id, name, boot, notAfterUp, holdMs } = read.command;
  const numbers = [boot, notAfterUp, holdMs].map((number) => (number === undefined ? '-' : String(number)));
  const knownName = Buffer.byteLength(name) > 64 ? '-' : word(name);
  return [String(n), String(epoch), word(id), knownName, ...numbers].join(' ');
}

// ---------------------------------------------------------------------------------------------------------- decisions

/** What happens to a device. */
type Step =
  | {
      readonly type: 'command';
      readonly name: string;
      readonly holdMs: number | undefined;
      /** How far number, epoch, boot and deadline are ahead of the device's own; `null` for none. */
      readonly ahead: {
        readonly n: number;
        readonly epoch: number;
        readonly boot: number | null;
        readonly ms: number | null;
      };
      readonly result: ActResult;
      /** It is the command that was given so many before it, under a number of its own; `null` for a new one. */
      readonly again: number | null;
    }
  | { readonly type: 'pass' }
  | { readonly type: 'amend'; readonly n: number; readonly result: LastResult }
  | { readonly type: 'boot'; readonly shown: Shown };

const LAST_RESULTS: readonly LastResult[] = [{ outcome: 'done' }, { outcome: 'rejected', reason: 'jammed' }];
const RESULTS: readonly ActResult[] = [
  ...LAST_RESULTS,
  { outcome: 'undecided', reason: 'no-answer' },
  { outcome: 'undecided', reason: 'fault' },
];

/** As the core wrote it before it kept ids: `start` n 31 is undecided, `stop` n 32 begun. */
const OLDER_RECORD = [
  '43524c3101000000000000000463702d31070000000000000020000000000000000c00000000000000031f0000000000000002096e6f2d616e73776572',
  '0000000000000000001e0000000000000000000000000000000000001c00000000000000030b696e74657272757074656400000000000000000001056f',
  '74686572000000000000000020a107000000000020a1070000000000200000000000000007000000000000000473746f7000011f0000000000000007',
  '000000000000000573746172740193c015db',
].join('');

/** A result, in the words of the harness. */
const wordsOf = (result: ActResult): string =>
  `${result.outcome} ${result.outcome === 'done' ? '-' : result.reason}`;

/** What the hardware shows, in the words of the harness. */
const shownName = (shown: Shown): string =>
  shown === null ? 'nothing' : shown === 'undecided' ? shown : shown ? 'executed' : 'not-executed';

const step: fc.Arbitrary<{ readonly afterMs: number; readonly step: Step }> = fc.record({
  afterMs: fc.oneof(fc.nat(50), fc.nat(3_000)),
  step: fc.oneof(
    { arbitrary: fc.record({ type: fc.constant('pass' as const) }), weight: 2 },
    {
      arbitrary: fc.record({
        type: fc.constant('boot' as const),
        shown: fc.constantFrom<Shown>(true, false, 'undecided', 'undecided', null),
      }),
      weight: 1,
    },
    {
      arbitrary: fc.record({
        type: fc.constant('amend' as const),
        n: fc.integer({ min: 1, max: 60 }),
        result: fc.constantFrom(...LAST_RESULTS),
      }),
      weight: 3,
    },
    {
      arbitrary: fc.record({
        type: fc.constant('command' as const),
        result: fc.constantFrom(...RESULTS),
        again: fc.oneof(
          { arbitrary: fc.constant(null), weight: 3 },
          { arbitrary: fc.integer({ min: 1, max: 12 }), weight: 1 },
        ),
        ahead: fc.record({
          n: usually(fc.integer({ min: 1, max: 3 }), fc.integer({ min: -12, max: 0 })),
          epoch: usually(fc.constant(0), fc.integer({ min: -1, max: 1 })),
          boot: usually(fc.constant(0), fc.constantFrom(-1, null)),
          ms: usually(fc.nat(20_000), fc.constantFrom(-1, null)),
        }),
        name: fc.constantFrom('report', 'reserve', 'release', 'start', 'lift', 'stop', 'stop', 'levitate'),
        holdMs: fc.oneof(fc.nat(5_000), fc.constant(undefined)),
      }),
      weight: 12,
    },
  ),
});

/** The device of the harness, in the words of the reference agent. */
function judge({ name }: Command, isHeld: boolean): Verdict {
  switch (name) {
    case 'reserve':
      return isHeld ? { type: 'refuse', reason: 'busy' } : { type: 'accept', hold: 'begin', acts: false };
    case 'release':
      return { type: 'accept', hold: 'end', acts: false };
    case 'start':
      return { type: 'accept', hold: 'end', acts: true };
    case 'lift':
      return { type: 'accept', hold: 'begin', acts: true };
    case 'stop':
      return { type: 'accept', hold: 'keep', acts: true };
    default:
      return { type: 'refuse', reason: 'unknown-command' };
  }
}

function shownBy(memory: DeviceMemory): object {
  const { boot, highestN, highestEpoch, ring, hold, begun, undecided = [], executed = [] } = memory;
  const numbers = {
    begun: begun === null ? [] : [begun.n],
    undecided: undecided.map(({ n }) => n),
    executed: executed.map(({ entry }) => entry.n),
  };
  return { boot, highestN, highestEpoch, ring, hold, ...numbers, isSound: true };
}

/** The next boot: what was begun or undecided in the one before is settled by what the hardware shows. */
function bootAnew(before: DeviceMemory, shown: Shown): DeviceMemory {
  const memory = nextBoot(before, { unreadable: 0, holdChargeMs: HOLD_CHARGE_MS });
  return unsettled(memory).reduce((settled, command) => outcomeAfterRestart(settled, shown, command), memory);
}

/** The command of a step, as the device meets it. */
function commandOf(
  { name, holdMs, ahead, again }: Extract<Step, { type: 'command' }>,
  { highestN, highestEpoch, boot }: DeviceMemory,
  { up, given }: { readonly up: number; readonly given: readonly Command[] },
): Command {
  const n = Math.max(1, highestN + ahead.n);
  const epoch = Math.max(0, highestEpoch + ahead.epoch);
  const before = again === null ? undefined : given.at(-again);
  const what = before ?? { id: `id-${String(n)}`, name };
  return {
    n,
    epoch,
    id: what.id,
    name: what.name,
    args: {},
    ...(ahead.boot !== null && { boot: Math.max(0, boot + ahead.boot) }),
    ...(ahead.ms !== null && { notAfterUp: Math.max(0, up + ahead.ms) }),
    ...(holdMs !== undefined && { holdMs }),
  };
}

/** A device lives through these steps in both, and is compared after each. Where a command begins, a power cut may come before its end. */
async function liveThrough(
  steps: readonly { readonly afterMs: number; readonly step: Step }[],
): Promise<void> {
  let memory = nextBoot(BLANK_MEMORY, { unreadable: 0, holdChargeMs: HOLD_CHARGE_MS });
  let up = 0;
  const given: Command[] = [];
  let isBegun: Extract<Reception, { type: 'begun' }> | null = null;
  const compare = async (question: string): Promise<void> => {
    expect(JSON.parse(await core.ask(question))).toMatchObject(shownBy(memory));
  };
  await core.ask('memory 0 0 0 - -');
  await compare(`boot 1 ${HOLD_CHARGE_MS} nothing`);
  for (const { afterMs, step: what } of steps) {
    up += afterMs;
    if (what.type === 'boot') {
      memory = bootAnew(memory, what.shown);
      up = 0;
      isBegun = null;
      await compare(`boot 1 ${HOLD_CHARGE_MS} ${shownName(what.shown)}`);
      continue;
    }
    if (isBegun !== null) continue;
    memory = passTime(memory, up, HOLD_CHARGE_MS);
    await compare(`pass ${String(up)} ${HOLD_CHARGE_MS}`);
    if (what.type === 'pass') continue;
    if (what.type === 'amend') {
      memory = amend(memory, what.n, what.result);
      await compare(`amend ${what.n} ${wordsOf(what.result)}`);
      continue;
    }
    const { result } = what;
    const command = commandOf(what, memory, { up, given });
    given.push(command);
    const reception = receive(memory, command, { up, holdChargeMs: HOLD_CHARGE_MS }, (hold) =>
      judge(command, hold !== null),
    );
    memory = reception.memory;
    await compare(`receive ${String(up)} ${HOLD_CHARGE_MS} ${word(encode(command, 'msgpack'))}`);
    if (reception.type !== 'begun') continue;
    isBegun = reception;
    // Some never come to their end before the next power cut.
    if (command.n % 8 === 1) continue;
    memory = finish(memory, command, reception.verdict, result);
    isBegun = null;
    await compare(`finish ${wordsOf(result)}`);
  }
}

// ---------------------------------------------------------------------------------------------------------- the tests

describe.skipIf(!hasCompiler('sanitized'))(
  `the C core beside the reference agent${compilerNote('sanitized')}`,
  () => {
    beforeAll(() => {
      const program = join(folder, 'harness');
      buildProgram('sanitized', harnessSources(), program);
      core = new CHarness(program);
    });
    afterAll(() => core.end());

    test('reads the same commands out of whatever comes, and nothing out of the rest', async () => {
      let commands = 0;
      await fc.assert(
        fc.asyncProperty(payload, async (bytes) => {
          const read = await core.ask(`read ${word(bytes)}`);
          const expected = readByReference(bytes);
          expect(read === 'none' ? read : read.slice(0, read.lastIndexOf(' '))).toBe(expected);
          if (read === 'none') return;
          commands += 1;
          const args = read.slice(read.lastIndexOf(' ') + 1);
          const { command } = readCommand(bytes) as { readonly command: Command };
          const value = args === '-' ? {} : valueOf(Buffer.from(args, 'hex'));
          expect(value).toEqual(command.args);
        }),
        { seed, numRuns: runs },
      );
      expect(commands).toBeGreaterThan(runs / 20);
    });

    test('survives payloads that are made to take long', async () => {
      for (const [name, bytes] of BOMBS)
        expect([name, await core.ask(`read ${word(bytes)}`)]).toEqual([name, 'none']);
    });

    test('decides, remembers and forgets the same, whatever happens to it', async () => {
      await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 80, size: 'max' }), liveThrough), {
        seed,
        numRuns: Math.ceil(runs / 60),
      });
    });

    test('sends the same frames in the same order, through outages', async () => {
      const act = fc.constantFrom('add', 'add', 'add', 'acked', 'acked', 'interrupt');
      await fc.assert(
        fc.asyncProperty(
          fc.array(act, { maxLength: 60, size: 'max' }),
          fc.constantFrom<Encoding>('json', 'msgpack'),
          sendAlike,
        ),
        { seed, numRuns: Math.ceil(runs / 20) },
      );
    });

    test('drops its oldest reports when there is no room, and never the newest', async () => {
      await core.ask('outbox json 400');
      let held = 0;
      for (let seq = 1; seq <= 200; seq += 1) {
        const report = JSON.stringify({ seq, text: 'x'.repeat((seq * 37) % 150) });
        const dropped = Number(await core.ask(`add ${seq} ${word(report)}`));
        held += 1 - dropped;
        expect(held).toBeGreaterThan(0);
        expect(await core.ask('next 400')).toBe(`${seq} ${seq} ${word(report)}`);
      }
      expect(await core.ask(`add 201 ${word('x'.repeat(400))}`)).toBe('-1');
      expect(await core.ask('next 400')).toMatch(/^200 200 /);
      await core.ask('acked');
      const [from, to] = (await core.ask('next 400')).split(' ').map(Number);
      expect(to! - from! + 1).toBe(held - 1);
      expect(to).toBe(199);
    });

    test('reads the record of a core that knew no command by its id, with what was begun and undecided in it', async () => {
      expect(JSON.parse(await core.ask(`load cp-1 ${OLDER_RECORD}`))).toMatchObject({
        became: 'read',
        isSound: true,
        boot: 7,
        highestN: 32,
        begun: [32],
        undecided: [31],
        executed: [],
      });
      const settled = JSON.parse(await core.ask(`boot 1 ${HOLD_CHARGE_MS} executed`)) as {
        readonly ring: unknown;
      };
      expect(settled.ring).toEqual([
        { n: 32, outcome: 'done' },
        { n: 31, outcome: 'done' },
        { n: 30, outcome: 'done' },
        { n: 28, outcome: 'unknown', reason: 'interrupted' },
      ]);
      const written = await core.ask('record cp-1');
      expect(JSON.parse(await core.ask(`load cp-1 ${written}`))).toMatchObject({
        became: 'read',
        ring: settled.ring,
      });
    });

    test('takes no damaged record for a memory, and each whole one for what it was', async () => {
      await liveThrough(
        fc.sample(fc.array(step, { minLength: 40, maxLength: 40 }), { seed, numRuns: 1 })[0]!,
      );
      await core.ask('remember 500 undecided no-answer');
      const record = await core.ask('record cp-1');
      const told = JSON.parse(await core.ask(`load cp-1 ${record}`)) as { readonly became: string };
      expect(told).toMatchObject({ became: 'read', isSound: true, highestN: 500 });
      expect(JSON.parse(await core.ask(`load cp-2 ${record}`))).toMatchObject({ became: 'foreign' });
      await fc.assert(
        fc.asyncProperty(damaged(fc.constant(Buffer.from(record, 'hex'))), async (bytes) => {
          const { became, ...memory } = JSON.parse(await core.ask(`load cp-1 ${word(bytes)}`)) as typeof told;
          expect(became).toBe(word(bytes) === record ? 'read' : 'unreadable');
          expect(memory).toEqual({ ...told, became: undefined });
        }),
        { seed, numRuns: Math.ceil(runs / 3) },
      );
    });
  },
);

function valueOf(bytes: Uint8Array): unknown {
  const read = decode(bytes);
  return read.ok ? read.value : read;
}

/** The same acts on both outboxes. The bytes are bounded so that frames are, and nothing is dropped. */
async function sendAlike(acts: readonly string[], encoding: Encoding): Promise<void> {
  const frameBytesMax = 120;
  const reference = new Outbox({
    order: 'current-first',
    encoding,
    limits: { outboxReportsMax: 1_000, outboxBytesMax: 100_000, frameReportsMax: 5_000, frameBytesMax },
  });
  let seq = 0;
  await core.ask(`outbox ${encoding} 100000`);
  for (const what of acts) {
    const next = reference.next();
    const said = await core.ask(`next ${frameBytesMax}`);
    const expected = next === null ? 'none' : `${next.from.seq} ${next.to.seq} ${word(next.payload)}`;
    expect(said).toBe(expected);
    if (what === 'add') {
      seq += 1;
      const bytes = encode({ seq, text: 'x'.repeat((seq * 7) % 40) }, encoding);
      reference.add({ boot: 1, seq, bytes });
      expect(await core.ask(`add ${seq} ${word(bytes)}`)).toBe('0');
    } else if (what === 'interrupt') {
      reference.interrupt();
      await core.ask('interrupt');
    } else if (next !== null) {
      reference.acked(next);
      await core.ask('acked');
    }
  }
}
