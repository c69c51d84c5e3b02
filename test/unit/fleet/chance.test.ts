import { describe, expect, test } from 'vitest';
import { Dice } from '../../../tools/fleet/chance.ts';
import { arrivalsPerHour, COMMUTERS, DAY, HOUR, nextArrival } from '../../../tools/fleet/rhythm.ts';

const dice = (draws = 0, who = 'cp-001', seed = 1): Dice => new Dice({ seed, who, draws });

describe('chance', () => {
  test('is the same when it is taken up again where it was left', () => {
    const through = dice();
    const all = Array.from({ length: 100 }, () => through.draw());
    const again = Array.from({ length: 100 }, (_, index) => dice(index).draw());
    expect(again).toEqual(all);
  });

  test('differs between seeds and between devices', () => {
    const draws = [dice(), dice(0, 'cp-002'), dice(0, 'cp-001', 2)].map((each) => each.draw());
    expect(new Set(draws).size).toBe(3);
  });

  test('is spread evenly, for one device and over a fleet', () => {
    const one = dice();
    const along = Array.from({ length: 20_000 }, () => one.draw());
    const across = Array.from({ length: 20_000 }, (_, index) => dice(0, `cp-${index}`).draw());
    for (const draws of [along, across]) {
      const tenths = Array.from({ length: 10 }, () => 0);
      for (const draw of draws) tenths[Math.floor(draw * 10)]! += 1;
      for (const count of tenths) expect(Math.abs(count - 2_000)).toBeLessThan(200);
    }
  });

  test('has no memory from one draw to the next', () => {
    const one = dice();
    const draws = Array.from({ length: 20_000 }, () => one.draw() - 0.5);
    const products = draws.slice(1).map((draw, index) => draw * (draws[index] ?? 0));
    const correlation = products.reduce((sum, product) => sum + product, 0) / products.length / (1 / 12);
    expect(Math.abs(correlation)).toBeLessThan(0.03);
  });
});

describe('arrivals', () => {
  test('are as many in a day as the rhythm says, and fall into the hours it says', () => {
    const one = dice();
    const hours = Array.from({ length: 24 }, () => 0);
    const days = 7 * 200;
    let at = 0;
    let count = 0;
    for (;;) {
      at = nextArrival(COMMUTERS, at, one);
      if (at >= days * DAY) break;
      count += 1;
      hours[Math.floor((at % DAY) / HOUR)]! += 1;
    }
    expect(count / days).toBeGreaterThan(3.3);
    expect(count / days).toBeLessThan(3.8);
    expect(hours[2]).toBe(0);
    expect(hours[7]).toBeGreaterThan(3 * hours[22]!);
  });

  test('of a day add up to the rhythm of that day', () => {
    const sum = (day: number): number =>
      Array.from({ length: 24 }, (_, hour) => arrivalsPerHour(COMMUTERS, day * DAY + hour * HOUR)).reduce(
        (total, each) => total + each,
        0,
      );
    expect(sum(0)).toBeCloseTo(4);
    expect(sum(5)).toBeCloseTo(2.5);
    expect(sum(7)).toBeCloseTo(4);
  });
});
