import { describe, expect, test } from 'vitest';
import type { Twin } from '../../../actors/twin.ts';
import { nextWakeAt } from '../../../actors/wake.ts';
import { chargePoint } from '../../../machines/charge-point.ts';
import { kinds } from '../../../machines/kinds.ts';
import { packTwin, unpackTwin } from '../../../src/postgres/twin-bytes.ts';
import { twinWeight } from '../../../src/runtime/twin-weight.ts';
import { Twins } from '../../../src/runtime/twins.ts';
import { entry, T0, twin } from '../../contract/store-samples.ts';

const store = { packTwin, unpackTwin };

function twinsOf(residentMax: number, residentBytesMax = Infinity): Twins {
  return new Twins({ kinds, store, residentMax, residentBytesMax });
}

/** A twin whose newest report has a text of so many characters. */
function heavy(device: string, characters: number): Twin {
  const sensors = { note: 'x'.repeat(characters) };
  const newest = twin(device).newest!;
  return twin(device, { newest: { ...newest, report: { ...newest.report, sensors } } });
}

function wakeUpsOf(twins: Twins, hearingSince: number | null): ReadonlyMap<string, number> {
  const told = new Map<string, number>();
  twins.forEachWakeTime(hearingSince, (device, at) => told.set(device, at));
  return told;
}

/** Lays a twin as a store tells of it. */
function lay(twins: Twins, laid: Twin): void {
  const { device, kind, site, path, lastContactAt, hold, open } = laid;
  const heardAt = path === 'offline' ? null : lastContactAt;
  const isBusy = hold !== null || open.length > 0;
  twins.restore({
    device,
    kind,
    site,
    registeredKind: 'charge-point',
    isMoved: false,
    via: null,
    isRegistered: false,
    heardAt,
    isBusy,
    bytes: packTwin(laid),
  });
}

describe('the twins of a host', () => {
  test('come back equal, whether they were at rest or not', () => {
    const twins = twinsOf(2);
    const all = ['a', 'b', 'c', 'd'].map((device, index) => twin(device, { version: index }));
    for (const each of all) twins.set(each);
    for (const each of all) expect(twins.get(each.device)).toEqual(each);
    expect(twins.size).toBe(4);
    expect(twins.get('e')).toBeUndefined();
  });

  test('are the same object while they are awake', () => {
    const twins = twinsOf(1);
    const first = twin('a');
    twins.set(first);
    expect(twins.get('a')).toBe(first);
    twins.set(twin('b'));
    expect(twins.get('a')).not.toBe(first);
  });

  test('go to rest when those awake are too many bytes, the one woken longest ago first', () => {
    const twins = twinsOf(100, 250_000);
    const all = Array.from({ length: 6 }, (_, index) => heavy(`h-${String(index)}`, 60_000));
    for (const each of all) twins.set(each);
    // Looked at from the one woken last: whoever is made anew puts another one to rest.
    const isAwake = all.toReversed().map((each) => twins.get(each.device) === each);
    expect(isAwake).toEqual([true, true, true, true, false, false]);
    for (const each of all) expect(twins.get(each.device)).toEqual(each);
  });

  test('take room by what they are now, also when they are made of bytes again', () => {
    const twins = twinsOf(100, 100_000);
    const small = Array.from({ length: 20 }, (_, index) => twin(`s-${String(index)}`));
    for (const size of [90_000, 0, 90_000, 0]) {
      twins.set(heavy('a', size));
      twins.get('a');
    }
    lay(twins, heavy('b', 90_000));
    twins.get('b');
    twins.set(heavy('b', 0));
    for (const each of small) twins.set(each);
    for (const each of small) expect(twins.get(each.device)).toBe(each);
  });

  test('larger than all that may be awake together are kept one at a time', () => {
    const twins = twinsOf(100, 1_000);
    const [first, second] = [heavy('a', 60_000), heavy('b', 60_000)];
    twins.set(first);
    expect(twins.get('a')).toBe(first);
    twins.set(second);
    expect(twins.get('b')).toBe(second);
    expect(twins.get('a')).toEqual(first);
  });

  test('weigh what their bytes weigh, from two thirds to twice as much', () => {
    const many = {
      sensors: Object.fromEntries(Array.from({ length: 500 }, (_, n) => [`sensor-${String(n)}`, n * 1.5])),
    };
    const { newest } = twin('a');
    const samples = [
      heavy('a', 5_000),
      heavy('a', 60_000),
      twin('a', { newest: { ...newest!, report: { ...newest!.report, ...many } } }),
      twin('a', {
        desired: { version: 1, values: { list: Array.from({ length: 2_000 }, () => 'abcdefgh') } },
      }),
      twin('a', { open: [{ ...entry('a'), args: { text: 'y'.repeat(20_000) } }], lastN: 1 }),
    ];
    for (const sample of samples) {
      const ratio = twinWeight(sample) / packTwin(sample).length;
      expect(ratio).toBeGreaterThan(0.66);
      expect(ratio).toBeLessThan(2);
    }
  });

  test('take the last version to rest', () => {
    const twins = twinsOf(1);
    for (let version = 1; version <= 5; version += 1) {
      twins.set(twin('a', { version }));
      twins.set(twin('b', { version }));
    }
    expect(twins.get('a')?.version).toBe(5);
    expect(twins.get('b')?.version).toBe(5);
  });

  test('at rest want to be woken when they would awake', () => {
    const busy: readonly Twin[] = [
      twin('quiet'),
      twin('silent', { path: 'offline' }),
      twin('held', { hold: { id: 'x', by: null, since: T0, until: T0 + 5, certainUntil: T0 + 9 } }),
      twin('commanded', { open: [entry('commanded')], lastN: 1 }),
    ];
    const resting = twinsOf(1);
    const laid = twinsOf(1);
    for (const each of [...busy, twin('last')]) {
      resting.set(each);
      lay(laid, each);
    }
    for (const each of busy) {
      const expected = nextWakeAt(chargePoint, each, T0);
      expect(wakeUpsOf(resting, T0).get(each.device)).toBe(expected);
      expect(wakeUpsOf(laid, T0).get(each.device)).toBe(expected);
    }
  });

  test('at rest are not silent while nobody can be heard', () => {
    const twins = twinsOf(1);
    lay(twins, twin('a'));
    expect(wakeUpsOf(twins, null).get('a')).toBe(Infinity);
  });

  test('of a kind that this node does not have are kept, and never woken', () => {
    const twins = twinsOf(1);
    lay(twins, twin('a', { kind: 'balloon' }));
    expect(wakeUpsOf(twins, T0).get('a')).toBe(Infinity);
    expect(twins.get('a')?.kind).toBe('balloon');
  });

  test('that broke in the store are refused when they are needed, and disturb no other', () => {
    const twins = twinsOf(1);
    lay(twins, twin('a', { clock: null }));
    lay(twins, twin('b'));
    expect(() => twins.get('a')).toThrow(/twin a breaks I2/);
    expect(twins.get('b')).toEqual(twin('b'));
  });
});
