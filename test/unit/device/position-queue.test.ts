import fc from 'fast-check';
import { expect, test } from 'vitest';
import { comparePositions, type ReportPosition } from '../../../machines/report.ts';
import { PositionQueue } from '../../../src/device/position-queue.ts';

const position = (index: number): ReportPosition => ({
  boot: 1 + Math.floor(index / 100),
  seq: (index % 100) + 1,
});

const operation = fc.oneof(
  fc.record({ type: fc.constant('add' as const), count: fc.integer({ min: 1, max: 900 }) }),
  fc.record({
    type: fc.constant('remove' as const),
    from: fc.double({ min: 0, max: 1, noNaN: true }),
    length: fc.integer({ min: 0, max: 1_500 }),
  }),
);

test('a position queue holds what a list would hold after the same additions and removals', () => {
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 40 }), (operations) => {
      const queue = new PositionQueue<ReportPosition>();
      let model: ReportPosition[] = [];
      let added = 0;
      for (const each of operations) {
        if (each.type === 'add') {
          for (let count = 0; count < each.count; count += 1) {
            queue.add(position(added));
            model.push(position(added));
            added += 1;
          }
        } else {
          const first = Math.floor(each.from * added);
          const range = { from: position(first), to: position(first + each.length) };
          const isIn = (item: ReportPosition): boolean =>
            comparePositions(item, range.from) >= 0 && comparePositions(item, range.to) <= 0;
          expect(queue.remove(range)).toEqual(model.filter(isIn));
          model = model.filter((item) => !isIn(item));
        }
        expect(queue.length).toBe(model.length);
        expect(queue.last()).toEqual(model.at(-1));
        expect(queue.at(0)).toEqual(model[0]);
        expect(queue.at(model.length)).toBeUndefined();
      }
      expect(queue.list()).toEqual(model);
    }),
  );
});

test('a position that does not come after the last is a mistake of ours', () => {
  const queue = new PositionQueue<ReportPosition>();
  queue.add({ boot: 2, seq: 1 });
  expect(() => queue.add({ boot: 2, seq: 1 })).toThrow('I1');
  expect(() => queue.add({ boot: 1, seq: 9 })).toThrow('I1');
});
