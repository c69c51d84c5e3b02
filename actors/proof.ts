/**
 * What a report PROVES about a command (design, section 3), by the resolver that its kind declares for it. Nothing is ever
 * guessed:
 *
 * - its ring names it `done`, or refused by the device's own state: so it was;
 * - the report shows a mark that only the command can have left, such as the hold that bears its id: it was done;
 * - the command cannot start any more, by the device's own memory, and that memory reaches back to before the command and
 *   does not know it executed: `expired` (`rejected` where the device gives another reason than time);
 * - the command cannot start any more, and what its execution would have ended goes on: `expired`;
 * - the command cannot start any more, and the device's memory does not reach back: nothing can prove what became of it,
 *   and the state that the report shows is certain all the same: `unknown`.
 *
 * A memory reaches back when something in it is older than the command. That alone makes the silence of a ring, or a
 * refusal by number or boot, a proof: a device that lost its ring refuses a repetition of what it has executed. A report
 * that carries no ring is no silence: a device that has answered before has one, and its next report may show it.
 */
import { type Report, RING_SIZE_MAX, type RingEntry } from '../machines/report.ts';
import { BY_RING, type NotDoneProof, type ProofName, type Resolver } from '../machines/resolver.ts';
import type { LedgerEntry, Outcome } from './ledger.ts';
import { isNamedSince } from './ring.ts';

/** What is proved, and by what: `proof` begins with a {@link ProofName}. */
export interface Verdict {
  readonly outcome: Outcome;
  readonly reason: string | null;
  readonly proof: string;
}

/** What a report is judged by, besides itself. */
export interface Knowledge {
  /** The resolver of the command, or `null` for a command that the kind does not have any more: only the ring tells. */
  readonly resolver: Resolver | null;
  /** Other commands that the twin remembers: by them a ring is recognised after a restart, and a hold from before. */
  readonly others: readonly LedgerEntry[];
  /** The device has named a command before: it keeps a ring, whether or not this report carries it. */
  readonly keepsRing: boolean;
}

/** The ledger's `proof`: the name of what proved it, and where it was seen. */
export function proofText(name: ProofName, detail: string): string {
  return `${name}: ${detail}`;
}

/** Refusals that follow from the protocol (wire contract 2.2), not from the device's own state. */
const PROTOCOL_REFUSALS: readonly (string | null)[] = ['superseded', 'stale-epoch', 'other-boot', 'too-late'];

/** True when the device has handled the command in its turn: it was executed, or refused by the device's own state. */
export function wasHandled({ outcome, reason }: Pick<LedgerEntry, 'outcome' | 'reason'>): boolean {
  return outcome === 'done' || (outcome === 'rejected' && !PROTOCOL_REFUSALS.includes(reason));
}

/** Those of them that say "not any more". */
const TIME_REFUSALS: readonly string[] = ['other-boot', 'too-late'];

/**
 * False for a report that the hub stored before the command was accepted: whatever it names, it is not that command. The two clocks may
 * differ by `serverErrorMs`.
 */
export function mayTellOf(
  { acceptedAt }: Pick<LedgerEntry, 'acceptedAt'>,
  receivedAt: number,
  { serverErrorMs }: { readonly serverErrorMs: number },
): boolean {
  return receivedAt >= acceptedAt - serverErrorMs;
}

/** What `report` proves about `entry`, or `null` while nothing is proved and something still may be. */
export function verdictOf(entry: LedgerEntry, report: Report, knowledge: Knowledge): Verdict | null {
  const { others, keepsRing } = knowledge;
  const resolver = knowledge.resolver ?? BY_RING;
  const ring = report.commands ?? null;
  const named = ring?.find(({ n }) => n === entry.n) ?? null;
  const isTold = named === null || isKnownWord(named);
  if (named !== null && isTold && !isProtocolRefusal(named)) return wordOfDevice(named, nameOf(report));
  if (resolver.done.includes('hold-shown') && report.hold?.id === entry.id) {
    const proof = proofText('hold-shown', `${nameOf(report)} shows its hold`);
    return { outcome: 'done', reason: null, proof };
  }
  const goesOn = whatGoesOn(entry, report, { resolver, others });
  if (goesOn !== null) return goesOn;
  // It is in the device's memory, with a word that says nothing: that is neither an outcome nor silence.
  if (!isTold) return null;
  if (ring === null) return isOverByTime(entry, report) && !keepsRing ? unprovable(report) : null;
  if (named === null && !isOver(entry, report)) return null;
  if (!reachesBack(ring, entry, report, others)) return unprovable(report);
  const proving: NotDoneProof = named === null ? 'ring-silence' : 'ring-entry';
  return resolver.notDone.includes(proving) ? neverStarted(entry, report, named) : unprovable(report);
}

function nameOf({ boot, seq }: Report): string {
  return `report ${String(boot)}/${String(seq)}`;
}

/**
 * What executing the command would have ended is still there, in the same boot and after the command could start last.
 * Nothing is reported while a command is executed, so that it has not begun either.
 */
function whatGoesOn(
  entry: LedgerEntry,
  report: Report,
  { resolver, others }: { readonly resolver: Resolver; readonly others: readonly LedgerEntry[] },
): Verdict | null {
  if (report.boot !== entry.boot || !isOverByTime(entry, report)) return null;
  const after = `${nameOf(report)}, measured at uptime ${String(report.up)} after notAfterUp ${String(entry.notAfterUp)}`;
  const expired = { outcome: 'expired', reason: 'not-executed' } as const;
  if (resolver.notDone.includes('boot-goes-on'))
    return { ...expired, proof: proofText('boot-goes-on', `${after}, is still of that boot`) };
  const id = report.hold?.id ?? null;
  if (id === null || !resolver.notDone.includes('hold-goes-on')) return null;
  const isFromBefore = others.some(
    (other) =>
      other.id === id &&
      other.holdMs !== null &&
      other.n < entry.n &&
      other.incarnation === entry.incarnation,
  );
  if (!isFromBefore) return null;
  return { ...expired, proof: proofText('hold-goes-on', `${after}, still shows the hold ${id}`) };
}

function wordOfDevice(named: RingEntry, where: string): Verdict {
  if (named.outcome === 'done')
    return { outcome: 'done', reason: null, proof: proofText('ring-entry', `${where} names it done`) };
  if (named.outcome === 'unknown') {
    const proof = proofText('ring-entry', `${where} says it cannot tell`);
    return { outcome: 'unknown', reason: named.reason ?? 'unprovable', proof };
  }
  const reason = reasonOf(named);
  const proof = proofText('ring-entry', `${where} names it refused: ${reason}`);
  return { outcome: 'rejected', reason, proof };
}

/** Words for outcomes that a device may use (wire contract 2.1); any other proves nothing, such as "accepted", which means "not yet". */
function isKnownWord({ outcome }: RingEntry): boolean {
  return outcome === 'done' || outcome === 'rejected' || outcome === 'unknown';
}

function reasonOf({ reason }: RingEntry): string {
  return reason ?? 'no-reason-given';
}

function isProtocolRefusal(named: RingEntry): boolean {
  return named.outcome === 'rejected' && PROTOCOL_REFUSALS.includes(reasonOf(named));
}

/** The device is past the command: it will refuse it from here on, by boot, by its uptime, or by a higher number. */
function isOver(entry: LedgerEntry, report: Report): boolean {
  return isOverByTime(entry, report) || isNamedSince(report, entry.n + 1);
}

function isOverByTime(entry: LedgerEntry, report: Report): boolean {
  if (entry.boot === null || entry.notAfterUp === null) return false;
  return report.boot > entry.boot || (report.boot === entry.boot && report.up > entry.notAfterUp);
}

/**
 * True when the ring would name the command if it had been executed: it has never let go of anything since the boot that
 * the command was bound to began, or it holds something older than the command. Of a command bound to no boot it never
 * tells: a device that forgot everything still executes a copy of it.
 */
function reachesBack(
  ring: readonly RingEntry[],
  entry: LedgerEntry,
  report: Report,
  others: readonly LedgerEntry[],
): boolean {
  if (entry.boot === null) return false;
  if (report.boot === entry.boot) {
    return ring.length < RING_SIZE_MAX || ring.some((other) => other.n < entry.n && !isSuperseded(other));
  }
  const before = others.filter(({ incarnation }) => incarnation === entry.incarnation);
  return ring.some((other) => other.n < entry.n && wasHandledThen(other, before));
}

/** A number that was superseded when it was handled was handled after a higher one. */
function isSuperseded(other: RingEntry): boolean {
  return isProtocolRefusal(other) && reasonOf(other) === 'superseded';
}

/**
 * True for a ring entry that can only be from before a restart: a device that forgot it would refuse a copy of that
 * command as `other-boot`. A `report` it would simply execute again, so that proves nothing.
 */
function wasHandledThen(other: RingEntry, closed: readonly LedgerEntry[]): boolean {
  return !isProtocolRefusal(other) && closed.some(({ n, boot }) => n === other.n && boot !== null);
}

function neverStarted(entry: LedgerEntry, report: Report, named: RingEntry | null): Verdict {
  const where = nameOf(report);
  if (named !== null) {
    const reason = reasonOf(named);
    const outcome = TIME_REFUSALS.includes(reason) ? 'expired' : 'rejected';
    return { outcome, reason, proof: proofText('ring-entry', `${where} names it refused: ${reason}`) };
  }
  const reason = report.boot === entry.boot && !isOverByTime(entry, report) ? 'superseded' : 'not-executed';
  return { outcome: 'expired', reason, proof: proofText('ring-silence', silenceOf(entry, report)) };
}

function silenceOf(entry: LedgerEntry, report: Report): string {
  const where = nameOf(report);
  if (report.boot !== entry.boot)
    return `${where} is of a later boot that kept its ring, and does not name it`;
  if (!isOverByTime(entry, report)) return `${where} names a later command and not this one`;
  return `${where}, measured at uptime ${String(report.up)} after notAfterUp ${String(entry.notAfterUp)}, does not name it`;
}

function unprovable(report: Report): Verdict {
  const detail = `${nameOf(report)}: the device is past it, and nothing it remembers reaches back to it`;
  return { outcome: 'unknown', reason: 'unprovable', proof: proofText('nothing-reaches-back', detail) };
}
