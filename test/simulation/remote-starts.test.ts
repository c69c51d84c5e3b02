/**
 * Remote starts through a gateway: 17 % are accepted and have no effect, effects come up to 272 s late, 1 % of the calls get no answer. In
 * the end ledger, device and history agree with what the station did. `CORRAL_REMOTE_STARTS=34000` for as many as in the log that the
 * shares are from; `CORRAL_REMOTE_STARTS_SEED` for others.
 */
import { expect, test } from 'vitest';
import { type Figures, runRemoteStarts } from './gateway/remote-starts.ts';

const STARTS = Number(process.env.CORRAL_REMOTE_STARTS ?? 300);
const FIRST_SEED = Number(process.env.CORRAL_REMOTE_STARTS_SEED ?? 1);
/** So many of one charge point. */
const OF_ONE = Math.min(STARTS, 500);

test(`of ${STARTS} remote starts through a gateway ledger, device and history end in agreement`, async () => {
  const all: Figures[] = [];
  for (let seed = FIRST_SEED; all.length * OF_ONE < STARTS; seed += 1) {
    const figures = await runRemoteStarts(seed, OF_ONE);
    expect(figures.flaws, `seed ${seed}`).toEqual([]);
    all.push(figures);
  }
  const sum = (of: (figures: Figures) => number): number => all.reduce((total, one) => total + of(one), 0);
  const outcomes: Record<string, number> = {};
  for (const [name, count] of all.flatMap((one) => Object.entries(one.outcomes)))
    outcomes[name] = (outcomes[name] ?? 0) + count;
  const figures = {
    starts: sum(({ starts }) => starts),
    sessions: sum(({ sessions }) => sessions),
    undecided: sum(({ undecided }) => undecided),
    refused: sum(({ refused }) => refused),
    unanswered: sum(({ unanswered }) => unanswered),
    slowestEffectMs: Math.max(...all.map(({ slowestEffectMs }) => slowestEffectMs)),
    outcomes,
    hours: Math.round(sum(({ hours }) => hours)),
  };
  if (process.env.CORRAL_REMOTE_STARTS !== undefined) console.info(JSON.stringify(figures));
  // What the test is about has happened: nobody knew for a while, and all three ends of that.
  expect(figures.undecided).toBeGreaterThan(STARTS / 10);
  expect(figures.refused).toBeGreaterThan(STARTS / 20);
  expect(Object.keys(outcomes).sort()).toEqual([
    'done',
    'rejected',
    'unknown (abandoned)',
    'unknown (interrupted)',
  ]);
}, 3_600_000);
