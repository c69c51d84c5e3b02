/**
 * Re-asserts what the device has wrong, where its kind says so: `release` for a hold that should not be, `reserve` for what is
 * left of one that is lost. A command of the twin's own, once for each divergence, in the ledger like any other.
 *
 * It is sent only where nothing else is in doubt or under way, so that it cannot meet another state than the one it was decided
 * on: a `release` that ended somebody else's hold would be worse than the divergence. Nor is anything re-asserted for a divergence that
 * began before all was read that the hub had stored when the partition was taken: a store that was set back does not know what settled it.
 */
import type { CommandSpec } from '../machines/command.ts';
import { isHoldUnreadable, type Report } from '../machines/report.ts';
import { isDivergence, REASSERT_LEAST_MS } from './divergence.ts';
import type { Draft } from './draft.ts';
import { ageOf, isProvedFresh } from './freshness.ts';
import { CORRAL, reassertionId } from './ledger.ts';
import type { LedgerEntry } from '../src/contract/ledger-entry.ts';
import type { Divergence, Suspicion } from '../src/contract/twin-document.ts';
import { commandInFlight, commandNamed, commandWithHold } from './legality.ts';
import { nextNumber } from './numbers.ts';
import { OPEN_MAX } from './prospect.ts';
import { makeRoom } from './resolve.ts';
import { enterCommand } from './send.ts';
import { journal } from './settle.ts';
import { observationOf } from './observed.ts';

/** Sends the command that sets the one open divergence right, if its kind has it re-asserted and that is safe now. */
export function reassertIfDue(draft: Draft, report: Report): void {
  const { twin, context } = draft;
  const [doubt, ...others] = twin.suspicions;
  if (doubt === undefined || others.length > 0 || !isDivergence(doubt)) return;
  if (doubt.since < (context.readThroughAt ?? Infinity)) return;
  const { divergence } = doubt;
  if (divergence.policy !== 're-assert' || divergence.reassertedBy !== null) return;
  if (context.hearingSince === null || commandInFlight(twin) !== null) return;
  const remedy = remedyFor(draft, divergence);
  const spec = remedy && commandNamed(draft.kind, remedy.name);
  if (remedy === null || spec === null || !isSafe(draft, { name: remedy.name, spec, report })) return;
  makeRoom(draft);
  if (twin.open.length >= OPEN_MAX) return;
  const id = reassertionId(nextNumber(twin, context.epoch));
  const entry = enterCommand(draft, { id, ...remedy, by: CORRAL, asker: null }, spec);
  const reasserted: Suspicion = { ...doubt, divergence: { ...divergence, reassertedBy: entry.id } };
  twin.suspicions = [reasserted];
  const detail = `${entry.name} ${entry.id} (n ${String(entry.n)}) re-asserts against the ${divergence.sort} of ${divergence.hold}`;
  journal(draft, { type: 'command', detail });
}

/** `null` where nothing is left to re-assert. */
function remedyFor(
  { twin, context }: Draft,
  { sort, hold, until }: Divergence,
): Pick<LedgerEntry, 'name' | 'args'> | null {
  if (sort !== 'lost-hold') return { name: 'release', args: { hold } };
  const leftMs = Math.floor((until ?? 0) - context.now);
  if (leftMs < REASSERT_LEAST_MS) return null;
  return { name: 'reserve', args: { ...commandWithHold(twin, hold)?.args, holdMs: leftMs } };
}

/** The device, but for this doubt, is in a state that takes the command, by knowledge as fresh as the command needs. */
function isSafe(
  { twin, kind, context }: Draft,
  remedy: { readonly name: string; readonly spec: CommandSpec; readonly report: Report },
): boolean {
  const { name, spec, report } = remedy;
  if (isHoldUnreadable(report)) return false;
  const observation = observationOf(kind, report);
  if (observation === null || !kind.chart.accepts(observation, `command.${name}`)) return false;
  if (spec.freshWithinMs === null) return true;
  const age = ageOf({ twin, kind, now: context.now, serverErrorMs: context.serverErrorMs });
  return isProvedFresh(age, spec.freshWithinMs);
}
