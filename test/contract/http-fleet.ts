/**
 * A small fleet with a past, lived through by real twins and committed to a store, for whoever looks at it over HTTP.
 */
import { decide } from '../../actors/decide.ts';
import type { Decision, Input } from '../../actors/decision.ts';
import { bornTwin, type CommandRequest, type Twin } from '../../actors/twin.ts';
import { car } from '../../machines/car.ts';
import { chargePoint } from '../../machines/charge-point.ts';
import type { Kind } from '../../machines/kind.ts';
import { kiosk } from '../../machines/kiosk.ts';
import type { Report } from '../../machines/report.ts';
import { rfc3339 } from '../../src/http/rfc3339.ts';
import type { Store } from '../../src/runtime/ports.ts';
import type { JournalEntry } from '../../src/contract/journal-entry.ts';
import { partitionOf } from '../../src/wire/partition.ts';
import { siteStream } from '../../src/wire/subjects.ts';

/** "Now" of the fleet, and of whoever looks at it. */
export const NOW = Date.UTC(2026, 0, 31, 14);
export const SECOND = 1_000;
export const MINUTE = 60_000;

/** RFC 3339, so many minutes from now. */
export const time = (minutes: number): string => rfc3339(NOW + minutes * MINUTE);

/** What happens to a device; an input may depend on the twin, as an answer does on the number of the question. */
export interface Happening {
  readonly at: number;
  readonly input: Input | ((twin: Twin) => Input);
}

/** A twin at the end of what happened to it, and all that was decided on the way. */
export interface Life {
  readonly kind: Kind;
  readonly twin: Twin;
  readonly decisions: readonly Decision[];
}

/** Lets a twin live through what happens, in the order of the list. */
export function live(
  device: { readonly id: string; readonly kind: Kind; readonly site: string },
  happenings: readonly Happening[],
): Life {
  let twin = bornTwin({ device: device.id, kind: device.kind, site: device.site });
  const decisions = happenings.map(({ at, input }) => {
    const context = { now: at, hearingSince: 0, readThroughAt: 0, epoch: 1, serverErrorMs: 50 };
    const decision = decide(device.kind, twin, typeof input === 'function' ? input(twin) : input, context);
    twin = decision.twin;
    return decision;
  });
  return { kind: device.kind, twin, decisions };
}

/** A report as the hub's stream stored it at `at`. */
export function heard(
  at: number,
  report: Omit<Report, 'sensors'> & Partial<Pick<Report, 'sensors'>>,
): Happening {
  return {
    at,
    input: { type: 'report', report: { sensors: {}, ...report }, receivedAt: at, encoding: 'json' },
  };
}

/** Commits lives, all in one batch. */
export async function commitLives(store: Store, lives: readonly Life[]): Promise<void> {
  const leases = await store.acquire({ node: 'a-node', limit: 32, ttlMs: 60_000, epochAtLeast: Date.now() });
  const numbers = new Map(leases.map(({ partition, journal }) => [partition, journal]));
  const journal = lives.flatMap((life) => journalOf(life, numbers));
  const result = await store.commit({
    partitions: leases.map((lease) => ({
      partition: lease.partition,
      epoch: lease.epoch,
      afterBatch: lease.batch,
      positions: [{ stream: siteStream('depot'), made: null, position: 1 }],
      backlog: lease.backlog,
      journal: numbers.get(lease.partition)!,
      published: lease.published,
    })),
    twins: lives.map(({ twin }) => twin),
    reports: lives.flatMap(({ decisions }) => decisions.flatMap(({ filed }) => filed ?? [])),
    ledger: lives.flatMap(({ decisions }) => [
      ...new Map(decisions.flatMap(({ ledger }) => ledger.map((entry) => [entry.id, entry]))).values(),
    ]),
    journal,
    clocks: lives.flatMap(({ twin, decisions }) => {
      const last = new Map(decisions.flatMap(({ clocks }) => clocks.map((clock) => [clock.boot, clock])));
      return [...last.values()].map((clock) => ({ device: twin.device, clock }));
    }),
  });
  if (result.type !== 'committed') throw new Error(`the fleet was not committed: ${result.type}`);
  await store.release(leases);
}

function journalOf({ twin, decisions }: Life, numbers: Map<number, number>): JournalEntry[] {
  const partition = partitionOf(twin.device);
  const next = (): number => {
    const no = (numbers.get(partition) ?? 0) + 1;
    numbers.set(partition, no);
    return no;
  };
  return decisions.flatMap(({ transitions, outcomes }) => [
    ...transitions.map((transition) => ({ type: 'transition' as const, no: next(), partition, transition })),
    ...outcomes.map((entry) => ({ type: 'outcome' as const, no: next(), partition, entry })),
  ]);
}

const request = (id: string, name: string): CommandRequest => ({
  id,
  name,
  args: {},
  waitUntil: 0,
  ifVersion: null,
  by: 'mara',
  asker: 'nats:backend',
  replyTo: { subject: '_INBOX.nobody', encoding: 'json' },
});

/** The id of the command that cp-001 rejected, and of the one that it has not answered yet. */
export const REJECTED_ID = '0d4fa6ff-6f5b-4d0c-9be8-3d2f4f7f3c11';
export const PENDING_ID = '7a7b0d0e-1f4e-4a7e-8f43-0f5b1c8a9d22';

const bootAt = { three: NOW - 90 * MINUTE, four: NOW - 30 * MINUTE };
const sensors = { cableConnected: true, carPresent: true, meterWh: 12_500, powerW: 7_400 };

/**
 * cp-001 was restarted half an hour ago. Of the boot before, one report came late and one never; it charges, which is proved to be
 * fresh, and of two commands to stop it rejected the first.
 */
const cp001 = live({ id: 'cp-001', kind: chargePoint, site: 'depot' }, [
  heard(bootAt.three, { boot: 3, seq: 1, up: 0, state: 'available', firmware: '2.0' }),
  heard(bootAt.three + 10 * MINUTE, {
    boot: 3,
    seq: 2,
    up: 10 * MINUTE,
    state: 'available',
    firmware: '2.0',
  }),
  heard(bootAt.three + 40 * MINUTE, {
    boot: 3,
    seq: 5,
    up: 40 * MINUTE,
    state: 'available',
    firmware: '2.0',
  }),
  heard(bootAt.four, { boot: 4, seq: 1, up: 0, state: 'available', firmware: '2.1' }),
  heard(bootAt.four + 10 * MINUTE, {
    boot: 4,
    seq: 2,
    up: 10 * MINUTE,
    state: 'charging',
    sensors,
    firmware: '2.1',
  }),
  heard(bootAt.four + 11 * MINUTE, { boot: 3, seq: 3, up: 20 * MINUTE, state: 'charging', firmware: '2.0' }),
  { at: NOW - 15 * MINUTE, input: { type: 'command', request: request(REJECTED_ID, 'stop'), known: null } },
  answered(NOW - 15 * MINUTE + SECOND, (n) => ({
    boot: 4,
    seq: 3,
    up: 15 * MINUTE + SECOND,
    state: 'charging',
    sensors,
    firmware: '2.1',
    commands: [{ n, outcome: 'rejected', reason: 'busy' }],
  })),
  heard(NOW - 2 * SECOND, {
    boot: 4,
    seq: 4,
    up: 30 * MINUTE - 2 * SECOND,
    state: 'charging',
    sensors,
    firmware: '2.1',
  }),
  { at: NOW - SECOND, input: { type: 'command', request: request(PENDING_ID, 'stop'), known: null } },
]);

function answered(at: number, answer: (n: number) => Report): Happening {
  return {
    at,
    input: ({ open, probe }) => {
      const report = answer(open.at(-1)?.n ?? probe!.n);
      return { type: 'report', report, receivedAt: at, encoding: 'json' };
    },
  };
}

/** Heard a while ago, and never asked: nothing bounds the age of what it said. */
const cp002 = live({ id: 'cp-002', kind: chargePoint, site: 'depot' }, [
  {
    ...heard(NOW - 2 * MINUTE, {
      boot: 1,
      seq: 1,
      up: 5 * MINUTE,
      state: 'available',
      firmware: '2.0',
      commands: [],
    }),
  },
]);

/** Silent for a day. */
const car001 = live({ id: 'car-001', kind: car, site: 'harbour' }, [
  heard(NOW - 1_440 * MINUTE, { boot: 9, seq: 1, up: 0, state: 'rented', sensors: { ignitionOn: true } }),
  { at: NOW - 1_000 * MINUTE, input: { type: 'wake' } },
]);

/** Says itself that it must not be used. */
const kiosk001 = live({ id: 'kiosk-001', kind: kiosk, site: 'harbour' }, [
  heard(NOW - MINUTE, { boot: 1, seq: 1, up: 0, state: 'out-of-service', firmware: '0.9' }),
]);

/** The fleet, in no order. */
export const fleet: readonly Life[] = [kiosk001, cp002, car001, cp001];
