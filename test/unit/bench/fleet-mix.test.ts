import { expect, it } from 'vitest';
import { fleetMessages, strideOver } from '../../../tools/bench/fleet-mix.ts';

it.each([1, 2, 10, 1_000, 10_000, 65_536, 99_991])(
  'a fleet of %i reports with every device once before any reports again',
  (devices) => {
    const stride = strideOver(devices);
    const places = Array.from({ length: devices }, (_, number) => (number * stride) % devices);
    expect(new Set(places).size).toBe(devices);
  },
);

it('a fleet says the same in every run', () => {
  const fleet = { devices: 7, mix: 'believable', encoding: 'json' } as const;
  expect([...fleetMessages(fleet, 20)]).toEqual([...fleetMessages(fleet, 20)]);
});
