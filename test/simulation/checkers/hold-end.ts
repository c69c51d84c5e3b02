import type { Hold, Twin } from '../../../actors/twin.ts';
import type { HoldSpan } from '../record.ts';
import type { Evidence } from '../world/evidence.ts';
import { type Checker, type Flaw, short, storeLives } from './checker.ts';

/** Nobody counts on a device before it has certainly let go. */
export const holdEnd: Checker = {
  name: 'hold-end',
  sentence:
    'a hold is what the device really kept, its certainUntil is not before the end of it, and no twin takes it for over earlier unless a report says so',
  check: (evidence) => {
    const flaws: Flaw[] = [];
    const spans = new Map<string, HoldSpan[]>();
    for (const span of evidence.record.holds) {
      const key = `${span.device} ${span.id}`;
      spans.set(key, [...(spans.get(key) ?? []), span]);
    }
    for (const life of storeLives(evidence)) {
      const last = new Map<string, Twin>();
      for (const [at, twin] of life.flatMap(({ at: time, commit }) =>
        commit.twins.map((one) => [time, one] as const),
      )) {
        const { device, hold } = twin;
        const before = last.get(device);
        last.set(device, twin);
        const kept = (id: string): readonly HoldSpan[] => spans.get(`${device} ${id}`) ?? [];
        if (hold !== null) flaws.push(...wrongAbout(hold, { at, device, kept: kept(hold.id) }, evidence));
        const given = before?.hold ?? null;
        if (given === null || hold !== null || twin.newest?.report !== before?.newest?.report) continue;
        flaws.push(...givenUp(given, { at, device, kept: kept(given.id) }, evidence));
      }
    }
    return flaws;
  },
};

/** A hold, as a twin has it from `at` on. */
interface Believed {
  readonly at: number;
  readonly device: string;
  /** What the device made of it. */
  readonly kept: readonly HoldSpan[];
}

function wrongAbout(
  { id, certainUntil }: Hold,
  { at, device, kept }: Believed,
  { endedAt, weather }: Evidence,
): Flaw[] {
  if (kept.length === 0)
    return [{ at, device, text: `its twin says held for ${short(id)}, which it never was` }];
  return kept.flatMap(({ to, offMs }): Flaw[] => {
    // Nobody measures the time for which a device is switched off: its hold goes on when it is on again.
    const afterMs = (to ?? endedAt) + weather.limits.serverErrorMs - certainUntil - offMs;
    const text = `its hold for ${short(id)} ended ${afterMs} ms after certainUntil ${certainUntil}`;
    return afterMs > 0 ? [{ at: to ?? endedAt, device, text }] : [];
  });
}

/** A twin took a hold for over without another report: by its own clock. */
function givenUp({ id }: Hold, { at, device, kept }: Believed, { endedAt }: Evidence): Flaw[] {
  return kept.flatMap(({ to, offMs }): Flaw[] => {
    const tooEarlyMs = (to ?? endedAt) - offMs - at;
    const text = `its twin takes the hold for ${short(id)} for over ${tooEarlyMs} ms before it is`;
    return tooEarlyMs > 0 ? [{ at, device, text }] : [];
  });
}
