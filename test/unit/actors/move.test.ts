/** The inventory is the authority for where a device is. */
import { expect, test } from 'vitest';
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
