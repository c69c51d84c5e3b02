/**
 * Who names a number that was given after the newest report had come is alive, whether the twin asked by itself or somebody's command
 * was sent: an old report can name neither.
 */
import { describe, expect, test } from 'vitest';
import { chargePoint } from '../../../machines/charge-point.ts';
import { type RingEntry, UNDECIDED } from '../../../machines/report.ts';
import { Stage } from './stage.ts';

const { silenceMs } = chargePoint.limits;
const IN_USE = { cableConnected: true, carPresent: true };

/** A device that counts its boots at 100, and another one under its name that counts them at 50. */
class TwoBoots extends Stage {
  readonly #bootedAt = this.now - 60_000;
  readonly #seqs = new Map<number, number>();
  #ring: RingEntry[] = [];

  constructor() {
    super();
    this.first([]);
    this.pass(100);
    this.#ring = [{ n: this.sent.n, outcome: 'done' }];
    this.first(this.#ring);
    this.pass(5_000);
  }

  /** The one that is believed reports, and names what it answered at first. */
  first(commands = this.#ring): string | null {
    return this.#hear(100, 'available', commands);
  }

  /** The other one reports, which charges. */
  second(commands: RingEntry[]): string | null {
    return this.#hear(50, 'charging', commands);
  }

  #hear(boot: number, state: string, commands: RingEntry[]): string | null {
    const seq = (this.#seqs.get(boot) ?? 0) + 1;
    this.#seqs.set(boot, seq);
    const sensors = state === 'charging' ? IN_USE : {};
    const up = this.now - this.#bootedAt;
    return this.hear({ boot, seq, up, state, sensors, commands }).disposition;
  }
}

describe('a report of a lower boot that names', () => {
  test("a backend's `report` is of who is alive: the known state follows it, and the command is done", () => {
    const stage = new TwoBoots();
    stage.ask('report', { id: 'r' });
    const { n } = stage.sent;
    stage.pass(200);
    expect(stage.second([{ n, outcome: 'done' }])).toBe('latest');
    expect(stage.twin).toMatchObject({ incarnation: 2, newest: { boot: 50 } });
    expect(stage.document.state).toBe('charging');
    expect(stage.ledger.get('r')).toMatchObject({ outcome: 'done' });
    expect(stage.decisions.at(-1)!.transitions[0]!.cause.detail).toBe(
      `report 50/1 answers report r (n ${String(n)}) sent after the newest report: the device counts its boots anew`,
    );
    stage.pass(2_000);
    stage.first();
    expect(stage.reasons, 'the other one goes on').toContain('identity-conflict');
  });

  test('a command that was sent before the newest report came proves nothing', () => {
    const stage = new TwoBoots();
    stage.ask('report');
    const { n } = stage.sent;
    stage.pass(200);
    stage.first();
    expect(stage.second([{ n, outcome: 'done' }])).toBe('late');
    expect(stage.twin).toMatchObject({ incarnation: 1, newest: { boot: 100 } });
  });

  test.each([
    ['done', 'start', { outcome: 'done' }],
    [UNDECIDED, 'start', { reason: UNDECIDED, closedAt: null }],
    ['rejected', 'start', { outcome: 'unknown', reason: 'unprovable' }],
  ])('it %s begins a new count, and that word counts as far as it is safe', (outcome, name, expected) => {
    const stage = new TwoBoots();
    stage.ask(name, { id: 'c' });
    const { n } = stage.sent;
    stage.pass(200);
    stage.second([{ n, outcome, ...(outcome === 'rejected' ? { reason: 'other-boot' } : {}) }]);
    expect(stage.twin.incarnation).toBe(2);
    expect(stage.ledger.get('c')).toMatchObject(expected);
  });
});

test('what the one has refused, the other one has done: it is done, however the boots are counted by then', () => {
  const stage = new TwoBoots();
  stage.ask('start', { id: 's' });
  const { n } = stage.sent;
  stage.pass(200);
  stage.second([{ n, outcome: 'rejected', reason: 'other-boot' }]);
  expect(stage.ledger.get('s')).toMatchObject({ outcome: 'unknown' });
  stage.pass(200);
  stage.first([{ n, outcome: 'done' }]);
  expect(stage.ledger.get('s')).toMatchObject({ outcome: 'done' });
});

test('a probe that another one has replaced proves life as well as before', () => {
  const stage = new TwoBoots();
  stage.pass(2 * silenceMs);
  stage.ask('report', { id: 'first' });
  const { n } = stage.sent;
  stage.pass(61_000);
  stage.ask('report', { id: 'second' });
  expect(stage.second([{ n, outcome: 'done' }])).toBe('latest');
  expect(stage.twin.incarnation).toBe(2);
});

test('what has waited too long for proof is refused by what was known before the boots were counted anew', () => {
  const stage = new TwoBoots();
  stage.pass(61_000);
  stage.ask('start', { id: 's', waitMs: 60_000 });
  const { n, name } = stage.sent;
  expect(name).toBe('report');
  // Nothing has woken the twin in time.
  stage.now += chargePoint.limits.probeTimeoutMs + 1;
  expect(stage.second([{ n, outcome: 'done' }])).toBe('latest');
  expect(stage.twin.incarnation).toBe(2);
  expect(stage.refusals).toEqual(['stale']);
});
