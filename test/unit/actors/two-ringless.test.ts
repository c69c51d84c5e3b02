/**
 * Two devices under one identity that keep no ring: no answer tells which of them is alive. That both go on shows that there are two.
 */
import { describe, expect, test } from 'vitest';
import type { Report } from '../../../machines/report.ts';
import { Pair } from './pair.ts';
import { Stage } from './stage.ts';

const EVERY_MS = 30_000;
const { silenceMs, freshMs } = new Stage().kind.limits;

/** One that takes no commands, and was started when it was made. */
class Ringless {
  readonly stage: Stage;
  readonly boot: number;
  state: string;
  seq = 0;
  #startedAt: number;

  constructor(stage: Stage, boot: number, state = 'available') {
    this.stage = stage;
    this.boot = boot;
    this.state = state;
    this.#startedAt = stage.now;
  }

  measure(): Report {
    this.seq += 1;
    const up = this.stage.now - this.#startedAt;
    return { boot: this.boot, seq: this.seq, up, state: this.state, sensors: {} };
  }

  report(): void {
    this.stage.hear(this.measure());
  }

  /** Reports for a time, alone. */
  goOn(timeMs: number): void {
    for (let passed = 0; passed < timeMs; passed += EVERY_MS) {
      this.stage.pass(EVERY_MS);
      this.report();
    }
  }
}

/** Both report for a time, each every 30 s. Tells after what time they were doubted. */
function both(one: Ringless, other: Ringless, timeMs: number): number {
  const { stage } = one;
  const began = stage.now;
  let doubted = Infinity;
  while (stage.now < began + timeMs) {
    stage.pass(13_000);
    one.report();
    stage.pass(EVERY_MS - 13_000);
    other.report();
    if (isDoubted(stage)) doubted = Math.min(doubted, stage.now - began);
  }
  return doubted;
}

function isDoubted(stage: Stage): boolean {
  return stage.reasons.includes('identity-conflict');
}

describe('two devices without a ring under one identity are a doubt within twice the silence that the kind allows', () => {
  test.each([
    ['the one counts from below the other', 5, 7],
    ['the one counts from far above the other', 5, 2 ** 40],
    ['the one counts from far below the other', 2 ** 40, 5],
  ])('%s', (_, boot, otherBoot) => {
    const stage = new Stage();
    const device = new Ringless(stage, boot);
    device.goOn(600_000);
    const other = new Ringless(stage, otherBoot, 'charging');
    expect(both(device, other, 3_600_000)).toBeLessThan(2 * silenceMs);
    expect(stage.document).toMatchObject({ state: 'suspect', quality: 'suspect' });
  });

  test('both count alike', () => {
    const stage = new Stage();
    const device = new Ringless(stage, 1);
    device.goOn(600_000);
    expect(both(device, new Ringless(stage, 1, 'charging'), 3_600_000)).toBeLessThan(2 * silenceMs);
    expect(isDoubted(stage)).toBe(true);
  });

  test('the one came back after it had been given up for silent', () => {
    const stage = new Stage();
    const device = new Ringless(stage, 7);
    device.goOn(600_000);
    const other = new Ringless(stage, 5, 'charging');
    other.goOn(2 * silenceMs);
    expect(stage.twin.incarnation).toBe(2);
    expect(both(device, other, 3_600_000)).toBeLessThan(2 * silenceMs);
    expect(isDoubted(stage)).toBe(true);
  });

  test('the other one keeps a ring, and answers', () => {
    const pair = new Pair();
    pair.meet();
    pair.device.boot = 7;
    const other = new Ringless(pair, 5, 'charging');
    for (let passed = 0; passed < 2 * silenceMs; passed += EVERY_MS) {
      pair.pass(13_000);
      other.report();
      pair.pass(EVERY_MS - 13_000);
      pair.answer();
    }
    expect(isDoubted(pair)).toBe(true);
    expect(pair.ask('reserve', { args: { holdMs: 60_000 } }).transitions).toEqual([]);
    expect(pair.refusals).toEqual(['suspect']);
  });

  test('nobody is believed again while each is started now and then', () => {
    const stage = new Stage();
    let device = new Ringless(stage, 9);
    device.goOn(600_000);
    let other = new Ringless(stage, 5, 'charging');
    both(device, other, 2 * silenceMs);
    for (const boot of [6, 6, 8]) {
      other = new Ringless(stage, boot, 'charging');
      expect(both(device, other, silenceMs)).toBe(EVERY_MS);
      device = new Ringless(stage, 9);
      expect(both(device, other, silenceMs)).toBe(EVERY_MS);
    }
  });
});

describe('the doubt is over a silence after one of them was heard last, and the twin says what the other says', () => {
  test.each([
    ['the higher', 7, 5],
    ['the lower', 5, 7],
    ['the far higher', 2 ** 40, 5],
  ])('%s goes on', (_, boot, otherBoot) => {
    const stage = new Stage();
    const [device, other] = [new Ringless(stage, boot, 'charging'), new Ringless(stage, otherBoot)];
    both(device, other, 3_600_000);
    device.goOn(silenceMs - EVERY_MS);
    expect(isDoubted(stage)).toBe(true);
    device.goOn(3 * EVERY_MS);
    expect(stage.reasons).toEqual([]);
    expect(stage.document).toMatchObject({ state: 'charging', sequence: { boot, seq: device.seq } });
    expect(stage.twin.identity?.second ?? null).toBeNull();
  });
});

test('reports of both are filed, each once', () => {
  const stage = new Stage();
  const [device, other] = [new Ringless(stage, 5), new Ringless(stage, 7)];
  both(device, other, 3_600_000);
  expect(stage.decisions.filter(({ filed }) => filed !== null)).toHaveLength(device.seq + other.seq);
});

describe('no doubt is', () => {
  test('a buffer that is emptied as slowly as it was filled, while the device was away', () => {
    const stage = new Stage();
    const device = new Ringless(stage, 1);
    device.goOn(600_000);
    const buffered = Array.from({ length: 100 }, () => {
      stage.pass(EVERY_MS);
      return device.measure();
    });
    const started = new Ringless(stage, 2);
    for (const old of buffered) {
      started.goOn(EVERY_MS);
      stage.hear(old);
    }
    expect(isDoubted(stage)).toBe(false);
  });

  test('a buffer of a boot that nobody had heard, emptied faster than it was filled', () => {
    const stage = new Stage();
    const device = new Ringless(stage, 1);
    const buffered = Array.from({ length: 100 }, () => {
      stage.pass(EVERY_MS);
      return device.measure();
    });
    const started = new Ringless(stage, 2);
    for (const old of buffered) {
      started.report();
      stage.pass(EVERY_MS / 2);
      stage.hear(old);
    }
    expect(isDoubted(stage)).toBe(false);
  });

  test('a second way on which everything comes again, sooner than knowledge is stale', () => {
    const stage = new Stage();
    const device = new Ringless(stage, 1);
    for (let passed = 0; passed < 3_600_000; passed += 10_000) {
      const report = device.measure();
      stage.hear(report);
      stage.pass(10_000);
      stage.hear(device.measure());
      stage.pass(freshMs / 2 - 10_000);
      stage.hear(report);
    }
    expect(isDoubted(stage)).toBe(false);
  });
});
