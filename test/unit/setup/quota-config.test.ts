/**
 * What one site may take of a node, as the environment says it.
 */
import { expect, test } from 'vitest';
import { readConfig } from '../../../src/app/config.ts';

const servers = { CORRAL_NATS_URL: 'nats://hub:4222', CORRAL_POSTGRES_URL: 'postgres://db/corral' };
const maxOf = (value?: string): number =>
  readConfig({ ...servers, CORRAL_UNREGISTERED_MAX: value }).unregisteredDevicesMax;

test('a site may have 1,500 devices that nobody registered unless it is told otherwise', () => {
  expect(maxOf()).toBe(1_500);
  expect(maxOf('250000')).toBe(250_000);
});

test.each(['0', '-1', '1.5', 'many', 'Infinity'])('%s is no number of devices', (value) => {
  expect(() => maxOf(value)).toThrow(`CORRAL_UNREGISTERED_MAX is ${value}; it is a whole number above 0`);
});
