import { describe, expect, test } from 'vitest';
import type { Command } from '../../../machines/command.ts';
import { RING_SIZE_MAX } from '../../../machines/report.ts';
import { BLANK_MEMORY, type DeviceMemory, holdAt } from '../../../src/device/device-state.ts';
import type { Verdict } from '../../../src/device/ports.ts';
import { finish, mayStillStart, outcomeAfterRestart, receive } from '../../../src/device/reception.ts';

const memory: DeviceMemory = {
  ...BLANK_MEMORY,
  boot: 3,
  highestN: 10,
  highestEpoch: 7,
  ring: [
    { n: 10, outcome: 'done' },
    { n: 8, outcome: 'rejected', reason: 'busy' },
  ],
};

const start: Command = {
  n: 11,
  epoch: 7,
  id: 'a',
  name: 'start',
  args: {},
  boot: 3,
  notAfterUp: 5_000,
};
const reserve: Command = { ...start, id: 'r', name: 'reserve', holdMs: 60_000 };
const moment = { up: 1_000, holdChargeMs: 10_000 };

const acts = { type: 'accept', hold: 'keep', acts: true } as const;
const begins = { type: 'accept', hold: 'begin', acts: false } as const;
const ends = { type: 'accept', hold: 'end', acts: true } as const;

const mustNotBeAsked = (): Verdict => {
  throw new Error('the body was asked');
};

function refusal(command: Command, known: DeviceMemory = memory, up = 1_000): string | null {
  const reception = receive(known, command, { ...moment, up }, mustNotBeAsked);
  return reception.type === 'refused' ? reception.reason : null;
}

describe('a device checks a command in the order of the contract', () => {
  test('an outcome in the ring is repeated, whatever else is wrong with the command', () => {
    for (const wrong of [{}, { epoch: 1 }, { boot: 1 }, { notAfterUp: 0 }, { name: 'nonsense' }]) {
      const reception = receive(memory, { ...start, n: 8, ...wrong }, moment, mustNotBeAsked);
      expect(reception.type).toBe('repeated');
      expect(reception.memory.ring).toEqual(memory.ring);
    }
  });

  test('a number below the highest that the ring does not name is superseded before anything else is looked at', () => {
    expect(refusal({ ...start, n: 9, epoch: 1, boot: 1, notAfterUp: 0 })).toBe('superseded');
  });

  test('a lower epoch is stale before its boot and deadline are looked at', () => {
    expect(refusal({ ...start, epoch: 6, boot: 1, notAfterUp: 0 })).toBe('stale-epoch');
  });

  test('another boot is refused before the deadline is looked at, a later one too', () => {
    expect(refusal({ ...start, boot: 2, notAfterUp: 0 })).toBe('other-boot');
    expect(refusal({ ...start, boot: 4 })).toBe('other-boot');
  });

  test('a passed deadline is too late before the own state is asked', () => {
    expect(refusal(start, memory, 5_001)).toBe('too-late');
  });

  test('the last moment of the deadline is in time', () => {
    expect(receive(memory, start, { ...moment, up: 5_000 }, () => acts).type).toBe('begun');
  });

  test('the own state is asked last, and its reason is the outcome', () => {
    const reception = receive(memory, start, moment, () => ({ type: 'refuse', reason: 'busy' }));
    expect(reception).toMatchObject({ type: 'refused', reason: 'busy' });
    expect(reception.memory.ring[0]).toEqual({ n: 11, outcome: 'rejected', reason: 'busy' });
  });

  test('the own state is asked with the hold that lasts now', () => {
    const held = receive(memory, reserve, moment, () => begins).memory;
    const asked: (string | null)[] = [];
    const judge = (hold: { readonly id: string } | null): Verdict => {
      asked.push(hold?.id ?? null);
      return { type: 'refuse', reason: 'busy' };
    };
    const later = { ...start, n: 12, notAfterUp: 1e9 };
    receive(held, later, { ...moment, up: 60_999 }, judge);
    receive(held, later, { ...moment, up: 61_000 }, judge);
    expect(asked).toEqual(['r', null]);
  });

  test('a report is done in any boot, at any time, without asking the own state', () => {
    const probe: Command = { n: 11, epoch: 7, id: 'p', name: 'report', args: {} };
    const reception = receive(memory, probe, { ...moment, up: 1e9 }, mustNotBeAsked);
    expect(reception.type).toBe('done');
    expect(reception.memory.ring[0]).toEqual({ n: 11, outcome: 'done' });
  });
});

describe('what a device refuses whatever its body says', () => {
  test('a command that changes something and carries no deadline', () => {
    const { boot: _, notAfterUp: __, ...bare } = start;
    expect(receive(memory, bare, moment, () => acts)).toMatchObject({ reason: 'no-deadline' });
    expect(receive(memory, { ...bare, boot: 3 }, moment, () => ends)).toMatchObject({
      reason: 'no-deadline',
    });
    const changesNothing = { type: 'accept', hold: 'keep', acts: false } as const;
    expect(receive(memory, bare, moment, () => changesNothing).type).toBe('done');
  });

  test('a second hold while one lasts', () => {
    const held = receive(memory, reserve, moment, () => begins).memory;
    const second = { ...reserve, n: 12, id: 's', notAfterUp: 1e9 };
    expect(receive(held, second, { ...moment, up: 60_999 }, () => begins)).toMatchObject({ reason: 'busy' });
    expect(receive(held, second, { ...moment, up: 61_000 }, () => begins).type).toBe('done');
  });

  test('a hold of no length', () => {
    const { holdMs: _, ...endless } = reserve;
    expect(receive(memory, endless, moment, () => begins)).toMatchObject({ reason: 'no-hold-time' });
  });
});

describe('a device remembers', () => {
  test('a refused number as handled, so that it is never executed later', () => {
    const refused = receive(memory, { ...start, notAfterUp: 0 }, moment, mustNotBeAsked).memory;
    expect(refused.highestN).toBe(11);
    expect(receive(refused, start, moment, mustNotBeAsked)).toMatchObject({ type: 'repeated' });
  });

  test('the highest epoch of any command, also of one it refuses or repeats', () => {
    expect(receive(memory, { ...start, n: 9, epoch: 8 }, moment, mustNotBeAsked).memory.highestEpoch).toBe(8);
    expect(receive(memory, { ...start, n: 10, epoch: 9 }, moment, mustNotBeAsked).memory.highestEpoch).toBe(
      9,
    );
    expect(receive(memory, { ...start, epoch: 3 }, moment, mustNotBeAsked).memory.highestEpoch).toBe(7);
  });

  test('the outcomes of the 8 highest numbers, the highest first', () => {
    let known = memory;
    for (let n = 20; n < 40; n += 1) {
      known = receive(known, { ...start, n, notAfterUp: 0 }, moment, mustNotBeAsked).memory;
    }
    expect(known.ring.map(({ n }) => n)).toEqual([39, 38, 37, 36, 35, 34, 33, 32]);
    expect(known.ring).toHaveLength(RING_SIZE_MAX);
  });

  test('no superseded straggler at the cost of a newer outcome', () => {
    let known = memory;
    for (let n = 20; n < 28; n += 1) {
      known = receive(known, { ...start, n, notAfterUp: 0 }, moment, mustNotBeAsked).memory;
    }
    expect(refusal({ ...start, n: 15 }, known)).toBe('superseded');
    const after = receive(known, { ...start, n: 15 }, moment, mustNotBeAsked).memory;
    expect(after.ring).toEqual(known.ring);
    expect(after.highestN).toBe(27);
  });

  test('a hold together with the outcome that began it', () => {
    const { memory: after, type } = receive(memory, reserve, moment, () => begins);
    expect(type).toBe('done');
    expect(after.ring[0]).toEqual({ n: 11, outcome: 'done' });
    expect(after.hold).toMatchObject({ id: 'r', endsUp: 61_000 });
  });

  test('a command as begun before it is executed, and no outcome yet', () => {
    const { memory: after } = receive(memory, start, moment, () => acts);
    expect(after.begun).toEqual(start);
    expect(after.highestN).toBe(11);
    expect(after.ring).toEqual(memory.ring);
  });
});

describe('the end of an execution', () => {
  const begun = receive(memory, start, moment, () => ends).memory;
  const held = receive(memory, reserve, moment, () => begins).memory;
  const begunWhileHeld = receive(held, { ...start, n: 12 }, moment, () => ends).memory;

  test('done ends the hold where the command does', () => {
    const after = finish(begunWhileHeld, { ...start, n: 12 }, ends, { outcome: 'done' });
    expect(after).toMatchObject({ hold: null, begun: null });
    expect(after.ring[0]).toEqual({ n: 12, outcome: 'done' });
  });

  test('rejected leaves the hold as it was', () => {
    const after = finish(begunWhileHeld, { ...start, n: 12 }, ends, {
      outcome: 'rejected',
      reason: 'jammed',
    });
    expect(holdAt(after, 1_000)?.id).toBe('r');
    expect(after.ring[0]).toEqual({ n: 12, outcome: 'rejected', reason: 'jammed' });
  });

  test('rejected takes back the hold that the command itself began', () => {
    const barrier = { type: 'accept', hold: 'begin', acts: true } as const;
    const raised = receive(memory, reserve, moment, () => barrier).memory;
    expect(holdAt(raised, 1_000)?.id).toBe('r');
    const after = finish(raised, reserve, barrier, { outcome: 'rejected', reason: 'jammed' });
    expect(after.hold).toBeNull();
  });

  test('a deadline that passed while the beginning was stored is told in time', () => {
    expect(mayStillStart(start, 5_000)).toBe(true);
    expect(mayStillStart(start, 5_001)).toBe(false);
  });

  test('after a restart it is done when the hardware shows it', () => {
    expect(outcomeAfterRestart(begun, true).ring[0]).toEqual({ n: 11, outcome: 'done' });
  });

  test('after a restart the hold has ended where the hardware shows what ends it', () => {
    expect(outcomeAfterRestart(begunWhileHeld, true).hold).toBeNull();
    expect(outcomeAfterRestart(begunWhileHeld, false).hold?.id).toBe('r');
    expect(outcomeAfterRestart(begunWhileHeld, null).hold?.id).toBe('r');
  });

  test('after a restart it is rejected when the hardware shows that it was not', () => {
    const after = outcomeAfterRestart(begun, false);
    expect(after.ring[0]).toEqual({ n: 11, outcome: 'rejected', reason: 'interrupted' });
    expect(after.begun).toBeNull();
  });

  test('after a restart it is unknown when the hardware does not show it', () => {
    expect(outcomeAfterRestart(begun, null).ring[0]).toEqual({
      n: 11,
      outcome: 'unknown',
      reason: 'interrupted',
      fence: { boot: 3 },
    });
  });

  test('after a restart its fence is the boot before, where nothing says in which one it was begun', () => {
    const { boot: _boot, ...unfenced } = start;
    const after = outcomeAfterRestart({ ...begun, boot: 5, begun: unfenced }, null);
    expect(after.ring[0]).toMatchObject({ outcome: 'unknown', fence: { boot: 4 } });
  });

  test('after a restart a hold is kept unless it certainly did not come about', () => {
    const raised = receive(memory, reserve, moment, () => ({
      type: 'accept',
      hold: 'begin',
      acts: true,
    })).memory;
    expect(outcomeAfterRestart(raised, true).hold?.id).toBe('r');
    expect(outcomeAfterRestart(raised, null).hold?.id).toBe('r');
    expect(outcomeAfterRestart(raised, false).hold).toBeNull();
  });
});
