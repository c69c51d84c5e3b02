import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  BLANK_MEMORY,
  checked,
  type DeviceMemory,
  holdAt,
  nextBoot,
  nextChangeUp,
  passTime,
  withBegun,
  withHold,
  withOutcome,
} from '../../../src/device/device-state.ts';

const booted: DeviceMemory = { ...BLANK_MEMORY, boot: 1 };
const chargeMs = 10_000;
const held = withHold(booted, { id: 'a', up: 1_000, holdMs: 60_000, chargeMs });

describe('the boot count', () => {
  test('begins at 1 where nothing is stored', () => {
    expect(nextBoot(BLANK_MEMORY, { unreadable: 0, holdChargeMs: chargeMs }).boot).toBe(1);
  });

  test('begins where it is told to where nothing is stored, and only there', () => {
    const options = { unreadable: 0, holdChargeMs: chargeMs, firstBoot: 7_000_000 };
    expect(nextBoot(BLANK_MEMORY, options).boot).toBe(7_000_000);
    expect(nextBoot({ ...booted, boot: 41 }, options).boot).toBe(42);
  });

  test('grows with every start', () => {
    expect(nextBoot({ ...booted, boot: 41 }, { unreadable: 0, holdChargeMs: chargeMs }).boot).toBe(42);
  });

  test('skips a number for every unreadable entry, since each may have been a start', () => {
    expect(nextBoot({ ...booted, boot: 41 }, { unreadable: 3, holdChargeMs: chargeMs }).boot).toBe(45);
  });
});

describe('a hold', () => {
  test('ends by itself at the end of its time, to the millisecond', () => {
    expect(holdAt(held, 60_999)?.id).toBe('a');
    expect(holdAt(held, 61_000)).toBeNull();
  });

  test('is forgotten when its time has passed', () => {
    expect(passTime(held, 61_000, chargeMs).hold).toBeNull();
  });

  test('is charged ahead of time, and again before that time has come', () => {
    expect(held.hold?.chargedUp).toBe(21_000);
    expect(nextChangeUp(held, chargeMs)).toBe(11_000);
    expect(passTime(held, 10_999, chargeMs)).toBe(held);
    expect(passTime(held, 11_000, chargeMs).hold?.chargedUp).toBe(31_000);
  });

  test('is not charged beyond its end', () => {
    const late = passTime(held, 55_000, chargeMs);
    expect(late.hold?.chargedUp).toBe(61_000);
    expect(nextChangeUp(late, chargeMs)).toBe(61_000);
    expect(passTime(late, 60_999, chargeMs)).toBe(late);
  });

  test('goes on after a restart with what is certainly left of it', () => {
    const after = nextBoot(held, { unreadable: 0, holdChargeMs: chargeMs });
    expect(after.hold).toEqual({ id: 'a', endsUp: 40_000, chargedUp: 20_000 });
  });

  test('does not outlive a restart when nothing is certainly left of it', () => {
    const short = withHold(booted, { id: 'a', up: 0, holdMs: 20_000, chargeMs });
    expect(nextBoot(short, { unreadable: 0, holdChargeMs: chargeMs }).hold).toBeNull();
  });

  test('never lasts longer than it was granted for, over all restarts together', () => {
    const lives = fc.array(fc.integer({ min: 0, max: 40_000 }), { maxLength: 20 });
    fc.assert(
      fc.property(lives, fc.integer({ min: 1, max: 120_000 }), (livesMs, holdMs) => {
        let memory = withHold(booted, { id: 'a', up: 0, holdMs, chargeMs });
        let heldMs = 0;
        for (const lifeMs of livesMs) {
          const endsUp = memory.hold?.endsUp ?? 0;
          for (let up = 0; up < lifeMs; up = nextChangeUp(memory, chargeMs) ?? lifeMs) {
            memory = passTime(memory, up, chargeMs);
          }
          heldMs += Math.min(lifeMs, endsUp);
          memory = nextBoot(memory, { unreadable: 0, holdChargeMs: chargeMs });
        }
        expect(heldMs).toBeLessThanOrEqual(holdMs);
      }),
    );
  });
});

describe('a memory that contradicts itself is a mistake of ours', () => {
  test.each<[string, DeviceMemory]>([
    [
      'I1',
      {
        ...booted,
        highestN: 5,
        ring: [
          { n: 4, outcome: 'done' },
          { n: 5, outcome: 'done' },
        ],
      },
    ],
    ['I2', { ...booted, highestN: 4, ring: [{ n: 5, outcome: 'done' }] }],
    ['I4', { ...booted, hold: { id: 'a', endsUp: 5, chargedUp: 6 } }],
  ])('%s', (invariant, memory) => {
    expect(() => checked(memory)).toThrow(invariant);
  });

  test('I3: an outcome for what is still begun', () => {
    const begun = withBegun(booted, { n: 1, epoch: 1, id: 'a', name: 'start', args: {} });
    expect(() => checked({ ...begun, ring: [{ n: 1, outcome: 'done' }] })).toThrow('I3');
    expect(withOutcome(begun, { n: 1, outcome: 'done' }).begun).toBeNull();
  });
});
