/**
 * Commands while two devices speak under one name: both were sent them, and what the one has not executed, the other may have.
 */
import { describe, expect, test } from 'vitest';
import type { LedgerEntry } from '../../../src/contract/ledger-entry.ts';
import { chargePoint } from '../../../machines/charge-point.ts';
import type { Report, RingEntry } from '../../../machines/report.ts';
import { Pair } from './pair.ts';
import { Stage } from './stage.ts';

const EVERY_MS = 30_000;
const { silenceMs } = chargePoint.limits;
const IN_USE = { cableConnected: true, carPresent: true };

/** Two devices that were started as boot 7, one 60 s after the other. */
class Two extends Stage {
  #seq = 0;
  readonly #bootedAt: number;
  /** What both named before there was a command. */
  ring: RingEntry[] = [];
  state = 'available';

  constructor() {
    super();
    this.#bootedAt = this.now;
    this.first([]);
    this.pass(50);
    this.ring = [{ n: this.sent.n, outcome: 'done' }];
    this.first();
    this.pass(5_000);
    this.first();
  }

  /** The first of them reports. */
  first(commands = this.ring): void {
    this.#hear(this.now - this.#bootedAt, commands);
  }

  /** The second one does. */
  second(commands = this.ring, given: Partial<Report> = {}): void {
    this.#hear(this.now - this.#bootedAt + 60_000, commands, given);
  }

  /** It is seen that there are two. */
  meet(): void {
    const { seq } = this.twin.newest!;
    this.pass(1_000);
    this.second(this.ring, { seq });
  }

  /** What a report of theirs names now, with what it was asked last. */
  answering(): RingEntry[] {
    return [{ n: this.twin.probe!.n, outcome: 'done' }, ...this.ring];
  }

  /** Only the second one is heard, until it is known who speaks: it answers all that the twin asks. */
  settle(): void {
    for (let passed = 0; passed < silenceMs + 3 * EVERY_MS; passed += EVERY_MS) {
      this.pass(EVERY_MS);
      this.second(this.answering());
    }
  }

  get isDoubted(): boolean {
    return this.reasons.includes('identity-conflict');
  }

  /** The command that was asked for last, as the ledger has it. */
  get entry(): LedgerEntry {
    return this.ledger.get([...this.ledger.keys()].at(-1)!)!;
  }

  #hear(up: number, commands: RingEntry[], given: Partial<Report> = {}): void {
    this.#seq += 1;
    const { state } = this;
    const sensors = state === 'charging' ? IN_USE : {};
    this.hear({ boot: 7, seq: this.#seq, up, state, sensors, commands, ...given });
  }
}

/** What would prove that the one that is heard has not executed it. */
const proofs: readonly [string, string, (stage: Two) => void][] = [
  [
    'its ring does not name it (ring-silence)',
    'start',
    (stage) => {
      stage.pass(EVERY_MS);
      stage.second();
    },
  ],
  [
    'it names a later command (superseded)',
    'start',
    (stage) => {
      stage.pass(1_000);
      stage.second([{ n: stage.entry.n + 1, outcome: 'done' }, ...stage.ring]);
    },
  ],
  [
    'its boot goes on (boot-goes-on)',
    'reboot',
    (stage) => {
      stage.pass(120_000);
      stage.second();
    },
  ],
  [
    'it refuses it by its own state (ring-entry)',
    'start',
    (stage) => {
      stage.pass(1_000);
      stage.second([{ n: stage.entry.n, outcome: 'rejected', reason: 'busy' }, ...stage.ring]);
    },
  ],
  [
    'it refuses it as too late (ring-entry)',
    'start',
    (stage) => {
      stage.pass(EVERY_MS);
      stage.second([{ n: stage.entry.n, outcome: 'rejected', reason: 'too-late' }, ...stage.ring]);
    },
  ],
];

describe.each(proofs)('while there are two, and of the one %s,', (_, name, prove) => {
  /** The command was sent to both, and then it was seen that there are two. */
  function contested(): Two {
    const stage = new Two();
    stage.ask(name);
    expect(stage.entry).toMatchObject({ name, outcome: 'pending' });
    stage.meet();
    expect(stage.isDoubted).toBe(true);
    prove(stage);
    return stage;
  }

  test('the command is not proved not executed', () => {
    const stage = contested();
    expect(['pending', 'unknown']).toContain(stage.entry.outcome);
    expect(stage.entry.closedAt).toBeNull();
    stage.pass(600_000);
    expect(stage.entry).toMatchObject({ outcome: 'unknown', closedAt: null });
  });

  test('a `done` that comes later says what became of it', () => {
    const stage = contested();
    stage.pass(1_000);
    stage.first([{ n: stage.entry.n, outcome: 'done' }, ...stage.ring]);
    expect(stage.entry).toMatchObject({ outcome: 'done', reason: null });
    expect(stage.entry.proof).toMatch(/^ring-entry/);
  });

  test('it ends as unprovable once it is known who speaks, and a `done` from a buffer still proves it', () => {
    const stage = contested();
    stage.settle();
    expect(stage.isDoubted).toBe(false);
    prove(stage);
    expect(stage.entry).toMatchObject({ outcome: 'unknown', reason: 'unprovable' });
    expect(stage.entry.closedAt).not.toBeNull();
    stage.second([{ n: stage.entry.n, outcome: 'done' }, ...stage.ring]);
    expect(stage.entry.outcome).toBe('done');
  });

  test('an engineer who clears the doubt has not seen what the other one did', () => {
    const stage = contested();
    const { id } = stage.entry;
    stage.pass(180_000);
    stage.second();
    stage.ask('clear', { by: 'eva', args: { reason: 'looked' } });
    expect(stage.isDoubted).toBe(false);
    prove(stage);
    expect(stage.ledger.get(id)).toMatchObject({ outcome: 'unknown' });
  });
});

test('a `done` counts also in a report of which nobody can tell whose it is', () => {
  const stage = new Stage();
  const hear = (seq: number, up: number, commands: RingEntry[]): string | null =>
    stage.hear({ boot: 7, seq, up, state: 'available', sensors: {}, commands }).disposition;
  hear(1, 0, []);
  stage.pass(100);
  hear(2, 900_000, []);
  stage.ask('reboot');
  const { n } = stage.sent;
  stage.pass(1_000);
  hear(2, 900_100, []);
  expect(stage.reasons).toContain('identity-conflict');
  expect(hear(3, 1_200, [{ n, outcome: 'done' }])).toBe('duplicate');
  expect(stage.ledger.get('request-1')).toMatchObject({ outcome: 'done' });
  expect(stage.twin.newest).toMatchObject({ seq: 2, up: 900_000 });
});

test('what is sent after it is known again who speaks is proved as ever', () => {
  const stage = new Two();
  stage.meet();
  stage.settle();
  expect(stage.isDoubted).toBe(false);
  stage.ask('start');
  stage.pass(60_000);
  stage.second();
  expect(stage.entry).toMatchObject({ outcome: 'expired', reason: 'not-executed' });
});

test('a hold that is shown proves the command that began it, whoever shows it', () => {
  const stage = new Two();
  stage.ask('reserve', { id: 'r', args: { holdMs: 60_000 } });
  stage.meet();
  stage.pass(1_000);
  stage.second(stage.ring, { state: 'reserved', hold: { id: 'r', leftMs: 50_000 } });
  expect(stage.entry).toMatchObject({ name: 'reserve', outcome: 'done' });
});

test('a `done` for what a second device has let prove not executed amends it, and shows that there are two', () => {
  const stage = new Two();
  stage.ask('start');
  stage.pass(60_000);
  stage.second();
  expect(stage.isDoubted, 'nobody can know yet').toBe(false);
  expect(stage.entry).toMatchObject({ outcome: 'expired', reason: 'not-executed' });
  stage.pass(1_000);
  stage.second([{ n: stage.entry.n, outcome: 'done' }, ...stage.ring]);
  expect(stage.entry).toMatchObject({ outcome: 'done', reason: null });
  expect(stage.isDoubted).toBe(true);
  expect(stage.twin.suspicions.map(({ detail }) => detail).join()).toMatch(
    /names start .* done, which was expired/,
  );
});

test('a device that executes a command and starts again without counting that is not told to have let it pass', () => {
  const stage = new Two();
  stage.ask('start');
  stage.pass(1_000);
  const startedAt = stage.now;
  const { entry } = stage;
  for (let seq = 1; seq <= 6; seq += 1) {
    stage.pass(10_000);
    const up = stage.now - startedAt;
    stage.hear({ boot: 7, seq, up, state: 'charging', sensors: IN_USE, commands: [] });
  }
  expect(stage.isDoubted).toBe(true);
  expect(stage.ledger.get(entry.id)).toMatchObject({ outcome: 'unknown', closedAt: null });
});

test('a new count of boots forgets nothing of that', () => {
  const pair = new Pair();
  pair.meet();
  pair.ask('start');
  const [{ id, n } = { id: '', n: 0 }] = [...pair.ledger.values()];
  const lost = pair.unhandled();
  expect(lost.map((command) => command.n)).toContain(n);
  const { seq, up } = pair.twin.newest!;
  const copy = pair.measure({ seq, up: up + 5 });
  pair.hear(copy);
  expect(pair.reasons).toContain('identity-conflict');
  pair.ask('renew-identity', { by: 'eva', args: { reason: 'replaced' } });
  expect(pair.ledger.get(id)).toMatchObject({ outcome: 'unknown', reason: 'unprovable' });
  pair.pass(60_000);
  // Stored before the renewal, read late: of the count that has ended.
  pair.hear(pair.measure({ up: up + 60_000 }), pair.now - 60_000);
  expect(pair.ledger.get(id)).toMatchObject({ outcome: 'unknown' });
});
