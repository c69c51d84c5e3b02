/**
 * Devices that somebody else speaks for, their source: a gateway, or a poller of a feed. What happens to the source is told apart from what
 * happens to them.
 */
import { describe, expect, test } from 'vitest';
import { chargePoint } from '../../../machines/charge-point.ts';
import type { Report } from '../../../machines/report.ts';
import { type Source, sourceFor, SOURCE_CHAIN_MAX } from '../../../actors/known-source.ts';
import { sourceOf } from '../../../actors/source.ts';
import { Stage, T0 } from './stage.ts';

const { silenceMs } = chargePoint.limits;

/** A device of the gateway `gw`, which is heard every ten seconds until a test says otherwise. */
class Spoken {
  readonly stage = new Stage();
  session = 7;
  #seq = 0;

  constructor() {
    this.stage.source = this.gateway();
  }

  gateway(change: Partial<Source> = {}): Source {
    const { session } = this;
    const none = { awaySince: null, via: null, replaysSince: null };
    return { id: 'gw', site: 'depot', session, heardAt: this.stage.now, ...none, ...change };
  }

  hear(change: Partial<Report> = {}): this {
    this.#seq += 1;
    const { stage, session } = this;
    const up = stage.now - T0 + 1_000;
    const via = { id: 'gw', session };
    const report = { boot: 1, seq: this.#seq, up, state: 'available', sensors: {}, commands: [], via };
    stage.hear({ ...report, ...change });
    return this;
  }

  /** The device names the last command sent to it: what it says is bounded by a round trip. */
  answer(): this {
    return this.hear({ commands: [{ n: this.stage.sent.n, outcome: 'done' }] });
  }

  /** What is known of the source changes. */
  learn(change: Partial<Source> | null): this {
    this.stage.source = change === null ? null : this.gateway(change);
    this.stage.wake();
    return this;
  }
}

const awaySince = T0 + 400_000;

describe('while its source is away, a device', () => {
  test('is of unknown quality and doubted for that reason, which names the source', () => {
    const { stage } = new Spoken().hear().answer().learn({ awaySince });
    expect(stage.document).toMatchObject({
      state: 'suspect',
      quality: 'unknown',
      connected: true,
      suspicions: [{ reason: 'source-away', detail: expect.stringContaining('gw') as unknown }],
      via: { id: 'gw', session: 7, doubt: 'away', since: awaySince },
    });
    expect(stage.journal.at(-1)).toBe('available.idle > suspect.doubted');
  });

  test('is never taken for silent, however long', () => {
    const { stage } = new Spoken().hear().learn({ awaySince });
    stage.pass(10 * silenceMs);
    expect(stage.document.state).toBe('suspect');
  });

  test('accepts nothing that is sent to it but a question', () => {
    const { stage } = new Spoken().hear().answer().learn({ awaySince });
    for (const name of ['start', 'stop', 'release', 'reboot']) stage.ask(name);
    stage.ask('reserve', { args: { holdMs: 60_000 } });
    expect(new Set(stage.refusals)).toEqual(new Set(['suspect']));
    expect(stage.refusals).toHaveLength(5);
    expect(stage.document.allowed).toEqual(['report', 'clear']);
  });

  test('is not certain at an engineer’s word, since nobody knows how it is', () => {
    const { stage } = new Spoken().hear().learn({ awaySince });
    stage.ask('clear', { by: 'eva', args: { reason: 'looked' } });
    expect(stage.reasons).toEqual(['source-away']);
  });

  test('that was silent by itself before stays offline, for that reason', () => {
    const spoken = new Spoken().hear();
    spoken.stage.now = T0 + silenceMs;
    spoken.learn({});
    spoken.stage.wake();
    expect(spoken.stage.document.state).toBe('offline');
    spoken.learn({ awaySince: T0 + 2 * silenceMs });
    expect(spoken.stage.document).toMatchObject({ state: 'offline', suspicions: [] });
  });
});

describe('when its source is back, a device', () => {
  test('is right as soon as it is heard, and not before', () => {
    const spoken = new Spoken().hear().answer().learn({ awaySince });
    spoken.stage.now = awaySince + 60_000;
    spoken.learn({});
    expect(spoken.stage.document).toMatchObject({
      state: 'suspect',
      quality: 'unknown',
      via: { doubt: 'back' },
    });
    spoken.hear({ state: 'charging' });
    expect(spoken.stage.document).toMatchObject({ state: 'charging', suspicions: [], via: { doubt: null } });
  });

  test('is not right because its source has ceased to play what was said before', () => {
    const spoken = new Spoken().hear().answer().learn({ replaysSince: T0 });
    expect(spoken.stage.document.via).toMatchObject({ doubt: 'replay', since: T0 });
    spoken.stage.now += 60_000;
    spoken.learn({});
    expect(spoken.stage.document).toMatchObject({ quality: 'unknown', via: { doubt: 'back' } });
    spoken.hear();
    expect(spoken.stage.document).toMatchObject({ via: { doubt: null } });
  });

  test('is right as soon as it is heard, also before anybody knows that the source is back', () => {
    const spoken = new Spoken().hear().learn({ awaySince });
    spoken.stage.now = awaySince + 60_000;
    spoken.hear();
    expect(spoken.stage.document).toMatchObject({ state: 'available', suspicions: [] });
    spoken.learn({ awaySince });
    expect(spoken.stage.document).toMatchObject({ state: 'available', suspicions: [] });
  });

  test('is away with it again, where it falls silent while the source itself still is', () => {
    const spoken = new Spoken().hear().learn({ awaySince });
    const { stage } = spoken;
    stage.now = awaySince + 60_000;
    spoken.hear().learn({ awaySince, heardAt: T0 });
    stage.pass(silenceMs);
    expect(stage.document).toMatchObject({ state: 'suspect', quality: 'unknown', via: { doubt: 'away' } });
  });

  test('is not right because of what was said while the source fell silent', () => {
    const spoken = new Spoken().hear().learn({ awaySince });
    spoken.stage.now = awaySince + 60_000;
    spoken.stage.hear(
      { boot: 1, seq: 9, up: 9_000, state: 'available', sensors: {}, via: { id: 'gw', session: 7 } },
      awaySince - 1_000,
    );
    expect(spoken.stage.reasons).toEqual(['source-away']);
  });

  test('that is not heard for as long as its kind allows is offline', () => {
    const spoken = new Spoken().hear().learn({ awaySince });
    const { stage } = spoken;
    stage.now = awaySince + 60_000;
    spoken.learn({});
    stage.pass(silenceMs - 1);
    expect(stage.document.state).toBe('suspect');
    stage.pass(1);
    expect(stage.document.state).toBe('suspect');
    spoken.learn({});
    stage.pass(0);
    expect(stage.document).toMatchObject({ state: 'offline', suspicions: [], via: { doubt: null } });
  });
});

describe('a device that is silent for longer than its kind allows', () => {
  test('is offline, where its source was heard after that', () => {
    const spoken = new Spoken().hear();
    spoken.stage.now = T0 + silenceMs;
    spoken.learn({});
    spoken.stage.pass(0);
    expect(spoken.stage.document.state).toBe('offline');
  });

  test('is not offline while nobody can tell which of them is silent, and asks for nothing meanwhile', () => {
    const spoken = new Spoken().hear();
    const { stage } = spoken;
    stage.pass(60_000);
    spoken.learn({ heardAt: T0 + silenceMs - 1 });
    expect(stage.wakeAt()).toBe(T0 + silenceMs);
    stage.pass(silenceMs);
    expect(stage.document.state).toBe('available');
    expect(stage.wakeAt()).toBe(Infinity);
    spoken.learn({ heardAt: T0 + silenceMs - 1, awaySince: stage.now + 10_000 });
    expect(stage.reasons).toEqual(['source-away']);
  });

  test.each([
    ['is not known', null],
    ['is another one', { id: 'other' }],
  ])('is offline in time where its source %s', (_, change) => {
    const { stage } = new Spoken().hear().learn(change);
    stage.pass(silenceMs);
    expect(stage.document.state).toBe('offline');
  });

  test('is offline though its source says again what it said before', () => {
    const spoken = new Spoken().hear().hear();
    const { stage } = spoken;
    stage.now = T0 + silenceMs - 1;
    const report = { boot: 1, seq: 1, up: 1_000, state: 'available', sensors: {} };
    expect(stage.hear({ ...report, via: { id: 'gw', session: 7 } }).disposition).toBe('duplicate');
    stage.now = T0 + silenceMs;
    spoken.learn({});
    stage.pass(0);
    expect(stage.document.state).toBe('offline');
  });
});

describe('in another session of its source, what a device said before', () => {
  test('is not fresh until it is heard again, and the state stays', () => {
    const spoken = new Spoken().hear().answer();
    expect(spoken.stage.document.quality).toBe('fresh');
    spoken.session = 8;
    spoken.learn({});
    expect(spoken.stage.document).toMatchObject({
      state: 'available',
      quality: 'unknown',
      suspicions: [],
      via: { session: 7, doubt: 'session' },
    });
    spoken.hear();
    expect(spoken.stage.document).toMatchObject({ quality: 'fresh', via: { session: 8, doubt: null } });
  });

  test('is asked for again before a command rests on it', () => {
    const spoken = new Spoken().hear().answer();
    const { stage } = spoken;
    spoken.session = 8;
    spoken.learn({});
    stage.ask('start', { id: 's' });
    expect(stage.sent.name).toBe('report');
    spoken.answer();
    expect(stage.sent).toMatchObject({ id: 's', name: 'start' });
  });

  test('is no ground for a command where the answer is of the session that has ended', () => {
    const spoken = new Spoken().hear().answer();
    const { stage } = spoken;
    spoken.session = 8;
    spoken.learn({});
    spoken.session = 7;
    stage.ask('start', { id: 's' });
    spoken.answer();
    expect(stage.commands.some(({ name }) => name === 'start')).toBe(false);
  });

  test('is of an ended one where the source counts its sessions anew', () => {
    const spoken = new Spoken().hear();
    spoken.stage.now += 1_000;
    spoken.session = 1;
    spoken.learn({});
    expect(spoken.stage.document.via).toMatchObject({ session: 7, doubt: 'session' });
  });

  test('is believed before the source has said itself that it speaks in another one', () => {
    const spoken = new Spoken().hear();
    spoken.stage.now += 1_000;
    spoken.session = 8;
    spoken.hear();
    expect(spoken.stage.document.via).toMatchObject({ session: 8, doubt: null });
  });
});

describe('a source', () => {
  const known =
    (...sources: readonly Partial<Source>[]) =>
    (id: string): Source | undefined => {
      const found = sources.find((source) => source.id === id);
      return found && { ...new Spoken().gateway(), ...found };
    };
  const device = { device: 'cp-1', site: 'depot' };

  test('of another site is no reason for anything', () => {
    expect(sourceFor(device, 'gw', known({ id: 'gw', site: 'harbour' }))).toBeNull();
  });

  test('that others speak for is one as well, however they are known', () => {
    const gw = known({ id: 'gw', via: 'hub' }, { id: 'hub' });
    expect(sourceFor(device, 'gw', gw)).toMatchObject({ id: 'gw' });
    expect(sourceFor(device, 'gw', known({ id: 'gw', via: 'hub' }))).toMatchObject({ id: 'gw' });
  });

  test('whose sources lead back to the device, or to each other, is none', () => {
    expect(sourceFor(device, 'gw', known({ id: 'gw', via: 'cp-1' }))).toBeNull();
    expect(sourceFor(device, 'gw', known({ id: 'gw', via: 'hub' }, { id: 'hub', via: 'gw' }))).toBeNull();
  });

  test('behind more others than a chain may have is none', () => {
    const chain = Array.from({ length: SOURCE_CHAIN_MAX }, (_, index) => ({
      id: `gw-${String(index)}`,
      via: `gw-${String(index + 1)}`,
    }));
    expect(sourceFor(device, 'gw-0', known(...chain))).toBeNull();
    expect(sourceFor(device, 'gw-1', known(...chain))).not.toBeNull();
  });

  test('is away while it is silent, and while who speaks for it is', () => {
    const { stage } = new Spoken().hear();
    const own = (): Source | null => sourceOf({ ...stage.twin, boot: stage.twin.newest?.boot ?? null });
    expect(own()).toMatchObject({ session: 1, awaySince: null, via: 'gw', heardAt: T0 });
    const away = new Spoken().hear().learn({ awaySince }).stage.twin;
    expect(sourceOf({ ...away, boot: 1 })?.awaySince).toBe(T0);
    stage.source = null;
    stage.pass(silenceMs);
    expect(own()?.awaySince).toBe(T0 + silenceMs);
  });

  test('that was never heard is not known', () => {
    expect(sourceOf({ ...new Stage().twin, boot: null })).toBeNull();
  });
});

test('a device that speaks itself again has no source', () => {
  const spoken = new Spoken().hear().learn({ awaySince });
  spoken.stage.now += 1_000;
  spoken.stage.hear({ boot: 2, seq: 1, up: 0, state: 'available', sensors: {} });
  expect(spoken.stage.twin.via).toBeNull();
  expect(spoken.stage.document).toMatchObject({ state: 'available', suspicions: [] });
});
