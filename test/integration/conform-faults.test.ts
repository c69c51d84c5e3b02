/** The conformance kit finds every fault, and blames it on the rules that it breaks and on no others. */
import { describe, expect, test } from 'vitest';
import { rules } from '../../tools/conform/rules.ts';
import { faults } from './conform-faults/faults.ts';
import { tried, verdictsOf } from './conform-trial.ts';

describe.concurrent('a device that', () => {
  test.each(faults)(
    '$does is told so, and nothing else',
    async ({ breaks, keeps = [], heartbeatMs = null, spoiling }) => {
      const result = await tried(spoiling(), { heartbeatMs });
      const verdicts = verdictsOf(result);
      const broken = Object.entries(verdicts).filter(([, verdict]) => verdict.startsWith('broken'));
      expect(Object.fromEntries(broken)).toEqual(
        Object.fromEntries(breaks.map((rule) => [rule, expect.stringMatching(/^broken: ./) as string])),
      );
      expect(verdicts).toMatchObject(Object.fromEntries(keeps.map((rule) => [rule, 'kept'])));
      expect(result.passed).toBe(false);
    },
  );
});

test('every rule is broken by some fault', () => {
  const broken = new Set(faults.flatMap(({ breaks }) => breaks));
  expect(rules.map(({ id }) => id).filter((id) => !broken.has(id))).toEqual([]);
});

test('a fault that keeps a device from answering leaves the rest unjudged, and says why', async () => {
  const silent = faults.find(({ breaks }) => breaks.includes('report-answered'));
  const result = await tried(silent?.spoiling() ?? {}, { only: ['superseded', 'check-order', 'hold-ends'] });
  expect(verdictsOf(result)).toEqual({
    'report-answered': expect.stringMatching(/^broken: ./) as string,
    superseded: 'not-judged: `report-answered` is broken',
    'check-order': 'not-judged: `report-answered` is broken',
    'hold-ends': 'not-judged: `report-answered` is broken',
  });
});

test('a hold that is not shown is one fault, and what rests on it is not judged because of it', async () => {
  const hidden = faults.find(({ does }) => does === 'shows no hold');
  const result = await tried(hidden?.spoiling() ?? {});
  const because = 'not-judged: `hold-shown` is broken';
  expect(verdictsOf(result)).toMatchObject({
    'large-numbers': 'kept',
    'no-deadline': 'kept',
    'repeat-not-executed': because,
    'hold-ends': because,
    'one-hold': because,
    'hold-not-prolonged': because,
    'hold-survives': because,
  });
});
