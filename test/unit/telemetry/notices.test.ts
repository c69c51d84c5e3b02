import pino from 'pino';
import { expect, test } from 'vitest';
import { DeviceLog } from '../../../src/telemetry/device-log.ts';
import type { Clock } from '../../../src/runtime/ports.ts';
import { createTelemetry } from '../../../src/telemetry/telemetry.ts';

const clock: Clock = { now: () => 0, monotonic: () => 0, after: () => () => undefined };

test('a notice of what is tried again stands at info, and one that somebody has to look at at warn', () => {
  const lines: Record<string, unknown>[] = [];
  const log = pino(
    {},
    { write: (text: string) => void lines.push(JSON.parse(text) as Record<string, unknown>) },
  );
  const { notice } = createTelemetry(log, new DeviceLog(log, clock), clock);
  notice('bus', { type: 'publish-retried' });
  notice('bus', { type: 'publish-too-large' });
  expect(lines).toMatchObject([
    { level: 30, line: 'hub-overcome', type: 'publish-retried' },
    { level: 40, line: 'hub-notice', type: 'publish-too-large' },
  ]);
});
