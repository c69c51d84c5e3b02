import type { CommandSpec } from '../../../machines/command.ts';
import type { Kind } from '../../../machines/kind.ts';
import { REPORT } from '../../../machines/probe.ts';
import { ABANDON, RENEW_IDENTITY } from '../../../machines/common-commands.ts';
import type { LedgerEntry } from '../../../src/contract/ledger-entry.ts';
import type { TwinDocument } from '../../../src/contract/twin-document.ts';
import { versionAfter } from '../../../actors/numbers.ts';
import { OPEN_MAX, WAITING_MAX } from '../../../actors/prospect.ts';
import type { Twin } from '../../../actors/twin.ts';
import { partitionOf } from '../../../src/wire/partition.ts';
import type { ReadingRecord, Said } from '../record.ts';
import type { Evidence } from '../world/evidence.ts';
import { type Checker, type Flaw, grouped, isHeldAt, short } from './checker.ts';

/** What a node has read, or found of its clock, counts in what it says within this, ms. */
const LEARNT_WITHIN_MS = 60_000;
/** Refusals for how the twin is; the others are for what was asked, or for what time alone changes. */
const FOR_HOW_IT_IS: readonly unknown[] = ['illegal-state', 'suspect', 'offline', 'pending', 'overloaded'];

/** Callers ask for what is allowed, and for nothing else. */
export const allowed: Checker = {
  name: 'allowed',
  sentence:
    'a document allows the commands that its machine takes in its state, but for those that something in it is in the way of, and for as long as nothing changes those are accepted, and no others',
  check: (evidence) => {
    const { record } = evidence;
    const documents = documentsOf(evidence);
    const versions = versionsOf(evidence);
    const beginnings = beginningsOf(evidence);
    const ofDocuments = [...documents.values()]
      .flat()
      .flatMap((one) => wrongIn(one, { versions, beginnings, evidence }));
    const refused = record.said.flatMap((said) => refusedInVain(said, documents, versions));
    return [...ofDocuments, ...refused, ...acceptedInSpite(documents, { beginnings, evidence })];
  },
};

/** A document that a node told, when it was asked for and told. */
interface ToldDocument {
  readonly said: Said;
  readonly document: TwinDocument;
  readonly kind: Kind;
}

/** A version of a twin, and when the store took it. */
interface Version {
  readonly at: number;
  readonly twin: Twin;
}

/** By device. */
type Documents = ReadonlyMap<string, readonly ToldDocument[]>;
type Versions = ReadonlyMap<string, readonly Version[]>;

function documentsOf({ record }: Evidence): Documents {
  const told = record.said.flatMap((said): ToldDocument[] => {
    const { request, body } = said;
    const kind = record.devices.get(request.device)?.kind;
    const isDocument = request.operation === 'get' && body.outcome === undefined && kind !== undefined;
    return isDocument ? [{ said, document: body as unknown as TwinDocument, kind }] : [];
  });
  return grouped(told, ({ document }) => document.device);
}

function versionsOf({ record }: Evidence): Versions {
  const all = record.commits.flatMap(({ at, commit }) => commit.twins.map((twin) => ({ at, twin })));
  return grouped(all, ({ twin }) => twin.device);
}

// ------------------------------------------------------------------------------------------------------- one document

function wrongIn(
  { document, kind, said }: ToldDocument,
  {
    versions,
    beginnings,
    evidence,
  }: { readonly versions: Versions; readonly beginnings: Beginnings; readonly evidence: Evidence },
): readonly Flaw[] {
  const { device, version, path } = document;
  const twin = versions.get(device)?.findLast((one) => one.twin.version === version)?.twin;
  const isKept = mayKeepToItself(said, beginnings, evidence);
  return Object.entries(kind.commands).flatMap(([name, spec]): Flaw[] => {
    const isAllowed = document.allowed.includes(name);
    const isTaken = kind.chart.accepts(path, `command.${name}`);
    const flaw = (text: string): Flaw[] => [
      { at: said.at, device, text: `${said.node} says of version ${version}, ${path}: ${text}` },
    ];
    if (isAllowed && !isTaken) return flaw(`${name} is allowed, which its machine does not take`);
    const obstacle = isTaken ? obstacleIn(document, name, spec) : null;
    if (isAllowed && obstacle !== null) return flaw(`${name} is allowed, and ${obstacle}`);
    if (isAllowed && name !== REPORT && isUnread(said, evidence))
      return flaw(`${name} is allowed, and what the hub had stored is not read yet`);
    const isLeftOut = !isAllowed && isTaken && obstacle === null && !isKept;
    if (!isLeftOut || mayBeLeftOut(twin, name, spec)) return [];
    return flaw(`${name} is not allowed, and nothing is in its way`);
  });
}

/** What the document itself shows to be in the way of a command that its machine takes; `null`: nothing. */
function obstacleIn(document: TwinDocument, name: string, spec: CommandSpec): string | null {
  const { pending, suspicions, via, sequence } = document;
  if (spec.decidedBy === 'twin')
    return name === ABANDON || suspicions.length > 0 || name === RENEW_IDENTITY
      ? null
      : 'nothing is in doubt';
  const isUnderWay = pending.some(
    (one) => one.undecided === true || (one.outcome === 'pending' && one.name !== REPORT),
  );
  if (isUnderWay) return 'another command is under way';
  if (spec.startWindowMs === null) return null;
  if (via?.doubt === 'away' || via?.doubt === 'replay') return 'who speaks for it is not to be trusted';
  return sequence.boot === null ? 'nothing was heard of it' : null;
}

/** What is in the way besides, and stands in no document. */
function mayBeLeftOut(twin: Twin | undefined, name: string, { decidedBy }: CommandSpec): boolean {
  if (name === RENEW_IDENTITY || name === ABANDON) return true;
  if (decidedBy === 'twin' || twin === undefined) return twin === undefined;
  return twin.open.length >= OPEN_MAX || twin.waiting.length >= WAITING_MAX;
}

/** The node accepts nothing new, or reports alone, whatever its twins say. */
function mayKeepToItself({ node, at }: Said, beginnings: Beginnings, { weather }: Evidence): boolean {
  if (weather.hasWrongClocks) return true;
  return beginnings.some(
    (one) => one.node === node && one.openedAt <= at && one.overAt > at - LEARNT_WITHIN_MS,
  );
}

/** A node that took partitions, from when it began to read until it had decided what the stream held then, or read no more. */
type Beginnings = readonly { readonly node: string; readonly openedAt: number; readonly overAt: number }[];

function beginningsOf(evidence: Evidence): Beginnings {
  return evidence.record.readings.map((reading) => {
    const { node, openedAt, endedAt } = reading;
    return { node, openedAt, overAt: Math.min(decidedThroughAt(reading, evidence), endedAt ?? Infinity) };
  });
}

/** What was read waits to be decided, for minutes where each commit takes seconds: it is decided where a partition stands behind it. */
function decidedThroughAt(reading: ReadingRecord, { record }: Evidence): number {
  const { node, openedAt, readThroughAt, heldAtFirst } = reading;
  if (readThroughAt === null) return Infinity;
  const lost = record.hubLosses.filter(({ at }) => at >= openedAt && at <= readThroughAt);
  const end = Math.min(
    heldAtFirst,
    ...lost.flatMap(({ reports: [first] }) => (first ? [first.sequence - 1] : [])),
  );
  const behind = record.commits.filter(({ commit }) =>
    commit.partitions.some(({ positions }) => positions.some(({ position }) => position >= end)),
  );
  if (behind.some((one) => one.at <= openedAt && isHeldAt(one, openedAt))) return readThroughAt;
  const first = behind.find((one) => one.at >= openedAt && one.node === node);
  return Math.max(readThroughAt, first?.at ?? Infinity);
}

/** No reading of the node has come to where the stream ended when it began. */
function isUnread({ node, at }: Said, { record }: Evidence): boolean {
  const current = record.readings.filter(
    (one) => one.node === node && one.openedAt <= at && (one.endedAt ?? Infinity) > at,
  );
  return current.length > 0 && current.every(({ readThroughAt }) => (readThroughAt ?? Infinity) > at);
}

// ------------------------------------------------------------------------------------------------ what came of asking

/** The last document before a question, where the store has taken no later version of the twin by the time of the answer. */
function standingDocument(
  { request, at }: Said,
  documents: Documents,
  versions: Versions,
): ToldDocument | null {
  const told = documents.get(request.device)?.findLast(({ said }) => said.at <= request.at);
  const last = versions.get(request.device)?.findLast((one) => one.at <= at);
  return told !== undefined && last !== undefined && last.twin.version <= told.document.version ? told : null;
}

function refusedInVain(said: Said, documents: Documents, versions: Versions): readonly Flaw[] {
  const { request, body, at, node } = said;
  if (request.operation !== 'command' || body.outcome !== 'refused' || !FOR_HOW_IT_IS.includes(body.code))
    return [];
  const { device, name, id } = request;
  const told = standingDocument(said, documents, versions);
  if (told === null || name === null || !told.document.allowed.includes(name)) return [];
  const text = `${node} refuses ${name} ${short(id ?? '')} as ${String(body.code)}, which version ${told.document.version} allows, and nothing has changed since`;
  return [{ at, device, text }];
}

/** A command that was all that happened to its twin after a version, where a document of that version does not allow it. */
function acceptedInSpite(
  documents: Documents,
  { beginnings, evidence }: { readonly beginnings: Beginnings; readonly evidence: Evidence },
): readonly Flaw[] {
  const { record } = evidence;
  const known = new Set<string>();
  const last = new Map<string, number>();
  return record.commits.flatMap(({ at, commit }) => {
    const isNew = ({ id }: LedgerEntry): boolean => !known.has(id);
    const fresh = commit.ledger.filter(isNew);
    for (const { id } of commit.ledger) known.add(id);
    return commit.twins.flatMap(({ device, version }): Flaw[] => {
      const before = last.get(device);
      last.set(device, version);
      const [entry, ...others] = fresh.filter((one) => one.device === device);
      const epoch = commit.partitions.find(({ partition }) => partition === partitionOf(device))?.epoch;
      if (before === undefined || entry === undefined || others.length > 0 || epoch === undefined) return [];
      if (version !== versionAfter(before, epoch)) return [];
      // One that waited for a report is decided with it, on what it says.
      if (commit.reports.some((one) => one.device === device)) return [];
      const told = documents
        .get(device)
        ?.findLast(({ said, document }) => document.version === before && said.at <= at);
      if (told === undefined || told.document.allowed.includes(entry.name)) return [];
      if (mayKeepToItself(told.said, beginnings, evidence)) return [];
      const text = `${entry.name} ${short(entry.id)} is accepted, which version ${before} did not allow, and nothing had changed since`;
      return [{ at, device, text }];
    });
  });
}
