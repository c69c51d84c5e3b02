/**
 * What has to have been seen in some storm: a property that holds in every storm says nothing of storms in which nobody was answered. While a storm goes
 * on something is fresh and said to be, what is not is said not to be, commands are executed, and who gets no answer is told so.
 */
import type { StormEvidence } from './evidence.ts';

/** Of so many storms and more, some has to show each of them. */
export const SEEN_WITHIN_STORMS = 12;

const FAILED: readonly (string | null)[] = ['maybe', 'not-this-copy', 'not-accepted', 'accepted'];

/** By name. All are looked for before the calm; but what is taken over, before the end. */
const SIGHTS = {
  'said to be fresh': (evidence) => qualitiesTold(evidence).includes('fresh'),
  'said not to be fresh': (evidence) => qualitiesTold(evidence).some((quality) => quality !== 'fresh'),
  executed: ({ record, calmAt }) => record.executions.some(({ startedAt }) => startedAt < calmAt),
  refused: (evidence) => conclusionsIn(evidence).includes('refused'),
  'not answered': (evidence) => conclusionsIn(evidence).some((concluded) => FAILED.includes(concluded)),
  'told while it went on': ({ record, calmAt }) =>
    record.readers.some(({ told }) => told.some(({ at }) => at < calmAt)),
  'taken over': ({ takenOver }) => takenOver > 0,
} as const satisfies Readonly<Record<string, (evidence: StormEvidence) => boolean>>;

/** See the head of this file. */
export type Sight = keyof typeof SIGHTS;

const ALL = Object.keys(SIGHTS) as readonly Sight[];

/** What a storm has shown. */
export function sightsOf(evidence: StormEvidence): readonly Sight[] {
  return ALL.filter((sight) => SIGHTS[sight](evidence));
}

/** What none of so many storms has shown, where one should have. */
export function neverSeen(storms: number, seen: Readonly<Record<string, number>>): readonly Sight[] {
  return storms < SEEN_WITHIN_STORMS ? [] : ALL.filter((sight) => (seen[sight] ?? 0) === 0);
}

function qualitiesTold({ record, calmAt }: StormEvidence): readonly unknown[] {
  return record.said
    .filter(({ request, at, body }) => request.operation === 'get' && at < calmAt && 'quality' in body)
    .map(({ body }) => body.quality);
}

function conclusionsIn({ record, calmAt }: StormEvidence): readonly (string | null)[] {
  return record.conclusions
    .filter(({ concludedAt }) => (concludedAt ?? Infinity) < calmAt)
    .map(({ concluded }) => concluded);
}
