/**
 * The hold: who has the device, and until when. Only the device ends it by itself, so there are two times: when it should end, and when
 * it has certainly ended.
 */
import type { VNode } from 'preact';
import { serverNow } from '../api/server-clock.ts';
import type { Hold } from '../api/twin.ts';
import { age, timeOfDay } from '../format.ts';
import { useTick } from '../ticker.ts';
import { AsKnownThen } from './as-known-then.tsx';

/** One line about the hold; nothing where there is none. */
export function Reservation({
  hold,
  state,
  doubt,
}: {
  readonly hold: Hold | null;
  /** The state that it is known to be in. */
  readonly state: string;
  /** Why nothing is known to be true any more; `null` while it is. */
  readonly doubt: string | null;
}): VNode | null {
  useTick();
  if (hold === null) return state === 'reserved' ? <ReservedElsewhere doubt={doubt} /> : null;
  const until = Date.parse(hold.until);
  const now = serverNow() ?? until;
  // Whether it was released meanwhile, or held again, nobody here knows: then nothing is counted down.
  const isKnown = doubt === null;
  const left = until > now ? `, ${age(until - now)} more` : ', which is over by the device’s own count';
  return (
    <section class="hold" aria-label="Hold">
      <AsKnownThen doubt={doubt} />
      <p>
        <strong>Held{hold.by === null ? '' : ` for ${hold.by}`}</strong> until {timeOfDay(until, now)} UTC
        {isKnown && left}. {isKnown && <span class="soft">{certainEnd(hold, now)}</span>}
      </p>
    </section>
  );
}

/** It says that it is reserved and shows no hold: nobody whom Corral knows has it. */
function ReservedElsewhere({ doubt }: { readonly doubt: string | null }): VNode {
  return (
    <section class="hold" aria-label="Hold">
      <AsKnownThen doubt={doubt} />
      <p>
        <strong>Reserved by somebody else</strong>: it shows no hold, so that no command of Corral reserved
        it.
      </p>
    </section>
  );
}

/** When the device has certainly let go. */
function certainEnd({ certainUntil }: Hold, now: number): string {
  if (certainUntil === null) return 'When it is certainly free nobody can tell: the command is undecided.';
  const certain = Date.parse(certainUntil);
  const untilFree = certain > now ? `, in ${age(certain - now)}` : '';
  return `Certainly free at ${timeOfDay(certain, now)} UTC${untilFree}.`;
}
