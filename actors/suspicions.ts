/**
 * Reasons to doubt the known state, entered and left by rule: the rules are in {@link SUSPICIONS}, and in `docs/suspicions.md`,
 * which is written from them. A suspicion is open or it is not; the machine is in `suspect` while one is.
 */
import { isRingWhole, NOT_CONNECTED, type Report, type RingEntry } from '../machines/report.ts';
import { DIVERGENCE, standingDivergences } from './divergence.ts';
import type { Draft } from './draft.ts';
import { forgottenCommands } from './forgotten-command.ts';
import type { EndedHold } from './holds.ts';
import { isUndecided } from './ledger.ts';
import type { LedgerEntry } from '../src/contract/ledger-entry.ts';
import type { Suspicion } from '../src/contract/twin-document.ts';
import { closableByOperator, UNCONFIRMED } from './legality.ts';
import { isOfEpoch } from './numbers.ts';
import { CLAIMED_N_MAX } from './ring.ts';
import { doubtDetail } from './source-doubt.ts';
import { type Twin, UNDOUBTED } from './twin.ts';

type NewSuspicion = Omit<Suspicion, 'since'>;

const CONFLICT = 'identity-conflict';
const IMPOSSIBLE_NUMBER = 'impossible-number';
const FOREIGN_EPOCH = 'foreign-epoch';
const FORGOTTEN_COMMAND = 'forgotten-command';
const UNKNOWN_STATE = 'unknown-state';
const NO_CONNECTION = 'not-connected';

/** Who speaks for the device is away. */
export const SOURCE_AWAY = 'source-away';

/** Of a source: it plays again what was said before. */
export const SNAPSHOT_REPLAYED = 'snapshot-replayed';

/** When a suspicion begins and ends, and what an engineer's `clear` does about it; one sentence each. */
export interface SuspicionRule {
  readonly entered: string;
  readonly left: string;
  readonly cleared: string;
}

/** The rule for every contradiction that a kind finds; its codes are the kind's `contradictions`. */
export const CONTRADICTION_RULE: SuspicionRule = {
  entered: 'the newest report, or it with the one before it, shows what cannot be true',
  left: 'a newer report does not show it',
  cleared: 'ends it; the next report that shows it begins it again',
};

/** Every other reason, with its rule. */
export const SUSPICIONS: Readonly<Record<string, SuspicionRule>> = {
  [UNCONFIRMED]: {
    entered: 'the `certainAt` of a command has passed, and nothing proves whether it was executed',
    left: 'a report proves it, or shows that the device is past it and remembers nothing; the twin asks for one. While there is an `identity-conflict`, and of what was sent until its end, only `done` proves anything. A command that the device has named `undecided` only the device proves, or `abandon` gives up',
    cleared:
      'closes the command as unprovable, with the proof `engineer`, if the newest report shows that the device is past it; before that, and while the command is `undecided`, the doubt stays, and the answer says so',
  },
  [FORGOTTEN_COMMAND]: {
    entered:
      'the ring of the newest report names a command `undecided` that the ledger does not know, as after the database was set back: it may still take effect',
    left: 'a newer report names another word for it, or none in a ring that can be read whole; or `abandon` gives it up by its number',
    cleared: 'does not end it while the device names it: only the device can tell, or `abandon` gives it up',
  },
  [DIVERGENCE]: {
    entered: 'the newest report and the ledger disagree about a hold',
    left: 'by the policy of the kind: a newer report does not show it; or also the views agree again, or the time of the hold is over',
    cleared: 'ends it; the next report that shows it begins it again',
  },
  [IMPOSSIBLE_NUMBER]: {
    entered: 'the ring of the newest report names a command number that is higher than any twin gives',
    left: 'a newer report does not name one',
    cleared: 'ends it; the next report that names one begins it again',
  },
  [FOREIGN_EPOCH]: {
    entered:
      'the ring of the newest report names the last command that it has of this owner `stale-epoch`: the device obeys another database',
    left: 'a newer report names a later command otherwise, or comes after the partition has been taken again',
    cleared: 'ends it; the next report that shows it begins it again',
  },
  [UNKNOWN_STATE]: {
    entered: 'the newest report names a state that the kind does not know, as after an update of firmware',
    left: 'a newer report names one that it knows; until then the machine keeps the state that it had',
    cleared: 'does not end it: nobody knows what the device means',
  },
  [NO_CONNECTION]: {
    entered:
      'the newest report is of a gateway that has no connection with the device it speaks for, and so says nothing of its state',
    left: 'a newer report names a state; until then the machine keeps the state that it had',
    cleared: 'does not end it: nobody knows how the device is',
  },
  [SOURCE_AWAY]: {
    entered:
      'who speaks for the device (`via`) is silent for longer than its own kind allows, or is doubted for this reason itself: nobody can tell how the device is, and it is not taken for silent',
    left: 'a newer report of the device comes; or its source is heard again, and nothing comes of the device for as long as its kind allows: it is offline then',
    cleared: 'does not end it: nobody knows how the device is',
  },
  [SNAPSHOT_REPLAYED]: {
    entered:
      'a quarter of the devices it speaks for, and five at least, went back at once to what they were, some one way and some the other or all for the second time, or sent again what was measured long before: it plays an old snapshot, and says nothing of any device. Of those none is doubted; what is said of them moves nothing meanwhile, its quality is `unknown`, and no command but `report` is accepted',
    left: 'a report of the source comes after twice the time for which its kind allows silence, in which nothing of the kind was seen',
    cleared: 'ends it; the next time it is seen begins it again',
  },
  [CONFLICT]: {
    entered:
      'reports came that one device cannot have sent, or what looks older than the newest report goes on as a device does that is alive, or two boots of a device without a ring go on beside each other',
    left: 'a probe is answered, or a device that takes no commands reports again, and no second device was heard for as long as the kind allows silence; where what looks older is all that is heard for so long, and nobody could have answered, it is the device',
    cleared: 'ends it; the next report of a second device begins it again',
  },
};

/** Takes over what a newest report says for and against each suspicion; `previous` is the report before it. */
export function reviewReport(
  draft: Draft,
  report: Report,
  since: { readonly previous: Report | null; readonly ended: EndedHold | null },
): void {
  const { twin, kind } = draft;
  const found: NewSuspicion[] = kind
    .findContradictions(report, since.previous)
    .map(({ code, detail }) => ({ reason: code, detail }));
  found.push(...standingDivergences(draft, report, since));
  const conflict = twin.suspicions.find(({ reason }) => reason === CONFLICT);
  if (conflict !== undefined) found.push(conflict);
  found.push(
    ...replayGoingOn(draft),
    ...sourceAway(draft),
    ...unknownState(draft, report),
    ...impossibleNumber(report),
    ...foreignEpoch(draft, report),
    ...unconfirmed(draft),
    ...forgotten(draft, report),
    ...forgottenBefore(draft, report),
  );
  setSuspicions(draft, found);
}

/** Takes over what changed about open commands. */
export function reviewCommands(draft: Draft): void {
  const { suspicions, newest } = draft.twin;
  const others = suspicions.filter(({ reason }) => reason !== UNCONFIRMED && reason !== FORGOTTEN_COMMAND);
  const standing =
    newest === null ? [] : [...forgotten(draft, newest.report), ...forgottenBefore(draft, newest.report)];
  setSuspicions(draft, [...others, ...unconfirmed(draft), ...standing]);
}

/** Reports came at `at` that one device cannot have sent. */
export function raiseConflict(draft: Draft, at: number, detail: string): void {
  const { twin } = draft;
  twin.identity = { ...(twin.identity ?? UNDOUBTED), rivalAt: at };
  const others = twin.suspicions.filter(({ reason }) => reason !== CONFLICT);
  setSuspicions(draft, [...others, { reason: CONFLICT, detail }]);
}

/** It was seen to play again what was said before. Seen again, that is the same finding. */
export function raiseReplay(draft: Draft, detail: string): void {
  const { suspicions } = draft.twin;
  if (suspicions.some(({ reason }) => reason === SNAPSHOT_REPLAYED)) return;
  setSuspicions(draft, [...suspicions, { reason: SNAPSHOT_REPLAYED, detail }]);
}

/** Takes over what is known of who speaks for the device. */
export function reviewSource(draft: Draft): void {
  const others = draft.twin.suspicions.filter(({ reason }) => reason !== SOURCE_AWAY);
  setSuspicions(draft, [...others, ...sourceAway(draft)]);
}

/** It is known again who speaks from now on; who executed what was sent until now is not. */
export function clearConflict(draft: Draft): void {
  const { twin } = draft;
  const { identity } = twin;
  if ((identity?.rivalAt ?? null) === null || identity === null) return;
  twin.identity = { ...identity, rivalAt: null, contestedN: twin.lastN };
  twin.suspicions = twin.suspicions.filter(({ reason }) => reason !== CONFLICT);
}

/** An operator override ends every doubt but those that only a report can decide. */
export function clearSuspicions(draft: Draft): void {
  const { newest } = draft.twin;
  const standing =
    newest === null ? [] : [...unknownState(draft, newest.report), ...forgotten(draft, newest.report)];
  setSuspicions(draft, [...standing, ...sourceAway(draft), ...unconfirmed(draft)]);
}

function unknownState({ kind }: Draft, { state }: Report): NewSuspicion[] {
  if (kind.reportedStates.includes(state)) return [];
  if (state === NOT_CONNECTED)
    return [{ reason: NO_CONNECTION, detail: 'who speaks for it has no connection with it' }];
  const known = kind.reportedStates.join(', ');
  const detail = `it says ${JSON.stringify(state)}, and a ${kind.name} says ${known}`;
  return [{ reason: UNKNOWN_STATE, detail }];
}

/** While its source is away, and, where it was doubted for that, until it is heard again. */
function sourceAway({ twin }: Draft): NewSuspicion[] {
  const { via, suspicions } = twin;
  if (via === null) return [];
  const isAwaited = via.doubt === 'back' && suspicions.some(({ reason }) => reason === SOURCE_AWAY);
  if (via.doubt !== 'away' && !isAwaited) return [];
  return [{ reason: SOURCE_AWAY, detail: doubtDetail(via) ?? via.id }];
}

/** A source that was seen to play again what was said before, and not for long enough since. */
function replayGoingOn({ twin, kind }: Draft): Suspicion[] {
  const { newest, replayedAt, suspicions } = twin;
  if (replayedAt === null || newest === null) return [];
  const isOver = newest.receivedAt - replayedAt > 2 * kind.limits.silenceMs;
  return isOver ? [] : suspicions.filter(({ reason }) => reason === SNAPSHOT_REPLAYED);
}

/** The suspicions that an operator override would leave open now: those that only a report can decide. */
export function standingAgainstOperator(twin: Twin): readonly Suspicion[] {
  const closable = closableByOperator(twin);
  const staying = unconfirmedOf(twin.open.filter((entry) => !closable.includes(entry)));
  return twin.suspicions.filter(
    (suspicion) =>
      suspicion.reason === UNKNOWN_STATE ||
      suspicion.reason === NO_CONNECTION ||
      (suspicion.reason === FORGOTTEN_COMMAND && isForgottenNamed(twin)) ||
      suspicion.reason === SOURCE_AWAY ||
      staying.some((doubt) => isSame(suspicion, doubt)),
  );
}

/** What is not named any more, as far as its ring can be read, nobody could give up by its number: an operator override ends it. */
function isForgottenNamed(twin: Twin): boolean {
  return twin.newest !== null && forgottenCommands(twin, twin.newest.report).length > 0;
}

/** Whoever answered it, it was no command of a twin. */
function impossibleNumber({ commands = [] }: Report): NewSuspicion[] {
  const claimed = commands.find(({ n }) => n > CLAIMED_N_MAX);
  if (claimed === undefined) return [];
  const detail = `its ring names the command number ${String(claimed.n)}, and no twin gives one above ${String(CLAIMED_N_MAX)}`;
  return [{ reason: IMPOSSIBLE_NUMBER, detail }];
}

/**
 * A device refuses an epoch below the highest that it has seen, and none of this database is above ours while our lease lasts. A copy
 * from before the partition was taken is refused rightly, and says nothing.
 */
function foreignEpoch({ twin, context }: Draft, { commands = [] }: Report): NewSuspicion[] {
  const { epoch } = context;
  const isOurs = (n: number): boolean => {
    const entry = [...twin.open, ...twin.recent].find((other) => other.n === n);
    return n <= twin.lastN && (entry === undefined ? isOfEpoch(n, epoch) : entry.epoch === epoch);
  };
  const last = commands.filter(({ n }) => isOurs(n)).reduce(later, { n: -1, outcome: '' });
  if (last.outcome !== 'rejected' || last.reason !== 'stale-epoch') return [];
  const detail = `it refused command ${String(last.n)} of epoch ${String(epoch)} as stale-epoch: it has obeyed a higher epoch, of another database or of a copy of this one`;
  return [{ reason: FOREIGN_EPOCH, detail }];
}

/** Whoever asked for it may still get what he asked for, and nobody here knows of him. */
function forgotten({ twin }: Draft, report: Report): NewSuspicion[] {
  return forgottenCommands(twin, report).map((n) => ({
    reason: FORGOTTEN_COMMAND,
    detail: forgottenDetail(n),
  }));
}

/** Those that were named before, and may be named in what could not be read of this ring. */
function forgottenBefore({ twin }: Draft, report: Report): NewSuspicion[] {
  if (isRingWhole(report)) return [];
  const named = (report.commands ?? []).map(({ n }) => forgottenDetail(n));
  return twin.suspicions.filter(
    ({ reason, detail }) => reason === FORGOTTEN_COMMAND && !named.includes(detail),
  );
}

function forgottenDetail(n: number): string {
  return `a command that the ledger does not know (n ${String(n)}) is in flight beyond the device, which cannot tell yet what became of it`;
}

function later(one: RingEntry, other: RingEntry): RingEntry {
  return one.n > other.n ? one : other;
}

function unconfirmed({ twin }: Draft): NewSuspicion[] {
  return unconfirmedOf(twin.open);
}

/** A command that changes nothing (no deadline) leaves nothing to doubt. */
function unconfirmedOf(open: Twin['open']): NewSuspicion[] {
  return open
    .filter(({ outcome, notAfterUp }) => outcome === 'unknown' && notAfterUp !== null)
    .map((entry) => ({ reason: UNCONFIRMED, detail: unconfirmedDetail(entry) }));
}

function unconfirmedDetail(entry: LedgerEntry): string {
  const command = `${entry.name} ${entry.id} (n ${String(entry.n)})`;
  return isUndecided(entry)
    ? `${command} is in flight beyond the device, which cannot tell yet what became of it`
    : `nothing proves yet whether ${command} was executed`;
}

/** A suspicion that goes on keeps its beginning, and its object while nothing about it changed. */
function setSuspicions(draft: Draft, found: readonly NewSuspicion[]): void {
  const { twin, context } = draft;
  if (found.length === 0 && twin.suspicions.length === 0) return;
  const before = twin.suspicions;
  const next = found.map((doubt) => {
    const known = before.find((other) => isSame(other, doubt)) ?? before.find(isAlike(doubt));
    if (known !== undefined && isSame(known, doubt)) return known;
    return { ...doubt, since: known?.since ?? context.now };
  });
  const isUnchanged =
    next.length === before.length && next.every((suspicion, index) => suspicion === before[index]);
  if (!isUnchanged) twin.suspicions = next;
}

function isSame(known: Suspicion, { reason, detail, divergence }: NewSuspicion): boolean {
  return (
    known.reason === reason &&
    known.detail === detail &&
    known.divergence?.hold === divergence?.hold &&
    known.divergence?.policy === divergence?.policy &&
    known.divergence?.reassertedBy === divergence?.reassertedBy
  );
}

/** The same reason: where it is a divergence, also the same sort of the same hold. */
function isAlike({ reason, divergence }: NewSuspicion): (known: Suspicion) => boolean {
  return (known) =>
    known.reason === reason &&
    known.divergence?.sort === divergence?.sort &&
    known.divergence?.hold === divergence?.hold;
}
