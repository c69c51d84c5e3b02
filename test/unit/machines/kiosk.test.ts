import { describe, expect, test } from 'vitest';
import { kiosk } from '../../../machines/kiosk.ts';
import type { Report } from '../../../machines/report.ts';
import { reportOf } from './report-of.ts';

const codes = (report: Partial<Report>, previous?: Partial<Report>): string[] =>
  kiosk
    .findContradictions(
      reportOf(report),
      previous === undefined ? null : reportOf({ seq: 5, up: 0, ...previous }),
    )
    .map(({ code }) => code);

describe('a kiosk is observed', () => {
  test.each([
    ['available', {}, 'available'],
    ['reserved', {}, 'reserved'],
    ['serving', {}, 'serving.dialog'],
    ['serving', { compartmentOpen: true }, 'serving.handover'],
    ['charging', { mainsPresent: true }, 'charging'],
    ['out-of-service', { serviceDoorOpen: true }, 'suspect.out-of-service'],
  ])('as %s with %o: %s', (state, sensors, observation) => {
    expect(kiosk.observe(reportOf({ state, sensors }))).toBe(observation);
  });
});

describe('a kiosk contradicts itself', () => {
  test('when a compartment stands open while every bolt is closed', () => {
    const sensors = { compartmentOpen: true, boltsClosed: true };
    expect(codes({ sensors, since: { compartmentOpen: 9_000, boltsClosed: 9_000 } })).toEqual([
      'open-while-bolted',
    ]);
    expect(codes({ sensors, since: { compartmentOpen: 9_000, boltsClosed: 100 } })).toEqual([]);
  });

  test('when something is taken while no door was open', () => {
    const shut = { compartmentOpen: false, serviceDoorOpen: false };
    const since = { compartmentOpen: 100_000, serviceDoorOpen: 100_000 };
    const before = { sensors: { ...shut, itemsInside: 12 } };
    const after = { sensors: { ...shut, itemsInside: 11 } };
    expect(codes({ ...after, since }, before)).toEqual(['taken-without-opening']);
    expect(codes({ ...before, since }, before)).toEqual([]);
    expect(codes({ ...after, since: { ...since, compartmentOpen: 30_000 } }, before)).toEqual([]);
    expect(codes({ ...after, since: { ...since, serviceDoorOpen: 30_000 } }, before)).toEqual([]);
    expect(codes(after, before)).toEqual([]);
    expect(codes({ sensors: shut, since }, before)).toEqual([]);
    expect(codes({ ...after, since })).toEqual([]);
  });

  test('when it recovers its battery without mains', () => {
    const cut = { state: 'charging', sensors: { mainsPresent: false } };
    expect(codes({ ...cut, since: { mainsPresent: 9_000 } })).toEqual(['charging-without-mains']);
    expect(codes({ ...cut, since: { mainsPresent: 90 } })).toEqual([]);
    expect(codes({ ...cut, state: 'available', since: { mainsPresent: 9_000 } })).toEqual([]);
  });
});
