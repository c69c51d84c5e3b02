import { expect, test } from 'vitest';
import { readPublish } from '../../../tools/conform/publish.ts';

test('the kit names what of a report does not fit, though the server forgives it', () => {
  const report = {
    boot: 2,
    seq: 4,
    up: 9,
    state: 'available',
    sensors: {},
    commands: [{ n: '3', outcome: 'done' }],
    hold: { id: 'a', leftMs: 0.5 },
  };
  const { reports, problems } = readPublish('cp-1', new TextEncoder().encode(JSON.stringify(report)));
  expect(reports).toMatchObject([{ boot: 2, seq: 4, commands: [] }]);
  expect(problems).toEqual(['2/4 has values that do not fit: commands, hold']);
});
