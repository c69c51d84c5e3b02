import { describe, expect, test } from 'vitest';
import { kinds } from '../../../machines/kinds.ts';
import { statePaths } from '../../../tools/docs/kinds-document.ts';

/** The commands each kind takes in each of its states, written down a second time and by hand. */
const legal: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  'charge-point': {
    'available.idle': ['reserve', 'start', 'report', 'reboot'],
    'available.occupied': ['start', 'report', 'reboot'],
    'reserved.waiting': ['release', 'start', 'report', 'reboot'],
    'reserved.arrived': ['release', 'start', 'report', 'reboot'],
    'charging.delivering': ['stop', 'report', 'reboot'],
    'charging.suspended': ['stop', 'report', 'reboot'],
    offline: ['report', 'clear', 'renew-identity', 'abandon'],
    'suspect.doubted': ['report', 'reboot', 'clear', 'renew-identity', 'abandon'],
    'suspect.out-of-service': ['report', 'reboot'],
  },
  car: {
    'available.secured': ['reserve', 'start', 'report', 'reboot'],
    'available.open': ['report'],
    'reserved.secured': ['release', 'start', 'report', 'reboot'],
    'reserved.open': ['release', 'report', 'reboot'],
    'rented.parked': ['stop', 'report'],
    'rented.driving': ['report'],
    charging: ['report', 'reboot'],
    offline: ['report', 'clear', 'renew-identity', 'abandon'],
    'suspect.doubted': ['report', 'reboot', 'clear', 'renew-identity', 'abandon'],
    'suspect.out-of-service': ['report', 'reboot'],
  },
  kiosk: {
    available: ['reserve', 'start', 'report', 'reboot'],
    reserved: ['release', 'start', 'report', 'reboot'],
    'serving.dialog': ['stop', 'report'],
    'serving.handover': ['report'],
    charging: ['report', 'reboot'],
    offline: ['report', 'clear', 'renew-identity', 'abandon'],
    'suspect.doubted': ['report', 'reboot', 'clear', 'renew-identity', 'abandon'],
    'suspect.out-of-service': ['report', 'reboot'],
  },
};

test('every kind is in the table of legal commands, and no other', () => {
  expect(kinds.map((kind) => kind.name).sort()).toEqual(Object.keys(legal).sort());
});

describe.each(kinds.map((kind) => ({ kind, name: kind.name })))('a $name', ({ kind }) => {
  const table = legal[kind.name] ?? {};
  const cells = Object.keys(table).flatMap((path) =>
    Object.keys(kind.commands).map((command) => ({ path, command })),
  );

  test('has exactly the states of the table', () => {
    expect(statePaths(kind).sort()).toEqual(Object.keys(table).sort());
  });

  test.each(cells)(
    'in $path answers to $command as the table says, and stays where it is',
    ({ path, command }) => {
      expect(kind.chart.accepts(path, `command.${command}`)).toBe(table[path]?.includes(command));
      expect(kind.chart.step(path, `command.${command}`)).toBe(path);
    },
  );

  test('refuses a command it does not know in every state', () => {
    for (const path of statePaths(kind)) expect(kind.chart.accepts(path, 'command.explode')).toBe(false);
  });
});
