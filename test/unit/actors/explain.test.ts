/**
 * What `explain` says first: the cause that keeps a twin in its state, whatever was heard last; and of commands only what is so.
 */
import { describe, expect, test } from 'vitest';
import { explain, type Explanation } from '../../../actors/explain.ts';
import { car } from '../../../machines/car.ts';
import { kinds } from '../../../machines/kinds.ts';
import { Pair } from './pair.ts';

/** The explanation from what the twin decided so far. */
function explained(pair: Pair): Explanation {
  const { twin, kind, now, serverErrorMs, decisions, ledger } = pair;
  const transitions = decisions
    .flatMap((decision) => decision.transitions)
    .map((one, no) => ({ ...one, no }));
  const commands = [...ledger.values()].reverse();
  return explain({
    twin,
    kind,
    now,
    serverErrorMs,
    commands,
    rejected: [],
    unready: null,
    transitions: transitions.reverse(),
  });
}

function verdict(pair: Pair, name: string): string {
  return explained(pair).commands.find((command) => command.name === name)?.sentence ?? '';
}

const word = { by: 'eva', args: { reason: 'looked at it' } };

/** A car that is locked with a door open for a minute, which goes on reporting. */
function openCar(): Pair {
  const pair = new Pair({ kind: car }).meet();
  const show = (openMs: number): void => {
    pair.report({
      state: 'available',
      sensors: { locked: true, doorsOpen: true },
      since: { locked: 90_000 + openMs, doorsOpen: openMs },
    });
  };
  show(60_000);
  pair.pass(20_000);
  show(80_000);
  return pair;
}

test('only what the device would be sent is said to be sent', () => {
  const { commands } = explained(openCar());
  const sent = commands.filter((command) => command.sent).map(({ name }) => name);
  const accepted = commands.filter((command) => command.accepted).map(({ name }) => name);
  expect(accepted).toEqual(expect.arrayContaining(['report', 'clear']));
  expect(sent).toContain('report');
  expect(sent).not.toContain('clear');
});

describe('the first sentence names the cause', () => {
  test('of a doubt: the contradiction, and no report that came since', () => {
    expect(explained(openCar()).summary[0]).toBe(
      'cp-1 is suspect (suspect.doubted), because it is locked and a door is open.',
    );
  });

  test('of a doubt that follows another one: the one that stands', () => {
    const pair = openCar();
    pair.report({ state: 'charging', sensors: { plugged: false }, since: { plugged: 60_000 } });
    expect(explained(pair).summary[0]).toBe(
      'cp-1 is suspect (suspect.doubted), because it says that it charges and no cable is plugged in.',
    );
  });

  test('of several doubts: each of them', () => {
    const pair = new Pair({ kind: car }).meet();
    pair.report({
      state: 'charging',
      sensors: { locked: true, doorsOpen: true, plugged: false },
      since: { locked: 90_000, doorsOpen: 60_000, plugged: 60_000 },
    });
    const { summary } = explained(pair);
    const [first = ''] = summary;
    expect(summary.filter((sentence) => sentence.startsWith('In doubt since'))).toHaveLength(2);
    expect(first).toContain('it is locked and a door is open');
    expect(first).toContain('it says that it charges and no cable is plugged in');
  });

  test('of a device that says itself that it is out of service', () => {
    const pair = new Pair().meet();
    pair.report({ state: 'faulted' });
    expect(explained(pair).summary[0]).toBe(
      'cp-1 is out of service (suspect.out-of-service), because it says itself that it is faulted (report 1/3).',
    );
  });

  test('of silence: since when nothing was heard, and what is too long', () => {
    const pair = new Pair().meet();
    const since = new Date(pair.now).toISOString();
    pair.pass(pair.kind.limits.silenceMs + 60_000);
    expect(explained(pair).summary[0]).toBe(
      `cp-1 is offline, because nothing was heard since ${since}, and a charge-point counts as offline after 5 min.`,
    );
  });

  test('of a device that was never heard', () => {
    expect(explained(new Pair()).summary[0]).toBe('cp-1 is offline, because it was never heard.');
  });

  test('of a command that nothing proves', () => {
    const pair = new Pair().meet();
    pair.ask('reserve', { id: 'r' });
    pair.unhandled();
    pair.pass(60_000);
    expect(explained(pair).summary[0]).toBe(
      'cp-1 is suspect (suspect.doubted), because nothing proves yet whether reserve r (n 2) was executed.',
    );
  });

  test('of any other state: what the device says, and what its sensors add', () => {
    const pair = new Pair().meet();
    pair.report({ state: 'charging', sensors: { cableConnected: true, powerW: 7_400 } });
    expect(explained(pair).summary[0]).toBe(
      'cp-1 is charging (charging.delivering), because it says charging (report 1/3), and its sensors say delivering.',
    );
  });

  test('of a state that an engineer’s word led to', () => {
    const pair = openCar();
    pair.ask('clear', word);
    expect(explained(pair).summary[0]).toBe(
      'cp-1 is available (available.open), because it says available (report 1/4), and its sensors say open, and eva: looked at it; cleared open-while-locked.',
    );
  });
});

test('of a silent device what was in doubt before is told after the silence', () => {
  const pair = openCar();
  pair.pass(pair.kind.limits.silenceMs + 1);
  const { summary } = explained(pair);
  expect(summary[0]).toMatch(/^cp-1 is offline, because nothing was heard since/);
  expect(summary.filter((sentence) => sentence.includes('it is locked and a door is open'))).toHaveLength(1);
});

describe('what the twin does by itself', () => {
  test('is not said to be sent', () => {
    expect(verdict(openCar(), 'clear')).toBe(
      'clear would be accepted and done by the twin itself at once, and nothing is sent to the device: it would end open-while-locked.',
    );
  });

  test('is said to end nothing where only a report can', () => {
    const pair = new Pair().meet();
    pair.ask('reserve', { id: 'r' });
    pair.unhandled();
    pair.pass(60_000);
    expect(verdict(pair, 'clear')).toBe(
      'clear would be accepted and done by the twin itself at once, and nothing is sent to the device: it would end nothing; what stays in doubt until a report tells: nothing proves yet whether reserve r (n 2) was executed.',
    );
  });

  test('of a device that is given a new count, is said to make all that was known count no more, and to ask', () => {
    const pair = openCar();
    pair.pass(pair.kind.limits.silenceMs + 60_000);
    const told = verdict(pair, 'renew-identity');
    expect(told).toMatch(/done by the twin itself at once: .* new count/);
    expect(told).toContain('offline');
    expect(told).toContain('asked for one');
    expect(told).not.toMatch(/nothing is sent|end nothing/);
  });

  test('has no deadline in the chain of causes', () => {
    const pair = openCar();
    pair.ask('clear', word);
    pair.report({ sensors: { locked: true, doorsOpen: true }, since: { locked: 99_000, doorsOpen: 90_000 } });
    const told = explained(pair).chain.filter(({ sentence }) => sentence.includes('commanded clear'));
    expect(told.map(({ sentence }) => sentence)).toEqual([
      expect.stringMatching(/the twin did it by itself at once, and nothing was sent\.$/),
    ]);
  });

  test.each(kinds)('of a $name is the same commands as its table says', (kind) => {
    const pair = new Pair({ kind }).meet();
    const accepted = explained(pair).commands.filter((command) => command.accepted);
    expect(accepted.length).toBeGreaterThan(0);
    for (const { name, sent } of explained(pair).commands.filter((command) => command.accepted))
      expect(sent).toBe(kind.commands[name]?.decidedBy === 'device');
  });
});

test('what is reserved without a hold is told as what it is: by somebody else, of whom Corral does not know', () => {
  const pair = new Pair().meet();
  pair.report({ state: 'reserved' });
  expect(pair.document).toMatchObject({ state: 'reserved', hold: null, suspicions: [] });
  expect(explained(pair).summary[0]).toContain('shows no hold: it is reserved by somebody else');
  pair.report({ state: 'available' });
  pair.reserve('r');
  expect(explained(pair).summary[0]).not.toContain('somebody else');
});

test('what has to wait for an answer of the device is not said to be accepted now', () => {
  const pair = new Pair();
  pair.report();
  const { summary, commands } = explained(pair);
  const waiting = commands.filter(({ code }) => code === 'needs-proof').map(({ name }) => name);
  expect(waiting).toContain('reserve');
  const [last = ''] = summary.slice(-1);
  expect(last).toBe(
    `It would accept report, reboot now, and decide on ${waiting.join(', ')} after the device has answered \`report\`.`,
  );
});

describe('what is true of the moment only', () => {
  test('is how fresh the knowledge is, and what would be accepted', () => {
    const { summary, momentary } = explained(openCar());
    expect(momentary).toEqual(summary.filter((one) => /^The knowledge|^It would accept/.test(one)));
    expect(momentary).toHaveLength(2);
  });

  test('is that nothing is known of a device that was never heard, and that it accepts nothing', () => {
    const { summary, momentary } = explained(new Pair());
    expect(momentary).toEqual(summary.slice(1));
  });

  test('is what waits for the device', () => {
    const pair = new Pair();
    pair.report();
    pair.ask('reserve', { id: 'r' });
    expect(explained(pair).momentary).toContain('1 request waits until the device answers `report`.');
  });

  test('is not until when a command can start, which the sentence says itself', () => {
    const pair = new Pair().meet();
    pair.ask('reserve', { id: 'r' });
    const { summary, momentary } = explained(pair);
    expect(summary).toContainEqual(expect.stringMatching(/^reserve \(n 2\) waits for its outcome; after/));
    expect(momentary).not.toContainEqual(expect.stringContaining('outcome'));
  });
});
