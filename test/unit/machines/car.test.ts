import { describe, expect, test } from 'vitest';
import { car } from '../../../machines/car.ts';
import type { Report } from '../../../machines/report.ts';
import { reportOf } from './report-of.ts';

const codes = (report: Partial<Report>, previous?: Partial<Report>): string[] =>
  car
    .findContradictions(
      reportOf(report),
      previous === undefined ? null : reportOf({ seq: 5, up: 0, ...previous }),
    )
    .map(({ code }) => code);

describe('a car is observed', () => {
  test.each([
    ['available', {}, 'available.secured'],
    ['available', { locked: true, doorsOpen: false }, 'available.secured'],
    ['available', { locked: false }, 'available.open'],
    ['available', { locked: true, doorsOpen: true }, 'available.open'],
    ['reserved', { locked: true }, 'reserved.secured'],
    ['reserved', { locked: false }, 'reserved.open'],
    ['rented', {}, 'rented.parked'],
    ['rented', { ignitionOn: false, locked: false }, 'rented.parked'],
    ['rented', { ignitionOn: true }, 'rented.driving'],
    ['charging', { plugged: true }, 'charging'],
    ['out-of-service', { locked: true }, 'suspect.out-of-service'],
  ])('as %s with %o: %s', (state, sensors, observation) => {
    expect(car.observe(reportOf({ state, sensors }))).toBe(observation);
  });
});

describe('a car contradicts itself', () => {
  const always = { plugged: 100_000, locked: 100_000 };

  test('when its doors stay open while it is locked', () => {
    const sensors = { doorsOpen: true, locked: true };
    expect(codes({ sensors, since: { doorsOpen: 20_000, locked: 6_000 } })).toEqual(['open-while-locked']);
    expect(codes({ sensors, since: { doorsOpen: 300, locked: 6_000 } })).toEqual([]);
    expect(
      codes({ sensors: { ...sensors, locked: false }, since: { doorsOpen: 20_000, locked: 6_000 } }),
    ).toEqual([]);
  });

  test('when it charges with no cable in it', () => {
    const unplugged = { state: 'charging', sensors: { plugged: false } };
    expect(codes({ ...unplugged, since: { plugged: 20_000 } })).toEqual(['charging-unplugged']);
    expect(codes({ ...unplugged, since: { plugged: 200 } })).toEqual([]);
  });

  test('when it drives with a cable in it', () => {
    const before = { state: 'rented', sensors: { plugged: true, odometerKm: 8_000 } };
    const after = { state: 'rented', sensors: { plugged: true, odometerKm: 8_030 } };
    expect(codes({ ...after, since: always }, before)).toEqual(['moved-while-plugged']);
  });

  test('but not when it may have been unplugged, driven and plugged in again between the two reports', () => {
    const before = { state: 'charging', sensors: { plugged: true, odometerKm: 8_000 } };
    const after = { state: 'charging', sensors: { plugged: true, odometerKm: 8_030 } };
    expect(codes({ ...after, since: { plugged: 40_000 } }, before)).toEqual([]);
    expect(codes(after, before)).toEqual([]);
    expect(codes({ ...after, since: always }, { ...before, boot: 2 })).toEqual([]);
  });

  test('when it drives locked and without a driver', () => {
    const before = { sensors: { locked: true, odometerKm: 8_000 } };
    const after = { sensors: { locked: true, odometerKm: 8_030 }, since: always };
    expect(codes(after, before)).toEqual(['moved-while-locked']);
    expect(codes({ ...after, state: 'rented' }, before)).toEqual([]);
    expect(codes(after, { ...before, state: 'rented' })).toEqual([]);
  });

  test('but not by the last digit of its odometer, nor by an odometer that it does not report', () => {
    const before = { sensors: { locked: true, odometerKm: 8_000 } };
    expect(codes({ sensors: { locked: true, odometerKm: 8_001 }, since: always }, before)).toEqual([]);
    expect(codes({ sensors: { locked: true }, since: always }, before)).toEqual([]);
    expect(codes({ sensors: { locked: true, odometerKm: 12 }, since: always }, before)).toEqual([]);
  });
});
