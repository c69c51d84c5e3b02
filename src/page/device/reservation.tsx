/**
 * The hold: who has the device, and until when. Only the device ends it by itself, so there are two times: when it should end, and when
 * it has certainly ended.
 */
import type { VNode } from 'preact';
import { serverNow } from '../api/server-clock.ts';
import type { Hold } from '../api/twin.ts';
import { age, timeOfDay } from '../spell.ts';
import { useTick } from '../ticker.ts';

/** One line about the hold; nothing where there is none. */
export function Reservation({ hold }: { readonly hold: Hold | null }): VNode | null {
  useTick();
  if (hold === null) return null;
  const until = Date.parse(hold.until);
  const certain = Date.parse(hold.certainUntil);
  const now = serverNow() ?? until;
  return (
    <section class="hold" aria-label="Hold">
      <p>
        <strong>Held{hold.by === null ? '' : ` for ${hold.by}`}</strong> until {timeOfDay(until, now)} UTC
        {until > now ? `, ${age(until - now)} more` : ', which is over by the device’s own count'}.{' '}
        <span class="soft">
          Certainly free at {timeOfDay(certain, now)} UTC{certain > now ? `, in ${age(certain - now)}` : ''}.
        </span>
      </p>
    </section>
  );
}
