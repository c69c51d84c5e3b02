/**
 * What a report PROVES about a command (design, section 3). Nothing is ever guessed:
 *
 * - its ring names it `done`, or refused by the device's own state: so it was;
 * - its hold is the one that the command begins: it was done;
 * - the command cannot start any more, by the device's own memory, and that memory reaches back to before the command and
 *   does not know it executed: `expired` (`rejected` where the device gives another reason than time);
 * - the command cannot start any more, and the device's memory does not reach back: nothing can prove what became of it,
 *   and the state that the report shows is certain all the same: `unknown`.
 *
 * A memory reaches back when something in it is older than the command. That alone makes the silence of a ring, or a
 * refusal by number or boot, a proof: a device that lost its ring refuses a repetition of what it has executed.
 */
import { type Report, RING_SIZE_MAX, type RingEntry } from '../machines/report.ts';
import type { LedgerEntry, Outcome } from './ledger.ts';

/** What is proved, and by what. */
export interface Verdict {
  readonly outcome: Outcome;
  readonly reason: string | null;
  readonly proof: string;
}

/** Refusals that follow from the protocol (wire contract 2.2), not from the device's own state. */
const PROTOCOL_REFUSALS: readonly string[] = ['superseded', 'stale-epoch', 'other-boot', 'too-late'];

/** Those of them that say "not any more". */
const TIME_REFUSALS: readonly string[] = ['other-boot', 'too-late'];

/**
 * What `report` proves about `entry`, or `null` while it may still start and nothing is known. `closed` are commands of
 * which the outcome is known: by them a ring is recognised after a restart.
 */
export function verdictOf(
  entry: LedgerEntry,
  report: Report,
  closed: readonly LedgerEntry[],
): Verdict | null {
  const where = `report ${String(report.boot)}/${String(report.seq)}`;
  const ring = report.commands ?? null;
  const named = ring?.find(({ n }) => n === entry.n) ?? null;
  if (named !== null && !isProtocolRefusal(named)) return wordOfDevice(named, where);
  if (entry.holdMs !== null && report.hold?.id === entry.id)
    return { outcome: 'done', reason: null, proof: `${where} shows its hold` };
  if (ring === null) return isOverByTime(entry, report) ? unprovable(where) : null;
  if (named === null && !isOver(entry, report, ring)) return null;
  return reachesBack(ring, entry, report, closed) ? neverStarted(entry, report, named) : unprovable(where);
}

function wordOfDevice(named: RingEntry, where: string): Verdict {
  if (named.outcome === 'done') return { outcome: 'done', reason: null, proof: `${where} names it done` };
  if (named.outcome === 'unknown') {
    return {
      outcome: 'unknown',
      reason: named.reason ?? 'unprovable',
      proof: `${where} says it cannot tell`,
    };
  }
  const reason = reasonOf(named);
  return { outcome: 'rejected', reason, proof: `${where} names it refused: ${reason}` };
}

function reasonOf(named: RingEntry): string {
  return named.outcome === 'rejected' ? (named.reason ?? 'no-reason-given') : named.outcome;
}

function isProtocolRefusal(named: RingEntry): boolean {
  return named.outcome !== 'done' && PROTOCOL_REFUSALS.includes(reasonOf(named));
}

/** The device is past the command: it will refuse it from here on, by boot, by its uptime, or by a higher number. */
function isOver(entry: LedgerEntry, report: Report, ring: readonly RingEntry[]): boolean {
  return isOverByTime(entry, report) || ring.some(({ n }) => n > entry.n);
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
  closed: readonly LedgerEntry[],
): boolean {
  if (entry.boot === null) return false;
  if (report.boot === entry.boot) {
    return ring.length < RING_SIZE_MAX || ring.some((other) => other.n < entry.n && !isSuperseded(other));
  }
  const before = closed.filter(({ incarnation }) => incarnation === entry.incarnation);
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
  const where = `report ${String(report.boot)}/${String(report.seq)}`;
  if (named !== null) {
    const reason = reasonOf(named);
    const outcome = TIME_REFUSALS.includes(reason) ? 'expired' : 'rejected';
    return { outcome, reason, proof: `${where} names it refused: ${reason}` };
  }
  if (report.boot !== entry.boot) {
    const proof = `${where} is of a later boot that kept its ring, and does not name it`;
    return { outcome: 'expired', reason: 'not-executed', proof };
  }
  if (!isOverByTime(entry, report)) {
    const proof = `${where} names a later command and not this one`;
    return { outcome: 'expired', reason: 'superseded', proof };
  }
  const proof = `${where}, measured at uptime ${String(report.up)} after notAfterUp ${String(entry.notAfterUp)}, does not name it`;
  return { outcome: 'expired', reason: 'not-executed', proof };
}

function unprovable(where: string): Verdict {
  return {
    outcome: 'unknown',
    reason: 'unprovable',
    proof: `${where}: the device is past it, and nothing it remembers reaches back to it`,
  };
}
