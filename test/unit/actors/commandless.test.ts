/**
 * A device that takes no commands answers no probe, so that no answer can settle who speaks: the silence of the other one does.
 */
import { expect, test } from 'vitest';
import type { Report } from '../../../machines/report.ts';
import { Stage } from './stage.ts';

const report = (seq: number, up: number, rest: Partial<Report> = {}): Report => ({
  boot: 1,
  seq,
  up,
  state: 'available',
  sensors: {},
  ...rest,
});

/** A twin that has heard one position with two contents. */
function contested(rest: Partial<Report> = {}): Stage {
  const stage = new Stage();
  stage.hear(report(1, 0, rest));
  stage.hear(report(1, 5_000, rest));
  expect(reasonsOf(stage)).toContain('identity-conflict');
  return stage;
}

function reasonsOf(stage: Stage): readonly string[] {
  return stage.twin.suspicions.map(({ reason }) => reason);
}

/** Reports every 30 s for a time, and tells whether it is in conflict after the last one. */
function goOn(stage: Stage, timeMs: number, rest: Partial<Report> = {}): boolean {
  const until = stage.now + timeMs;
  while (stage.now < until) {
    stage.now += Math.min(30_000, until - stage.now);
    const { seq } = stage.twin.newest!;
    stage.hear(report(seq + 1, seq * 30_000, rest));
  }
  return reasonsOf(stage).includes('identity-conflict');
}

test('one conflicting report of a device without commands is over after the silence that its kind allows', () => {
  const stage = contested();
  const { silenceMs } = stage.kind.limits;
  expect(goOn(stage, silenceMs - 1_000), 'the other one may still come').toBe(true);
  expect(goOn(stage, 31_000)).toBe(false);
  expect(stage.document.state).toBe('available');
});

test('each further sign of the other one begins that silence again', () => {
  const stage = contested();
  const { silenceMs } = stage.kind.limits;
  goOn(stage, silenceMs - 1_000);
  const { seq, up } = stage.twin.newest!;
  stage.hear(report(seq, up + 5_000));
  expect(goOn(stage, silenceMs - 1_000)).toBe(true);
  expect(goOn(stage, 31_000)).toBe(false);
});

test('a device that keeps a ring still has to answer', () => {
  const stage = contested({ commands: [] });
  expect(goOn(stage, 2 * stage.kind.limits.silenceMs, { commands: [] })).toBe(true);
});
