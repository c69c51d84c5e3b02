import { describe, expect, test } from 'vitest';
import { chargePoint } from '../../../machines/charge-point.ts';
import type { Report } from '../../../machines/report.ts';
import { reportOf } from './report-of.ts';

const codes = (report: Partial<Report>, previous?: Partial<Report>): string[] =>
  chargePoint
    .findContradictions(
      reportOf(report),
      previous === undefined ? null : reportOf({ seq: 5, up: 0, ...previous }),
    )
    .map(({ code }) => code);

describe('a charge point is observed', () => {
  test.each([
    ['available', {}, 'available.idle'],
    ['available', { cableConnected: false, carPresent: false }, 'available.idle'],
    ['available', { carPresent: true }, 'available.occupied'],
    ['available', { cableConnected: true }, 'available.occupied'],
    ['reserved', { carPresent: false }, 'reserved.waiting'],
    ['reserved', { carPresent: true }, 'reserved.arrived'],
    ['charging', {}, 'charging.delivering'],
    ['charging', { powerW: 7_400 }, 'charging.delivering'],
    ['charging', { powerW: 3 }, 'charging.suspended'],
    ['faulted', { cableConnected: true }, 'suspect.out-of-service'],
    ['unavailable', {}, 'suspect.out-of-service'],
  ])('as %s with %o: %s', (state, sensors, observation) => {
    expect(chargePoint.observe(reportOf({ state, sensors }))).toBe(observation);
  });
});

describe('a charge point contradicts itself', () => {
  const plugged = { hatchOpen: false, cableConnected: true };

  test('when the cable connects while the hatch never opened', () => {
    const since = { hatchOpen: 86_400_000, cableConnected: 12_000 };
    const [found] = chargePoint.findContradictions(reportOf({ sensors: plugged, since }), null);
    expect(found?.code).toBe('cable-without-hatch');
    expect(found?.detail).toContain('12000');
    expect(found?.detail).toContain('86400000');
  });

  test('but not when the hatch was closed after the cable, or moved with it', () => {
    expect(codes({ sensors: plugged, since: { hatchOpen: 8_000, cableConnected: 12_000 } })).toEqual([]);
    expect(codes({ sensors: plugged, since: { hatchOpen: 12_900, cableConnected: 12_000 } })).toEqual([]);
  });

  test('nor when it does not say when they moved, or was started with the cable in', () => {
    expect(codes({ sensors: plugged })).toEqual([]);
    expect(codes({ sensors: plugged }, { sensors: { hatchOpen: false, cableConnected: false } })).toEqual([]);
    expect(codes({ sensors: plugged, since: { hatchOpen: 60_000, cableConnected: 60_000 } })).toEqual([]);
  });

  test('nor through an open hatch, or one that it does not have', () => {
    expect(
      codes({
        sensors: { hatchOpen: true, cableConnected: true },
        since: { hatchOpen: 9_000, cableConnected: 5_000 },
      }),
    ).toEqual([]);
    expect(codes({ sensors: { cableConnected: true }, since: { cableConnected: 5_000 } })).toEqual([]);
  });

  test('when it charges without a cable, or without a car', () => {
    const state = 'charging';
    expect(codes({ state, sensors: { cableConnected: false }, since: { cableConnected: 9_000 } })).toEqual([
      'charging-without-cable',
    ]);
    expect(codes({ state, sensors: { carPresent: false }, since: { carPresent: 9_000 } })).toEqual([
      'charging-without-car',
    ]);
    expect(
      codes({ state, sensors: { cableConnected: false } }, { sensors: { cableConnected: false } }),
    ).toEqual(['charging-without-cable']);
  });

  test('but not while its state is about to follow the cable', () => {
    expect(
      codes({ state: 'charging', sensors: { cableConnected: false }, since: { cableConnected: 400 } }),
    ).toEqual([]);
  });

  test('when power flows without a cable', () => {
    const since = { cableConnected: 9_000 };
    expect(codes({ sensors: { cableConnected: false, powerW: 3_600 }, since })).toEqual([
      'power-without-cable',
    ]);
    expect(codes({ sensors: { cableConnected: false, powerW: 12 }, since })).toEqual([]);
  });

  test('but not by its meter: a reading that is wrong does not spoil the session', () => {
    const charging = {
      state: 'charging',
      sensors: { cableConnected: true, carPresent: true, meterWh: 9_000 },
    };
    expect(codes({ ...charging, sensors: { ...charging.sensors, meterWh: 4_009_000 } }, charging)).toEqual(
      [],
    );
    expect(codes({ ...charging, sensors: { ...charging.sensors, meterWh: 12 } }, charging)).toEqual([]);
  });
});
