/** The command `renew-identity`: a person knows who speaks from now on. */
import { describe, expect, test } from 'vitest';
import { chargePoint } from '../../../machines/charge-point.ts';
import { UNDECIDED } from '../../../machines/report.ts';
import { Pair } from './pair.ts';
import { Stage } from './stage.ts';

const { silenceMs } = chargePoint.limits;
const WORD = { by: 'eva', args: { reason: 'controller replaced' } };

/** A device that has been silent for long, with boots far above those that its new controller will count. */
function silenced(): Pair {
  const pair = new Pair();
  pair.device.boot = 900;
  pair.meet();
  pair.pass(2 * silenceMs);
  expect(pair.document.state).toBe('offline');
  return pair;
}

/** Another controller in the same device, which counts its boots from 1. */
function replaceController(pair: Pair): void {
  pair.device.wipe(pair.now);
}

test('whatever is heard next is the device, however it counts', () => {
  const pair = silenced();
  pair.ask('renew-identity', WORD);
  replaceController(pair);
  pair.pass(1_000);
  expect(pair.report()).toMatchObject({ disposition: 'latest', filed: { incarnation: 2 } });
  expect(pair.document).toMatchObject({ state: 'available', sequence: { boot: 1, missing: 0 } });
  expect(pair.reasons).toEqual([]);
});

test('the device is asked for a report at once, and nothing is known until it comes', () => {
  const pair = silenced();
  const { decisions } = pair;
  pair.ask('renew-identity', WORD);
  expect(pair.sent).toMatchObject({ name: 'report' });
  expect(pair.document).toMatchObject({ state: 'offline', quality: 'unknown', hold: null });
  expect(decisions.at(-1)!.transitions.map(({ cause }) => cause)).toEqual([
    {
      type: 'engineer',
      detail:
        'eva: controller replaced; who speaks next begins a new count, and 900/2 was the last report of the one before',
    },
  ]);
  expect(pair.ask('reserve', { args: { holdMs: 60_000 } }).twin.open).toEqual([]);
});

test('the device is asked in the encoding that it spoke, whoever counts its boots: it may read no other', () => {
  const pair = silenced();
  const { effects } = pair.ask('renew-identity', WORD);
  expect(effects).toContainEqual(expect.objectContaining({ type: 'send', encoding: 'json' }));
});

test('it is in the ledger with who said so and why, and asked again it is done once', () => {
  const pair = silenced();
  pair.ask('renew-identity', { ...WORD, id: 'word' });
  pair.ask('renew-identity', { ...WORD, id: 'word' });
  expect(pair.twin.incarnation).toBe(2);
  expect(pair.ledger.get('word')).toMatchObject({
    outcome: 'done',
    by: 'eva',
    args: { reason: 'controller replaced' },
    proof: expect.stringContaining('eva: controller replaced') as string,
  });
});

test('what the hub had stored before the word is of the line that ended, however late it is read', () => {
  const pair = silenced();
  const before = pair.measure();
  const storedAt = pair.now;
  pair.pass(1_000);
  pair.ask('renew-identity', WORD);
  pair.pass(1_000);
  expect(pair.hear(before, storedAt)).toMatchObject({ disposition: 'late', filed: { incarnation: 1 } });
  expect(pair.twin.newest).toBeNull();
});

test('where the boot goes on, what was heard of it before is not missing, and does not count a second time', () => {
  const pair = silenced();
  const copy = pair.twin.newest!.report;
  pair.ask('renew-identity', WORD);
  pair.pass(1_000);
  expect(pair.report()).toMatchObject({ disposition: 'latest', filed: { incarnation: 2 } });
  expect(pair.document.sequence).toMatchObject({ boot: 900, seq: 3, missing: 0, duplicates: 0 });
  expect(pair.hear(copy)).toMatchObject({ disposition: 'duplicate', filed: null });
  pair.measure();
  pair.report();
  expect(pair.document.sequence).toMatchObject({ seq: 5, missing: 1 });
});

test('another start with the number of a boot that was heard is one of its own: all that comes of it is filed', () => {
  const pair = silenced();
  pair.ask('renew-identity', WORD);
  replaceController(pair);
  pair.device.boot = 900;
  const [first, second] = [pair.measure(), pair.measure()];
  pair.pass(1_000);
  pair.report();
  expect(pair.document.sequence).toMatchObject({ seq: 3, missing: 2 });
  for (const late of [first, second])
    expect(pair.hear(late)).toMatchObject({ disposition: 'late', filed: { incarnation: 2 } });
  expect(pair.document.sequence).toMatchObject({ missing: 0 });
});

test('it ends a conflict, lets go of the hold that nobody knows of any more, and closes what nobody will prove', () => {
  const pair = new Pair().meet();
  pair.reserve('hold');
  pair.ask('release', { id: 'lost' });
  const { report, seq } = pair.twin.newest!;
  pair.hear({ ...report, seq, state: 'available' });
  expect(pair.reasons).toContain('identity-conflict');
  pair.ask('renew-identity', WORD);
  expect(pair.ledger.get('lost')).toMatchObject({ outcome: 'unknown', reason: 'unprovable' });
  expect(pair.reasons).toEqual([]);
  expect(pair.document).toMatchObject({ state: 'offline', hold: null });
});

describe('it is refused', () => {
  test('without a name, or a reason', () => {
    const pair = silenced();
    pair.ask('renew-identity', { args: WORD.args });
    pair.ask('renew-identity', { by: 'eva' });
    expect(pair.refusals).toEqual(['bad-arguments', 'bad-arguments']);
  });

  test('where one speaks, and nothing is in doubt', () => {
    const pair = new Pair().meet();
    pair.ask('renew-identity', WORD);
    expect(pair.refusals).toEqual(['illegal-state']);
    expect(pair.twin.incarnation).toBe(1);
  });

  test('where nothing was heard since the last one', () => {
    const pair = silenced();
    pair.ask('renew-identity', WORD);
    pair.ask('renew-identity', WORD);
    expect(pair.refusals).toEqual(['illegal-state']);
    expect(pair.twin.incarnation).toBe(2);
  });
});

test('what is in flight beyond the device ends by its word all the same, and by no silence', () => {
  const pair = new Pair().meet();
  pair.ask('start', { id: 's' });
  const n = pair.twin.lastN;
  pair.unhandled();
  const name = (outcome: string, others = pair.device.ring): void => {
    pair.device.ring = [{ n, outcome }, ...others.filter((entry) => entry.n !== n)];
    pair.report();
  };
  name(UNDECIDED);
  pair.pass(2 * silenceMs);
  pair.ask('renew-identity', WORD);
  pair.pass(1_000);
  name(UNDECIDED);
  expect(pair.refusals).toEqual([]);
  expect(pair.twin).toMatchObject({ incarnation: 2, newest: { boot: pair.device.boot } });
  expect(pair.ledger.get('s')).toMatchObject({ reason: UNDECIDED, closedAt: null });
  pair.device.ring = pair.device.ring.filter((entry) => entry.n !== n);
  pair.report();
  expect(pair.ledger.get('s'), 'a silent ring proves nothing').toMatchObject({ closedAt: null });
  name('done');
  expect(pair.ledger.get('s')).toMatchObject({ outcome: 'done' });
  expect(pair.document.pending).toEqual([]);
});

describe('after it, a count that was ended before', () => {
  /** Two devices, of which the one that counts at 50 has answered last; both go on. */
  class Two extends Stage {
    readonly #bootedAt = this.now - 60_000;
    readonly #seqs = new Map<number, number>();

    hears(boot: number, isAnswer = false): string | null {
      const seq = (this.#seqs.get(boot) ?? 0) + 1;
      this.#seqs.set(boot, seq);
      const commands = isAnswer ? [{ n: this.twin.probe!.n, outcome: 'done' }] : [];
      const up = this.now - this.#bootedAt;
      return this.hear({ boot, seq, up, state: 'available', sensors: {}, commands }).disposition;
    }

    step(boot: number, isAnswer = false): void {
      this.pass(1_500);
      this.hears(boot, isAnswer);
    }
  }

  test.each([
    ['the last one', [100, 50, 100]],
    ['one before that', [50, 100, 50, 100]],
  ])('and goes on is a second device: %s', (_, heard) => {
    const stage = new Two();
    stage.hears(100);
    stage.hears(100, true);
    stage.step(50);
    stage.pass(61_000);
    stage.hears(50);
    stage.hears(50, true);
    expect(stage.twin).toMatchObject({ incarnation: 2, newest: { boot: 50 } });
    stage.step(100);
    stage.step(50);
    expect(stage.reasons).toContain('identity-conflict');
    stage.ask('renew-identity', WORD);
    expect(stage.reasons).toEqual([]);
    for (const boot of heard) stage.step(boot);
    expect(stage.reasons).toContain('identity-conflict');
  });
});

test('what the device went on to measure in its old boot, before it started again, is of the new count, and no second device', () => {
  const pair = new Pair().meet();
  pair.pass(2 * silenceMs);
  expect(pair.document.state).toBe('offline');
  pair.ask('renew-identity', WORD);
  pair.unhandled();
  pair.pass(60_000);
  const buffered = pair.measure();
  pair.pass(60_000);
  pair.device.reboot(pair.now, 'nothing');
  pair.pass(5_000);
  expect(pair.report()).toMatchObject({ disposition: 'latest', filed: { incarnation: 2 } });
  expect(pair.hear(buffered)).toMatchObject({ disposition: 'late', filed: { incarnation: 2 } });
  expect(pair.hear(buffered)).toMatchObject({ disposition: 'duplicate', filed: null });
  expect(pair.reasons).toEqual([]);
});
