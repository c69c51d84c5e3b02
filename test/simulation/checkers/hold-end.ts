import type { HoldSpan } from '../record.ts';
import { type Checker, type Flaw, short } from './checker.ts';

/** Nobody counts on a device before it has certainly let go. */
export const holdEnd: Checker = {
  name: 'hold-end',
  sentence: 'a hold is what the device really kept, and its certainUntil is never earlier than the end of it',
  check: ({ record, weather, endedAt }) => {
    const flaws: Flaw[] = [];
    const spans = new Map<string, HoldSpan[]>();
    for (const span of record.holds) {
      const key = `${span.device} ${span.id}`;
      spans.set(key, [...(spans.get(key) ?? []), span]);
    }
    for (const { at, commit } of record.commits) {
      for (const { device, hold } of commit.twins) {
        if (hold === null) continue;
        const kept = spans.get(`${device} ${hold.id}`);
        if (kept === undefined) {
          flaws.push({ at, device, text: `its twin says held for ${short(hold.id)}, which it never was` });
          continue;
        }
        for (const { to, offMs } of kept) {
          // Nobody measures the time for which a device is switched off: its hold goes on when it is on again.
          const certainUntil = hold.certainUntil + offMs;
          const end = (to ?? endedAt) + weather.limits.serverErrorMs;
          if (end <= certainUntil) continue;
          const text = `its hold for ${short(hold.id)} ended ${end - certainUntil} ms after certainUntil ${hold.certainUntil}`;
          flaws.push({ at: to ?? endedAt, device, text });
        }
      }
    }
    return flaws;
  },
};
