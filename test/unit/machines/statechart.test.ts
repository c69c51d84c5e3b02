import { createMachine } from 'xstate';
import { describe, expect, test } from 'vitest';
import { car } from '../../../machines/car.ts';
import { chargePoint } from '../../../machines/charge-point.ts';
import { defineKind } from '../../../machines/kind.ts';
import { kiosk } from '../../../machines/kiosk.ts';
import { compileStatechart, pathOf, worldState } from '../../../machines/statechart.ts';

describe('a state path', () => {
  test('names nested states from the outside in', () => {
    expect(pathOf('offline')).toBe('offline');
    expect(pathOf({ charging: 'delivering' })).toBe('charging.delivering');
    expect(pathOf({ charging: { delivering: 'slowly' } })).toBe('charging.delivering.slowly');
  });

  test('does not exist for parallel states', () => {
    expect(() => pathOf({ door: 'open', bolt: 'closed' })).toThrow('parallel');
  });

  test('begins with the state that the world sees', () => {
    expect(worldState('charging.delivering')).toBe('charging');
    expect(worldState('offline')).toBe('offline');
  });
});

describe('a statechart', () => {
  test('refuses a machine with a memory of its own: its state must follow from state and event alone', () => {
    const counting = createMachine({ id: 'counting', context: { seen: 0 }, initial: 'a', states: { a: {} } });
    expect(() => compileStatechart(counting)).toThrow('context');
  });

  test('gives the same answer to the same question, however often it is asked', () => {
    for (const again of [1, 2]) {
      expect(chargePoint.chart.step('available.idle', 'report.charging.suspended'), `ask ${again}`).toBe(
        'charging.suspended',
      );
      expect(chargePoint.chart.accepts('available.idle', 'command.reserve'), `ask ${again}`).toBe(true);
    }
  });

  test('keeps the machines of the kinds apart', () => {
    expect(car.chart.step('offline', 'report.rented.driving')).toBe('rented.driving');
    expect(kiosk.chart.step('offline', 'report.rented.driving')).toBe('offline');
  });

  test('knows no state that its machine does not have', () => {
    expect(() => kiosk.chart.step('rented.driving', 'silence')).toThrow();
  });
});

describe('a kind', () => {
  test('is refused when its machine does not react to one of its observations', () => {
    expect(() => defineKind({ ...kiosk, observations: [...kiosk.observations, 'levitating'] })).toThrow(
      'report.levitating',
    );
  });

  test('is refused when no state of its machine accepts one of its commands', () => {
    const commands = { ...kiosk.commands, explode: kiosk.commands.stop! };
    expect(() => defineKind({ ...kiosk, commands })).toThrow('command.explode');
  });
});
