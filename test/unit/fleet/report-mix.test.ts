import { describe, expect, test } from 'vitest';
import { kinds } from '../../../machines/kinds.ts';
import { encode } from '../../../src/wire/codec.ts';
import { readReports } from '../../../src/wire/report.ts';
import { sensorsProblem } from '../../../src/wire/sensors.ts';
import { type Mix, mixedReport, type MixedReport } from '../../../tools/fleet/report-mix.ts';

const DEVICES = 20;
const STEPS = 300;

const streamOf = (mix: Mix, index: number, seed = 3): MixedReport[] =>
  Array.from({ length: STEPS }, (_, step) => mixedReport({ seed, mix, stepMs: 60_000 }, index, step));

const observationsOf = (stream: readonly MixedReport[]): string[] =>
  stream.map(({ kind, report }) => kinds.find(({ name }) => name === kind)!.observe(report));

const changes = (values: readonly unknown[]): number =>
  values.filter((value, index) => index > 0 && value !== values[index - 1]).length;

describe.each<Mix>(['believable', 'changing', 'steady'])('a %s mix', (mix) => {
  const streams = Array.from({ length: DEVICES }, (_, index) => streamOf(mix, index));

  test('is read and understood by the server', () => {
    for (const { device, kind, report } of streams.flat()) {
      const read = readReports(device, encode(report, 'msgpack'));
      if (!read.ok || read.problems.length > 0) expect(read).toBeNull();
      const problem = sensorsProblem(
        kinds.find(({ name }) => name === kind)!,
        report,
      );
      if (problem !== null) expect(problem).toBeNull();
    }
  });

  test('contradicts itself nowhere', () => {
    for (const stream of streams) {
      for (const [index, { kind, report }] of stream.entries()) {
        const previous = stream[index - 1]?.report ?? null;
        const found = kinds.find(({ name }) => name === kind)!.findContradictions(report, previous);
        if (found.length > 0) expect([found, previous, report]).toBeNull();
      }
    }
  });

  test('is in order, and each device is of one kind', () => {
    for (const stream of streams) {
      expect(stream.map(({ report }) => report.seq)).toEqual(stream.map((_, step) => step + 1));
      expect(new Set(stream.map(({ device, kind }) => `${device} ${kind}`)).size).toBe(1);
    }
    expect(new Set(streams.map(([first]) => first?.device)).size).toBe(DEVICES);
    expect(new Set(streams.map(([first]) => first?.kind)).size).toBe(3);
  });

  test('has meters and odometers that never run backwards', () => {
    for (const sensor of ['meterWh', 'odometerKm']) {
      for (const stream of streams) {
        const values = stream.map(({ report }) => report.sensors[sensor] as number | undefined);
        const falls = values.filter((value, index) => index > 0 && (value ?? 0) < (values[index - 1] ?? 0));
        expect(falls).toEqual([]);
      }
    }
  });

  test('can be made anywhere in it, in any order', () => {
    const alone = mixedReport({ seed: 3, mix, stepMs: 60_000 }, 17, 250);
    expect(alone).toEqual(streams[17]?.[250]);
  });
});

test('in a believable mix most reports change no state, and every device changes it now and then', () => {
  for (let index = 0; index < DEVICES; index += 1) {
    const share = changes(observationsOf(streamOf('believable', index))) / STEPS;
    expect(share).toBeGreaterThan(0.01);
    expect(share).toBeLessThan(0.15);
  }
});

test('in a changing mix every report changes the state', () => {
  for (let index = 0; index < DEVICES; index += 1) {
    expect(changes(observationsOf(streamOf('changing', index)))).toBe(STEPS - 1);
  }
});

test('in a steady mix no report changes the state or a sensor', () => {
  for (let index = 0; index < DEVICES; index += 1) {
    const stream = streamOf('steady', index);
    expect(changes(observationsOf(stream))).toBe(0);
    expect(changes(stream.map(({ report }) => JSON.stringify(report.sensors)))).toBe(0);
  }
});

test('another seed is another fleet', () => {
  expect(streamOf('believable', 5, 4)).not.toEqual(streamOf('believable', 5, 3));
});
