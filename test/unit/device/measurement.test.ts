/** What a report says of the device's binary sensors. */
import { expect, test } from 'vitest';
import { BLANK_MEMORY } from '../../../src/device/device-state.ts';
import { FIRST_MEASUREMENT, takeMeasurement } from '../../../src/device/measurement.ts';

/** What reports of one boot say in `since`, a second after each other, of a sensor that says this one after the other. */
function sinceOf(values: readonly (boolean | null)[]): readonly (number | undefined)[] {
  let measurement = FIRST_MEASUREMENT;
  return values.map((cable, index) => {
    const up = 1_000 * (index + 1);
    const reading = { state: 'available', sensors: { cable } };
    const made = takeMeasurement(measurement, {
      memory: BLANK_MEMORY,
      reading,
      up,
      wall: null,
      kind: null,
      components: null,
    });
    measurement = made.measurement;
    return made.report.since?.cable;
  });
}

test('a sensor that has not changed since the start is as it is since then', () => {
  expect(sinceOf([false, false, true, true])).toEqual([1_000, 2_000, 0, 1_000]);
});

test('of a sensor that could not be read at the start nothing is said before it is seen to change', () => {
  expect(sinceOf([null, false, false, true, true])).toEqual([undefined, undefined, undefined, 0, 1_000]);
});

test('a sensor that says nothing for a while, and then what it said before, has not changed', () => {
  expect(sinceOf([false, null, false])).toEqual([1_000, undefined, 3_000]);
});
