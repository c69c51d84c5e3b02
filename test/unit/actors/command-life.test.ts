/**
 * The life of commands over an adversarial network: lost, doubled, reordered and delayed as long as it likes, while the
 * device restarts with or without its memory, people use it, and nodes take over with clocks of their own. What twins
 * conclude is held against what the device really did.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Command } from '../../../machines/command.ts';
import type { Report } from '../../../machines/report.ts';
import { worldState } from '../../../machines/statechart.ts';
import type { Twin } from '../../../actors/twin.ts';
import { ModelDevice, type ModelDeviceOptions } from './model-device.ts';
import { Stage, T0 } from './stage.ts';

const NAMES = ['reserve', 'release', 'start', 'stop', 'report', 'reboot'] as const;

type Step =
  | { readonly do: 'pass'; readonly ms: number }
  | {
      readonly do: 'ask';
      readonly name: (typeof NAMES)[number];
      readonly holdMs: number;
      readonly waitMs: number;
    }
  | { readonly do: 'ask-again'; readonly which: number }
  | { readonly do: 'report' }
  | { readonly do: 'up' | 'down'; readonly which: number; readonly then: 'keep' | 'lose' }
  | { readonly do: 'lose-up' | 'lose-down'; readonly which: number }
  | { readonly do: 'reboot'; readonly keeps: 'everything' | 'nothing' }
  | { readonly do: 'use'; readonly isHolder: boolean }
  | { readonly do: 'leave' }
  | { readonly do: 'hearing'; readonly isHearing: boolean }
  | { readonly do: 'takeover'; readonly offset: number };

const passing = fc.oneof(
  { weight: 4, arbitrary: fc.nat(200) },
  { weight: 4, arbitrary: fc.nat(6_000) },
  { weight: 3, arbitrary: fc.nat(65_000) },
  { weight: 1, arbitrary: fc.nat(1_000_000) },
);
const which = fc.nat();
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: passing.map((ms) => ({ do: 'pass', ms }) as const) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('ask' as const),
      name: fc.constantFrom(...NAMES, 'reserve', 'reserve'),
      holdMs: fc.integer({ min: 1_000, max: 100_000 }),
      waitMs: fc.constantFrom(0, 3_000),
    }),
  },
  { weight: 1, arbitrary: which.map((index) => ({ do: 'ask-again', which: index }) as const) },
  { weight: 6, arbitrary: fc.constant({ do: 'report' } as const) },
  {
    weight: 14,
    arbitrary: fc.record({
      do: fc.constantFrom('up' as const, 'down' as const),
      which,
      then: fc.constantFrom('keep' as const, 'lose' as const, 'lose' as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constantFrom('lose-up' as const, 'lose-down' as const), which }),
  },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom('everything' as const, 'nothing' as const)
      .map((keeps) => ({ do: 'reboot', keeps }) as const),
  },
  { weight: 1, arbitrary: fc.boolean().map((isHolder) => ({ do: 'use', isHolder }) as const) },
  { weight: 1, arbitrary: fc.constant({ do: 'leave' } as const) },
  { weight: 1, arbitrary: fc.boolean().map((isHearing) => ({ do: 'hearing', isHearing }) as const) },
  {
    weight: 1,
    arbitrary: fc
      .double({ min: -1, max: 1, noNaN: true })
      .map((offset) => ({ do: 'takeover', offset }) as const),
  },
);

/** One device, one twin, and a network between them that keeps everything until somebody decides. */
class World {
  readonly stage: Stage;
  readonly device: ModelDevice;
  readonly asked: string[] = [];
  readonly refused = new Set<string>();
  readonly answeredAddresses: string[] = [];
  /** True time: that of the hub, which stores reports. */
  at = T0;
  #up: Report[] = [];
  #down: Command[] = [];
  #offsetMs = 0;
  #seenCommands = 0;
  #seenDecisions = 0;
  #filed = new Set<string>();
  #newest: Twin['newest'] = null;

  constructor(options: Omit<ModelDeviceOptions, 'startsAt'> & { readonly serverErrorMs: number }) {
    this.device = new ModelDevice({ ...options, startsAt: T0 - 3_600_000 });
    this.stage = new Stage({ serverErrorMs: options.serverErrorMs });
  }

  take(step: Step): void {
    switch (step.do) {
      case 'pass':
        this.#pass(step.ms);
        break;
      case 'ask':
        this.#ask(step.name, step);
        break;
      case 'ask-again': {
        const id = this.asked[step.which % Math.max(1, this.asked.length)];
        if (id !== undefined) this.stage.ask('reserve', { id }, this.stage.ledger.get(id) ?? null);
        break;
      }
      case 'report':
        this.#up.push(this.device.report(this.at));
        break;
      case 'up':
        this.#deliverUp(step.which, step.then === 'keep');
        break;
      case 'down':
        this.#deliverDown(step.which, step.then === 'keep');
        break;
      case 'lose-up':
        this.#up.splice(step.which % Math.max(1, this.#up.length), 1);
        break;
      case 'lose-down':
        this.#down.splice(step.which % Math.max(1, this.#down.length), 1);
        break;
      case 'reboot':
        this.device.reboot(this.at, step.keeps);
        break;
      case 'use':
        this.device.use(this.at, step.isHolder);
        break;
      case 'leave':
        this.device.leave(this.at);
        break;
      case 'hearing':
        this.stage.hearingSince = step.isHearing ? (this.stage.hearingSince ?? this.stage.now) : null;
        break;
      case 'takeover':
        this.#takeOver(step.offset);
    }
    this.#observe();
  }

  /**
   * No more faults: everything under way arrives, the device reports and answers at once. The last `report` passes those
   * over that were lost: nothing else can prove them, as they have no deadline.
   */
  heal(): void {
    this.stage.hearingSince ??= this.stage.now;
    while (this.#up.length > 0) this.#deliverUp(0, false);
    for (let round = 0; round < 80; round += 1) {
      if (round === 70) this.#ask('report', { holdMs: 0, waitMs: 0 });
      while (this.#down.length > 0) this.#deliverDown(0, false);
      this.#up.push(this.device.report(this.at));
      while (this.#up.length > 0) this.#deliverUp(0, false);
      this.#observe();
      this.#pass(5_000);
      this.#observe();
    }
  }

  #ask(name: string, { holdMs, waitMs }: { readonly holdMs: number; readonly waitMs: number }): void {
    const id = `command-${this.asked.length + 1}`;
    this.asked.push(id);
    this.stage.ask(name, { id, waitMs, args: name === 'reserve' ? { holdMs } : {} });
  }

  /** Time passes for everybody; the twin is woken whenever it asked to be. */
  #pass(ms: number): void {
    const end = this.at + ms;
    for (let due = this.stage.wakeAt(); due - this.#offsetMs <= end; due = this.stage.wakeAt()) {
      this.at = Math.max(this.at, due - this.#offsetMs);
      this.stage.now = Math.max(this.stage.now, due);
      this.stage.wake();
      expect(this.stage.wakeAt(), 'a wake-up makes progress').toBeGreaterThan(this.stage.now);
      this.#observe();
    }
    this.at = end;
    this.stage.now = end + this.#offsetMs;
  }

  #deliverUp(which: number, keeps: boolean): void {
    const index = which % Math.max(1, this.#up.length);
    const report = this.#up[index];
    if (report === undefined) return;
    if (!keeps) this.#up.splice(index, 1);
    this.stage.hear(JSON.parse(JSON.stringify(report)) as Report, this.at);
    this.#observe();
  }

  /** The device answers what it handled with a report, at once. */
  #deliverDown(which: number, keeps: boolean): void {
    const index = which % Math.max(1, this.#down.length);
    const command = this.#down[index];
    if (command === undefined) return;
    if (!keeps) this.#down.splice(index, 1);
    this.device.receive(command, this.at);
    this.#up.push(this.device.report(this.at));
  }

  /** Another node takes over: it has what the store holds, a higher epoch, and a clock of its own. */
  #takeOver(offset: number): void {
    this.#offsetMs = Math.floor(offset * this.stage.serverErrorMs);
    this.stage.twin = JSON.parse(JSON.stringify(this.stage.twin)) as Twin;
    this.stage.epoch += 1;
    this.stage.now = this.at + this.#offsetMs;
    this.stage.hearingSince = this.stage.now;
  }

  /** Takes what the twin sent into the network, and holds what it decided against the truth. */
  #observe(): void {
    const { stage, device } = this;
    this.#down.push(...stage.commands.slice(this.#seenCommands));
    this.#seenCommands = stage.commands.length;
    for (const decision of stage.decisions.slice(this.#seenDecisions)) {
      this.#seenDecisions += 1;
      if (decision.filed !== null) {
        const { report } = decision.filed;
        const position = `${report.boot}/${report.seq}`;
        expect(this.#filed.has(position), `report ${position} is filed once`).toBe(false);
        this.#filed.add(position);
      }
      for (const entry of decision.ledger) {
        if (entry.outcome === 'pending' && entry.name === 'reserve' && entry.sentAt === entry.acceptedAt)
          expect(
            device.holdAt(this.at),
            `${entry.id} was accepted while the device held itself for another`,
          ).toBe(null);
        if (entry.outcome === 'done') expect(device.executed.map(({ id }) => id)).toContain(entry.id);
        if (entry.outcome === 'rejected' || entry.outcome === 'expired')
          expect(
            device.executed.map(({ id }) => id),
            `${entry.id} is ${entry.outcome}: ${entry.proof}`,
          ).not.toContain(entry.id);
      }
      for (const effect of decision.effects) {
        if (effect.type === 'send') continue;
        this.answeredAddresses.push(effect.to.subject);
        if (effect.type === 'answer' && effect.reply.type === 'refused' && effect.reply.refusal.id !== null)
          this.refused.add(effect.reply.refusal.id);
      }
    }
    const { newest, open } = stage.twin;
    if (this.#newest !== null && newest !== null) {
      const order = newest.boot - this.#newest.boot || newest.seq - this.#newest.seq;
      expect(order, 'the known state never moves back').toBeGreaterThanOrEqual(0);
    }
    this.#newest = newest;
    expect(stage.twin.incarnation, 'an honest device stays who it is').toBe(1);
    expect(
      open.filter(({ outcome, notAfterUp }) => outcome === 'pending' && notAfterUp !== null).length,
    ).toBeLessThanOrEqual(1);
    for (const { id, at } of device.executed) {
      const entry = stage.ledger.get(id);
      if (entry === undefined) continue;
      expect(['expired', 'rejected'], `${id} was executed`).not.toContain(entry.outcome);
      if (entry.notAfterUp !== null)
        expect(at, `${id} started after it was certain that it could not`).toBeLessThanOrEqual(
          entry.certainAt - stage.serverErrorMs,
        );
    }
  }

  /** What has to be so once everything has arrived. */
  checkTheEnd(): void {
    const { stage, device } = this;
    expect(stage.twin.open, 'every accepted command is closed').toEqual([]);
    expect(stage.twin.waiting, 'nobody waits').toEqual([]);
    const ids = device.executed.filter(({ name }) => name !== 'report').map(({ id }) => id);
    expect(ids, 'nothing was executed twice').toEqual([...new Set(ids)]);
    for (const id of ids)
      expect(this.refused.has(id) && !stage.ledger.has(id), `${id} was refused and executed`).toBe(false);
    const answered = [...this.answeredAddresses].sort();
    expect(answered, 'every request is answered once').toEqual([...stage.addresses].sort());
    let before = -Infinity;
    for (const { from, until } of device.grants) {
      expect(from, 'two holders at once').toBeGreaterThanOrEqual(before);
      before = until ?? Infinity;
    }
    expect(stage.reasons.filter((reason) => reason !== 'divergence')).toEqual([]);
    if (stage.reasons.length === 0) expect(worldState(stage.twin.path)).toBe(device.state);
    expect(stage.twin.newest?.boot).toBe(device.boot);
    expect(stage.twin.newest?.seq).toBe(device.seq);
  }
}

const worlds = fc.record({
  pace: fc.double({ min: 1 - 200e-6, max: 1 + 200e-6, noNaN: true }),
  serverErrorMs: fc.constantFrom(0, 50, 2_000),
  ring: fc.constantFrom('handled' as const, 'number' as const),
});

/** More runs on demand; a failure is shrunk for a minute at most. */
const RUNS = { numRuns: Number(process.env.CORRAL_TEST_RUNS ?? 150), interruptAfterTimeLimit: 60_000 };

test('a command is never executed after certainAt, never called expired or rejected when it was executed, done only when it was, and decided once the network heals', () => {
  fc.assert(
    fc.property(worlds, fc.array(step, { minLength: 20, maxLength: 150, size: 'max' }), (options, steps) => {
      const world = new World(options);
      for (const taken of steps) world.take(taken);
      world.heal();
      world.checkTheEnd();
    }),
    RUNS,
  );
}, 120_000);
