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
 *   and the state that the report shows is certain all the same: `unknown`;
 * - its ring names it `undecided`: it is in flight beyond the device, where no time ends it. From then on only another word of the
 *   device proves anything: `done`, `rejected`, or `unknown` once the boot in which it was sent on has ended (`fence`).
 *
 * A memory reaches back when something in it is older than the command. That alone makes the silence of a ring, or a
 * refusal by number or boot, a proof: a device that lost its ring refuses a repetition of what it has executed. A report
 * that carries no ring is no silence: a device that has answered before has one, and its next report may show it. What is undecided
 * stays in a ring however much came after it, so that it tells nothing of what has left the ring since. Nor is it silence where an entry
 * of the ring could not be read: that may be about this very command.
 */
import { isRingWhole, type Report, RING_SIZE_MAX, type RingEntry, UNDECIDED } from '../machines/report.ts';
import { BY_RING, type NotDoneProof, type ProofName, type Resolver } from '../machines/resolver.ts';
import { ABANDONED, isUndecided } from './ledger.ts';
import type { LedgerEntry, Outcome } from '../src/contract/ledger-entry.ts';
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
  /** Numbers of the commands that are in flight beyond the device, as far as was known before the report. */
  readonly undecided?: readonly number[];
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
  const isTold = named === null || isLastWord(named, entry, report);
  const word = lastWordOn(entry, report);
  if (word !== null) return word;
  const isBeyond = isUndecided(entry) || wasBeyondTelling(entry) || isNamedUndecided(report, entry.n);
  if (isBeyond) return verdictBeyond(entry, report, knowledge);
  // It is in the device's memory, with a word that says nothing: that is neither an outcome nor silence, and it may be under way yet.
  if (!isTold) return null;
  if (resolver.done.includes('hold-shown') && report.hold?.id === entry.id) {
    const proof = proofText('hold-shown', `${nameOf(report)} shows its hold`);
    return { outcome: 'done', reason: null, proof };
  }
  // So it may be named in what could not be read of the ring.
  if (named === null && ring !== null && !isRingWhole(report)) return null;
  const goesOn = whatGoesOn(entry, report, { resolver, others });
  if (goesOn !== null) return goesOn;
  if (ring === null) return isOverByTime(entry, report) && !keepsRing ? unprovable(report) : null;
  if (named === null && !isOver(entry, report)) return null;
  if (!reachesBack(ring, entry, report, knowledge)) return unprovable(report);
  const proving: NotDoneProof = named === null ? 'ring-silence' : 'ring-entry';
  return resolver.notDone.includes(proving) ? neverStarted(entry, report, named) : unprovable(report);
}

/**
 * The device's own last word on the command, in whatever incarnation it counts by now: no other command of the device had this number.
 * `null` where its ring has none.
 */
export function lastWordOn(entry: LedgerEntry, report: Report): Verdict | null {
  const named = report.commands?.find(({ n }) => n === entry.n);
  if (named === undefined || !isLastWord(named, entry, report) || isProtocolRefusal(named)) return null;
  return wordOfDevice(named, nameOf(report));
}

/**
 * The device's last word was that it cannot tell, or an operator gave the command up while it could not. That it is silent of it later
 * proves nothing, nor does the hold: a device ends that only where the command certainly did not come about.
 */
function wasBeyondTelling({ outcome, reason, proof, closedAt }: LedgerEntry): boolean {
  if (outcome !== 'unknown' || closedAt === null) return false;
  return reason === ABANDONED || proof?.startsWith(proofText('ring-entry', '')) === true;
}

/**
 * What a report proves about a command that is in flight beyond the device, where it says neither `done` nor `rejected` of its own: that
 * it was never sent on, if the device names it refused by the protocol, and has not forgotten what it said of it before.
 */
function verdictBeyond(entry: LedgerEntry, report: Report, knowledge: Knowledge): Verdict | null {
  const ring = report.commands ?? [];
  const named = ring.find(({ n }) => n === entry.n);
  if (named === undefined || !isProtocolRefusal(named)) return null;
  // Within a boot nothing is forgotten: what is named otherwise now was named anew by the device, and is no copy that it refused.
  const isRemembered = report.boot === entry.boot || reachesBack(ring, entry, report, knowledge);
  return isRemembered ? neverStarted(entry, report, named) : null;
}

/** True when the ring of the report says that the command is in flight beyond the device. */
export function isNamedUndecided({ commands = [] }: Report, n: number): boolean {
  return commands.some((entry) => entry.n === n && entry.outcome === UNDECIDED);
}

/** True when the ring of the report says that the command was executed. */
export function isNamedDone({ commands = [] }: Report, n: number): boolean {
  return commands.some((entry) => entry.n === n && entry.outcome === 'done');
}

/** A report as proofs and doubts name it. */
export function nameOf({ boot, seq }: Report): string {
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
  if (named.outcome === 'done') {
    const proof = proofText('ring-entry', `${where} names it done${before(named)}`);
    return { outcome: 'done', reason: null, proof };
  }
  if (named.outcome === 'unknown') {
    const proof = proofText('ring-entry', `${where} says it cannot tell${before(named)}`);
    return { outcome: 'unknown', reason: named.reason ?? 'unprovable', proof };
  }
  const reason = reasonOf(named);
  const proof = proofText('ring-entry', `${where} names it refused: ${reason}`);
  return { outcome: 'rejected', reason, proof };
}

/** Of what the device knows by its id: the execution is older than this number, which the device was given after a store had forgotten it. */
function before({ executedAs }: RingEntry): string {
  return executedAs === undefined ? '' : `, executed before as n ${String(executedAs)}`;
}

/**
 * True for a word that is the device's last on the command (wire contract 2.1). `unknown` is one once the boot in which the command was
 * sent on has ended, and this report, of a later boot, shows the state after it: until then the command may still take effect. No boot
 * before the one that the command is bound to can be that, unless it was executed before, under another number. Any other word proves
 * nothing, such as "accepted", which means "not yet".
 */
function isLastWord({ outcome, fence, executedAs }: RingEntry, entry: LedgerEntry, report: Report): boolean {
  if (outcome !== 'unknown') return outcome === 'done' || outcome === 'rejected';
  if (fence === undefined || fence.boot >= report.boot) return false;
  return executedAs !== undefined || fence.boot >= (entry.boot ?? 0);
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
 * tells: a device that forgot everything still executes a copy of it. What is undecided, or was until now, is kept out of turn.
 */
function reachesBack(
  ring: readonly RingEntry[],
  entry: LedgerEntry,
  report: Report,
  { others, undecided = [] }: Knowledge,
): boolean {
  if (entry.boot === null) return false;
  const older = ring.filter(
    ({ n, outcome }) => n < entry.n && outcome !== UNDECIDED && !undecided.includes(n),
  );
  if (report.boot === entry.boot) {
    const isAll = ring.length < RING_SIZE_MAX && isRingWhole(report);
    return isAll || older.some((other) => !isSuperseded(other));
  }
  const before = others.filter(({ incarnation }) => incarnation === entry.incarnation);
  return older.some((other) => wasHandledBeforeRestart(other, before));
}

/** A number that was superseded when it was handled was handled after a higher one. */
function isSuperseded(other: RingEntry): boolean {
  return isProtocolRefusal(other) && reasonOf(other) === 'superseded';
}

/**
 * True for a ring entry that can only be from before a restart: a device that forgot it would refuse a copy of that
 * command as `other-boot`. A `report` it would simply execute again, so that proves nothing.
 */
function wasHandledBeforeRestart(other: RingEntry, closed: readonly LedgerEntry[]): boolean {
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
