/**
 * What a runtime gives to a store, made up: twins, reports, ledger entries and journal lines of devices in a known partition.
 */
import fc from 'fast-check';
import type { BootClock } from '../../actors/clock.ts';
import type { FiledReport } from '../../actors/decision.ts';
import type { DeadLetter } from '../../src/contract/dead-letter.ts';
import type { Forgetting, JournalEntry, Transition } from '../../src/contract/journal-entry.ts';
import type { LedgerEntry } from '../../src/contract/ledger-entry.ts';
import { bornTwin, type Twin } from '../../actors/twin.ts';
import { chargePoint } from '../../machines/charge-point.ts';
import type { Report } from '../../machines/report.ts';
import type {
  Commit,
  InventoryEntry,
  Lease,
  PartitionAdvance,
  Store,
  StreamPosition,
} from '../../src/runtime/ports.ts';
import { partitionOf } from '../../src/wire/partition.ts';
import { siteStream } from '../../src/wire/subjects.ts';

/** A time in the year 2026, ms epoch. */
export const T0 = Date.UTC(2026, 0, 31, 12);

/** The first `count` ids that begin with `prefix` and lie in `partition`. */
export function devicesIn(partition: number, count: number, prefix = 'cp-'): readonly [string, ...string[]] {
  const found: string[] = [];
  for (let number = 1; found.length < count; number += 1) {
    const device = `${prefix}${String(number)}`;
    if (partitionOf(device) === partition) found.push(device);
  }
  return found as [string, ...string[]];
}

/** A report; `up` follows from `seq`, one a second. */
export function report(
  seq: number,
  change: Partial<Report> & Readonly<Record<string, unknown>> = {},
): Report {
  return { boot: 1, seq, up: seq * 1000, state: 'available', sensors: { hatch: false }, ...change };
}

/** The clock of a boot, or of a segment of one: with these bounds, and otherwise as most are. */
export function bootClock(
  bounds: Pick<BootClock, 'boot' | 'latest'> & Partial<Omit<BootClock, 'agreed'>>,
): BootClock {
  const { earliest = null } = bounds;
  return {
    incarnation: 1,
    fromSeq: 0,
    untilSeq: null,
    brokenAt: null,
    beganUp: 0,
    crossings: 0,
    lag: null,
    endedUp: null,
    lastLate: null,
    notBefore: null,
    ...bounds,
    earliest,
    agreed: earliest && { fromUp: earliest.up, toUp: earliest.up, slowestMs: 20 },
  };
}

/** A twin that was heard once: measured at T0 + 1 s, and received then. */
export function twin(device: string, change: Partial<Twin> = {}): Twin {
  const newest = report(1, { firmware: '4.2.1' });
  return {
    ...bornTwin({ device, kind: chargePoint, site: 'depot' }),
    version: 1,
    path: 'available',
    since: T0 + 1000,
    lastContactAt: T0 + 1000.25,
    newest: {
      boot: 1,
      seq: 1,
      up: 1000,
      receivedAt: T0 + 1000.25,
      at: null,
      report: newest,
    },
    encoding: 'json',
    clock: bootClock({ boot: 1, latest: { up: 1000, at: T0 + 1000.25 } }),
    sequence: { ranges: [1, 1, 1], floorBoot: 0, closedMissing: 0, late: 0, duplicates: 0 },
    ...change,
  };
}

/** A report as filed. */
export function filed(device: string, of: Report, change: Partial<FiledReport> = {}): FiledReport {
  const receivedAt = T0 + of.up;
  return {
    device,
    incarnation: 1,
    report: of,
    receivedAt,
    measuredAt: receivedAt,
    errorMs: null,
    disposition: 'latest',
    ...change,
  };
}

/** A ledger entry that is pending. */
export function entry(device: string, change: Partial<LedgerEntry> = {}): LedgerEntry {
  return {
    device,
    id: 'e5f0c3a8-0000-4000-8000-000000000001',
    n: 1,
    name: 'reserve',
    args: { minutes: 5 },
    by: 'mara',
    asker: 'nats:backend',
    epoch: 1,
    incarnation: 1,
    boot: 1,
    notAfterUp: 9000.5,
    holdMs: 300_000,
    acceptedAt: T0,
    sentAt: T0 + 0.125,
    certainAt: T0 + 5000,
    outcome: 'pending',
    reason: null,
    proof: null,
    decidedAt: null,
    closedAt: null,
    compensatedBy: 'release',
    ...change,
  };
}

/** A transition that rests on a report. */
export function transition(device: string, change: Partial<Transition> = {}): Transition {
  return {
    device,
    from: 'offline',
    to: 'available',
    cause: { type: 'report', detail: 'report 1/1 says available' },
    measuredAt: T0 + 1000.5,
    errorMs: 2.5,
    recordedAt: T0 + 1002,
    version: 1,
    incarnation: 1,
    boot: 1,
    seq: 1,
    ...change,
  };
}

/** A message that could not be read. */
export function deadLetter(partition: number, change: Partial<DeadLetter> = {}): DeadLetter {
  return {
    partition,
    site: 'depot',
    device: 'cp-1',
    stream: siteStream('depot'),
    sequence: 77,
    receivedAt: T0,
    reason: 'bad-report',
    detail: 'seq is not a number',
    bytes: 12,
    ...change,
  };
}

/** Journal lines of a partition, numbered from `first`. */
export function lines(
  partition: number,
  first: number,
  ...of: readonly (Transition | LedgerEntry | DeadLetter)[]
): readonly JournalEntry[] {
  return of.map((line, index) => {
    const where = { partition, no: first + index };
    if ('cause' in line) return { ...where, type: 'transition', transition: line };
    return 'outcome' in line
      ? { ...where, type: 'outcome', entry: line }
      : { ...where, type: 'dead-letter', deadLetter: line };
  });
}

/** A place in the stream of a site. */
export function at(position: number, site = 'depot'): StreamPosition {
  return { stream: siteStream(site), made: `the stream of ${site}`, position };
}

function positionOf({ positions }: Lease): number {
  return positions.find(({ stream }) => stream === siteStream('depot'))?.position ?? 0;
}

/** How far a batch moves a lease: one message of the depot further, unless `change` says otherwise. */
export function advance(lease: Lease, change: Partial<PartitionAdvance> = {}): PartitionAdvance {
  const { partition, epoch, batch, backlog, journal, published } = lease;
  const next = { positions: [at(positionOf(lease) + 1)], backlog, journal, published };
  return { partition, epoch, afterBatch: batch, ...next, ...change };
}

/** The lease as the next batch finds it. */
export function advanced(lease: Lease, to: PartitionAdvance = advance(lease)): Lease {
  const { positions: moved, journal, published, afterBatch } = to;
  const backlog = to.backlog ?? lease.backlog;
  const others = lease.positions.filter(({ stream }) => moved.every((one) => one.stream !== stream));
  const positions = [...others, ...moved];
  return { ...lease, positions, backlog, journal, published, batch: afterBatch + 1 };
}

/** A commit that writes what is given, and nothing else. */
export function commitOf(partitions: readonly PartitionAdvance[], change: Partial<Commit> = {}): Commit {
  return { partitions, twins: [], reports: [], ledger: [], journal: [], clocks: [], ...change };
}

// ------------------------------------------------------------------------------------------------------- any twin

/** Text as it comes out of the codec: anything but NUL and lone surrogates. */
const text = fc.string({ unit: 'grapheme', maxLength: 20 }).map((value) => value.replaceAll('\0', ' '));
const uint = fc.oneof(fc.nat(), fc.constant(Number.MAX_SAFE_INTEGER), fc.maxSafeNat());
const time = fc.oneof(
  fc.double({ min: 0, max: 4e12, noNaN: true }).map(zero),
  fc.constantFrom(T0, T0 + 0.123, -6.2e13, 9.007e15, 1e300),
);
/** Plain JSON data: what is written as JSON comes back equal. */
const json = fc.jsonValue({ stringUnit: 'grapheme', maxDepth: 5 }).map(storable);
const map = fc.dictionary(text, json, { maxKeys: 6 }).map(storable) as fc.Arbitrary<Record<string, unknown>>;
const orNull = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(arbitrary, { nil: null });

/** JSON knows no -0, Postgres no NUL, and no payload a key named `__proto__` (`src/wire/codec.ts`). */
function storable(value: unknown): unknown {
  const text = JSON.stringify(value).replaceAll('\\u0000', ' ').replaceAll('__proto__', '__');
  return JSON.parse(text) as unknown;
}

function zero(value: number): number {
  return value === 0 ? 0 : value;
}

const anchor = fc.record({ up: uint, at: time });
const clock = fc.record({
  incarnation: fc.nat(),
  boot: uint,
  fromSeq: uint,
  untilSeq: orNull(uint),
  brokenAt: orNull(time),
  beganUp: uint,
  latest: anchor,
  earliest: orNull(anchor),
  crossings: fc.nat(),
  agreed: orNull(fc.record({ fromUp: uint, toUp: uint, slowestMs: time })),
  lag: orNull(fc.record({ since: time, soonest: anchor })),

  endedUp: orNull(uint),
  lastLate: orNull(fc.record({ seq: uint, up: uint, fromSeq: uint })),
  notBefore: orNull(time),
});
const sequence = fc.record({
  ranges: fc.array(uint, { maxLength: 9 }),
  floorBoot: uint,
  closedMissing: uint,
  late: uint,
  duplicates: uint,
});
const former = fc.record({
  incarnation: fc.nat(),
  boot: uint,
  seq: uint,
  provedBy: uint,
  endedAt: time,
  clock,
  sequence,
});

const anyRun = fc.record({ boot: uint, seq: uint, up: uint, since: time, sinceUp: uint });

const anyEntry = (device: string): fc.Arbitrary<LedgerEntry> =>
  fc
    .tuple(entryWithoutEnds(device), fc.option(text, { nil: undefined }))
    .map(([entry, ends]) => (ends === undefined ? entry : { ...entry, ends }));

const entryWithoutEnds = (device: string): fc.Arbitrary<Omit<LedgerEntry, 'ends'>> =>
  fc.record({
    device: fc.constant(device),
    id: fc.uuid(),
    n: uint,
    name: text,
    args: map,
    by: orNull(text),
    asker: orNull(text),
    epoch: uint,
    incarnation: fc.nat(),
    boot: orNull(uint),
    notAfterUp: orNull(time),
    holdMs: orNull(time),
    acceptedAt: time,
    sentAt: time,
    certainAt: time,
    reason: orNull(text),
    proof: orNull(text),
    outcome: fc.constantFrom('pending', 'done', 'rejected', 'expired', 'unknown'),
    decidedAt: orNull(time),
    closedAt: orNull(time),
    compensatedBy: orNull(text),
  });

const anyReport: fc.Arbitrary<Report> = fc
  .tuple(
    map,
    fc.record({ boot: uint, seq: uint, up: uint, state: text, sensors: map, at: time, firmware: text }),
  )
  .map(([unknownFields, known]) => ({ ...unknownFields, ...known }));

const anyNewest = anyReport.chain((of) =>
  fc.record({
    boot: fc.constant(of.boot),
    seq: fc.constant(of.seq),
    up: fc.constant(of.up),
    receivedAt: time,
    at: orNull(time),
    report: fc.constant(of),
  }),
);

const anyRequest = fc.record({
  id: fc.uuid(),
  name: text,
  args: map,
  waitUntil: time,
  ifVersion: orNull(uint),
  by: orNull(text),
  asker: orNull(text),
  replyTo: fc.record({ subject: text, encoding: fc.constantFrom('json', 'msgpack') }),
});

/** Any twin of a device that the types allow, however unlikely. */
export const anyTwin = (device: string): fc.Arbitrary<Twin> =>
  fc.record({
    device: fc.constant(device),
    kind: text,
    site: text,
    version: uint,
    path: text,
    since: orNull(time),
    lastContactAt: orNull(time),
    incarnation: fc.nat(),
    newest: orNull(anyNewest),
    encoding: orNull(fc.constantFrom('json' as const, 'msgpack' as const)),
    clock: orNull(clock),
    olderClocks: fc.array(clock, { maxLength: 3 }),
    sequence,
    lastN: uint,
    open: fc.array(anyEntry(device), { maxLength: 2 }),
    recent: fc.array(anyEntry(device), { maxLength: 2 }),
    probe: orNull(
      fc.record({
        n: uint,
        sentAt: time,
        lastAskedAt: time,
        waitsUntil: orNull(time),
        status: fc.constantFrom('unanswered', 'missed', 'answered'),
      }),
    ),
    ignoredCommands: fc.nat(),
    identity: orNull(
      fc.record({
        rivalAt: orNull(time),
        contestedN: uint,
        uncertainBoots: fc.array(uint, { maxLength: 4 }),
        previousIncarnations: fc.array(former, { maxLength: 4 }),
        run: orNull(anyRun),
        second: orNull(anyRun),
      }),
    ),
    claim: orNull(
      fc.record({ boot: uint, seq: uint, up: uint, receivedAt: time, since: time, seen: sequence, clock }),
    ),
    waiting: fc.array(anyRequest, { maxLength: 2 }),
    via: orNull(
      fc.record({
        id: text,
        session: uint,
        since: orNull(time),
        doubt: fc.constantFrom('away', 'back', 'session', 'replay', null),
        said: fc.array(fc.record({ content: text, at: time }), { maxLength: 4 }),
      }),
    ),
    replayedAt: orNull(time),
    first: orNull(fc.record({ boot: uint, seq: uint, up: uint, content: text })),
    hold: orNull(fc.record({ id: text, by: orNull(text), since: time, until: time, certainUntil: time })),
    suspicions: fc.array(fc.record({ reason: text, since: time, detail: text }), { maxLength: 2 }),
    desired: fc.record({ version: uint, values: map }),
  });

/** Everything a store tells the owner of a partition: its twins, made of what it told, and the devices never heard. */
export async function loaded(
  store: Store,
  partition: number,
): Promise<{
  readonly twins: readonly Twin[];
  readonly unheard: readonly InventoryEntry[];
  readonly forgotten?: readonly Forgetting[];
}> {
  const twins: Twin[] = [];
  const unheard: InventoryEntry[] = [];
  const forgotten: Forgetting[] = [];
  await store.load([partition], {
    twin: ({ device, bytes }) => twins.push(store.unpackTwin(device, bytes)),
    registered: (entry) => unheard.push(entry),
    forgotten: (forgetting) => forgotten.push(forgetting),
  });
  return forgotten.length === 0 ? { twins, unheard } : { twins, unheard, forgotten };
}
