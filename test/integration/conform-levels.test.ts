/** A device that speaks a part of the protocol passes the level of that part, and no higher one. */
import { describe, expect, test } from 'vitest';
import type { Report } from '../../machines/report.ts';
import { AGENT_LIMITS } from '../../src/device/limits.ts';
import { EMPTY_LOG } from '../../src/device/log-entry.ts';
import { includes, type Level, LEVELS } from '../../tools/conform/level.ts';
import { rules } from '../../tools/conform/rules.ts';
import type { Spoiling } from './conform-device.ts';
import { tried, verdictsOf } from './conform-trial.ts';

/** Without storage: a clock tells its starts apart. */
function withoutStorage(): Pick<Spoiling, 'stored'> {
  let clock = 1_767_225_600;
  return {
    stored: () => {
      clock += 10;
      return { ...EMPTY_LOG, memory: { ...EMPTY_LOG.memory, boot: clock } };
    },
  };
}

const FAST = { ...AGENT_LIMITS, retryFirstMs: 50, retryLongestMs: 200 };

/** A sensor: it hears nothing, has no storage, and keeps the one report that was not acknowledged. */
const sensor = (): Spoiling => ({
  ...withoutStorage(),
  options: { limits: { ...FAST, heartbeatMs: 3_000, outboxReportsMax: 1 } },
  command: () => null,
  report: ({ commands: _commands, hold: _hold, ...report }) => report,
});

/** By itself it says again what it said when it was asked last. */
function again(): NonNullable<Spoiling['report']> {
  let last: Report | null = null;
  return (report) => {
    if (JSON.stringify(report.commands) !== JSON.stringify(last?.commands)) last = report;
    return last ?? report;
  };
}

/** Without storage it takes no command but `report`, and says so of the others without a look at their deadlines. */
const answering = (): Spoiling => ({
  ...withoutStorage(),
  options: { limits: { ...FAST, outboxReportsMax: 1 } },
  command: ({ boot: _boot, notAfterUp: _notAfterUp, ...command }) => command,
  judge: () => ({ type: 'refuse', reason: 'unknown-command' }),
});

/** It executes and remembers, has room for one report, and lets go of a hold when the power does. */
const commanded = (): Spoiling => ({
  options: { limits: { ...FAST, outboxReportsMax: 1 } },
  stored: (stored) => ({ ...stored, memory: { ...stored.memory, hold: null } }),
});

const DEVICES: readonly {
  readonly is: string;
  readonly level: Level;
  readonly above: readonly string[];
  readonly spoiling: () => Spoiling;
}[] = [
  { is: 'a sensor', level: 'sensor', above: ['report-answered'], spoiling: sensor },
  {
    is: 'a device without storage',
    level: 'answering',
    above: ['other-boot', 'too-late', 'ring-survives', 'fences-survive', 'nothing-lost'],
    spoiling: answering,
  },
  {
    is: 'a device with room for one report',
    level: 'commanded',
    above: ['nothing-lost', 'hold-survives'],
    spoiling: commanded,
  },
  { is: 'the reference agent', level: 'full', above: [], spoiling: () => ({}) },
];

describe.concurrent('the kit', () => {
  test.each(DEVICES)('finds that $is passes level $level', async ({ level, spoiling }) => {
    const result = await tried(spoiling(), { level });
    expect(
      Object.entries(verdictsOf(result)).filter(([, verdict]) => /^(broken|not-judged)/.test(verdict)),
    ).toEqual([]);
    expect(result).toMatchObject({ passed: true, passes: level, level });
    expect(result.rules.map(({ rule }) => rule)).toEqual(
      rules.filter((rule) => includes(level, rule.level)).map(({ id }) => id),
    );
    const untested = result.rules.filter(({ verdict }) => verdict === 'not-testable');
    expect(untested.map(({ rule }) => rule)).toEqual(
      level === 'full' ? ['heartbeat'] : ['heartbeat', 'frames-in-order'],
    );
  });

  test.each(DEVICES)('says what $is breaks above level $level', async ({ level, above, spoiling }) => {
    const result = await tried(spoiling());
    const broken = result.rules.filter(({ verdict }) => verdict === 'broken');
    expect(broken.map(({ rule }) => rule).sort()).toEqual([...above].sort());
    expect(broken.filter((verdict) => includes(level, verdict.level))).toEqual([]);
    expect(result).toMatchObject({ passed: level === 'full', passes: level });
  });
});

describe.concurrent('of a heartbeat that the kit is told, at any level,', () => {
  const every = (heartbeatMs: number): Spoiling => ({ options: { limits: { ...FAST, heartbeatMs } } });
  test.each<[string, Level, Spoiling, number, string]>([
    ['a sensor that keeps it is found to', 'sensor', sensor(), 3_000, 'kept'],
    ['an agent that keeps it is found to', 'full', every(700), 700, 'kept'],
    ['one that says nothing by itself is found to break it', 'full', every(3_600_000), 700, 'broken'],
    [
      'and so is one that says its last report again',
      'full',
      { ...every(700), report: again() },
      700,
      'broken',
    ],
  ])('%s', async (_, level, spoiling, heartbeatMs, verdict) => {
    const { rules: judged } = await tried(spoiling, { level, only: ['heartbeat'], heartbeatMs });
    expect(judged.find(({ rule }) => rule === 'heartbeat')).toMatchObject({ verdict });
  });
});

test('a sensor is sent nothing at its level', async () => {
  const heard: unknown[] = [];
  const device = sensor();
  await tried(
    {
      ...device,
      command: (command) => {
        heard.push(command);
        return null;
      },
    },
    { level: 'sensor' },
  );
  expect(heard).toEqual([]);
});

test('levels contain one another, and each has rules of its own', () => {
  for (const [index, level] of LEVELS.entries()) {
    expect(LEVELS.filter((other) => includes(level, other))).toEqual(LEVELS.slice(0, index + 1));
    expect(rules.some((rule) => rule.level === level)).toBe(true);
  }
});

test('no rule rests on one of a higher level, or on itself', () => {
  const levelOf = new Map(rules.map(({ id, level }) => [id, level]));
  const grounds = (id: string): readonly string[] => rules.find((rule) => rule.id === id)?.restsOn ?? [];
  for (const { id, level } of rules) {
    const all = new Set<string>();
    for (const queue = [...grounds(id)]; queue.length > 0; queue.push(...grounds(queue.shift()!)))
      all.add(queue[0]!);
    expect([...all].filter((ground) => !includes(level, levelOf.get(ground)!))).toEqual([]);
    expect(all.has(id)).toBe(false);
  }
});
