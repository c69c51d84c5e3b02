/**
 * Devices without a ring that start again for each report or few, as one does that sleeps deeply in between, or crashes: each number they
 * say has been said before, or no boot says anything twice.
 */
import { describe, expect, test } from 'vitest';
import { chargePoint } from '../../../machines/charge-point.ts';
import type { Report } from '../../../machines/report.ts';
import { Stage } from './stage.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const SLEEP_MS = 4 * MINUTE;
const { silenceMs } = chargePoint.limits;

class Sleeper extends Stage {
  /** It is awake for a long time, and says so every 30 s. */
  stayAwake(boot: number, reports: number, given: Partial<Report> = {}): this {
    for (let seq = 1; seq <= reports; seq += 1) {
      this.pass(30_000);
      this.hear({ boot, seq, up: seq * 30_000, state: 'charging', sensors: {}, ...given });
    }
    return this;
  }

  /** It starts, says one thing or more, and sleeps. */
  start(boot: number, ups: readonly number[] = [1_000], given: Partial<Report> = {}): this {
    const startedAt = this.now;
    for (const [index, up] of ups.entries()) {
      this.pass(startedAt + up - this.now);
      this.hear({ boot, seq: index + 1, up, state: 'available', sensors: {}, ...given });
    }
    return this;
  }

  /** So it does again and again for a time. */
  startAgain(timeMs: number, everyMs: number, ups: (start: number) => readonly number[]): this {
    const end = this.now + timeMs;
    for (let start = 0; this.now < end; start += 1) {
      const next = this.now + everyMs;
      this.start(1, ups(start));
      this.pass(next - this.now);
    }
    return this;
  }

  get isDoubted(): boolean {
    return this.reasons.includes('identity-conflict');
  }
}

describe('a boot that is not counted is a doubt with the first report', () => {
  const loops: readonly [string, number, (start: number) => readonly number[]][] = [
    ['that says one thing before it sleeps', SLEEP_MS, () => [1_000]],
    ['whose uptime is never the same', SLEEP_MS, (start) => [1_000 + (start % 7)]],
    ['that crashes every 8 s', 8_000, () => [1_000, 6_000]],
    ['that crashes after three reports', 9_000, (start) => [500 + start, 4_000, 8_000]],
  ];

  test.each(loops)('of a device %s', (_, everyMs, ups) => {
    const stage = new Sleeper().stayAwake(1, 20);
    stage.start(1, ups(0).slice(0, 1));
    expect(stage.isDoubted).toBe(true);
    expect(stage.document).toMatchObject({ state: 'suspect', quality: 'suspect' });
    stage.startAgain(8 * 60 * MINUTE, everyMs, ups);
    expect(stage.isDoubted).toBe(true);
    expect(stage.journal).toEqual(['offline > charging.delivering', 'charging.delivering > suspect.doubted']);
  });

  test('also if only what it senses differs', () => {
    const stage = new Sleeper();
    stage.start(1, [1_000], { sensors: { meterWh: 1 } });
    stage.pass(SLEEP_MS);
    stage.start(1, [1_000], { sensors: { meterWh: 2 } });
    expect(stage.reasons).toEqual(['identity-conflict']);
  });

  test('also if the first report of the boot came late', () => {
    const stage = new Sleeper();
    const first: Report = { boot: 1, seq: 1, up: 1_000, state: 'charging', sensors: {} };
    stage.hear({ ...first, seq: 2, up: 31_000 });
    expect(stage.hear(first).disposition).toBe('late');
    expect(stage.hear(first).disposition).toBe('duplicate');
    expect(stage.reasons).toEqual([]);
    stage.start(1);
    expect(stage.isDoubted).toBe(true);
  });

  test('also if the first report of a start is always lost', () => {
    const stage = new Sleeper().stayAwake(1, 20);
    for (const up of [6_000, 6_050]) {
      stage.hear({ boot: 1, seq: 2, up, state: 'available', sensors: {} });
      stage.pass(SLEEP_MS);
    }
    expect(stage.isDoubted).toBe(true);
  });

  test('and over a silence after it goes on without another one', () => {
    const stage = new Sleeper().stayAwake(1, 20).startAgain(60 * MINUTE, SLEEP_MS, () => [1_000]);
    const reports = silenceMs / 30_000 + 2;
    stage.stayAwake(1, reports, { state: 'available' });
    expect(stage.isDoubted).toBe(false);
    expect(stage.document).toMatchObject({ state: 'available', sequence: { boot: 1, seq: reports } });
  });
});

test('one that should answer is asked first, and doubted after a silence in which nobody did', () => {
  const stage = new Sleeper().stayAwake(1, 20, { commands: [] });
  const started = stage.now;
  let doubted = Infinity;
  for (let start = 0; start < 20; start += 1) {
    stage.start(1, [1_000 + start], { commands: [] });
    if (stage.isDoubted) doubted = Math.min(doubted, stage.now - started);
    stage.pass(SLEEP_MS);
  }
  expect(doubted).toBeGreaterThanOrEqual(silenceMs);
  expect(doubted).toBeLessThan(silenceMs + 2 * SLEEP_MS);
  expect(stage.isDoubted).toBe(true);
});

test('a copy of the newest or of the first report is none of that, however often it comes', () => {
  const stage = new Sleeper().stayAwake(1, 20, { sensors: { meterWh: 7, cableConnected: true } });
  const newest = stage.twin.newest!.report;
  const first = { ...newest, seq: 1, up: 30_000 };
  for (let time = 0; time < silenceMs - MINUTE; time += MINUTE) {
    stage.pass(MINUTE);
    for (const copy of [newest, first]) expect(stage.hear({ ...copy }).disposition).toBe('duplicate');
    expect(stage.reasons).toEqual([]);
  }
});

describe('one report for each start, in boots that begin lower than before,', () => {
  test.each([
    ['counted by one', (start: number) => start],
    ['that wrap around', (start: number) => start % 32],
    ['of which each says two things within 5 s', (start: number) => start, [1_000, 6_000]],
  ])('%s: the device is heard again after twice the silence', (_, bootOf, ups = [1_000]) => {
    const stage = new Sleeper().stayAwake(500, 20);
    const began = stage.now;
    for (let start = 1; start <= 100; start += 1) {
      stage.start(bootOf(start), ups);
      if (stage.now - began > 2 * silenceMs + 2 * SLEEP_MS && start <= 31) {
        expect(stage.reasons).toEqual([]);
        expect(stage.document).toMatchObject({ state: 'available', sequence: { boot: bootOf(start) } });
      }
      stage.pass(SLEEP_MS);
    }
    expect(stage.reasons).toEqual([]);
    expect(stage.document.state).toBe('available');
  });

  test('is no doubt where they come out of a buffer, between newer ones', () => {
    const stage = new Sleeper();
    stage.hear({ boot: 41, seq: 1, up: 1_000, state: 'charging', sensors: {} });
    for (let seq = 2; seq <= 30; seq += 1) {
      stage.pass(15_000);
      stage.hear({ boot: seq, seq: 1, up: 1_000, state: 'available', sensors: {} });
      stage.pass(15_000);
      stage.hear({ boot: 41, seq, up: 1_000 + (seq - 1) * 30_000, state: 'charging', sensors: {} });
    }
    expect(stage.reasons).toEqual([]);
    expect(stage.document).toMatchObject({ state: 'charging', sequence: { incarnation: 1, boot: 41 } });
  });

  test('is nobody while whoever counted above it speaks as well', () => {
    const stage = new Sleeper();
    for (let start = 1; start < 100; start += 1) {
      stage.hear({ boot: 500, seq: start, up: start * SLEEP_MS, state: 'charging', sensors: {} });
      stage.pass(SLEEP_MS / 2);
      stage.start(start);
      stage.pass(SLEEP_MS / 2 - 1_000);
    }
    expect(stage.twin.newest).toMatchObject({ boot: 500, seq: 99 });
  });
});

describe('boots that are the seconds of a clock', () => {
  const secondsOf = (stage: Stage): number => Math.floor(stage.now / 1_000);

  test.each([
    ['a day', DAY],
    ['thirteen days', 13 * DAY],
    ['a year', 365 * DAY],
  ])('are believed with one report for each start, after %s', (_, awayMs) => {
    const stage = new Sleeper();
    stage.stayAwake(secondsOf(stage), 5);
    for (let start = 0; start < 3; start += 1) {
      stage.pass(awayMs);
      const boot = secondsOf(stage);
      stage.start(boot, [1_000], { sensors: { meterWh: start } });
      expect(stage.document).toMatchObject({ state: 'available', sequence: { boot, missing: 0 } });
      expect(stage.document.lastContact).toBe(stage.now);
    }
  });

  test('leap where they are further than the time that has passed', () => {
    const stage = new Sleeper().stayAwake(5, 1);
    stage.pass(DAY);
    expect(
      stage.hear({ boot: 6 + 2 ** 20 + DAY / 1_000, seq: 1, up: 1, state: 'faulted', sensors: {} }),
    ).toMatchObject({
      disposition: 'held',
    });
    expect(
      stage.hear({ boot: 5 + 2 ** 20 + DAY / 1_000, seq: 1, up: 1, state: 'faulted', sensors: {} }),
    ).toMatchObject({
      disposition: 'latest',
    });
  });

  test('are believed with the second start, where the clock was set by more than that', () => {
    const stage = new Sleeper().stayAwake(1_000, 5);
    stage.pass(MINUTE);
    stage.start(secondsOf(stage));
    expect(stage.twin.newest).toMatchObject({ boot: 1_000 });
    stage.pass(SLEEP_MS);
    const boot = secondsOf(stage);
    stage.start(boot);
    expect(stage.twin.newest).toMatchObject({ boot });
    expect(stage.document).toMatchObject({ state: 'available', sequence: { missing: 0 } });
    expect(
      stage.decisions.filter(({ filed }) => filed !== null),
      'both are in the history',
    ).toHaveLength(7);
  });

  test.each([
    ['that had begun before the first one was received', { boot: 2 ** 40 + 240, up: 10 * MINUTE }],
    ['that leaps again', { boot: 2 ** 41 }],
    ['that is lower', { boot: 2 ** 40 - 1 }],
  ])('are not believed with a second start %s', (_, given) => {
    const stage = new Sleeper().stayAwake(1_000, 5);
    const forged: Report = { boot: 2 ** 40, seq: 1, up: 1_000, state: 'faulted', sensors: {} };
    stage.hear(forged);
    stage.pass(SLEEP_MS);
    expect(stage.hear({ ...forged, ...given }).disposition).toBe('held');
  });

  test('are not believed while the device goes on as before', () => {
    const stage = new Sleeper();
    for (let seq = 1; seq <= 4; seq += 1) {
      stage.hear({ boot: 1_000, seq, up: seq * SLEEP_MS, state: 'charging', sensors: {} });
      stage.pass(SLEEP_MS / 2);
      stage.hear({ boot: 2 ** 40 + seq, seq: 1, up: 1_000, state: 'faulted', sensors: {} });
      stage.pass(SLEEP_MS / 2);
    }
    expect(stage.twin.newest).toMatchObject({ boot: 1_000, seq: 4 });
  });
});
