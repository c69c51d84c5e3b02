/**
 * The hub in memory, where ways pass one direction alone, and where it refuses to store.
 */
import { describe, expect, test } from 'vitest';
import { MemoryBus } from '../../../src/memory/bus.ts';
import { MemoryHub } from '../../../src/memory/hub.ts';
import { MemoryLink } from '../../../src/memory/link.ts';
import type { Refusal } from '../../../src/memory/message-stream.ts';
import type { Clock } from '../../../src/runtime/ports.ts';
import { Schedule } from '../../simulation/world/schedule.ts';

const BEGINS = Date.UTC(2026, 0, 5, 6);

function clockOf(schedule: Schedule): Clock {
  return {
    now: () => schedule.now,
    monotonic: () => schedule.now,
    after: (delayMs, work) => schedule.after(delayMs, work),
  };
}

describe('a link', () => {
  test.each([
    { how: 'mute', passes: ['down'] },
    { how: 'deaf', passes: ['up'] },
    { how: 'frozen', passes: [] },
  ] as const)(
    'that is $how lets pass $passes, and the rest when it is whole again',
    async ({ how, passes }) => {
      const schedule = new Schedule(BEGINS);
      const link = new MemoryLink(clockOf(schedule));
      const arrived: string[] = [];
      link.freeze(how);
      link.send('publication', () => arrived.push('up'));
      link.receive('delivery', () => arrived.push('down'));
      await schedule.runUntil(BEGINS + 60_000);
      expect(arrived).toEqual(passes);
      link.heal();
      await schedule.runUntil(BEGINS + 61_000);
      expect([...arrived].sort()).toEqual(['down', 'up']);
    },
  );
});

describe('a stream that refuses', () => {
  test.each(['full', 'away', 'silent'] satisfies Refusal[])(
    'as one that is %s stores later what was published meanwhile, in its order and once',
    async (refusal) => {
      const schedule = new Schedule(BEGINS);
      const clock = clockOf(schedule);
      const hub = new MemoryHub(clock);
      const bus = new MemoryBus({ hub, link: new MemoryLink(clock), clock });
      const refused: (string | null)[] = [];
      hub.changes.refuse(refusal, (id) => refused.push(id));
      const messages = ['1', '2', '3'].map((id) => ({
        subject: 'twin.cp-1.changed',
        id,
        payload: new Uint8Array([Number(id)]),
        trace: null,
      }));
      let isStored = false;
      void bus.publish(messages).then(() => (isStored = true));
      await schedule.runUntil(BEGINS + 10_000);
      expect(isStored).toBe(false);
      expect(refused.slice(0, 3)).toEqual(['1', '2', '3']);
      hub.changes.refuseNoMore();
      await schedule.runUntil(BEGINS + 20_000);
      expect(isStored).toBe(true);
      expect(hub.changes.messages.map(({ payload }) => payload[0])).toEqual([1, 2, 3]);
    },
  );
});
