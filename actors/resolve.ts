/**
 * Decides what became of commands, from what a report PROVES (design, section 3). Nothing is ever guessed:
 *
 * - its ring names the command: `done`, or the device's refusal (`too-late` and `other-boot` prove `expired`);
 * - its ring names a later command and not this one: the device is past it and will refuse it, so `expired`;
 * - it is of the command's boot, was measured after `notAfterUp`, and its ring does not name it: `expired`;
 * - it is of a later boot whose ring outlived the restart and does not name it: `expired`;
 * - it is of a later boot whose ring did not: nothing can prove it any more. The command cannot start any more either, and
 *   the state is certain: `unknown`, closed.
 */
import type { Report, RingEntry } from '../machines/report.ts';
import { RING_SIZE_MAX } from '../machines/report.ts';
import { type Draft, writeEntry } from './draft.ts';
import type { LedgerEntry, Outcome } from './ledger.ts';
import { OPEN_MAX } from './send.ts';

/** How many resolved entries a twin remembers; older ones are in the store. */
export const RECENT_MAX = 8;

interface Verdict {
  readonly outcome: Outcome;
  readonly reason: string | null;
  readonly proof: string;
}

/** Resolves what `report`, of the twin's present incarnation, proves about the open commands. */
export function resolveByReport(draft: Draft, report: Report): void {
  for (const entry of draft.twin.open) {
    const verdict = verdictOf(entry, report);
    if (verdict !== null) closeEntry(draft, entry, verdict);
  }
}

/** A new incarnation has no memory of these: they cannot start any more, and nothing can prove what became of them. */
export function closeAsUnprovable(draft: Draft, proof: string): void {
  for (const entry of draft.twin.open)
    closeEntry(draft, entry, { outcome: 'unknown', reason: 'unprovable', proof });
}

/** `certainAt` has passed: the command cannot start any more. Whether it did is unknown until a report proves it. */
export function declareUnknown(draft: Draft, entry: LedgerEntry): void {
  const unknown: LedgerEntry = {
    ...entry,
    outcome: 'unknown',
    reason: 'no-answer',
    proof: null,
    decidedAt: draft.context.now,
  };
  draft.twin.open = draft.twin.open.map((other) => (other.id === entry.id ? unknown : other));
  writeEntry(draft, unknown, { publish: true });
  // What changes nothing makes room first: nobody needs to know whether it was executed.
  const { open } = draft.twin;
  const oldest = open.find(({ notAfterUp }) => notAfterUp === null) ?? open[0];
  if (open.length > OPEN_MAX && oldest !== undefined) {
    const proof = `${String(OPEN_MAX)} later commands are open`;
    closeEntry(draft, oldest, { outcome: 'unknown', reason: 'unprovable', proof });
  }
}

function verdictOf(entry: LedgerEntry, report: Report): Verdict | null {
  const ring = report.commands;
  const where = `report ${String(report.boot)}/${String(report.seq)}`;
  const named = ring?.find(({ n }) => n === entry.n);
  if (named !== undefined) return verdictOfDevice(named, where);
  const isLaterBoot = entry.boot !== null && report.boot > entry.boot;
  if (ring === undefined) return isLaterBoot ? unprovable(where) : null;
  if (isPushedOut(ring, entry.n)) return isLaterBoot ? unprovable(where) : null;
  if (ring.some(({ n }) => n > entry.n)) {
    return {
      outcome: 'expired',
      reason: 'superseded',
      proof: `${where} names a later command and not this one`,
    };
  }
  if (isLaterBoot) return verdictOfLaterBoot(ring, entry, where);
  if (entry.boot === report.boot && entry.notAfterUp !== null && report.up > entry.notAfterUp) {
    const proof = `${where}, measured at uptime ${String(report.up)} after notAfterUp ${String(entry.notAfterUp)}, does not name it`;
    return { outcome: 'expired', reason: 'not-executed', proof };
  }
  return null;
}

function verdictOfDevice(named: RingEntry, where: string): Verdict {
  if (named.outcome === 'done') return { outcome: 'done', reason: null, proof: `${where} names it done` };
  if (named.outcome === 'unknown') {
    return {
      outcome: 'unknown',
      reason: named.reason ?? 'unprovable',
      proof: `${where} says it cannot tell`,
    };
  }
  const reason = named.outcome === 'rejected' ? (named.reason ?? 'no-reason-given') : named.outcome;
  const outcome = reason === 'too-late' || reason === 'other-boot' ? 'expired' : 'rejected';
  return { outcome, reason, proof: `${where} names it refused: ${reason}` };
}

/** A full ring whose every entry is later may have held this one once. */
function isPushedOut(ring: readonly RingEntry[], n: number): boolean {
  return ring.length >= RING_SIZE_MAX && ring.every((other) => other.n > n);
}

function verdictOfLaterBoot(ring: readonly RingEntry[], entry: LedgerEntry, where: string): Verdict {
  const keptRing = ring.some(({ n }) => n < entry.n);
  if (!keptRing) return unprovable(where);
  return {
    outcome: 'expired',
    reason: 'not-executed',
    proof: `${where} is of a later boot that kept its ring, and does not name it`,
  };
}

function unprovable(where: string): Verdict {
  return {
    outcome: 'unknown',
    reason: 'unprovable',
    proof: `${where} is of a later boot that did not keep its ring`,
  };
}

function closeEntry(draft: Draft, entry: LedgerEntry, verdict: Verdict): void {
  const { twin, context } = draft;
  const closed: LedgerEntry = { ...entry, ...verdict, decidedAt: context.now, closedAt: context.now };
  twin.open = twin.open.filter((other) => other.id !== entry.id);
  twin.recent = [closed, ...twin.recent.slice(0, RECENT_MAX - 1)];
  writeEntry(draft, closed, { publish: true });
}
