/**
 * A device whose storage is swapped now and then, over a link that delivers its reports late, in any order, and again: whatever is
 * concluded about who speaks, each report is filed once.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PREVIOUS_INCARNATIONS_MAX } from '../../../actors/identity.ts';
import type { Command } from '../../../machines/command.ts';
import { chargePoint } from '../../../machines/charge-point.ts';
import type { Report } from '../../../machines/report.ts';
import { Pair } from './pair.ts';

/** Where storages begin to count: far from each other, below and above the first one's. */
const FIRST_BOOT = 3_500_000_000;
const OTHER_BOOTS = [1_000_000_000, 2_000_000_000, 4_000_000_000, 5_000_000_000];

/** What comes off a link may be the first of what is on it, or any other. */
const anyPlace = fc.nat(1_000);
const anyPause = fc.constantFrom(100, 2_000, 20_000, 61_000, chargePoint.limits.silenceMs, 3_600_000);

class Story {
  readonly #pair = new Pair();
  readonly #undelivered: Report[] = [];
  readonly #delivered: Report[] = [];
  readonly #commands: Command[] = [];
  readonly #storages = [...OTHER_BOOTS.slice(0, PREVIOUS_INCARNATIONS_MAX)];
  readonly #filed = new Set<Report>();

  constructor() {
    this.#pair.device.boot = FIRST_BOOT;
  }

  measure(): void {
    this.#undelivered.push(this.#pair.measure());
  }

  deliver(place: number): void {
    const [report] = this.#undelivered.splice(place % Math.max(1, this.#undelivered.length), 1);
    if (report === undefined) return;
    this.#hear(report);
    this.#delivered.push(report);
  }

  deliverAll(): void {
    while (this.#undelivered.length > 0) this.deliver(0);
  }

  deliverAgain(place: number): void {
    const report = this.#delivered[place % this.#delivered.length];
    if (report !== undefined) this.#hear(report);
  }

  command(place: number, isOnce: boolean): void {
    this.#commands.push(...this.#pair.unhandled());
    const at = place % Math.max(1, this.#commands.length);
    const command = this.#commands[at];
    if (command === undefined) return;
    this.#pair.device.receive(command, this.#pair.now);
    if (isOnce) this.#commands.splice(at, 1);
  }

  pass(ms: number): void {
    this.#pair.pass(ms);
  }

  reboot(keeps: 'everything' | 'nothing'): void {
    this.#pair.device.reboot(this.#pair.now, keeps);
  }

  swapStorage(place: number): void {
    const [boot] = this.#storages.splice(place % Math.max(1, this.#storages.length), 1);
    if (boot === undefined) return;
    this.#pair.device.wipe(this.#pair.now);
    this.#pair.device.boot = boot;
  }

  clear(): void {
    this.#pair.ask('clear', { by: 'eva', args: { reason: 'looked at it' } });
  }

  ask(): void {
    this.#pair.ask('report');
  }

  #hear(report: Report): void {
    const { disposition, filed } = this.#pair.hear(report);
    const position = `${String(report.boot)}/${String(report.seq)}`;
    expect(filed === null, `${position} was taken for ${String(disposition)}`).toBe(this.#filed.has(report));
    this.#filed.add(report);
  }
}

/** A step of a story, and how often it is drawn. */
const anyStep: fc.Arbitrary<(story: Story) => void> = fc.oneof(
  { weight: 10, arbitrary: fc.constant((story: Story) => story.measure()) },
  { weight: 6, arbitrary: anyPlace.map((place) => (story: Story) => story.deliver(place)) },
  { weight: 6, arbitrary: fc.constant((story: Story) => story.deliverAll()) },
  { weight: 6, arbitrary: anyPlace.map((place) => (story: Story) => story.deliverAgain(place)) },
  {
    weight: 10,
    arbitrary: fc.tuple(anyPlace, fc.boolean()).map(
      ([place, isOnce]) =>
        (story: Story) =>
          story.command(place, isOnce),
    ),
  },
  { weight: 10, arbitrary: anyPause.map((ms) => (story: Story) => story.pass(ms)) },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom('everything' as const, 'nothing' as const)
      .map((keeps) => (story: Story) => story.reboot(keeps)),
  },
  { weight: 2, arbitrary: anyPlace.map((place) => (story: Story) => story.swapStorage(place)) },
  { weight: 2, arbitrary: fc.constant((story: Story) => story.clear()) },
  { weight: 1, arbitrary: fc.constant((story: Story) => story.ask()) },
);

const filedOnce = fc.property(fc.array(anyStep, { minLength: 20, maxLength: 120 }), (steps) => {
  const story = new Story();
  for (const step of steps) step(story);
});

test('each report that came is filed once, however often and in whatever order it comes', () => {
  fc.assert(filedOnce, { numRuns: 2_000 });
});

test('a report of a boot that is held is filed, also when a boot close to it was believed meanwhile', () => {
  const path = '46683:3:5:10:14:14:14:17:17:21:19:19:16:16:17:14:14:14:14:14:14:15:15:15:15:16:16:15:15:15';
  fc.assert(filedOnce, { seed: 37452356, path, endOnFailure: true });
});

test('a report that was held is filed once, also when the boot after it is believed and never leapt', () => {
  const path =
    '454:4:0:7:11:10:9:10:13:14:17:21:19:28:27:28:28:28:28:29:32:33:32:32:33:32:32:32:33:33:33:33:33:33:34';
  fc.assert(filedOnce, { seed: 180965995, path, endOnFailure: true });
});
