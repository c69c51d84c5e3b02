/**
 * The part of a twin that has no column of its own, and its times without rounding, as compact bytes: one byte that tells
 * the version, one that tells whether anything is awaited, then a MessagePack list whose places have a meaning (names would cost more than the values).
 *
 * Invariant: I1  what is written comes back equal, for every twin; a version that is not known is refused, never guessed at.
 */
import { Packr, Unpackr } from 'msgpackr';
import type { LedgerEntry } from '../contract/ledger-entry.ts';
import type { SequenceSet } from '../../actors/sequence.ts';
import type {
  Claim,
  CommandRequest,
  FirstReport,
  PreviousIncarnation,
  Identity,
  NewestReport,
  OlderRun,
  Probe,
  Twin,
} from '../../actors/twin.ts';
import { type ClockPlaces, clockPlaces, readClock } from './clock-places.ts';

/**
 * Raised with every change of the places below; older versions must then still be read. 2: `compensatedBy`, `lastAskedAt`; 3: the
 * byte that tells whether anything is awaited; 4: earlier lines of a device; 5: the boot of a stray; 6: boots of strays; 7: who asked;
 * 8: what leaps and is not believed; 9: what goes on though it looks older; 10: segments of a boot's clock; 11: what a command ends;
 * 12: when a source was seen to play again what was said before; 13: what goes on beside newer reports; 14: what a second device may have
 * executed; 15: what late reports are compared with; 16: the first report of a boot; 17: the encoding where nothing was heard of the incarnation.
 */
const VERSION = 17;
const OLDEST_VERSION = 1;
const LAST_VERSION_OF_ONE_BYTE = 2;
const NOTHING_AWAITED = 0;
const SOMETHING_AWAITED = 1;

/** What a snapshot holds. */
export interface Snapshot extends Pick<
  Twin,
  | 'since'
  | 'encoding'
  | 'lastContactAt'
  | 'clock'
  | 'olderClocks'
  | 'sequence'
  | 'lastN'
  | 'open'
  | 'recent'
  | 'probe'
  | 'waiting'
  | 'ignoredCommands'
  | 'identity'
  | 'claim'
  | 'replayedAt'
  | 'first'
> {
  readonly newest: Pick<NewestReport, 'receivedAt' | 'at'> | null;
}

/** A snapshot of a version that this version of Corral does not read. */
export class SnapshotError extends Error {
  override readonly name = 'SnapshotError';
}

type SequencePlaces = readonly [
  ranges: readonly number[],
  floorBoot: number,
  closedMissing: number,
  late: number,
  duplicates: number,
];
/** Arguments are kept as JSON: whatever keys a caller thought of come back as they were. */
type EntryPlaces = readonly [
  id: string,
  n: number,
  name: string,
  args: string,
  by: string | null,
  epoch: number,
  incarnation: number,
  boot: number | null,
  notAfterUp: number | null,
  holdMs: number | null,
  acceptedAt: number,
  sentAt: number,
  certainAt: number,
  outcome: LedgerEntry['outcome'],
  reason: string | null,
  proof: string | null,
  decidedAt: number | null,
  closedAt: number | null,
  /** Not there before version 2. */
  compensatedBy?: string | null,
  /** Not there before version 7. */
  asker?: string | null,
  /** Not there before version 11, nor where there is none. */
  ends?: string,
];
type RequestPlaces = readonly [
  id: string,
  name: string,
  args: string,
  waitUntil: number,
  ifVersion: number | null,
  by: string | null,
  subject: string,
  encoding: CommandRequest['replyTo']['encoding'],
  /** Not there before version 7. */
  asker?: string | null,
];
type ProbePlaces = readonly [
  n: number,
  sentAt: number,
  waitsUntil: number | null,
  status: Probe['status'],
  /** Not there before version 2. */
  lastAskedAt?: number,
];
type PreviousPlaces = readonly [
  incarnation: number,
  boot: number,
  seq: number,
  provedBy: number,
  endedAt: number,
  clock: ClockPlaces,
  sequence: SequencePlaces,
];
type IdentityPlaces = readonly [
  rivalAt: number | null,
  last: PreviousPlaces | null,
  /** Not there before version 4. */
  earlier?: readonly PreviousPlaces[],
  /** Not there before version 5; one or none before version 6. */
  strayBoots?: readonly number[] | number | null,
  /** Not there before version 9, nor where nothing goes on. */
  run?: RunPlaces | null,
  /** Not there before version 13, nor where nothing does. */
  second?: RunPlaces | null,
  /** Not there before version 14, nor where no second device may have executed anything. */
  contestedN?: number,
];
type RunPlaces = readonly [boot: number, seq: number, up: number, since: number, sinceUp: number];
type ClaimPlaces = readonly [
  boot: number,
  seq: number,
  up: number,
  receivedAt: number,
  since: number,
  seen: SequencePlaces,
  clock: ClockPlaces,
];
type NewestPlaces = readonly [receivedAt: number, at: number | null, encoding: Twin['encoding']];
type SnapshotPlaces = readonly [
  since: number | null,
  lastContactAt: number | null,
  newest: NewestPlaces | Twin['encoding'],
  clock: ClockPlaces | null,
  olderClocks: readonly ClockPlaces[],
  sequence: SequencePlaces,
  lastN: number,
  open: readonly EntryPlaces[],
  recent: readonly EntryPlaces[],
  probe: ProbePlaces | null,
  waiting: readonly RequestPlaces[],
  unheard: number,
  identity: IdentityPlaces | null,
  /** Not there before version 8, nor where nothing is claimed. */
  claim?: ClaimPlaces | null,
  /** Not there before version 12, nor where it never was. */
  replayedAt?: number | null,
  /** Not there before version 16, nor where none is kept. */
  first?: FirstPlaces,
];
type FirstPlaces = readonly [boot: number, seq: number, up: number, content: string];

const packr = new Packr({ useRecords: false });
const unpackr = new Unpackr({ useRecords: false });

/** Writes a snapshot. */
export function encodeSnapshot(snapshot: Snapshot): Uint8Array {
  const { newest, encoding, clock, probe, identity } = snapshot;
  const places: SnapshotPlaces = [
    snapshot.since,
    snapshot.lastContactAt,
    newest === null ? encoding : [newest.receivedAt, newest.at, encoding],
    clock && clockPlaces(clock),
    snapshot.olderClocks.map(clockPlaces),
    sequencePlaces(snapshot.sequence),
    snapshot.lastN,
    snapshot.open.map(entryPlaces),
    snapshot.recent.map(entryPlaces),
    probe && [probe.n, probe.sentAt, probe.waitsUntil, probe.status, probe.lastAskedAt],
    snapshot.waiting.map(requestPlaces),
    snapshot.ignoredCommands,
    identity && identityPlaces(identity),
  ];
  const packed = packr.pack(withRarePlaces(places, snapshot));
  const bytes = Buffer.allocUnsafe(packed.length + 2);
  const isAwaiting = snapshot.open.length > 0 || (probe !== null && probe.waitsUntil !== null);
  bytes[0] = VERSION;
  bytes[1] = isAwaiting ? SOMETHING_AWAITED : NOTHING_AWAITED;
  bytes.set(packed, 2);
  return bytes;
}

/** What hardly any twin has takes no bytes of the others. */
function withRarePlaces(
  places: SnapshotPlaces,
  { claim, replayedAt, first }: Pick<Snapshot, 'claim' | 'replayedAt' | 'first'>,
): readonly unknown[] {
  if (first !== null) return [...places, claim && claimPlaces(claim), replayedAt, firstPlaces(first)];
  if (replayedAt !== null) return [...places, claim && claimPlaces(claim), replayedAt];
  return claim === null ? places : [...places, claimPlaces(claim)];
}

/**
 * False when the snapshot of a device is of a twin that certainly awaits neither an answer nor the end of a command; told
 * without reading it. Throws a {@link SnapshotError} when its version is not known here.
 */
export function isAwaiting(device: string, bytes: Uint8Array): boolean {
  return versionOf(device, bytes) <= LAST_VERSION_OF_ONE_BYTE || bytes[1] !== NOTHING_AWAITED;
}

function versionOf(device: string, bytes: Uint8Array): number {
  const version = bytes[0] ?? 0;
  if (version >= OLDEST_VERSION && version <= VERSION) return version;
  throw new SnapshotError(
    `the snapshot of ${device} is of version ${String(version)}; this version of Corral reads ${String(OLDEST_VERSION)} to ${String(VERSION)}`,
  );
}

/** Reads the snapshot of a device. Throws a {@link SnapshotError} when its version is not known here. */
export function decodeSnapshot(device: string, bytes: Uint8Array): Snapshot {
  const from = versionOf(device, bytes) <= LAST_VERSION_OF_ONE_BYTE ? 1 : 2;
  const places = unpackr.unpack(bytes.subarray(from)) as SnapshotPlaces;
  const [since, lastContactAt, newest, clock, olderClocks, sequence, lastN, open, recent, ...rest] = places;
  const [probe, waiting, ignoredCommands, identity, claim = null, replayedAt = null, ...last] = rest;
  const [first = null] = last;
  return {
    since,
    lastContactAt,
    newest: isNewest(newest) ? { receivedAt: newest[0], at: newest[1] } : null,
    encoding: isNewest(newest) ? newest[2] : newest,
    clock: clock && readClock(clock),
    olderClocks: olderClocks.map(readClock),
    sequence: readSequence(sequence),
    lastN,
    open: open.map((entry) => readEntry(device, entry)),
    recent: recent.map((entry) => readEntry(device, entry)),
    probe: probe && readProbe(probe),
    waiting: waiting.map(readRequest),
    ignoredCommands,
    identity: identity && readIdentity(identity),
    claim: claim && readClaim(claim),
    replayedAt,
    first: first && readFirst(first),
  };
}

function isNewest(places: SnapshotPlaces[2]): places is NewestPlaces {
  return typeof places === 'object' && places !== null;
}

function sequencePlaces({ ranges, floorBoot, closedMissing, late, duplicates }: SequenceSet): SequencePlaces {
  return [ranges, floorBoot, closedMissing, late, duplicates];
}

function readSequence([ranges, floorBoot, closedMissing, late, duplicates]: SequencePlaces): SequenceSet {
  return { ranges, floorBoot, closedMissing, late, duplicates };
}

function entryPlaces(entry: LedgerEntry): EntryPlaces {
  const places = [
    entry.id,
    entry.n,
    entry.name,
    JSON.stringify(entry.args),
    entry.by,
    entry.epoch,
    entry.incarnation,
    entry.boot,
    entry.notAfterUp,
    entry.holdMs,
    entry.acceptedAt,
    entry.sentAt,
    entry.certainAt,
    entry.outcome,
    entry.reason,
    entry.proof,
    entry.decidedAt,
    entry.closedAt,
    entry.compensatedBy,
    entry.asker,
  ] as const;
  return entry.ends === undefined ? places : [...places, entry.ends];
}

function readEntry(device: string, places: EntryPlaces): LedgerEntry {
  const [id, n, name, args, by, epoch, incarnation, boot, notAfterUp, holdMs, ...rest] = places;
  const [acceptedAt, sentAt, certainAt, outcome, reason, proof, ...last] = rest;
  const [decidedAt, closedAt, compensatedBy = null, asker = null, ends] = last;
  return {
    device,
    id,
    n,
    name,
    args: JSON.parse(args) as LedgerEntry['args'],
    by,
    asker,
    epoch,
    incarnation,
    boot,
    notAfterUp,
    holdMs,
    acceptedAt,
    sentAt,
    certainAt,
    outcome,
    reason,
    proof,
    decidedAt,
    closedAt,
    compensatedBy,
    ...(ends !== undefined && { ends }),
  };
}

function readProbe([n, sentAt, waitsUntil, status, lastAskedAt = sentAt]: ProbePlaces): Probe {
  return { n, sentAt, lastAskedAt, waitsUntil, status };
}

function identityPlaces(identity: Identity): IdentityPlaces {
  const { rivalAt, contestedN, uncertainBoots, previousIncarnations, run, second } = identity;
  const [last = null, ...earlier] = previousIncarnations.map(previousPlaces);
  const running = run && runPlaces(run);
  const beside = second && runPlaces(second);
  if (contestedN > 0) return [rivalAt, last, earlier, uncertainBoots, running, beside, contestedN];
  if (beside !== null) return [rivalAt, last, earlier, uncertainBoots, running, beside];
  return running === null
    ? [rivalAt, last, earlier, uncertainBoots]
    : [rivalAt, last, earlier, uncertainBoots, running];
}

function runPlaces({ boot, seq, up, since, sinceUp }: OlderRun): RunPlaces {
  return [boot, seq, up, since, sinceUp];
}

function previousPlaces(former: PreviousIncarnation): PreviousPlaces {
  const { incarnation, boot, seq, provedBy, endedAt, clock, sequence } = former;
  return [incarnation, boot, seq, provedBy, endedAt, clockPlaces(clock), sequencePlaces(sequence)];
}

function readIdentity(places: IdentityPlaces): Identity {
  const [rivalAt, last, earlier = [], strays = null, run = null, ...rest] = places;
  const [second = null, contestedN = 0] = rest;
  const uncertainBoots = strays === null ? [] : [strays].flat();
  const previousIncarnations = last === null ? [] : [last, ...earlier].map(readPrevious);
  const runs = { run: run && readRun(run), second: second && readRun(second) };
  return { rivalAt, contestedN, uncertainBoots, previousIncarnations, ...runs };
}

function readRun([boot, seq, up, since, sinceUp]: RunPlaces): OlderRun {
  return { boot, seq, up, since, sinceUp };
}

function readPrevious(places: PreviousPlaces): PreviousIncarnation {
  const [incarnation, boot, seq, provedBy, endedAt, clock, sequence] = places;
  const ended = { clock: readClock(clock), sequence: readSequence(sequence) };
  return { incarnation, boot, seq, provedBy, endedAt, ...ended };
}

function claimPlaces({ boot, seq, up, receivedAt, since, seen, clock }: Claim): ClaimPlaces {
  return [boot, seq, up, receivedAt, since, sequencePlaces(seen), clockPlaces(clock)];
}

function readClaim([boot, seq, up, receivedAt, since, seen, clock]: ClaimPlaces): Claim {
  return { boot, seq, up, receivedAt, since, seen: readSequence(seen), clock: readClock(clock) };
}

function firstPlaces({ boot, seq, up, content }: FirstReport): FirstPlaces {
  return [boot, seq, up, content];
}

function readFirst([boot, seq, up, content]: FirstPlaces): FirstReport {
  return { boot, seq, up, content };
}

function requestPlaces(request: CommandRequest): RequestPlaces {
  const { id, name, args, waitUntil, ifVersion, by, asker, replyTo } = request;
  const { subject, encoding } = replyTo;
  return [id, name, JSON.stringify(args), waitUntil, ifVersion, by, subject, encoding, asker];
}

function readRequest(places: RequestPlaces): CommandRequest {
  const [id, name, args, waitUntil, ifVersion, by, subject, encoding, asker = null] = places;
  return {
    id,
    name,
    args: JSON.parse(args) as CommandRequest['args'],
    waitUntil,
    ifVersion,
    by,
    asker,
    replyTo: { subject, encoding },
  };
}
