/**
 * Two devices under one name, of which the one counts its boots anew beside the other: what the timeline says of a time is what `/at`
 * says of it, and what the twin believed is in both.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chargePoint } from '../../machines/charge-point.ts';
import type { RingEntry } from '../../machines/report.ts';
import type { Twin } from '../../actors/twin.ts';
import { commitLives, type Happening, heard, live, MINUTE, NOW } from './http-fleet.ts';
import { type HttpNode, httpOver, StandingClock } from './http-node.ts';
import { type OpenStore, stores } from './http-stores.ts';

const START = NOW - 20 * MINUTE;
const IN_USE = { cableConnected: true, carPresent: true };

/** A life in which both speak, at so many seconds. */
class Two {
  readonly happenings: Happening[] = [];
  readonly #seqs = new Map<number, number>();

  /** The first one, which counts at boot 100 and is free; with `answers` it names what it was asked last. */
  first(second: number, answers = false): this {
    return this.#hear({ boot: 100, bootedAt: -60, state: 'available', sensors: {} }, second, answers);
  }

  /** The other one, which counts at boot 50 and charges. */
  second(second: number, answers = false): this {
    return this.#hear({ boot: 50, bootedAt: -30, state: 'charging', sensors: IN_USE }, second, answers);
  }

  renew(second: number): this {
    const at = START + second * 1_000;
    const request = {
      id: 'renew',
      name: 'renew-identity',
      args: { reason: 'looked' },
      ifVersion: null,
      by: 'eva',
      asker: null,
      waitUntil: at,
      replyTo: { subject: 'nobody', encoding: 'json' as const },
    };
    this.happenings.push({ at, input: { type: 'command', request, known: null } });
    return this;
  }

  #hear(
    { boot, bootedAt, ...said }: { boot: number; bootedAt: number; state: string; sensors: object },
    second: number,
    answers: boolean,
  ): this {
    const seq = (this.#seqs.get(boot) ?? 0) + 1;
    this.#seqs.set(boot, seq);
    const at = START + second * 1_000 + 20;
    const up = (second - bootedAt) * 1_000;
    const sensors = said.sensors as Record<string, boolean>;
    const report = (commands: RingEntry[]) => ({ boot, seq, up, state: said.state, sensors, commands });
    this.happenings.push(
      answers
        ? {
            at,
            input: ({ probe }: Twin) => ({
              type: 'report',
              receivedAt: at,
              encoding: 'json',
              report: report([{ n: probe!.n, outcome: 'done' }]),
            }),
          }
        : heard(at, report([])),
    );
    return this;
  }
}

/** The other one is heard, and then answers: from then on the twin follows it, and the first one goes on. */
const beside = (): Two =>
  new Two()
    .first(0)
    .first(0.1, true)
    .second(2)
    .first(3)
    .second(64)
    .second(64.1, true)
    .first(66)
    .second(67)
    .first(69)
    .second(70);

const lives: readonly (readonly [name: string, life: Two])[] = [
  ['the-other-one-answers', beside()],
  ['an-operator-renews', beside().renew(72).second(73).first(74).second(76).first(77).second(79)],
  ['the-first-one-is-heard-after-that', beside().renew(72).first(73).second(74).first(76).second(77)],
];

describe.each(stores)('of two devices under one name, shown over $name,', ({ open }) => {
  let opened: OpenStore;
  let node: HttpNode;

  beforeAll(async () => {
    opened = await open(new StandingClock());
    node = await httpOver(opened.store, opened.clock);
    const all = lives.map(([id, { happenings }]) =>
      live({ id, kind: chargePoint, site: 'depot' }, happenings),
    );
    await commitLives(opened.store, all);
  });
  afterAll(async () => {
    await node.app.close();
    await opened.end();
  });

  const get = async <T>(url: string): Promise<T> => JSON.parse((await node.app.inject(url)).body) as T;

  interface Intervals {
    readonly intervals: readonly {
      readonly state: string;
      readonly from: string;
      readonly to: string | null;
    }[];
  }

  test.each(lives)('timeline, window and `/at` agree (%s)', async (id) => {
    const device = `/v1/devices/${id}`;
    const { intervals } = await get<Intervals>(`${device}/timeline`);
    const { reports } = await get<{ reports: readonly { readonly measuredAt: string }[] }>(
      `${device}/reports?limit=100`,
    );
    expect(reports.length).toBeGreaterThan(9);
    for (const { measuredAt } of reports) {
      const { knownNow } = await get<{ knownNow: { state: string } }>(`${device}/at?time=${measuredAt}`);
      const end = new Date(Date.parse(measuredAt) + 1).toISOString();
      const window = await get<Intervals>(`${device}/timeline?from=${measuredAt}&to=${end}`);
      const time = Date.parse(measuredAt);
      const at = intervals.filter(
        ({ from, to }) => Date.parse(from) <= time && (to === null || time < Date.parse(to)),
      );
      expect({ measuredAt, states: at.map(({ state }) => state) }).toEqual({
        measuredAt,
        states: [knownNow.state],
      });
      expect(window.intervals.at(-1)?.state).toBe(knownNow.state);
    }
  });

  test('what the one says after the other one has begun to count anew pushes none of that', async () => {
    const { intervals } = await get<{
      readonly intervals: readonly {
        readonly state: string;
        readonly from: string;
        readonly errorMs: number;
      }[];
    }>('/v1/devices/the-other-one-answers/timeline');
    const charging = intervals.findLast(({ state }) => state === 'charging')!;
    expect(charging.errorMs).toBeLessThan(1_000);
    expect(Math.abs(Date.parse(charging.from) - START - 64_000)).toBeLessThan(1_000);
    const { transitions } = await get<{
      transitions: readonly { readonly from: string; readonly to: string; readonly measuredAt: string }[];
    }>('/v1/devices/the-other-one-answers/journal');
    const begun = transitions.find(
      ({ from, to }) => from.startsWith('available') && to.startsWith('charging'),
    )!;
    expect(Math.abs(Date.parse(begun.measuredAt) - Date.parse(charging.from))).toBeLessThan(1_000);
  });
});
