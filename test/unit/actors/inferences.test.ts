/**
 * What is inferred gives way to what is proved: an uptime that did not begin with the boot, and a stream whose clock is ahead.
 */
import { describe, expect, test } from 'vitest';
import type { Report } from '../../../machines/report.ts';
import { earliestAt, latestAt } from '../../../actors/clock.ts';
import { Stage, T0 } from './stage.ts';

const DAY_MS = 86_400_000;

const report = (boot: number, seq: number, up: number, rest: Partial<Report> = {}): Report => ({
  boot,
  seq,
  up,
  state: 'available',
  sensors: {},
  ...rest,
});

/** A twin whose device has answered a probe in boot 1, at uptime 60 s. */
function proved(): Stage {
  const stage = new Stage();
  stage.hear(report(1, 1, 0, { commands: [] }));
  stage.now += 60_000;
  stage.wake();
  stage.hear(report(1, 2, 60_000, { commands: [{ n: stage.sent.n, outcome: 'done' }] }));
  expect(stage.twin.clock?.earliest, 'a round trip bounds the boot').not.toBeNull();
  return stage;
}

describe('a bound inferred from the next boot', () => {
  test.each([
    ['the uptime of a host that is on for three days', 3 * DAY_MS],
    ['ms since 1970', T0],
  ])('never crosses what round trips proved of the boot before: %s', (_, up) => {
    const stage = proved();
    const { clock } = stage.twin;
    stage.now += 30_000;
    stage.hear(report(2, 1, up));
    expect(stage.twin.olderClocks).toEqual([
      { ...clock, endedUp: 60_000, lastLate: { seq: 2, up: 60_000, fromSeq: 3 } },
    ]);
  });

  test('never times a report by it that came late out of a boot that is proved', () => {
    const stage = proved();
    stage.now += 1_000;
    stage.hear(report(1, 4, 61_000, { commands: [] }));
    stage.now += 30_000;
    stage.hear(report(2, 1, 3 * DAY_MS));
    const late = stage.hear(report(1, 3, 60_500));
    expect(late.disposition).toBe('late');
    expect(late.filed?.measuredAt).toBeGreaterThan(T0);
    const [known] = stage.twin.olderClocks;
    const driftPpm = stage.kind.limits.driftPpm;
    expect(earliestAt(known!, 60_500, driftPpm)).toBeLessThanOrEqual(latestAt(known!, 60_500, driftPpm));
  });

  test('still tells when a boot ended whose uptimes are right', () => {
    const stage = proved();
    stage.now += DAY_MS;
    stage.hear(report(2, 1, 1_000));
    const late = stage.hear(report(1, 3, DAY_MS - 30_000));
    expect(late.filed?.measuredAt).toBeLessThanOrEqual(stage.now - 1_000);
  });
});

describe('a stream whose clock is ahead for a while', () => {
  test('never makes the last contact lie in the future', () => {
    const stage = new Stage();
    stage.hear(report(1, 1, 0), stage.now + 3_600_000);
    expect(stage.document.lastContact).toBe(stage.now);
  });

  test('does not hide that the device has fallen silent since', () => {
    const stage = new Stage();
    stage.hear(report(1, 1, 0), stage.now + 3_600_000);
    stage.pass(stage.kind.limits.silenceMs + 1_000);
    expect(stage.document.state).toBe('offline');
  });

  test('is believed as far as it may be later than now, where that is known to a round trip only', () => {
    const stage = new Stage();
    stage.uncertainMs = 11.09;
    stage.hear(report(1, 1, 0), stage.now + 12);
    expect(latestAt(stage.twin.clock!, 0, 0)).toBe(stage.now + 12);
    expect(stage.document.lastContact).toBe(stage.now);
    const other = new Stage();
    other.uncertainMs = 11.09;
    other.hear(report(1, 1, 0), other.now + 3_600_000);
    expect(latestAt(other.twin.clock!, 0, 0)).toBe(other.now + 13);
  });

  test('is forgotten with the next report: also a contact that was kept in the future', () => {
    const stage = new Stage();
    stage.hear(report(1, 1, 0));
    stage.twin = { ...stage.twin, lastContactAt: stage.now + 3_600_000 };
    stage.now += 1_000;
    stage.hear(report(1, 2, 1_000));
    expect(stage.document.lastContact).toBe(stage.now);
  });
});
