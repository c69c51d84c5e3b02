/**
 * What HTTP shows of the past of a device. The same on every store: it reads through the port Archive.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { timelineOf } from '../../actors/timeline.ts';
import { chargePoint } from '../../machines/charge-point.ts';
import { rfc3339 } from '../../src/http/rfc3339.ts';
import { expectProblem, FleetClient, type Item } from './http-client.ts';
import { heard, live, MINUTE, NOW, PENDING_ID, REJECTED_ID, SECOND, time } from './http-fleet.ts';
import { stores } from './http-stores.ts';

describe.each(stores)('the past of a device over $name', (kind) => {
  let client: FleetClient;

  beforeAll(async () => {
    client = await FleetClient.over(kind);
  });
  afterAll(() => client.end());

  describe('reports', () => {
    const positions = (reports: readonly Item[]): string[] =>
      reports.map(({ boot, seq, disposition }) => `${String(boot)}/${String(seq)} ${disposition}`);

    test('are in the order in which the device made them, late ones at their place', async () => {
      const { body } = await client.get('/v1/devices/cp-001/reports');
      expect(positions(body.reports)).toEqual([
        '3/1 latest',
        '3/2 latest',
        '3/3 late',
        '3/5 latest',
        '4/1 latest',
        '4/2 latest',
        '4/3 latest',
        '4/4 latest',
      ]);
      expect(body.reports[2]).toEqual({
        incarnation: 1,
        boot: 3,
        seq: 3,
        up: 20 * MINUTE,
        state: 'charging',
        disposition: 'late',
        fate: 'late',
        measuredAt: time(-70),
        errorMs: null,
        receivedAt: time(-19),
        body: { boot: 3, seq: 3, up: 20 * MINUTE, state: 'charging', sensors: {}, firmware: '2.0' },
      });
      expect(body.after).toBeNull();
    });

    test.each([1, 3, 8])('are the same in pages of %i', async (limit) => {
      const whole = await client.everyPage('/v1/devices/cp-001/reports', 'reports');
      expect(await client.everyPage(`/v1/devices/cp-001/reports?limit=${String(limit)}`, 'reports')).toEqual(
        whole,
      );
    });

    test('that are large come on shorter pages, whose cursor goes on with the others', async () => {
      const large = Array.from({ length: 60 }, (_, index) =>
        heard(NOW - (60 - index) * SECOND, {
          boot: 1,
          seq: index + 1,
          up: index * SECOND,
          state: 'available',
          firmware: 'x'.repeat(60_000),
        }),
      );
      await client.commit([live({ id: 'cp-large', kind: chargePoint, site: 'depot' }, large)]);
      const url = '/v1/devices/cp-large/reports?limit=1000';
      const { body } = await client.get(url);
      expect(body.reports.length).toBeGreaterThan(0);
      expect(JSON.stringify(body).length).toBeLessThan(2.5e6);
      expect(body.after).not.toBeNull();
      const seqs = (await client.everyPage(url, 'reports')).map(({ seq }) => seq);
      expect(seqs).toEqual(large.map((_, index) => index + 1));
      const timeline = await client.get('/v1/devices/cp-large/timeline');
      expect(timeline.body.intervals).toMatchObject([{ state: 'available', reports: 60, gaps: 0 }]);
    });

    test('are found at, and from, the time that is told of them, though it is told in whole milliseconds', async () => {
      // Half a millisecond is what two bounds of a clock have in their middle.
      const within = [0, 0.25, 0.5, 0.75, 1.5, 2.5].map((ms, index) =>
        heard(NOW - SECOND + ms, { boot: 1, seq: index + 1, up: index, state: 'available' }),
      );
      await client.commit([live({ id: 'cp-fractions', kind: chargePoint, site: 'depot' }, within)]);
      const path = '/v1/devices/cp-fractions';
      const reports = (await client.get(`${path}/reports`)).body.reports;
      expect(reports).toHaveLength(within.length);
      for (const { measuredAt } of reports) {
        const told = reports.filter((report) => report.measuredAt === measuredAt);
        const { knownNow } = (await client.get(`${path}/at?time=${measuredAt}`)).body;
        expect(knownNow.report).toEqual(told.at(-1));
        const from = (await client.get(`${path}/reports?from=${measuredAt}`)).body.reports;
        expect(from[0]).toEqual(told[0]);
      }
    });

    test('after a position, and between two times of measurement', async () => {
      const after = await client.get('/v1/devices/cp-001/reports?after=1.4.2');
      expect(positions(after.body.reports)).toEqual(['4/3 latest', '4/4 latest']);
      const between = await client.get(`/v1/devices/cp-001/reports?from=${time(-80)}&to=${time(-50)}`);
      expect(positions(between.body.reports)).toEqual(['3/2 latest', '3/3 late']);
    });

    test.each([
      ['after', 'after=3.17', 'expected incarnation.boot.seq, such as 1.3.17, got "3.17"'],
      ['after', 'after=1.1.99999999999999999', 'expected incarnation.boot.seq'],
      ['after', 'after=2147483648.1.1', 'expected incarnation.boot.seq'],
      ['from', 'from=yesterday', 'expected a time in RFC 3339 with an offset, such as 2026-01-31T14:02:00Z'],
      ['from', 'from=2026-01-31T14:02:00', 'expected a time in RFC 3339 with an offset'],
      ['from', 'from=2026-01-31T14:02:00+01:00', 'a "+" in a query is written %2B'],
      ['to', 'to=2026-02-30T00:00:00Z', 'expected a time'],
      ['to', `from=${time(0)}&to=${time(0)}`, 'expected a time after `from`'],
    ])('says of %s in "%s" what would be right', async (parameter, query, detail) => {
      const answer = await client.get(`/v1/devices/cp-001/reports?${query}`);
      expectProblem(answer, 'bad-query');
      expect(answer.body.parameter).toBe(parameter);
      expect(answer.body.detail).toContain(detail);
    });
  });

  describe('the timeline', () => {
    const minutesAgo = (text: string | null): number | null =>
      text === null ? null : Math.round((NOW - Date.parse(text)) / MINUTE);
    const shortly = (intervals: readonly Item[]): string[] =>
      intervals.map(
        ({ state, from, to }) => `${state} ${String(minutesAgo(from))}-${String(minutesAgo(to))}`,
      );

    /** A silence begins a millisecond after the report. */
    const justAfter = (minutes: number): string => rfc3339(Date.parse(time(minutes)) + 1);

    test('says of each moment what is said of the device at that time', async () => {
      const { intervals } = (await client.get('/v1/devices/cp-001/timeline')).body;
      const bounds = intervals.map(({ from }) => Date.parse(from));
      for (const at of bounds.flatMap((bound) => [bound, bound + 1])) {
        const { knownNow } = (await client.get(`/v1/devices/cp-001/at?time=${rfc3339(at)}`)).body;
        const isThen = ({ from, to }: Item): boolean =>
          Date.parse(from) <= at && (to === null || at < Date.parse(to));
        expect([rfc3339(at), knownNow.state]).toEqual([rfc3339(at), intervals.find(isThen)?.state]);
      }
    });

    test('tells what the device was, with the late report at its place and the missing one marked', async () => {
      const { body } = await client.get('/v1/devices/cp-001/timeline');
      expect(shortly(body.intervals)).toEqual([
        'available 90-90',
        'silent 90-80',
        'available 80-80',
        'silent 80-70',
        'charging 70-70',
        'silent 70-50',
        'available 50-50',
        'silent 50-30',
        'available 30-30',
        'silent 30-20',
        'charging 20-20',
        'silent 20-15',
        'charging 15-15',
        'silent 15-0',
        'charging 0-null',
      ]);
      expect(body.intervals[5]).toEqual({
        state: 'silent',
        silent: true,
        from: justAfter(-70),
        errorMs: null,
        to: time(-50),
        lastReportAt: time(-70),
        incarnation: 1,
        boot: 3,
        seq: 3,
        reports: 0,
        gaps: 1,
        missing: 1,
        reboots: 0,
        beganBefore: false,
        goesOn: false,
      });
      expect(body.intervals[6]).toMatchObject({ boot: 3, seq: 5, reports: 1, gaps: 0, silent: false });
      expect(body.cursor).toBeNull();
    });

    test('is that of all reports in the archive', async () => {
      const page = { from: null, to: null, after: null, isNewestFirst: false, limit: 1_000 };
      const expected = timelineOf(await client.opened.store.reports('cp-001', page), {
        until: NOW,
        silenceMs: chargePoint.limits.silenceMs,
      });
      const { body } = await client.get('/v1/devices/cp-001/timeline');
      expect(body.intervals.map(({ from }) => from)).toEqual(expected.map(({ from }) => rfc3339(from)));
    });

    test.each([1, 2, 3, 4, 5])('is the same in pages of %i', async (limit) => {
      const whole = await client.everyPage('/v1/devices/cp-001/timeline', 'intervals');
      const paged = await client.everyPage(`/v1/devices/cp-001/timeline?limit=${String(limit)}`, 'intervals');
      expect(paged).toEqual(whole);
    });

    test('of a window is cut to it, and says so', async () => {
      const url = `/v1/devices/cp-001/timeline?from=${time(-60)}&to=${time(-40)}`;
      const intervals = await client.everyPage(url, 'intervals');
      expect(intervals).toMatchObject([
        { state: 'silent', silent: true, from: time(-60), errorMs: 0, to: time(-50), beganBefore: true },
        { state: 'available', silent: false, from: time(-50), to: justAfter(-50), reports: 1, goesOn: false },
        {
          state: 'silent',
          silent: true,
          from: justAfter(-50),
          to: time(-40),
          beganBefore: false,
          goesOn: true,
        },
      ]);
      expect(await client.everyPage(`${url}&limit=1`, 'intervals')).toEqual(intervals);
    });

    test('of a device that has been silent for a day ends in that silence, and not in what it said last', async () => {
      const { body } = await client.get(`/v1/devices/car-001/timeline?from=${time(-5)}`);
      expect(body.intervals).toMatchObject([
        {
          state: 'silent',
          silent: true,
          from: time(-5),
          to: null,
          lastReportAt: time(-1_440),
          beganBefore: true,
        },
      ]);
    });

    test('refuses a cursor that it did not give out', async () => {
      const answer = await client.get('/v1/devices/cp-001/timeline?cursor=1');
      expectProblem(answer, 'bad-query');
      expect(answer.body.parameter).toBe('cursor');
    });
  });

  describe('the journal', () => {
    test('tells what the twin believed and why, newest first', async () => {
      const { body } = await client.get('/v1/devices/cp-001/journal');
      expect(body.transitions).toMatchObject([
        {
          from: 'available.idle',
          to: 'charging.delivering',
          boot: 4,
          seq: 2,
          cause: { type: 'report', detail: 'report 4/2 says charging' },
          recordedAt: time(-20),
        },
        { from: 'offline', to: 'available.idle', boot: 3, seq: 1, recordedAt: time(-90) },
      ]);
      const silence = await client.get('/v1/devices/car-001/journal?limit=1');
      expect(silence.body.transitions).toMatchObject([{ to: 'offline', cause: { type: 'silence' } }]);
    });

    test('is the same in pages of one', async () => {
      const whole = await client.everyPage('/v1/devices/cp-001/journal', 'transitions');
      expect(await client.everyPage('/v1/devices/cp-001/journal?limit=1', 'transitions')).toEqual(whole);
    });
  });

  describe('the commands', () => {
    test('are those of the ledger, newest first, with what proved their outcome', async () => {
      const { body } = await client.get('/v1/devices/cp-001/commands');
      expect(body.commands).toMatchObject([
        { id: PENDING_ID, name: 'stop', outcome: 'pending', by: 'mara', decidedAt: null, proof: null },
        { id: REJECTED_ID, outcome: 'rejected', reason: 'busy', acceptedAt: time(-15), boot: 4, epoch: 1 },
      ]);
      expect(body.commands[1]!.proof).toContain('4/3');
      expect(Date.parse(body.commands[0]!.certainAt)).toBeGreaterThan(NOW);
      expect((await client.get('/v1/devices/car-001/commands')).body.commands).toEqual([]);
    });

    test('are the same in pages of one', async () => {
      const whole = await client.everyPage('/v1/devices/cp-001/commands', 'commands');
      expect(await client.everyPage('/v1/devices/cp-001/commands?limit=1', 'commands')).toEqual(whole);
    });
  });
});
