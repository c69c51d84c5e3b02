/**
 * The conformance kit: plays the server's side for one device over real NATS, takes it through every rule it must keep, and
 * says of each whether it did.
 */
import type { HubConnection } from '../../src/nats/connect.ts';
import { Bench, seconds } from './bench.ts';
import { Counterpart } from './counterpart.ts';
import type { TrialLimits } from './limits.ts';
import { type Rule, type Verdict } from './rule.ts';
import { rules } from './rules.ts';
import { type OwnServer, Trial } from './trial.ts';
import { isFinding, NotSeen, NotTestable } from './finding.ts';

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
  /** The rules to test; `null` for all. */
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
  /** True when no rule is broken. */
  readonly passed: boolean;
  readonly kept: number;
  readonly broken: number;
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
  const { device, connection, limits, restart, ownServer, only } = options;
  const bench = new Bench(connection, device);
  const trial = new Trial({ bench, server: new Counterpart(bench, limits), limits, restart, ownServer });
  const startedAt = bench.now();
  const verdicts: Verdict[] = [];
  await bench.open();
  try {
    options.tell?.({ type: 'waiting' });
    await firstContact(trial);
    for (const rule of rules.filter(({ id }) => only === null || only.includes(id))) {
      options.tell?.({ type: 'testing', rule });
      const verdict = await judge(rule, trial);
      verdicts.push(verdict);
      options.tell?.({ type: 'judged', verdict });
    }
    await leave(trial);
  } finally {
    await bench.close();
  }
  const number = (kind: Verdict['verdict']): number =>
    verdicts.filter(({ verdict }) => verdict === kind).length;
  return {
    ...{ device, passed: number('broken') === 0 },
    ...{ kept: number('kept'), broken: number('broken'), notTestable: number('not-testable') },
    tookMs: Math.round(bench.now() - startedAt),
    rules: verdicts,
  };
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

async function judge(rule: Rule, trial: Trial): Promise<Verdict> {
  const { id, sentence, needs } = rule;
  try {
    for (const need of needs) {
      const lack = await trial.lacks(need);
      if (lack !== null) throw new NotTestable(lack);
    }
    return { rule: id, sentence, verdict: 'kept', detail: await rule.check(trial) };
  } catch (error) {
    if (error instanceof NotTestable)
      return { rule: id, sentence, verdict: 'not-testable', detail: error.message };
    if (isFinding(error)) return { rule: id, sentence, verdict: 'broken', detail: error.message };
    throw error;
  }
}

/** Leaves no reservation behind. */
async function leave(trial: Trial): Promise<void> {
  try {
    if ((await trial.lacks('answers')) === null) await trial.freeDevice();
  } catch (error) {
    // It has been judged for that already, and its hold ends by itself.
    if (!isFinding(error)) throw error;
  }
}
