import { describe, expect, it } from 'vitest';
import { judge } from '../../../tools/replay/judgement.ts';
import { periodOf, takePeriod } from '../../../tools/replay/period.ts';
import { readSessions } from '../../../tools/replay/session-file.ts';
import { aside, csvOf, judged, kept, line, london } from './records.ts';

describe('a file of charging sessions', () => {
  it('is read whatever the order of its columns, with quoted names and empty lines', () => {
    const text =
      'kwh,end,start,connector,charge_point,site\n7,2019-03-01T11:00,2019-03-01T10:00,2,9,"A, B"\n\n';
    expect(readSessions('made up', text).records).toEqual([
      {
        line: 2,
        start: '2019-03-01T10:00',
        end: '2019-03-01T11:00',
        chargePoint: '9',
        connector: '2',
        kwh: '7',
        site: 'A, B',
        model: '',
      },
    ]);
  });

  it('without the columns of a session is refused in one sentence that names them', () => {
    expect(() => readSessions('a.csv', 'start,kwh\n1,2\n')).toThrow(
      'a.csv is no file of charging sessions: its first line has no end, charge_point, connector; needed are start, end, charge_point, connector, kwh.',
    );
  });

  it('that holds nothing is refused', () => {
    expect(() => readSessions('a.csv', csvOf([]))).toThrow('a.csv holds no sessions.');
  });
});

describe('a record', () => {
  it('is a session when its connector can have been charging in it', () => {
    const judgement = judged('2019-03-01T10:00 2019-03-01T11:30 60001-2 7.5');
    expect(kept(judgement)).toEqual(['60001-2 2019-03-01T10:00:00+00:00 2019-03-01T11:30:00+00:00']);
    expect(judgement.sessions[0]!.energyWh).toBe(7_500);
    expect(judgement.setAside).toEqual([]);
  });

  it.each([
    ['no-end', '2019-03-01T10:00 - 60001-1 -'],
    ['ends-before-start', '2019-03-01T10:00 2019-03-01T09:00 60001-1'],
    ['ends-before-start', '2019-03-01T10:00 1970-01-01T01:00 60001-1'],
    ['zero-length', '2019-03-01T10:00 2019-03-01T10:00 60001-1'],
    ['no-such-time', '2018-03-25T01:20 2018-03-25T02:40 60001-1'],
    ['no-such-time', '2018-03-25T00:20 2018-03-25T01:40 60001-1'],
    ['unreadable', 'yesterday 2019-03-01T10:00 60001-1'],
    ['unreadable', '2019-03-01T10:00 later 60001-1'],
    ['unreadable', '2019-03-01T10:00 2019-03-01T11:00 60001'],
    ['unreadable', '2019-03-01T10:00 2019-03-01T11:00 6.1-1'],
  ])('is set aside as %s: %s', (reason, text) => {
    const judgement = judged(text);
    expect(aside(judgement)).toEqual([`2 ${reason}`]);
    expect(judgement.sessions).toEqual([]);
  });

  it('that begins before the last session of its connector ended is set aside, and blocks nothing itself', () => {
    const judgement = judged(
      '2019-03-01T10:00 2019-03-01T12:00 60001-1',
      '2019-03-01T11:00 2019-03-01T16:00 60001-1',
      '2019-03-01T11:30 2019-03-01T12:30 60001-2',
      '2019-03-01T13:00 2019-03-01T14:00 60001-1',
    );
    expect(aside(judgement)).toEqual(['3 overlap']);
    expect(kept(judgement)).toHaveLength(3);
  });

  it('may begin in the minute in which the last session ended', () => {
    const judgement = judged(
      '2019-03-01T10:00 2019-03-01T12:00 60001-1',
      '2019-03-01T12:00 2019-03-01T13:00 60001-1',
    );
    expect(kept(judgement)).toHaveLength(2);
  });

  it('of several days is kept', () => {
    expect(kept(judged('2019-03-01T10:00 2019-03-21T12:00 60001-1'))).toHaveLength(1);
  });

  it('that is set aside takes no time from its connector', () => {
    const judgement = judged(
      '2019-03-01T10:00 - 60001-1',
      '2019-03-01T10:00 2019-03-01T10:00 60001-1',
      '2019-03-01T10:00 2019-03-01T12:00 60001-1',
    );
    expect(aside(judgement)).toEqual(['2 no-end', '3 zero-length']);
    expect(kept(judgement)).toHaveLength(1);
  });

  it('with an energy that cannot be true is kept: the reading is wrong, the session is not', () => {
    const judgement = judged(
      '2019-03-01T10:00 2019-03-01T11:00 60001-1 -4.5',
      '2019-03-01T11:00 2019-03-01T12:00 60001-1 0',
      '2019-03-01T12:00 2019-03-01T13:00 60001-1 -',
      '2019-03-01T13:00 2019-03-01T13:02 60001-1 138.25',
      '2019-03-01T14:00 2019-03-01T15:00 60001-1 plenty',
      '2019-03-01T15:00 2019-03-01T16:00 60001-1 22',
    );
    const record = takePeriod(judgement, periodOf('2019-03-01', 1, london));
    expect(record.sessions).toHaveLength(6);
    expect(record.doubtful).toEqual({ 'negative-energy': 1, 'no-energy': 3, 'absurd-energy': 1 });
  });
});

describe('in the hour that comes twice', () => {
  it('a session may end at an earlier time than it began', () => {
    expect(kept(judged('2017-10-29T01:44 2017-10-29T01:06 60001-1'))).toEqual([
      '60001-1 2017-10-29T01:44:00+01:00 2017-10-29T01:06:00+00:00',
    ]);
  });

  it('a session that can be read in several ways is taken to be short', () => {
    expect(kept(judged('2017-10-29T01:10 2017-10-29T01:40 60001-1'))).toEqual([
      '60001-1 2017-10-29T01:10:00+01:00 2017-10-29T01:40:00+01:00',
    ]);
    expect(kept(judged('2017-10-29T01:10 2017-10-29T02:20 60001-1'))).toEqual([
      '60001-1 2017-10-29T01:10:00+00:00 2017-10-29T02:20:00+00:00',
    ]);
  });

  it('sessions tell each other apart: a connector charges one car at a time', () => {
    const judgement = judged(
      '2017-10-29T01:08 2017-10-29T01:18 60001-2',
      '2017-10-29T01:11 2017-10-29T01:37 60001-2',
      '2017-10-29T01:19 2017-10-29T01:45 60001-2',
      '2017-10-29T01:38 2017-10-29T02:07 60001-2',
      '2017-10-29T01:46 2017-10-29T01:08 60001-2',
      '2017-10-29T02:09 2017-10-29T02:36 60001-2',
    );
    expect(kept(judgement)).toEqual([
      '60001-2 2017-10-29T01:08:00+01:00 2017-10-29T01:18:00+01:00',
      '60001-2 2017-10-29T01:19:00+01:00 2017-10-29T01:45:00+01:00',
      '60001-2 2017-10-29T01:46:00+01:00 2017-10-29T01:08:00+00:00',
      '60001-2 2017-10-29T01:11:00+00:00 2017-10-29T01:37:00+00:00',
      '60001-2 2017-10-29T01:38:00+00:00 2017-10-29T02:07:00+00:00',
      '60001-2 2017-10-29T02:09:00+00:00 2017-10-29T02:36:00+00:00',
    ]);
    expect([...judgement.toldApart]).toHaveLength(5);
  });

  it('what cannot have been is set aside all the same', () => {
    const judgement = judged(
      '2017-10-29T00:30 2017-10-29T02:30 60001-1',
      '2017-10-29T01:10 2017-10-29T01:40 60001-1',
    );
    expect(aside(judgement)).toEqual(['3 overlap']);
  });
});

describe('a period', () => {
  const lines = [
    '2019-02-28T23:59 2019-03-01T09:00 60001-1',
    '2019-03-01T08:00 2019-03-01T10:00 60001-1',
    '2019-03-01T00:00 2019-03-01T10:00 60001-2',
    '2019-03-02T23:59 2019-03-05T10:00 60001-2',
    '2019-03-03T00:00 2019-03-03T10:00 60001-3',
    '2019-03-02T09:00 2019-03-02T09:00 60001-4',
  ];

  it('holds what began in it, judged by the whole file', () => {
    const record = takePeriod(judged(...lines), periodOf('2019-03-01', 2, london));
    expect(record.sessions.map(({ line: at }) => at)).toEqual([4, 5]);
    expect(record.setAside).toEqual({ overlap: 1, 'zero-length': 1 });
    expect(record.read).toBe(4);
    expect(record.connectors).toEqual(['60001-1', '60001-2', '60001-4']);
  });

  it('counts lines that cannot be dated: nobody knows that they are not of it', () => {
    const text = `${csvOf(lines)}${line('some day 60001-1')}\n`;
    const record = takePeriod(
      judge(readSessions('made up', text), london),
      periodOf('2019-03-01', 2, london),
    );
    expect(record.setAside).toEqual({ unreadable: 1, overlap: 1, 'zero-length': 1 });
  });

  it('has to begin on a day', () => {
    expect(() => periodOf('2019-02-29', 2, london)).toThrow('--from 2019-02-29 is no day');
  });
});
