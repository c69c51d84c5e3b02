import { describe, expect, it } from 'vitest';
import { WallClock } from '../../../tools/replay/wall-clock.ts';

const london = new WallClock('Europe/London');

function utc(text: string): number {
  return Date.parse(`${text}Z`);
}

describe('the wall clock of a place', () => {
  it('shows a time once on most days, an hour ahead of UTC in summer', () => {
    expect(london.read('2019-01-15T12:30')).toEqual({ type: 'once', at: utc('2019-01-15T12:30') });
    expect(london.read('2019-07-15T12:30')).toEqual({ type: 'once', at: utc('2019-07-15T11:30') });
  });

  it('shows every time of the night in which it goes back twice, and names both', () => {
    expect(london.read('2017-10-29T00:59')).toEqual({ type: 'once', at: utc('2017-10-28T23:59') });
    expect(london.read('2017-10-29T01:00')).toEqual({
      type: 'twice',
      first: utc('2017-10-29T00:00'),
      second: utc('2017-10-29T01:00'),
    });
    expect(london.read('2017-10-29T01:59')).toMatchObject({ type: 'twice' });
    expect(london.read('2017-10-29T02:00')).toEqual({ type: 'once', at: utc('2017-10-29T02:00') });
  });

  it('never shows the hour that is left out in spring', () => {
    expect(london.read('2018-03-25T00:59')).toEqual({ type: 'once', at: utc('2018-03-25T00:59') });
    expect(london.read('2018-03-25T01:30')).toEqual({ type: 'never' });
    expect(london.read('2018-03-25T02:00')).toEqual({ type: 'once', at: utc('2018-03-25T01:00') });
  });

  it('counts days on the calendar, so that seven of them over the change are an hour shorter', () => {
    const from = london.midnight('2018-03-20')!;
    expect(london.midnight('2018-03-20', 7)! - from).toBe((7 * 24 - 1) * 3_600_000);
  });

  it.each(['', '2019-02-30T10:00', '2019-03-01T24:00', '2019-03-01 10:00', '2019-03-01T10:00:00', 'soon'])(
    'reads no time from "%s"',
    (text) => {
      expect(london.read(text)).toBeNull();
    },
  );

  it('tells what it showed at an instant, with its distance from UTC', () => {
    expect(london.shownAt(utc('2019-07-15T11:30'))).toBe('2019-07-15T12:30:00+01:00');
    expect(london.shownAt(utc('2017-10-29T01:08'))).toBe('2017-10-29T01:08:00+00:00');
  });
});
