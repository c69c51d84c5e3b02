/**
 * Who the device is, and what is known of it now: the state, how far it can be trusted, and its age, ticking.
 */
import type { VNode } from 'preact';
import { type Heard, standingOf } from '../ageing.ts';
import { kinds } from '../api/kinds.ts';
import { serverNow } from '../api/server-clock.ts';
import type { SourceDoubt, Twin } from '../api/twin.ts';
import { useObservable } from '../observable.ts';
import { MEANING, QualityMark } from '../shell/quality-mark.tsx';
import { StateMark, stateClass } from '../shell/state-mark.tsx';
import { age, duration, exactTime, timeOfDay, within } from '../format.ts';
import { useTick } from '../ticker.ts';

/** The head of a device's page. */
export function Identity({
  twin,
  doubt,
}: {
  readonly twin: Heard<Twin>;
  /** Why nothing is known to be true any more; `null` while it is. */
  readonly doubt: string | null;
}): VNode {
  const now = useTick();
  const { said } = twin;
  const freshMs = useObservable(kinds).get(said.kind)?.limits.freshMs ?? null;
  const { quality, ageMs, because } = standingOf(twin, now, { freshMs, doubt });
  return (
    <section
      class={`identity ${stateClass(said.path)}${doubt !== null ? ' doubtful' : ''}`}
      aria-label="What is known now"
    >
      <div class="name">
        <h1>{said.device}</h1>
        <p class="soft">
          {said.kind} at {said.site}
          {said.firmware !== null && (
            <>
              , firmware <bdi>{said.firmware}</bdi>
            </>
          )}
          {!said.registered && ', not in the inventory'}
          {said.via !== undefined && `, spoken for by ${said.via.id}`}
        </p>
      </div>
      <div class="known">
        <p class="known-state">
          {doubt !== null && <span class="was">last known: </span>}
          <StateMark path={said.path} />
        </p>
        <p class="soft">
          {said.since === null ? 'never heard' : <Since since={said.since} isKnown={doubt === null} />}
        </p>
      </div>
      <div class="known">
        <p class="known-quality">
          <QualityMark quality={quality} because={because} />
        </p>
        <p class="soft">{because ?? reasonFor(said, quality)}</p>
      </div>
      <div class="known">
        <p class="known-age">{ageMs === null ? 'no age' : `${age(ageMs)} old`}</p>
        <p class="soft">
          {said.asOf === null
            ? 'nothing was measured yet'
            : `measured ${exactTime(Date.parse(said.asOf))} UTC, ${within(said.errorMs)}`}
        </p>
      </div>
      <ul class="notes">
        {doubt === null && !said.connected && <li class="alarm">silent for longer than its kind allows</li>}
        {doubt === null && said.connected && !said.responsive && (
          <li class="alarm">Reports arrive, but the last 3 commands got no response</li>
        )}
      </ul>
    </section>
  );
}

function Since({
  since,
  isKnown,
}: {
  readonly since: string;
  /** False: how long it lasted nobody here knows. */
  readonly isKnown: boolean;
}): VNode {
  useTick();
  const from = Date.parse(since);
  const now = serverNow() ?? from;
  return (
    <>
      {isKnown && `for ${age(Math.max(0, now - from))}, `}since {timeOfDay(from, now)} UTC
    </>
  );
}

/** Why nothing that was said of the device is known to be true now, though it was said. */
const DOUBT_OF_SOURCE: Readonly<Record<SourceDoubt, string>> = {
  away: 'speaks for it and is away',
  back: 'speaks for it, is back, and has not said yet how it is',
  session: 'speaks for it and has begun another session, in which it was not heard yet',
  replay: 'speaks for it and plays again what was said before',
};

function reasonFor({ suspicions, ageMs, errorMs, via }: Twin, quality: Twin['quality']): string {
  if (quality === 'unknown' && via !== undefined && via.doubt !== null)
    return `${via.id} ${DOUBT_OF_SOURCE[via.doubt]}`;
  if (quality === 'suspect' && suspicions.length > 0)
    return suspicions.map(({ reason }) => reason).join(', ');
  if (quality === 'unknown' && ageMs !== null && errorMs === null) {
    return 'no round trip bounds its age yet';
  }
  return quality === 'stale' && ageMs !== null
    ? `older than its kind allows: ${duration(ageMs)}`
    : MEANING[quality];
}
