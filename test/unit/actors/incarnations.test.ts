/**
 * Around a new count of boots much is heard before anybody knows whose it is. Whatever comes of it once more, when that is known, is a
 * copy: it proves nothing, and is not filed again.
 */
import { describe, expect, test } from 'vitest';
import { chargePoint } from '../../../machines/charge-point.ts';
import type { Report } from '../../../machines/report.ts';
import { Pair } from './pair.ts';

const MINUTE = 60_000;
const { silenceMs } = chargePoint.limits;

/** The storage of the device is another one, which begins to count at this boot. */
function swapStorage(pair: Pair, boot: number): void {
  pair.device.wipe(pair.now);
  pair.device.boot = boot;
}

function expectCopies(pair: Pair, copies: readonly Report[]): void {
  for (const copy of copies) expect(pair.hear(copy)).toMatchObject({ disposition: 'duplicate', filed: null });
}

test('what came of its first boot before anybody knew is not filed again when that boot turns out to be its own', () => {
  const pair = new Pair();
  pair.device.boot = 900_000_000;
  pair.meet();
  pair.pass(3_600_000);
  pair.device.wipe(pair.now);
  pair.device.boot = 100_000_000;
  const first = pair.measure();
  expect(pair.hear(first), 'nothing is proved yet').toMatchObject({
    disposition: 'late',
    filed: { incarnation: 1 },
  });
  pair.arrive();
  const proving = pair.measure();
  pair.device.reboot(pair.now, 'everything');
  pair.report();
  expect(pair.twin).toMatchObject({ incarnation: 2, newest: { boot: 100_000_001 } });
  expect(pair.hear(proving)).toMatchObject({ disposition: 'late', filed: { incarnation: 2 } });
  expect(pair.hear(first), 'heard before').toMatchObject({ disposition: 'duplicate', filed: null });
});

describe('while two seem to be alive', () => {
  /**
   * The storage was swapped twice within a minute: of the second swap nobody knows whether it is not another device. `heard` is what
   * came from there, first what answers the probe.
   */
  function contested(): { readonly pair: Pair; readonly heard: readonly Report[] } {
    const pair = new Pair();
    pair.device.boot = 900_000_000;
    pair.meet();
    pair.pass(3_600_000);
    swapStorage(pair, 500_000_000);
    pair.report();
    pair.answer();
    pair.now += MINUTE;
    swapStorage(pair, 100_000_000);
    const first = pair.measure();
    pair.hear(first);
    pair.arrive();
    const second = pair.measure();
    expect(pair.hear(second)).toMatchObject({ disposition: 'late', filed: { incarnation: 2 } });
    expect(pair.reasons).toContain('identity-conflict');
    return { pair, heard: [second, first] };
  }

  test('a copy begins no new count, and what begins it afterwards is no reason to file one', () => {
    const { pair, heard } = contested();
    pair.now += silenceMs;
    expectCopies(pair, heard);
    expect(pair.answer()).toMatchObject({ disposition: 'latest', filed: { incarnation: 3 } });
    expectCopies(pair, heard);
    expect(pair.document.sequence.missing).toBe(0);
  });

  test('so it is when a person has said that they are one', () => {
    const { pair, heard } = contested();
    pair.ask('clear', { by: 'eva', args: { reason: 'there is only one' } });
    pair.now += silenceMs;
    expectCopies(pair, heard);
  });

  test('so it is when the new count begins with a later boot', () => {
    const { pair, heard } = contested();
    pair.now += silenceMs;
    pair.device.reboot(pair.now, 'everything');
    expect(pair.report()).toMatchObject({ disposition: 'latest', filed: { incarnation: 3 } });
    expectCopies(pair, heard);
    expect(pair.document.sequence).toMatchObject({ boot: 100_000_001, missing: 0 });
  });

  test('so it is when that later boot was in doubt, too', () => {
    const { pair, heard } = contested();
    pair.device.reboot(pair.now, 'everything');
    const third = pair.measure();
    expect(pair.hear(third)).toMatchObject({ disposition: 'late', filed: { incarnation: 2 } });
    pair.now += silenceMs;
    expectCopies(pair, [...heard, third]);
    expect(pair.answer()).toMatchObject({ disposition: 'latest', filed: { incarnation: 3 } });
    expectCopies(pair, [...heard, third]);
  });

  test('so it is when it was yet another storage that began to count anew', () => {
    const { pair, heard } = contested();
    swapStorage(pair, 50_000_000);
    pair.device.receive(pair.commands.at(-1)!, pair.now);
    const third = pair.measure();
    expect(pair.hear(third)).toMatchObject({ disposition: 'late', filed: { incarnation: 2 } });
    pair.now += silenceMs;
    expect(pair.report()).toMatchObject({ disposition: 'latest', filed: { incarnation: 3 } });
    expectCopies(pair, [...heard, third]);
  });
});

test('a copy from a line that goes on does not bring it back once the other one has fallen silent', () => {
  const pair = new Pair();
  pair.device.boot = 900_000_000;
  pair.meet();
  const metAt = pair.now;
  const { report: last } = pair.twin.newest!;
  const goOn = (reports: number): Report => {
    return { ...last, seq: last.seq + reports, up: last.up + pair.now - metAt, commands: [] };
  };
  pair.pass(3_600_000);
  swapStorage(pair, 500_000_000);
  pair.report();
  pair.answer();
  pair.now += MINUTE;
  const second = goOn(2);
  expect(pair.hear(second)).toMatchObject({ disposition: 'late', filed: { incarnation: 1 } });
  expect(pair.reasons).toContain('identity-conflict');
  pair.now += silenceMs;
  expectCopies(pair, [second]);
  expect(pair.hear(goOn(3))).toMatchObject({ disposition: 'latest', filed: { incarnation: 3 } });
  expectCopies(pair, [second, last]);
  expect(pair.document.sequence.missing, 'the one between never came').toBe(1);
});

test('a ring that names a number which no twin gives proves no line to be the present one', () => {
  const pair = new Pair();
  pair.device.boot = 900_000_000;
  pair.meet();
  const { report: last } = pair.twin.newest!;
  pair.pass(3_600_000);
  swapStorage(pair, 500_000_000);
  pair.report();
  pair.answer();
  const commands = [{ n: Number.MAX_SAFE_INTEGER, outcome: 'done' }];
  const buffered = { ...last, seq: last.seq + 1, up: last.up + 1, commands };
  expect(pair.hear(buffered)).toMatchObject({ disposition: 'late', filed: { incarnation: 1 } });
  expect(pair.reasons).toEqual([]);
});
