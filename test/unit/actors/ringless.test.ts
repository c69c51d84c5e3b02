/**
 * Devices that keep no ring answer no probe, and those without storage count no start: what they say may look old, or as if two spoke.
 * Time tells who is alive, within what the kind allows for a silence.
 */
import { describe, expect, test } from 'vitest';
import type { Report } from '../../../machines/report.ts';
import { Pair } from './pair.ts';
import { Stage } from './stage.ts';

const EVERY_MS = 30_000;

/** A device that takes no commands and reports every 30 s, through a link that stores what it says at once. */
class Ringless {
  readonly stage: Stage;
  boot: number;
  seq = 0;
  state = 'available';
  #startedAt: number;

  constructor(stage = new Stage(), boot = 1) {
    this.stage = stage;
    this.boot = boot;
    this.#startedAt = stage.now;
  }

  /** It starts anew, without counting that. */
  start(): void {
    this.seq = 0;
    this.#startedAt = this.stage.now;
  }

  measure(): Report {
    this.seq += 1;
    const up = this.stage.now - this.#startedAt;
    return { boot: this.boot, seq: this.seq, up, state: this.state, sensors: {} };
  }

  report(): void {
    this.stage.hear(this.measure());
  }

  /** Reports for a time. */
  goOn(timeMs: number): void {
    const until = this.stage.now + timeMs;
    while (this.stage.now < until) {
      this.stage.pass(Math.min(EVERY_MS, until - this.stage.now));
      this.report();
    }
  }

  get isDoubted(): boolean {
    return this.stage.reasons.includes('identity-conflict');
  }
}

const { silenceMs } = new Stage().kind.limits;

describe('a start that is not counted', () => {
  function cutAfter(timeMs: number): Ringless {
    const device = new Ringless();
    device.goOn(timeMs);
    device.stage.now += 60_000;
    device.start();
    device.state = 'charging';
    device.report();
    return device;
  }

  test('is a doubt with the first report, and over after a silence: then the twin says what the device says', () => {
    const device = cutAfter(8 * 3_600_000);
    expect(device.isDoubted, 'it said something else under that number').toBe(true);
    expect(device.stage.document.state).toBe('suspect');
    device.goOn(silenceMs + EVERY_MS);
    expect(device.isDoubted).toBe(false);
    expect(device.stage.document).toMatchObject({
      state: 'charging',
      sequence: { boot: 1, seq: device.seq },
    });
    expect(device.stage.twin.incarnation).toBe(2);
  });

  test('is no doubt for longer where the device has been off for as long as the kind allows', () => {
    const device = new Ringless();
    device.goOn(3_600_000);
    device.stage.pass(silenceMs);
    device.start();
    device.report();
    device.goOn(EVERY_MS);
    expect(device.isDoubted).toBe(false);
    expect(device.stage.document.state).toBe('available');
    expect(device.stage.twin.incarnation).toBe(2);
  });

  test('is over a silence after the last of many, too', () => {
    const device = cutAfter(3_600_000);
    for (let cut = 0; cut < 12; cut += 1) {
      device.goOn(2 * EVERY_MS);
      device.start();
      device.report();
    }
    device.goOn(silenceMs + 2 * EVERY_MS);
    expect(device.isDoubted).toBe(false);
    expect(device.stage.document.state).toBe('charging');
  });

  test('does not take a copy from before it for what comes next', () => {
    const device = new Ringless();
    device.goOn(3_600_000);
    const copy = { ...device.stage.twin.newest!.report };
    device.start();
    device.goOn(silenceMs + 2 * EVERY_MS);
    expect(device.stage.twin.incarnation).toBe(2);
    expect(device.stage.hear(copy)).toMatchObject({ disposition: 'duplicate', filed: null });
    device.goOn(EVERY_MS);
    expect(device.isDoubted).toBe(false);
    expect(device.stage.twin.newest).toMatchObject({ boot: 1, seq: device.seq });
  });

  test('journals why the count begins anew', () => {
    const device = cutAfter(3_600_000);
    device.goOn(silenceMs + EVERY_MS);
    const details = device.stage.decisions.flatMap(({ transitions }) =>
      transitions.map(({ cause }) => cause.detail),
    );
    expect(details).toContainEqual(
      expect.stringMatching(/report 1\/\d+ goes on, and 1\/\d+ has fallen silent/),
    );
  });
});

describe('boots that begin lower', () => {
  test('are a doubt with the second report, and over after a silence', () => {
    const device = new Ringless(new Stage(), 900);
    device.goOn(3_600_000);
    device.boot = 3;
    device.start();
    device.state = 'charging';
    device.report();
    device.goOn(EVERY_MS);
    expect(device.isDoubted).toBe(true);
    device.goOn(silenceMs);
    expect(device.isDoubted).toBe(false);
    expect(device.stage.document).toMatchObject({ state: 'charging', sequence: { boot: 3, missing: 0 } });
  });

  test('so it is where the only report before was forged', () => {
    const stage = new Stage();
    stage.hear({ boot: 2 ** 40, seq: 2 ** 30, up: 5, state: 'available', sensors: {}, commands: [] });
    const device = new Ringless(stage, 7);
    device.state = 'charging';
    device.goOn(silenceMs + 4 * EVERY_MS);
    expect(device.isDoubted).toBe(false);
    expect(stage.document.state).toBe('charging');
  });

  test('a line that was given up wrongly comes back after a silence', () => {
    const device = new Ringless(new Stage(), 900);
    device.goOn(3_600_000);
    const other = new Ringless(device.stage, 3);
    device.stage.pass(silenceMs);
    other.goOn(3 * EVERY_MS);
    expect(device.stage.twin.newest).toMatchObject({ boot: 3 });
    device.state = 'charging';
    device.goOn(silenceMs + 2 * EVERY_MS);
    expect(device.stage.document).toMatchObject({ state: 'charging', sequence: { boot: 900 } });
  });
});

describe('no doubt is', () => {
  test('a buffer of an earlier boot, which comes faster than it was measured', () => {
    const device = new Ringless();
    device.goOn(600_000);
    const buffered = Array.from({ length: 200 }, () => {
      device.stage.now += EVERY_MS;
      return device.measure();
    });
    device.boot = 2;
    device.start();
    device.report();
    for (const old of buffered) {
      device.stage.now += 1_000;
      device.stage.hear(old);
    }
    expect(device.isDoubted).toBe(false);
    expect(device.stage.twin.incarnation).toBe(1);
  });

  test('one that comes as slowly, with newer reports in between', () => {
    const device = new Ringless();
    device.goOn(600_000);
    const buffered = Array.from({ length: 40 }, () => {
      device.stage.now += EVERY_MS;
      return device.measure();
    });
    device.boot = 2;
    device.start();
    for (const old of buffered) {
      device.goOn(EVERY_MS);
      device.stage.hear(old);
    }
    expect(device.isDoubted).toBe(false);
    expect(device.stage.twin.incarnation).toBe(1);
  });

  test('a report that the link repeats for ever', () => {
    const device = new Ringless();
    device.goOn(600_000);
    const copy = { ...device.stage.twin.newest!.report, seq: 4, up: 90_000 };
    for (let time = 0; time < 2 * silenceMs; time += EVERY_MS) {
      device.stage.pass(EVERY_MS);
      device.stage.hear(copy);
    }
    expect(device.isDoubted).toBe(false);
    expect(device.stage.twin.incarnation).toBe(1);
  });
});

test('a device that keeps a ring is asked, and nobody believed without an answer: that is a doubt after a silence', () => {
  const pair = new Pair();
  pair.meet();
  for (let report = 0; report < 100; report += 1) {
    pair.pass(EVERY_MS);
    pair.answer();
  }
  const before = pair.device.seq;
  pair.device.wipe(pair.now);
  pair.device.seq = 0;
  pair.device.boot = 1;
  for (let passed = 0; passed < silenceMs; passed += EVERY_MS) {
    pair.pass(EVERY_MS);
    pair.unhandled();
    pair.report();
  }
  pair.pass(EVERY_MS);
  pair.report();
  expect(pair.twin).toMatchObject({ incarnation: 1, newest: { seq: before } });
  expect(pair.reasons).toContain('identity-conflict');
  pair.pass(60_000);
  pair.report();
  pair.answer();
  expect(pair.twin).toMatchObject({ incarnation: 2, newest: { seq: pair.device.seq } });
  expect(pair.reasons).toEqual([]);
});
