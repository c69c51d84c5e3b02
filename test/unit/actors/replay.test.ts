/**
 * A source that plays again what was said before is found out by what many of its devices see at once, and none of them is blamed.
 */
import { describe, expect, test } from 'vitest';
import {
  AT_ONCE_MS,
  countReplayed,
  type Echo,
  echoOf,
  echoOfCopy,
  type Echoes,
  noteEcho,
  saidAfter,
} from '../../../actors/replay.ts';
import type { NewestReport, Saying } from '../../../actors/twin.ts';
import type { Report } from '../../../machines/report.ts';
import type { Source } from '../../../actors/known-source.ts';
import { Stage, T0 } from './stage.ts';

const POLL_MS = 60_000;

/** Devices that one feed speaks for, as its polls have them. */
class Polled {
  readonly stages: readonly Stage[];
  readonly found: number[] = [];
  readonly #echoes: Echoes = new Map();
  #seq = 0;
  #now = T0;

  constructor(devices: number) {
    this.stages = Array.from({ length: devices }, () => new Stage());
  }

  /** A poll a minute after the last one; `said` is what it says of each device. */
  poll(said: (device: number) => string, times = 1): void {
    for (let time = 0; time < times; time += 1) {
      this.#seq += 1;
      this.#now += POLL_MS;
      for (const [device, stage] of this.stages.entries()) this.#hear(stage, device, said(device));
    }
  }

  #hear(stage: Stage, device: number, state: string): void {
    stage.now = this.#now;
    stage.source = this.feed;
    const up = this.#now - T0;
    const via = { id: 'feed', session: 1 };
    const report = { boot: 1, seq: this.#seq, up, state, sensors: { n: device }, via };
    const { echo } = stage.hear(report);
    if (echo !== null) noteEcho(this.#echoes, String(device), echo);
    const count = countReplayed(this.#echoes, this.stages.length);
    if (count > 0) this.found.push(this.#now);
  }

  get feed(): Source {
    const replaysSince = this.found[0] ?? null;
    return {
      id: 'feed',
      site: 'depot',
      session: 1,
      heardAt: this.#now,
      awaySince: null,
      via: null,
      replaysSince,
    };
  }
}

const living = (device: number): string => (device % 2 === 0 ? 'available' : 'charging');
const frozen = (device: number): string =>
  device < 12 ? (device % 2 === 0 ? 'charging' : 'available') : living(device);

describe('an old snapshot', () => {
  test('that moves some devices there and others back is found at once', () => {
    const polled = new Polled(30);
    polled.poll(frozen, 2);
    // One after the other they become what they are.
    for (let device = 0; device < 12; device += 1)
      polled.poll((other) => (other <= device ? living(other) : frozen(other)));
    expect(polled.found).toEqual([]);
    polled.poll(frozen);
    expect(polled.found).not.toEqual([]);
  });

  test('that alternates with the living one is found though all move one way', () => {
    const polled = new Polled(30);
    const old = (device: number): string => (device < 12 ? 'charging' : 'available');
    const now = (): string => 'available';
    polled.poll(now, 3);
    polled.poll(old);
    polled.poll(now, 2);
    expect(polled.found).toEqual([]);
    polled.poll(old, 2);
    expect(polled.found).not.toEqual([]);
  });

  test('is the source’s: of none of its devices is anything doubted, and none of them moves with it', () => {
    const polled = new Polled(30);
    const old = (device: number): string => (device < 12 ? 'charging' : 'available');
    for (const said of [living, old, living, old, living, old, living]) polled.poll(said, 2);
    expect(polled.found).not.toEqual([]);
    for (const { document, reasons } of polled.stages) {
      expect(reasons).toEqual([]);
      expect(document.quality).toBe('unknown');
    }
    const moves = polled.stages.map(({ journal }) => journal.length);
    polled.poll(old);
    polled.poll(living);
    expect(polled.stages.map(({ journal }) => journal.length)).toEqual(moves);
  });

  test('lets nothing be accepted, and proves of no command what became of it', () => {
    const stage = new Stage();
    const via = { id: 'gw', session: 1 };
    let seq = 0;
    const say = (state: string, ring: readonly { n: number; outcome: string }[]): void => {
      seq += 1;
      const report = { boot: 1, seq, up: stage.now - T0 + 1_000, state, sensors: {}, via };
      stage.hear({ ...report, commands: [...ring] });
    };
    say('available', []);
    say('available', [{ n: stage.sent.n, outcome: 'done' }]);
    stage.ask('start', { id: 's' });
    expect(stage.sent.name).toBe('start');
    const none = { awaySince: null, via: null };
    stage.source = {
      id: 'gw',
      site: 'depot',
      session: 1,
      heardAt: T0,
      ...none,
      replaysSince: T0,
    };
    stage.wake();
    stage.now += 120_000;
    say('available', []);
    expect(stage.ledger.get('s')?.outcome).toBe('pending');
    stage.ask('stop');
    stage.ask('reboot');
    expect(new Set(stage.refusals)).toEqual(new Set(['suspect']));
    expect(stage.document.allowed).not.toContain('reboot');
  });
});

describe('what is no old snapshot:', () => {
  test('mains that fail and come back', () => {
    const polled = new Polled(30);
    polled.poll(living, 3);
    polled.poll(() => 'out-of-service', 4);
    polled.poll(living, 3);
    expect(polled.found).toEqual([]);
  });

  test('what opens and shuts again and again, all at once, hours apart', () => {
    const polled = new Polled(20);
    for (let day = 0; day < 3; day += 1) {
      polled.poll(() => 'available', 130);
      polled.poll(() => 'out-of-service', 130);
    }
    expect(polled.found).toEqual([]);
  });

  test('devices that change one by one, however often', () => {
    const polled = new Polled(30);
    for (let poll = 0; poll < 60; poll += 1)
      polled.poll((device) => ((poll + device) % 30 < 15 ? 'available' : 'charging'));
    expect(polled.found).toEqual([]);
  });

  test('few of many devices, or too few of all', () => {
    const echo: Echo = { at: T0, receivedAt: T0, sort: 'again', from: 'available', to: 'charging' };
    const seenBy = (devices: number): Echoes => {
      const echoes: Echoes = new Map();
      for (let device = 0; device < devices; device += 1) noteEcho(echoes, String(device), echo);
      return echoes;
    };
    expect(countReplayed(seenBy(24), 100)).toBe(0);
    expect(countReplayed(seenBy(25), 100)).toBe(25);
    expect(countReplayed(seenBy(4), 4)).toBe(0);
  });

  test('what was seen one after the other, over minutes, also where it comes at once after an outage', () => {
    const echoes: Echoes = new Map();
    for (let device = 0; device < 20; device += 1)
      noteEcho(echoes, String(device), {
        at: T0 + device * 10_000,
        receivedAt: T0 + 300_000,
        sort: 'again',
        from: 'a',
        to: 'b',
      });
    expect(countReplayed(echoes, 20)).toBe(0);
  });
});

describe('what one device saw', () => {
  const report: Report = { boot: 2, seq: 9, up: 100_000, state: 'available', sensors: {} };
  const THIRD_MS = 2_400_000;

  test('is there and back and there again only where all of that was within the hours of one thing', () => {
    const sorts = (apartMs: number): readonly (string | undefined)[] => {
      let said: readonly Saying[] = [];
      return ['available', 'charging', 'available', 'charging'].map((state, index) => {
        const at = T0 + index * apartMs;
        const before = { said };
        said = saidAfter(said, { ...report, state }, at);
        return echoOf(before, said, { at, receivedAt: at, state })?.sort;
      });
    };
    expect(sorts(THIRD_MS)).toEqual([undefined, undefined, 'return', 'again']);
    expect(sorts(THIRD_MS + 1)).toEqual([undefined, undefined, 'return', 'return']);
  });

  test('is nothing where its source has begun another session meanwhile, or was in doubt', () => {
    const stage = new Stage();
    const echoes = [1, 1, 2, 2].map((session, index) => {
      stage.now += 60_000;
      const state = index % 2 === 0 ? 'available' : 'charging';
      const via = { id: 'gw', session };
      return stage.hear({ boot: 1, seq: index + 1, up: stage.now - T0, state, sensors: {}, via }).echo;
    });
    expect(echoes.map((echo) => echo?.to ?? null)).toEqual([null, null, null, 'charging']);
  });

  test('is a copy where the report is of long before the newest one, and not where it may have been lost on its way', () => {
    const newest: NewestReport = {
      boot: 2,
      seq: 9,
      up: 100_000,
      receivedAt: T0,
      at: null,
      report,
    };
    const sort = (copy: Partial<Report>): string | null =>
      echoOfCopy(newest, { ...report, ...copy }, { receivedAt: T0, longAgoMs: 10_000 })?.sort ?? null;
    expect(sort({ up: 90_000 })).toBeNull();
    expect(sort({ up: 89_999 })).toBe('copy');
    expect(sort({ boot: 1, up: 500_000 })).toBe('copy');
    expect(sort({ boot: 3, up: 0 })).toBeNull();
  });

  test('counts as what proves most, and as long as that was seen', () => {
    const echoes: Echoes = new Map();
    const saw = (sort: Echo['sort'], at: number): void =>
      noteEcho(echoes, 'cp-1', { at, receivedAt: at, sort, from: 'a', to: 'b' });
    saw('return', T0);
    saw('again', T0 + 1);
    saw('return', T0 + 2);
    expect(echoes.get('cp-1')).toMatchObject({ sort: 'again', at: T0 + 1 });
    saw('copy', T0 + AT_ONCE_MS);
    expect(echoes.get('cp-1')).toMatchObject({ sort: 'copy', at: T0 + AT_ONCE_MS });
  });

  test('proves as much where it is a copy as where it goes there again, and nothing where the state stays', () => {
    const seen = (change: Partial<Echo>): number => {
      const echoes: Echoes = new Map();
      const echo: Echo = { at: T0, receivedAt: T0, sort: 'return', from: 'a', to: 'b' };
      for (let device = 0; device < 10; device += 1) noteEcho(echoes, String(device), { ...echo, ...change });
      return countReplayed(echoes, 10);
    };
    expect(seen({ sort: 'copy' })).toBe(10);
    expect(seen({ sort: 'again' })).toBe(10);
    expect(seen({})).toBe(0);
    expect(seen({ to: 'a' }), 'only its sensors moved').toBe(0);
  });
});

test('a source that was seen to do so has one suspicion for it, until nothing of the kind was seen for long enough', () => {
  const stage = new Stage();
  const { silenceMs } = stage.kind.limits;
  const say = (seq: number): void => {
    stage.hear({ boot: 1, seq, up: stage.now - T0, state: 'available', sensors: {} });
  };
  say(1);
  for (const at of [T0, T0, T0 + 1_000]) stage.tell({ type: 'replayed', at, devices: 229, spokenFor: 525 });
  expect(stage.twin.suspicions).toMatchObject([
    { reason: 'snapshot-replayed', since: T0, detail: expect.stringContaining('229 of the 525') as unknown },
  ]);
  expect(stage.journal).toEqual(['offline > available.idle', 'available.idle > suspect.doubted']);
  stage.now = T0 + 1_000 + 2 * silenceMs;
  say(2);
  expect(stage.reasons).toEqual(['snapshot-replayed']);
  stage.now += 1;
  say(3);
  expect(stage.reasons).toEqual([]);
});

test('an engineer’s word ends it, and what was known of it then does not begin it again', () => {
  const stage = new Stage();
  stage.hear({ boot: 1, seq: 1, up: 0, state: 'available', sensors: {} });
  const finding = { type: 'replayed', at: T0, devices: 9, spokenFor: 10 } as const;
  stage.tell(finding);
  stage.ask('clear', { by: 'eva', args: { reason: 'the feed was set up anew' } });
  expect(stage.reasons).toEqual([]);
  stage.tell(finding);
  expect(stage.reasons).toEqual([]);
});

/**
 * What a public feed really said of 229 of its 525 devices at once, for an hour, polled every five minutes: minutes from the first row,
 * status, polls in a row. It alternated between a frozen snapshot and the living one; no device was at fault.
 */
const REAL_RUNS = [
  [0, 'charging', 1] as const,
  [5, 'available', 2] as const,
  [15, 'charging', 2] as const,
  [25, 'available', 1] as const,
  [30, 'charging', 1] as const,
  [35, 'available', 1] as const,
  [40, 'charging', 2] as const,
  [50, 'available', 1] as const,
  [55, 'charging', 1] as const,
  [60, 'available', 1] as const,
  [65, 'charging', 1] as const,
  [70, 'available', 1] as const,
];

test('229 of 525 devices of a real feed that alternated with an old snapshot are one finding about it', () => {
  const polled = new Polled(525);
  polled.poll(() => 'available', 12);
  for (const [, status, polls] of REAL_RUNS)
    polled.poll((device) => (device < 229 ? status : 'available'), polls);
  expect(polled.found).not.toEqual([]);
  for (const { reasons } of polled.stages) expect(reasons).toEqual([]);
});

test('what a device went through while its source was cut off is of the times at which it was measured', () => {
  const stage = new Stage();
  const via = { id: 'gw', session: 1 };
  const echoes: Echo[] = [];
  const states = ['available', 'charging', 'available', 'charging', 'available'];
  for (const [index, state] of states.entries()) {
    if (index === 0) stage.now = T0;
    else stage.now = T0 + 1_200_000;
    const report = { boot: 1, seq: index + 1, up: index * 300_000, state, sensors: {}, via };
    const { echo } = stage.hear(report);
    if (echo !== null) echoes.push(echo);
  }
  expect(echoes.map(({ at }) => at)).toEqual([T0 + 600_000, T0 + 900_000, T0 + 1_200_000]);
});
