/**
 * Whatever arrives, in whatever order, and wherever the power goes: what a device may never do, and what it may never
 * say. The rules by which the server proves an outcome are checked here from the device's side.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Command } from '../../../machines/command.ts';
import { RING_SIZE_MAX, type Report } from '../../../machines/report.ts';
import type { AgentEvent } from '../../../src/device/agent-event.ts';
import { AGENT_LIMITS } from '../../../src/device/limits.ts';
import { readLine } from '../../../src/device/log-entry.ts';
import type { DeviceMemory } from '../../../src/device/device-state.ts';
import { encode } from '../../../src/wire/codec.ts';
import { DeviceWorld, quiet } from './device-world.ts';

type Step =
  | {
      readonly type: 'command';
      readonly name: string;
      readonly n: number;
      readonly epoch: number;
      readonly bootDelta: number;
      readonly notAfterDelta: number;
      readonly holdMs: number;
      /** The power goes while it is handled, after so many steps. */
      readonly crashSteps: number | null;
    }
  | { readonly type: 'again'; readonly which: number }
  | { readonly type: 'pass'; readonly ms: number }
  | { readonly type: 'use'; readonly level: number; readonly endsHold: boolean }
  | { readonly type: 'crash'; readonly steps: number }
  | { readonly type: 'boot'; readonly steps: number | null }
  | { readonly type: 'mood'; readonly mood: DeviceWorld['hub']['mood'] }
  | { readonly type: 'disk'; readonly ms: number }
  | { readonly type: 'result'; readonly result: 'hangs' | 'throws' | 'jammed' };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      type: fc.constant('command' as const),
      name: fc.constantFrom('start', 'stop', 'reserve', 'release', 'report', 'nonsense'),
      n: fc.integer({ min: 1, max: 30 }),
      epoch: fc.integer({ min: 1, max: 4 }),
      bootDelta: fc.constantFrom(0, 0, 0, 0, -1, 1),
      notAfterDelta: fc.constantFrom(-1_000, -1, 0, 100, 5_000, 60_000),
      holdMs: fc.constantFrom(1_000, 30_000, 90_000),
      crashSteps: fc.option(fc.nat(6), { freq: 3 }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ type: fc.constant('again' as const), which: fc.nat() }) },
  {
    weight: 5,
    arbitrary: fc.record({
      type: fc.constant('pass' as const),
      ms: fc.constantFrom(1, 100, 700, 9_000, 70_000),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant('use' as const), level: fc.nat(9), endsHold: fc.boolean() }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('crash' as const), steps: fc.nat(8) }) },
  {
    weight: 5,
    arbitrary: fc.record({ type: fc.constant('boot' as const), steps: fc.option(fc.nat(8), { freq: 2 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('mood' as const),
      mood: fc.constantFrom('ok' as const, 'deaf' as const, 'mute' as const),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant('disk' as const), ms: fc.constantFrom(0, 50, 800) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('result' as const),
      result: fc.constantFrom('hangs' as const, 'throws' as const, 'jammed' as const),
    }),
  },
);

/** What happened in a run, for the checks. */
interface Record {
  readonly world: DeviceWorld;
  /** Every command that was sent, by number: several may share one. */
  readonly sent: Command[];
  /** First and last uptime at which each hold was seen, by boot. */
  readonly holds: Map<string, Map<number, { first: number; last: number }>>;
  readonly holdMs: Map<string, number>;
}

async function run(steps: readonly Step[]): Promise<Record> {
  const world = new DeviceWorld();
  world.limits = { ...AGENT_LIMITS, frameReportsMax: 4 };
  const record: Record = { world, sent: [], holds: new Map(), holdMs: new Map() };
  await world.boot();
  for (const [index, each] of steps.entries()) await take(record, each, index);
  world.storageMs = 0;
  world.hub.mood = 'ok';
  world.hardware.results.length = 0;
  await world.boot();
  await world.time.pass(4 * AGENT_LIMITS.retryLongestMs, () => observe(record));
  return record;
}

async function take(record: Record, each: Step, index: number): Promise<void> {
  const { world } = record;
  switch (each.type) {
    case 'command':
      await send(record, each, index);
      break;
    case 'again': {
      const command = record.sent[each.which % Math.max(1, record.sent.length)];
      if (command !== undefined) await world.payload(encode(command, 'json'));
      break;
    }
    case 'pass':
      await world.time.pass(each.ms, () => observe(record));
      break;
    case 'use':
      world.hardware.use({ level: each.level }, { endsHold: each.endsHold });
      await quiet();
      break;
    case 'crash':
      if (each.steps === 0) world.crash();
      else world.crashSoon(each.steps);
      break;
    case 'boot':
      await world.boot(each.steps ?? Infinity);
      break;
    case 'mood':
      world.hub.mood = each.mood;
      break;
    case 'disk':
      world.storageMs = each.ms;
      break;
    case 'result':
      world.hardware.results.push(
        each.result === 'jammed' ? { outcome: 'rejected', reason: 'jammed' } : each.result,
      );
      break;
  }
  observe(record);
}

/** Each number is one command, as a twin gives it out; only its epoch differs between the tries. */
async function send(record: Record, each: Extract<Step, { type: 'command' }>, index: number): Promise<void> {
  const { world, sent } = record;
  const status = world.agent?.status();
  const known = sent.find(({ n }) => n === each.n);
  const up = world.upNow;
  const command: Command =
    known === undefined
      ? {
          n: each.n,
          epoch: each.epoch,
          id: `id-${index}`,
          name: each.name,
          args: {},
          ...(each.name !== 'report' && {
            boot: Math.max(0, (status?.boot ?? 0) + each.bootDelta),
            notAfterUp: Math.max(0, up + each.notAfterDelta),
          }),
          ...(each.name === 'reserve' && { holdMs: each.holdMs }),
        }
      : { ...known, epoch: each.epoch };
  sent.push(command);
  if (each.crashSteps !== null) world.crashSoon(each.crashSteps);
  if (command.holdMs !== undefined) record.holdMs.set(command.id, command.holdMs);
  await world.payload(encode(command, 'msgpack'));
}

function observe({ world, holds }: Record): void {
  if (!world.isAlive) return;
  const status = world.agent?.status();
  if (status?.hold === undefined || status.hold === null) return;
  const byBoot = holds.get(status.hold.id) ?? new Map<number, { first: number; last: number }>();
  holds.set(status.hold.id, byBoot);
  const seen = byBoot.get(status.boot) ?? { first: world.upNow, last: world.upNow };
  byBoot.set(status.boot, { first: seen.first, last: world.upNow });
}

// ------------------------------------------------------------------------------------------------------- the checks

function checkExecutions({ world }: Record): void {
  let highestN = 0;
  for (const { command, boot, up, lines, events } of world.hardware.executions) {
    expect(command.n, 'executed once, and never below the highest').toBeGreaterThan(highestN);
    highestN = command.n;
    expect(command.boot, 'executed in its boot').toBe(boot);
    expect(up, 'started within its deadline').toBeLessThanOrEqual(command.notAfterUp ?? 0);
    const known = highestEpochStored(world.events.slice(0, events));
    expect(command.epoch, 'never of a lower epoch').toBeGreaterThanOrEqual(known);
    const memories = world.medium
      .lines()
      .slice(0, lines)
      .map((line) => (readLine(line) as { memory?: DeviceMemory } | null)?.memory)
      .filter((memory) => memory !== undefined);
    expect(memories.at(-1)?.begun?.n, 'stored as begun').toBe(command.n);
  }
}

/** A crash may forget the epoch of a command that nobody was told about. */
function highestEpochStored(events: readonly AgentEvent[]): number {
  let heard = 0;
  let stored = 0;
  for (const event of events) {
    if (event.type === 'command') heard = Math.max(heard, event.command.epoch);
    if (event.type !== 'report') continue;
    if (event.report.seq === 1) heard = stored;
    else stored = heard;
  }
  return stored;
}

function checkHoldsBegin({ world }: Record): void {
  for (const [index, event] of world.events.entries()) {
    if (event.type !== 'command' || event.became !== 'done' || event.command.name !== 'reserve') continue;
    const told = world.events.slice(index).find(({ type }) => type === 'report');
    if (told?.type !== 'report' || told.report.seq === 1) continue;
    expect(told.report.boot, 'begun in its boot').toBe(event.command.boot);
    expect(told.report.up, 'begun within its deadline').toBeLessThanOrEqual(event.command.notAfterUp ?? 0);
  }
}

/** What a report says of a command is true, now and for ever; and so is what follows from its silence. */
function checkStatements({ world, sent }: Record): void {
  const executed = new Set(world.hardware.executions.map(({ command }) => command.n));
  const acting = new Set(['start', 'stop']);
  for (const report of world.hub.reports) {
    for (const { n, outcome, reason } of report.commands ?? []) {
      const command = sent.find((each) => each.n === n);
      if (command === undefined || !acting.has(command.name)) continue;
      if (outcome === 'done') expect(executed, `${n} done`).toContain(n);
      if (outcome === 'rejected') expect(executed, `${n} rejected: ${reason}`).not.toContain(n);
    }
    for (const n of provedNotExecuted(report, sent)) {
      expect(executed, `${n} is passed over by ${report.boot}/${report.seq}`).not.toContain(n);
    }
  }
}

/** The server's rules: what a report proves by not naming a command (see `actors/resolve.ts`). */
function provedNotExecuted(report: Report, sent: readonly Command[]): number[] {
  const ring = report.commands ?? [];
  return sent
    .filter(({ n, boot, notAfterUp }) => {
      if (ring.some((entry) => entry.n === n)) return false;
      if (ring.length >= RING_SIZE_MAX && ring.every((entry) => entry.n > n)) return false;
      if (ring.some((entry) => entry.n > n)) return true;
      if (boot === undefined || notAfterUp === undefined) return false;
      if (report.boot > boot) return ring.some((entry) => entry.n < n);
      return report.boot === boot && report.up > notAfterUp;
    })
    .map(({ n }) => n);
}

function checkHolds({ holds, holdMs }: Record): void {
  for (const [id, byBoot] of holds) {
    const heldMs = [...byBoot.values()].reduce((sum, { first, last }) => sum + (last - first), 0);
    expect(heldMs, `${id} lasts no longer than it was granted for`).toBeLessThanOrEqual(holdMs.get(id) ?? 0);
  }
}

function checkReports({ world }: Record): void {
  const contents = new Map<string, string>();
  for (const report of world.hub.reports) {
    const position = `${report.boot}/${report.seq}`;
    const content = JSON.stringify(report);
    expect(contents.get(position) ?? content, `${position} has one content`).toBe(content);
    contents.set(position, content);
  }
  const made = world.events.filter((event) => event.type === 'report').map(({ report }) => report);
  for (const { boot, seq } of made) {
    expect([...contents.keys()], 'what was made is not lost').toContain(`${boot}/${seq}`);
  }
  expect(world.agent?.status().pending).toBe(0);
}

test('whatever arrives and wherever it crashes, a device keeps the contract', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60 }), async (steps) => {
      const record = await run(steps);
      checkExecutions(record);
      checkHoldsBegin(record);
      checkStatements(record);
      checkHolds(record);
      checkReports(record);
    }),
    { numRuns: 400 },
  );
}, 120_000);

test('within a boot, what was acked is not sent again', async () => {
  const calm = step.filter(
    (each) =>
      each.type !== 'crash' && each.type !== 'boot' && !(each.type === 'command' && each.crashSteps !== null),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(calm, { minLength: 5, maxLength: 40 }), async (steps) => {
      const world = new DeviceWorld();
      const acked = new Set<string>();
      const { publish } = world.hub;
      world.hub.publish = async (payload) => {
        const before = world.hub.frames.length;
        await publish.call(world.hub, payload);
        for (const { boot, seq } of world.hub.frames.slice(before).flat()) {
          expect(acked).not.toContain(`${boot}/${seq}`);
          acked.add(`${boot}/${seq}`);
        }
      };
      const record: Record = { world, sent: [], holds: new Map(), holdMs: new Map() };
      await world.boot();
      for (const [index, each] of steps.entries()) await take(record, each, index);
      world.hub.mood = 'ok';
      await world.time.pass(4 * AGENT_LIMITS.retryLongestMs);
      expect(acked.size).toBeGreaterThan(0);
    }),
    { numRuns: 100 },
  );
}, 60_000);
