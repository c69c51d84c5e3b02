/** The inventory is the authority for where a device is, and for what it is. */
import { describe, expect, test } from 'vitest';
import { decide } from '../../../actors/decide.ts';
import { kiosk } from '../../../machines/kiosk.ts';
import { missing } from '../../../actors/sequence.ts';
import { worldState } from '../../../machines/statechart.ts';
import { Pair } from './pair.ts';

test('a twin whose device was moved speaks to the new site, and the journal says who moved it', () => {
  const pair = new Pair().meet();
  const { transitions, twin } = pair.tell({ type: 'moved', site: 'harbour' });
  expect(twin).toMatchObject({ site: 'harbour', path: pair.twin.path, suspicions: [] });
  expect(transitions).toMatchObject([
    {
      from: twin.path,
      to: twin.path,
      cause: { type: 'engineer', detail: 'the inventory has moved it from site depot to site harbour' },
    },
  ]);
  const { effects } = pair.ask('reserve', { args: { holdMs: 60_000 } });
  expect(effects).toMatchObject([{ type: 'send', site: 'harbour' }, { type: 'answer' }]);
});

test('a word that it is where it is changes nothing', () => {
  const pair = new Pair().meet();
  const before = pair.twin;
  expect(pair.tell({ type: 'moved', site: 'depot' })).toMatchObject({ transitions: [], effects: [] });
  expect(pair.twin).toBe(before);
});

test('what was sent to the old site and is sent again goes to the new one', () => {
  const pair = new Pair().meet();
  pair.ask('reserve', { args: { holdMs: 60_000 } });
  pair.tell({ type: 'moved', site: 'harbour' });
  const sites = pair
    .pass(30_000)
    .flatMap(({ effects }) => effects.flatMap((one) => (one.type === 'send' ? one.site : [])));
  expect(new Set(sites)).toEqual(new Set(['harbour']));
});

describe('a twin whose device is of another kind', () => {
  function becomeKiosk(pair: Pair): ReturnType<typeof decide> {
    const { now, epoch, serverErrorMs } = pair;
    const context = { now, hearingSince: now, readThroughAt: now, epoch, serverErrorMs, source: null };
    return decide(kiosk, pair.twin, { type: 'other-kind' }, context);
  }

  test('begins anew as that: nothing is known of it, it is asked, and the journal says why', () => {
    const pair = new Pair().meet().reserve('r');
    const { twin, transitions, effects } = becomeKiosk(pair);
    expect(twin).toMatchObject({ kind: 'kiosk', incarnation: 2, newest: null, hold: null, suspicions: [] });
    expect(worldState(twin.path)).toBe('offline');
    expect(transitions).toMatchObject([
      {
        from: pair.twin.path,
        to: twin.path,
        cause: { type: 'engineer', detail: 'the inventory says that it is a kiosk and no charge-point' },
      },
    ]);
    expect(effects).toContainEqual(expect.objectContaining({ type: 'send', encoding: 'json' }));
  });

  test('closes what was asked of it, also what is undecided, as what nothing can prove any more', () => {
    const pair = new Pair().meet();
    pair.ask('reserve', { id: 'asked', args: { holdMs: 60_000 } });
    pair.arrive();
    pair.report({ commands: [{ n: pair.sent.n, outcome: 'undecided' }] });
    const { twin, ledger } = becomeKiosk(pair);
    expect(twin.open).toEqual([]);
    expect(ledger).toMatchObject([{ id: 'asked', outcome: 'unknown', reason: 'abandoned' }]);
  });

  test('follows the reports of that kind, and none that the hub stored before', () => {
    const pair = new Pair().meet();
    pair.twin = becomeKiosk(pair).twin;
    const { now, epoch, serverErrorMs } = pair;
    const context = { now, hearingSince: now, readThroughAt: now, epoch, serverErrorMs, source: null };
    const report = { boot: 1, seq: 90, up: 9_000, state: 'serving', sensors: { mainsPresent: true } };
    const input = { type: 'report', report, encoding: 'json' } as const;
    expect(decide(kiosk, pair.twin, { ...input, receivedAt: now }, context).twin.newest).toBeNull();
    const heard = decide(kiosk, pair.twin, { ...input, receivedAt: now + 1 }, { ...context, now: now + 1 });
    expect(heard.twin).toMatchObject({ kind: 'kiosk', newest: { seq: 90 } });
    expect(worldState(heard.twin.path)).toBe('serving');
  });

  test('goes on with the boot of the device: what was heard of it before is not missing', () => {
    const pair = new Pair().meet();
    pair.twin = becomeKiosk(pair).twin;
    pair.pass(1_000);
    const { now, epoch, serverErrorMs } = pair;
    const context = { now, hearingSince: now, readThroughAt: now, epoch, serverErrorMs, source: null };
    const report = { ...pair.measure(), state: 'serving', sensors: { mainsPresent: true } };
    const input = { type: 'report', report, receivedAt: now, encoding: 'json' } as const;
    expect(missing(decide(kiosk, pair.twin, input, context).twin.sequence)).toBe(0);
  });
});
