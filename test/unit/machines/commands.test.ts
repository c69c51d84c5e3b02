import { TypeGuard } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { describe, expect, test } from 'vitest';
import { kinds } from '../../../machines/kinds.ts';

const HOLD_SHORTEST_MS = 1_000;

describe.each(kinds.map((kind) => ({ kind, name: kind.name })))('the commands of a $name', ({ kind }) => {
  const commands = Object.entries(kind.commands);

  test('are at least those every backend may count on', () => {
    expect(Object.keys(kind.commands)).toEqual(
      expect.arrayContaining(['reserve', 'release', 'start', 'stop', 'report']),
    );
  });

  test('take no number that the protocol does not have: each has a bound on both sides', () => {
    const numbers = commands.flatMap(([name, { args }]) =>
      Object.entries(args.properties).flatMap(([argument, schema]) =>
        TypeGuard.IsInteger(schema) || TypeGuard.IsNumber(schema) ? [{ name, argument, schema }] : [],
      ),
    );
    expect(numbers.length).toBeGreaterThan(0);
    for (const { name, argument, schema } of numbers) {
      expect(Math.abs(schema.minimum ?? Infinity), `${name}.${argument}`).toBeLessThanOrEqual(2 ** 53 - 1);
      expect(Math.abs(schema.maximum ?? Infinity), `${name}.${argument}`).toBeLessThanOrEqual(2 ** 53 - 1);
    }
  });

  test('have names that fit into a subject', () => {
    expect(commands.filter(([name]) => !/^[a-z][a-z0-9-]*$/.test(name))).toEqual([]);
  });

  test('`report` carries no deadline and needs no knowledge: it changes nothing, so it cannot be late', () => {
    expect(kind.commands.report).toMatchObject({ startWindowMs: null, freshWithinMs: null, hold: null });
  });

  test('each that the device executes has a window in which it may start, but for `report`', () => {
    const open = commands.filter(
      ([name, { decidedBy, startWindowMs }]) =>
        name !== 'report' && decidedBy === 'device' && (startWindowMs ?? 0) <= 0,
    );
    expect(open).toEqual([]);
  });

  test('are sent again at least once before they may no longer start', () => {
    const windows = commands.map(([, spec]) => spec.startWindowMs).filter((windowMs) => windowMs !== null);
    expect(Math.min(...windows)).toBeGreaterThan(kind.limits.resendMs);
  });

  test('each that begins something is decided on fresh knowledge', () => {
    for (const name of ['reserve', 'start']) {
      expect(kind.commands[name]?.freshWithinMs).toBeLessThanOrEqual(kind.limits.freshMs);
    }
  });

  test('what undoes one is a command of the same kind', () => {
    const unknown = commands.filter(
      ([, { resolver }]) => resolver.compensatedBy !== null && !(resolver.compensatedBy in kind.commands),
    );
    expect(unknown).toEqual([]);
    expect(kind.commands.reserve?.resolver.compensatedBy).toBe('release');
  });

  test('take no argument that they do not know', () => {
    const careless = commands.filter(([, spec]) => Value.Check(spec.args, { unheardOf: 1 }));
    expect(careless).toEqual([]);
  });

  test('can all be given without arguments, but for a person’s word, which needs its reason', () => {
    const needy = commands.filter(([, spec]) => !Value.Check(spec.args, {}));
    expect(needy.map(([name]) => name)).toEqual(['clear', 'renew-identity', 'abandon']);
    expect(Value.Check(kind.commands.clear!.args, { reason: 'looked at it' })).toBe(true);
  });

  test('each has something that proves it done; what the device executes, also something that proves it not done', () => {
    for (const [, { resolver, decidedBy }] of commands) {
      expect(resolver.done.length).toBeGreaterThan(0);
      expect(resolver.notDone.length > 0).toBe(decidedBy === 'device');
    }
  });

  test('only what begins a hold is proved by one, and only what ends one is disproved by it', () => {
    for (const [, { resolver, hold, endsHold }] of commands) {
      if (resolver.done.includes('hold-shown')) expect(hold).not.toBeNull();
      if (resolver.notDone.includes('hold-goes-on')) expect(endsHold).toBe(true);
    }
  });

  test('none is sent again that carries no deadline: a device that forgot it would execute it again', () => {
    for (const [, { resolver, startWindowMs }] of commands) {
      expect(resolver.isSentAgain).toBe(startWindowMs !== null);
    }
  });

  test('hold for as long as is asked, but not for longer than the kind allows', () => {
    const { args, hold } = kind.commands.reserve!;
    const longestMs = hold?.longestMs ?? 0;
    expect(hold?.defaultMs).toBeLessThanOrEqual(longestMs);
    expect(Value.Check(args, { holdMs: longestMs })).toBe(true);
    expect(Value.Check(args, { holdMs: HOLD_SHORTEST_MS })).toBe(true);
    for (const holdMs of [longestMs + 1, HOLD_SHORTEST_MS - 1, -1, 0.5, '900000', null]) {
      expect(Value.Check(args, { holdMs })).toBe(false);
    }
  });
});

describe('the arguments', () => {
  const accepts = (kindName: string, command: string, args: unknown): boolean => {
    const spec = kinds.find(({ name }) => name === kindName)?.commands[command];
    if (spec === undefined) throw new Error(`${kindName} has no command ${command}`);
    return Value.Check(spec.args, args);
  };

  test('of a charge point: a token as OCPP allows it, and an energy limit above zero', () => {
    expect(accepts('charge-point', 'start', { token: '04A2B3C4D5', limitWh: 20_000 })).toBe(true);
    expect(accepts('charge-point', 'start', { token: 'x'.repeat(37) })).toBe(false);
    expect(accepts('charge-point', 'start', { token: '' })).toBe(false);
    expect(accepts('charge-point', 'start', { limitWh: 0 })).toBe(false);
    expect(accepts('charge-point', 'stop', { token: '04A2B3C4D5' })).toBe(false);
  });

  test('of a car: who may drive it', () => {
    expect(accepts('car', 'reserve', { driver: 'd-17', holdMs: 600_000 })).toBe(true);
    expect(accepts('car', 'start', { driver: 17 })).toBe(false);
  });

  test('of a kiosk: a compartment as numbered on its door', () => {
    expect(accepts('kiosk', 'start', { compartment: 12 })).toBe(true);
    expect(accepts('kiosk', 'start', { compartment: 0 })).toBe(false);
    expect(accepts('kiosk', 'start', { compartment: '12' })).toBe(false);
  });
});
