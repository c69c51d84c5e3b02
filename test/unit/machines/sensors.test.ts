import { Value } from '@sinclair/typebox/value';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { kinds } from '../../../machines/kinds.ts';
import { reportOf } from './report-of.ts';

const samples: Readonly<Record<string, Readonly<Record<string, { good: unknown[]; bad: unknown[] }>>>> = {
  'charge-point': {
    hatchOpen: { good: [true, false], bad: [1, 'open', null] },
    cableConnected: { good: [true, false], bad: [0, 'true', null] },
    carPresent: { good: [true, false], bad: ['yes', [], null] },
    meterWh: { good: [0, 1_234.5, -3, 4_000_000], bad: ['12', null, Number.NaN, true] },
    powerW: { good: [0, 11_000], bad: ['11 kW', null, Number.POSITIVE_INFINITY] },
    temperatureC: { good: [-21.5, 60], bad: ['warm', null, {}] },
  },
  car: {
    doorsOpen: { good: [true, false], bad: [4, null] },
    locked: { good: [true, false], bad: ['locked', null] },
    ignitionOn: { good: [true, false], bad: [1, null] },
    plugged: { good: [true, false], bad: ['no', null] },
    batteryPercent: { good: [0, 100, 101], bad: ['80%', null] },
    odometerKm: { good: [0, 123_456.7], bad: ['far', null] },
    position: {
      good: [
        { latitude: 52.5, longitude: 13.4 },
        { latitude: 52.5, longitude: 13.4, accuracyM: 8 },
      ],
      bad: [[52.5, 13.4], { latitude: 52.5 }, { latitude: '52.5', longitude: 13.4 }, null],
    },
  },
  kiosk: {
    compartmentOpen: { good: [true, false], bad: [1, null] },
    boltsClosed: { good: [true, false], bad: ['closed', null] },
    serviceDoorOpen: { good: [true, false], bad: [[], null] },
    mainsPresent: { good: [true, false], bad: [230, null] },
    bufferPercent: { good: [0, 55.5], bad: ['full', null] },
    itemsInside: { good: [0, 24], bad: [1.5, '3', null] },
  },
};

describe.each(kinds.map((kind) => ({ kind, name: kind.name })))('the sensors of a $name', ({ kind }) => {
  const known = samples[kind.name] ?? {};

  test('are exactly those that have samples here', () => {
    expect(Object.keys(kind.sensors.properties).sort()).toEqual(Object.keys(known).sort());
  });

  test.each(Object.entries(known))(
    '%s takes what such a sensor can say, and nothing else',
    (sensor, { good, bad }) => {
      expect(good.filter((value) => !Value.Check(kind.sensors, { [sensor]: value }))).toEqual([]);
      expect(bad.filter((value) => Value.Check(kind.sensors, { [sensor]: value }))).toEqual([]);
    },
  );

  test('have a unit where they are numbers, so that nobody reads a number without one', () => {
    const numbers = Object.values(kind.sensors.properties).filter(({ type }) =>
      ['number', 'integer'].includes(String(type)),
    );
    expect(numbers.length).toBeGreaterThan(0);
    for (const schema of numbers)
      expect(schema).toMatchObject({ unit: expect.stringMatching(/./) as string });
  });

  test('may be missing, and unknown ones are welcome', () => {
    expect(Value.Check(kind.sensors, {})).toBe(true);
    expect(Value.Check(kind.sensors, { humidityPercent: 40, nested: { any: ['thing'] } })).toBe(true);
  });

  test('that are called binary are boolean, and all boolean ones are called binary', () => {
    const boolean = Object.entries(kind.sensors.properties).filter(([, schema]) => schema.type === 'boolean');
    expect([...kind.binarySensors].sort()).toEqual(boolean.map(([name]) => name).sort());
  });

  test('can say anything at all without an exception: a bad sensor is no reason to stop', () => {
    const names = fc.constantFrom(...Object.keys(kind.sensors.properties), 'humidityPercent');
    const reports = fc
      .record({
        boot: fc.nat(3),
        up: fc.nat(),
        state: fc.constantFrom(...kind.reportedStates),
        sensors: fc.dictionary(names, fc.anything()),
        since: fc.dictionary(names, fc.nat()),
        bare: fc.boolean(),
      })
      .map(({ since, bare, ...report }) => reportOf(bare ? report : { ...report, since }));
    fc.assert(
      fc.property(reports, fc.option(reports), (report, previous) => {
        expect(kind.observations).toContain(kind.observe(report));
        for (const found of kind.findContradictions(report, previous)) {
          expect(found.code).toMatch(/^[a-z]+(-[a-z]+)*$/);
          expect(found.detail).not.toBe('');
        }
      }),
    );
  });
});

test('no two kinds have a sensor of the same name, so that a report tells its kind by them', () => {
  const names = kinds.flatMap((kind) => Object.keys(kind.sensors.properties));
  expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
});
