import { describe, expect, test } from 'vitest';
import { chargePoint } from '../../../machines/charge-point.ts';
import { kinds } from '../../../machines/kinds.ts';
import { readableSensors, sensorsProblem } from '../../../src/wire/sensors.ts';

const report = { boot: 1, seq: 1, up: 0, state: 'available', sensors: {} };

describe("a report's sensors", () => {
  test('may all be absent, in every kind', () => {
    for (const kind of kinds) {
      const [state = ''] = kind.reportedStates;
      expect(sensorsProblem(kind, { ...report, state })).toBeNull();
    }
  });

  test('that the kind does not name are kept, whatever they are', () => {
    expect(sensorsProblem(chargePoint, { ...report, sensors: { humidity: ['odd'] } })).toBeNull();
  });

  test('of the wrong type are refused with the kind, the sensor and what would be right', () => {
    const [sensor = ''] = chargePoint.binarySensors;
    const problem = sensorsProblem(chargePoint, { ...report, sensors: { [sensor]: 'open' } });
    expect(problem).toContain(`sensors of a charge-point: /${sensor}: expected boolean, got "open"`);
  });

  test('come with a state that the kind knows', () => {
    const problem = sensorsProblem(chargePoint, { ...report, state: 'flying' });
    expect(problem).toMatch(/^\/state: a charge-point reports one of .*, not "flying"$/);
  });

  test('that do not fit count as absent and are marked, and the others are heard', () => {
    const sensors = { hatchOpen: null, meterWh: 'much', powerW: 11_000, humidity: null };
    expect(readableSensors(chargePoint, { ...report, sensors })).toEqual({
      ...report,
      sensors: { powerW: 11_000, humidity: null },
      unreadable: ['hatchOpen', 'meterWh'],
    });
  });

  test('that fit are left as they are', () => {
    const fitting = { ...report, sensors: { powerW: 11_000 } };
    expect(readableSensors(chargePoint, fitting)).toBe(fitting);
  });
});
