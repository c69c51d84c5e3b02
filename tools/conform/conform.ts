/**
 * The conformance kit: plays the server's side for one device over real NATS, takes it through every rule it must keep, and
 * says of each whether it did.
 */
import type { HubConnection } from '../../src/nats/connect.ts';
import { Bench, seconds } from './bench.ts';
import { Counterpart } from './counterpart.ts';
import { isFinding, NotSeen } from './finding.ts';
import { Judge } from './judge.ts';
import { includes, type Level, LEVELS } from './level.ts';
import type { TrialLimits } from './limits.ts';
import { type Rule, type Verdict } from './rule.ts';
import { rules } from './rules.ts';
import { type OwnServer, Trial } from './trial.ts';

/** What a trial needs. */
export interface ConformOptions {
  readonly device: string;
  /** To the server where the device is connected, or will be. It stays its maker's to close. */
  readonly connection: HubConnection;
  readonly limits: TrialLimits;
  /** Restarts the device as a power cut would; resolves when that is under way. `null`: nobody can. */
  readonly restart: (() => Promise<void>) | null;
  /** The server, where it may be stopped; else `null`. */
  readonly ownServer: OwnServer | null;
  /** How much of the protocol the device speaks. A `sensor` is sent nothing at all. */
  readonly level: Level;
  /** The rules to test, and whatever they rest on; `null` for all of the level. */
  readonly only: readonly string[] | null;
  /** Told of each rule before it is tested, and of its verdict. */
  readonly tell?: (event: ConformEvent) => void;
}

/** How far a trial is. */
export type ConformEvent =
  | { readonly type: 'waiting' }
  | { readonly type: 'testing'; readonly rule: Rule }
  | { readonly type: 'judged'; readonly verdict: Verdict };

/** What a trial came to. */
export interface ConformResult {
  readonly device: string;
  /** The level that it was tested for. */
  readonly level: Level;
  /** True when no rule is broken, and none had to be left unjudged. */
  readonly passed: boolean;
  /** The highest level of which that is true, up to the one it was tested for; `null` when there is none, or not all of a level was tested. */
  readonly passes: Level | null;
  /** False when some rules only were asked for. */
  readonly isWhole: boolean;
  readonly kept: number;
  readonly broken: number;
  readonly notJudged: number;
  readonly notTestable: number;
  readonly tookMs: number;
  readonly rules: readonly Verdict[];
}

/** The device was not heard at all. */
export class NoContact extends Error {
  override readonly name = 'NoContact';
}

/** Tests a device. Throws {@link NoContact}, or `UnfitServer`. */
export async function conform(options: ConformOptions): Promise<ConformResult> {
  const { device, connection, limits, restart, ownServer, level, only, tell } = options;
  const bench = new Bench(connection, device);
  const trial = new Trial({
    bench,
    server: new Counterpart(bench, limits),
    limits,
    level,
    restart,
    ownServer,
  });
  const judge = new Judge({ rules, trial, testing: (rule) => tell?.({ type: 'testing', rule }) });
  const startedAt = bench.now();
  const verdicts: Verdict[] = [];
  await bench.open();
  try {
    tell?.({ type: 'waiting' });
    await firstContact(trial);
    for (const rule of rules.filter((each) => isAsked(each, options))) {
      const verdict = await judge.judge(rule);
      verdicts.push(verdict);
      tell?.({ type: 'judged', verdict });
    }
    // What a rule rests on may be one that was not asked for: its fault is said all the same.
    verdicts.push(...judge.broken().filter((verdict) => !verdicts.includes(verdict)));
    await leave(trial);
  } finally {
    await bench.close();
  }
  return {
    device,
    level,
    passed: verdicts.every(stands),
    isWhole: only === null,
    passes: only === null ? passedLevel(verdicts) : null,
    kept: number(verdicts, 'kept'),
    broken: number(verdicts, 'broken'),
    notJudged: number(verdicts, 'not-judged'),
    notTestable: number(verdicts, 'not-testable'),
    tookMs: Math.round(bench.now() - startedAt),
    rules: verdicts,
  };
}

function isAsked({ id, level }: Rule, options: ConformOptions): boolean {
  return options.only === null ? includes(options.level, level) : options.only.includes(id);
}

function stands({ verdict }: Verdict): boolean {
  return verdict === 'kept' || verdict === 'not-testable';
}

function number(verdicts: readonly Verdict[], kind: Verdict['verdict']): number {
  return verdicts.filter(({ verdict }) => verdict === kind).length;
}

/** The level below the lowest one of which a rule does not stand. */
function passedLevel(verdicts: readonly Verdict[]): Level | null {
  const tested = LEVELS.filter((level) => verdicts.some((verdict) => verdict.level === level));
  const failed = tested.findIndex((level) =>
    verdicts.some((verdict) => verdict.level === level && !stands(verdict)),
  );
  return (failed === -1 ? tested : tested.slice(0, failed)).at(-1) ?? null;
}

async function firstContact({ bench, limits }: Trial): Promise<void> {
  const { device, publishes } = bench;
  const wait = { withinMs: limits.patienceMs, what: 'nothing came' };
  await bench
    .until(() => publishes[0] ?? null, wait)
    .catch((error: unknown) => {
      if (!(error instanceof NotSeen)) throw error;
      throw new NoContact(
        `Nothing was published on device.${device}.report within ${seconds(limits.patienceMs)}: is the device connected here? Restarted, it reports at once.`,
      );
    });
}

/** Leaves no reservation behind. */
async function leave(trial: Trial): Promise<void> {
  try {
    await trial.freeDevice();
  } catch (error) {
    // It has been judged for that already, and its hold ends by itself.
    if (!isFinding(error)) throw error;
  }
}
