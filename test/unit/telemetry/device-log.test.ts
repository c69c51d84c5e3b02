import pino from 'pino';
import { beforeEach, describe, expect, test } from 'vitest';
import { DeviceLog } from '../../../src/telemetry/device-log.ts';
import type { Clock } from '../../../src/runtime/ports.ts';

let now = 0;
let lines: Record<string, unknown>[];
let log: DeviceLog;

const clock: Clock = { now: () => now, monotonic: () => now, after: () => () => undefined };

beforeEach(() => {
  now = 1_000;
  lines = [];
  const destination = {
    write: (text: string) => void lines.push(JSON.parse(text) as Record<string, unknown>),
  };
  log = new DeviceLog(pino({ level: 'info' }, destination), clock);
});

const report = (device: string): void => log.write('report-decided', device, { disposition: 'latest' });
const written = (): unknown[] =>
  lines.filter(({ line }) => line === 'report-decided').map(({ device }) => device);

describe('the log of devices', () => {
  test("keeps to the log's own level", () => {
    report('cp-1');
    log.write('command-unknown', 'cp-1', { id: 'x' });
    expect(lines).toMatchObject([{ line: 'command-unknown', device: 'cp-1', id: 'x' }]);
  });

  test('tells more of a device that has a level of its own, and of no other', () => {
    log.setLevel('cp-1', 'debug', { by: 'alice' });
    report('cp-1');
    report('cp-2');
    expect(written()).toEqual(['cp-1']);
    expect(lines[0]).toMatchObject({ line: 'log-level-set', device: 'cp-1', level: 'debug', by: 'alice' });
  });

  test('tells less of a device that has a higher one', () => {
    log.setLevel('cp-1', 'error');
    log.write('command-unknown', 'cp-1', {});
    expect(lines.map(({ line }) => line)).toEqual(['log-level-set']);
  });

  test('forgets a level when its time is over, or it is taken away', () => {
    log.setLevel('cp-1', 'debug', { forMs: 5_000 });
    log.setLevel('cp-2', 'debug');
    expect(log.setLevel('cp-2', null)).toBeNull();
    now += 5_000;
    report('cp-1');
    report('cp-2');
    expect(written()).toEqual([]);
    expect(log.levelOf('cp-1')).toBeNull();
  });

  test('refuses more levels than it can hold, and takes new ones when old ones have ended', () => {
    for (let device = 0; device < 1_000; device += 1)
      log.setLevel(`cp-${String(device)}`, 'debug', { forMs: 5_000 });
    expect(() => log.setLevel('cp-x', 'debug')).toThrow(RangeError);
    expect(log.setLevel('cp-7', 'trace', { forMs: 5_000 })).toMatchObject({ level: 'trace' });
    now += 5_000;
    expect(log.setLevel('cp-x', 'debug')).toMatchObject({ level: 'debug' });
  });
});
