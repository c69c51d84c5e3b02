/**
 * States that a world hardly ever comes into, and in which what is rarely tried is tried. A property that holds in every world says nothing
 * of a state that no world was in: each of these is to be visited by some world of a long run, and a run that visits one in none fails.
 */
import { type RefusalCode, REFUSALS } from '../../src/contract/refusal.ts';
import { isUndecided } from '../../actors/ledger.ts';
import { UNRESPONSIVE_AFTER } from '../../actors/probe.ts';
import { OPEN_MAX } from '../../actors/prospect.ts';
import { SUSPICIONS } from '../../actors/suspicions.ts';
import type { Twin } from '../../actors/twin.ts';
import { RING_SIZE_MAX } from '../../machines/report.ts';
import { NOTED_STATES } from './noted-states.ts';
import type { Evidence } from './world/evidence.ts';

/** A run of so many worlds must have visited every rare state; a shorter one may have missed some. */
export const VISITED_WITHIN_SEEDS = 300;

/** States that a twin shows. */
const TWIN_STATES: Readonly<Record<string, (twin: Twin) => boolean>> = {
  deaf: ({ ignoredCommands }) => ignoredCommands >= UNRESPONSIVE_AFTER,
  'waiting-for-proof': ({ waiting }) => waiting.length > 0,
  undecided: ({ open }) => open.some(isUndecided),
  'full-of-open-commands': ({ open }) => open.length >= OPEN_MAX,
  'second-incarnation': ({ incarnation }) => incarnation > 1,
  'former-incarnation-known': ({ identity }) => (identity?.previousIncarnations.length ?? 0) > 0,
  'rival-heard': ({ identity }) => (identity?.rivalAt ?? null) !== null,
  'older-run': ({ identity }) => (identity?.run ?? null) !== null,
  'leap-held': ({ claim }) => claim !== null,
  'clock-out-of-bounds': ({ clock }) => (clock?.crossings ?? 0) > 0,
  'no-round-trip-yet': ({ newest, clock }) => newest !== null && (clock?.earliest ?? null) === null,
  'held-by-nobody-knows-whom': ({ hold }) => hold !== null && hold.by === null,
  'ring-full': ({ newest }) => (newest?.report.commands?.length ?? 0) >= RING_SIZE_MAX,
};

/**
 * Doubts that no device of these worlds gives reason for: unit tests look at them. A ring that names an impossible number comes with a boot
 * below all others here, and there is no second database.
 */
const DOUBTS_OF_OTHERS = ['not-connected', 'unknown-state', 'impossible-number', 'foreign-epoch'];
/** Refusals that no backend of these worlds asks for, or, as of a twin that is asked too much at a time, only by a rare chance. */
const REFUSALS_OF_OTHERS: readonly RefusalCode[] = [
  'bad-arguments',
  'desired-too-large',
  'unknown-command',
  'unknown-device',
  'forgotten',
  'overloaded',
];

const doubts = Object.keys(SUSPICIONS).filter((reason) => !DOUBTS_OF_OTHERS.includes(reason));
const refusals = (Object.keys(REFUSALS) as RefusalCode[]).filter(
  (code) => !REFUSALS_OF_OTHERS.includes(code),
);

/** Names of all of them. */
export const RARE_STATES: readonly string[] = [
  ...Object.keys(NOTED_STATES),
  'silent',
  'forgotten',
  'given-up-by-an-operator',
  ...Object.keys(TWIN_STATES),
  ...doubts.map(doubtNamed),
  ...refusals.map(refusalNamed),
];

/** Which of them a world was in. */
export function statesVisited({ record }: Evidence): ReadonlySet<string> {
  const visited = new Set<string>(record.visited);
  const looks = Object.entries(TWIN_STATES);
  for (const { commit } of record.commits) {
    for (const twin of commit.twins) {
      for (const [state, isIn] of looks) if (!visited.has(state) && isIn(twin)) visited.add(state);
      for (const { reason } of twin.suspicions) if (doubts.includes(reason)) visited.add(doubtNamed(reason));
    }
    for (const line of commit.journal)
      if (line.type === 'transition' && line.transition.cause.type === 'silence') visited.add('silent');
    if (commit.ledger.some(({ reason }) => reason === 'abandoned')) visited.add('given-up-by-an-operator');
  }
  if (record.forgotten.size > 0) visited.add('forgotten');
  for (const { body } of record.said) {
    const code = body.outcome === 'refused' ? (body.code as RefusalCode) : null;
    if (code !== null && refusals.includes(code)) visited.add(refusalNamed(code));
  }
  return visited;
}

/** What no world of a run was in that was long enough; `worlds` are those that were in a state, by its name. */
export function neverVisited(seeds: number, worlds: Readonly<Record<string, number>>): readonly string[] {
  if (seeds < VISITED_WITHIN_SEEDS) return [];
  return RARE_STATES.filter((state) => (worlds[state] ?? 0) === 0);
}

function doubtNamed(reason: string): string {
  return `doubt-${reason}`;
}

function refusalNamed(code: RefusalCode): string {
  return `refused-${code}`;
}
