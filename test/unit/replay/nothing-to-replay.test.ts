import { expect, it } from 'vitest';
import { nothingInFile, nothingInPeriod } from '../../../tools/replay/nothing-to-replay.ts';
import { periodOf, takePeriod } from '../../../tools/replay/period.ts';
import { SET_ASIDE, type SetAsideReason, setAsideLines } from '../../../tools/replay/session.ts';
import { judged, london } from './records.ts';

const NO_END = '2019-03-01T08:00 - 60001-1';
const TOO_SHORT = '2019-03-02T09:00 2019-03-02T09:00 60001-1';
const GOOD = '2019-03-05T10:00 2019-03-05T11:00 60001-1';

const inPeriod = (judgement: ReturnType<typeof judged>, from: string, days: number): readonly string[] => {
  const record = takePeriod(judgement, periodOf(from, days, london));
  return nothingInPeriod({ file: 'a.csv', from, days }, { judged: judgement, record, clock: london });
};

it.each(Object.keys(SET_ASIDE) as SetAsideReason[])(
  'what is set aside says where it stands, what is wrong, and what would be right: %s',
  (reason) => {
    const [one] = setAsideLines([{ line: 7, reason }]);
    expect(one).toContain(`line 7: ${SET_ASIDE[reason]} (${reason}). Right would be `);
    expect(setAsideLines([9, 7, 8].map((line) => ({ line, reason })))[0]).toMatch(/^3 from line 7 on: /);
  },
);

it('a file of which nothing can be replayed says why of every reason there is', () => {
  const lines = nothingInFile('a.csv', judged(NO_END, TOO_SHORT));
  expect(lines[0]).toBe('a.csv holds no session that can be replayed:');
  expect(lines.slice(1)).toEqual([
    expect.stringMatching(/^ {2}line 2: it never ended/),
    expect.stringMatching(/^ {2}line 3: it ended in the minute/),
  ]);
});

it('days of which nothing can be replayed say why, of their own records', () => {
  const lines = inPeriod(judged(NO_END, TOO_SHORT, GOOD), '2019-03-02', 1);
  expect(lines).toEqual([
    'a.csv holds no session on 2019-03-02 that can be replayed:',
    expect.stringMatching(/^ {2}line 3: it ended in the minute/),
  ]);
});

it('days in which nothing began say in which something did', () => {
  expect(inPeriod(judged(NO_END, 'soon later 60001-1', GOOD), '2001-01-01', 7)).toEqual([
    'a.csv holds no session in the 7 days from 2001-01-01 on: its sessions began from 2019-03-05 to 2019-03-05, and --from takes one of those days.',
  ]);
});
