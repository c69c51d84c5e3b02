/**
 * Who judges remote starts excuses what was lost, and nothing else: a right story passes, and each thing in it that is not so is noticed.
 */
import { describe, expect, test } from 'vitest';
import type { CommandResult } from '../../../src/client/corral.ts';
import type { AskedStart, ToldWord } from '../../remote-starts/customers.ts';
import { judge } from '../../remote-starts/judgement.ts';
import type { Calamities, Said } from '../../remote-starts/said.ts';
import type { MadeReport, TrueStart, Truth } from '../../remote-starts/truth.ts';

const CALAMITIES: Calamities = {
  backUpBegan: 10_000,
  keepingBegan: 20_000,
  hubSetBack: 30_000,
  databaseLost: 40_000,
  databaseSetBack: 41_000,
};

/** A start that took effect in a second, from this time on. */
const trueStart = (id: string, n: number, sentAt: number, change: Partial<TrueStart> = {}): TrueStart => ({
  id,
  n,
  sentAt,
  isAnswered: true,
  without: null,
  endedWithSession: false,
  effectMs: 1_000,
  sessionAt: sentAt + 1_000,
  overAt: sentAt + 1_000,
  ...change,
});

const report = (seq: number, at: number, change: Partial<MadeReport> = {}): MadeReport => ({
  boot: 1,
  seq,
  state: 'available',
  session: 0,
  madeAfter: at,
  madeBefore: at,
  ackedAt: at + 10,
  lastWords: {},
  ...change,
});

const charging = (session: number, n: number): Partial<MadeReport> => ({
  state: 'charging',
  session,
  lastWords: { [n]: 'done' },
});

const asked = (id: string, askedAt: number, told: readonly Partial<ToldWord>[]): AskedStart => ({
  device: 'cp-1',
  id,
  askedAt,
  wasUndecided: false,
  wasOtherRefused: false,
  told: told.map((word) => ({ word: 'done', reason: null, isLast: true, at: askedAt + 2_000, ...word })),
});

const entry = (id: string, n: number, change: Partial<CommandResult> = {}): CommandResult =>
  ({
    id,
    n,
    outcome: 'done',
    reason: null,
    proof: 'ring-entry',
    closedAt: 60_000,
    ...change,
  }) as CommandResult;

interface Story {
  readonly truth: Truth;
  readonly said: Said;
}

/**
 * `kept` was done before the backup; `lost` began and ended while the hub lost its tail; `forgotten` is from after the backup; `last` is from
 * after all of it.
 */
function rightStory(): Story {
  const made = [
    report(1, 500),
    report(2, 2_000, charging(1, 1)),
    report(3, 3_000, { lastWords: { 1: 'done' } }),
    report(4, 13_000, charging(2, 2)),
    report(5, 14_000),
    report(6, 23_000, charging(3, 3)),
    report(7, 24_000),
    report(8, 51_000, charging(4, 4)),
    report(9, 52_000),
  ];
  const stored = made.filter(({ seq }) => seq !== 6 && seq !== 7);
  return {
    truth: {
      device: 'cp-1',
      made,
      sessions: 4,
      isCharging: false,
      boots: 1,
      twice: [],
      starts: [
        trueStart('kept', 1, 1_000),
        trueStart('forgotten', 2, 12_000),
        trueStart('lost', 3, 22_000),
        trueStart('last', 4, 50_000),
      ],
    },
    said: {
      asked: [
        asked('kept', 900, [{}]),
        asked('forgotten', 11_900, [{}]),
        asked('lost', 21_900, [{}]),
        asked('refused', 45_000, [{ word: 'refused', isLast: false }]),
        asked('last', 49_900, [{}]),
      ],
      givenUpAt: new Map(),
      ledger: new Map([
        ['kept', entry('kept', 1)],
        ['last', entry('last', 4)],
      ]),
      document: { state: 'available', suspicions: [], pending: [], sequence: { missing: 2 } },
      stored: stored.map(({ seq, state }) => ({ position: `1/${String(seq)}`, state })),
      timeline: stored.map(({ boot, seq, state, madeAfter }) => ({
        boot,
        seq,
        state,
        from: new Date(madeAfter).toISOString(),
        errorMs: 1,
      })),
    },
  };
}

function flawsAfter(change: (story: Story) => Story): readonly string[] {
  const { truth, said } = change(rightStory());
  return judge(truth, said, CALAMITIES).flaws;
}

/** The story with this entry in the ledger. */
const withEntry =
  (told: CommandResult) =>
  ({ truth, said }: Story): Story => ({
    truth,
    said: { ...said, ledger: new Map([...said.ledger, [told.id, told]]) },
  });

/** The story with another truth of a start. */
const withStart =
  (id: string, change: Partial<TrueStart>) =>
  ({ truth, said }: Story): Story => ({
    truth: { ...truth, starts: truth.starts.map((one) => (one.id === id ? { ...one, ...change } : one)) },
    said,
  });

/** The story with other words to whoever asked for a start. */
const withTold =
  (id: string, ...told: readonly Partial<ToldWord>[]) =>
  ({ truth, said }: Story): Story => ({
    truth,
    said: { ...said, asked: said.asked.map((one) => (one.id === id ? asked(id, one.askedAt, told) : one)) },
  });

test('what is lost with the tail of the hub, or forgotten with the database, is no flaw', () => {
  const { truth, said } = rightStory();
  expect(judge(truth, said, CALAMITIES)).toEqual({
    outcomes: { done: 2, forgotten: 2, 'not accepted': 1 },
    lostReports: 2,
    flaws: [],
  });
});

test('a start whose last word no report has told that was kept may be unknown, where somebody gave it up', () => {
  const abandoned = entry('lost', 3, { outcome: 'unknown', reason: 'abandoned' });
  expect(flawsAfter(withEntry(abandoned))).toEqual([expect.stringContaining('nobody has given it up')]);
  expect(
    flawsAfter((story) => {
      const { truth, said } = withEntry(abandoned)(story);
      return { truth, said: { ...said, givenUpAt: new Map([['lost', 25_000]]) } };
    }),
  ).toEqual([]);
});

test('a start ends with the session with the station, whichever start that session ended for', () => {
  const ended = { without: 'told', endedWithSession: true, sessionAt: null, overAt: 52_000 } as const;
  const words = flawsAfter((story) =>
    withEntry(entry('last', 4, INTERRUPTED))(withStart('last', ended)(story)),
  );
  expect(words.filter((flaw) => flaw.includes('its session went on'))).toEqual([]);
});

const UNKNOWN = { outcome: 'unknown', reason: 'unprovable' } as const;
const INTERRUPTED = { outcome: 'unknown', reason: 'interrupted' } as const;

const LIES: readonly (readonly [string, RegExp, (story: Story) => Story])[] = [
  [
    'an end that a kept report names is not known',
    /1\/2.*names it done/,
    withEntry(entry('kept', 1, UNKNOWN)),
  ],
  [
    'an end from before the restore is not known, though a report has told it that was kept',
    /1\/4.*names it done/,
    withEntry(entry('forgotten', 2, UNKNOWN)),
  ],
  ['a start that was sent on is expired', /sent on/, withEntry(entry('last', 4, { outcome: 'expired' }))],
  ['a start is done that has no session', /no session/, withStart('last', { sessionAt: null })],
  [
    'a start is rejected that the station has not refused',
    /station has not said/,
    withEntry(entry('last', 4, { outcome: 'rejected', reason: 'no-session' })),
  ],
  [
    'a start is interrupted while the session with the station in which it was sent goes on',
    /its session went on/,
    withEntry(entry('last', 4, INTERRUPTED)),
  ],
  ['a start is open in the end', /open/, withEntry(entry('last', 4, { ...UNKNOWN, closedAt: null }))],
  ['a start goes by another number', /executed as 4/, withEntry(entry('last', 5))],
  ['done was told too early', /not yet/, withTold('last', { at: 50_500 })],
  ['a start was refused and executed', /it was executed/, withTold('last', { word: 'refused' })],
  ['a start was not sent and executed', /it was executed/, withTold('lost', { word: 'not-sent' })],
  [
    'an id was unknown before anything was set back',
    /it was executed/,
    withTold('forgotten', { word: 'unknown-id', at: 15_000 }),
  ],
  [
    'the ledger has lost an end that it had before the backup',
    /kept is done.*ledger has it as unknown/,
    withEntry(entry('kept', 1, UNKNOWN)),
  ],
  [
    'a start is forgotten that was accepted before the backup',
    /was accepted/,
    withTold('forgotten', { word: 'pending', isLast: false, at: 9_000 }),
  ],
  [
    'the next start is sent on while one may still take effect',
    /last was sent on.*while lost/,
    withStart('lost', { overAt: null }),
  ],
  [
    'a report is lost that was acknowledged before the hub was copied',
    /was not lost with anything/,
    ({ truth, said }) => ({
      truth: { ...truth, made: truth.made.map((one) => (one.seq === 6 ? { ...one, ackedAt: 19_000 } : one)) },
      said,
    }),
  ],
  [
    'lost reports are not counted',
    /2 reports are missing, and 0/,
    ({ truth, said }) => ({
      truth,
      said: { ...said, document: { ...said.document, sequence: { missing: 0 } } },
    }),
  ],
  [
    'the end of a session is told of another time than the error allows',
    /1\/3.*100 ms from there/,
    ({ truth, said }) => ({
      truth,
      said: {
        ...said,
        timeline: said.timeline.map((one) =>
          one.seq === 3 ? { ...one, from: new Date(3_100).toISOString() } : one,
        ),
      },
    }),
  ],
];

describe('it is noticed when', () => {
  test.each(LIES)('%s', (_, flaw, change) => {
    expect(flawsAfter(change).join('\n')).toMatch(flaw);
  });
});
