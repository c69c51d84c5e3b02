/**
 * The commands that are left while the known state is in doubt: `report`, `reboot`, and `clear`, a person's word.
 */
import { describe, expect, test } from 'vitest';
import { OPEN_MAX } from '../../../actors/prospect.ts';
import { Pair } from './pair.ts';
import type { Twin } from '../../../actors/twin.ts';

/** A pair, and what shows its twin again what it doubts. */
interface Doubted {
  readonly pair: Pair;
  readonly show: () => void;
}

/** A pair whose twin doubts the device: a cable without a hatch. */
function doubted(): Doubted {
  const pair = new Pair().meet();
  const show = (): void => {
    pair.report({
      sensors: { hatchOpen: false, cableConnected: true },
      since: { hatchOpen: 50_000, cableConnected: 9_000 },
    });
  };
  show();
  expect(pair.reasons).toEqual(['cable-without-hatch']);
  return { pair, show };
}

const word = { by: 'eva', args: { reason: 'the sensor sticks; it was opened by hand' } };

/** The doubt comes and is cleared, ten commands that never reach the device; then it is there again. */
function clearAgainAndAgain({ pair, show }: Doubted): void {
  for (let round = 0; round < 10; round += 1) {
    show();
    pair.ask('clear', { id: `c-${String(round)}`, ...word });
  }
  show();
}

/** A reboot is asked for and never handled; the device boots, keeps its ring, and so proves that it did not happen. */
function expectUndeliveredRebootProved(pair: Pair): void {
  pair.ask('reboot', { id: 'b' });
  pair.unhandled();
  pair.device.reboot(pair.now, 'everything');
  pair.report();
  expect(pair.ledger.get('b')).toMatchObject({ outcome: 'expired', reason: 'not-executed' });
}

test('while the state is in doubt `report`, `reboot` and `clear` are accepted, and nothing else', () => {
  const { pair } = doubted();
  expect(pair.document.allowed).toEqual(['report', 'reboot', 'clear']);
});

describe('`clear`', () => {
  test('ends the doubt at once, is done in the ledger, and is never sent', () => {
    const { pair } = doubted();
    const sent = pair.commands.length;
    const decision = pair.ask('clear', { id: 'c', ...word });
    expect(pair.document).toMatchObject({ state: 'available', suspicions: [] });
    expect(pair.ledger.get('c')).toMatchObject({
      outcome: 'done',
      by: 'eva',
      closedAt: pair.now,
      certainAt: pair.now,
      boot: null,
      proof: 'engineer: eva: the sensor sticks; it was opened by hand',
    });
    expect(decision.outcomes).toMatchObject([{ id: 'c', outcome: 'done' }]);
    expect(pair.replies.at(-1)?.reply).toMatchObject({ type: 'ledger', entry: { id: 'c', outcome: 'done' } });
    expect(pair.commands.length).toBe(sent);
  });

  test('is in the journal as an engineer’s word', () => {
    const { pair } = doubted();
    const decision = pair.ask('clear', { id: 'c', ...word });
    const detail = 'eva: the sensor sticks; it was opened by hand; cleared cable-without-hatch';
    expect(decision.transitions).toMatchObject([
      { from: 'suspect.doubted', to: 'available.occupied', cause: { type: 'engineer', detail } },
    ]);
  });

  test('hides nothing: what the next report shows again is in doubt again', () => {
    const { pair, show } = doubted();
    pair.ask('clear', { id: 'c', ...word });
    pair.pass(1_000);
    show();
    expect(pair.twin.suspicions).toMatchObject([{ reason: 'cable-without-hatch', since: pair.now }]);
  });

  test('asked again under its id is answered alike, and clears nothing new', () => {
    const { pair, show } = doubted();
    pair.ask('clear', { id: 'c', ...word });
    show();
    pair.ask('clear', { id: 'c', ...word });
    expect(pair.reasons).toEqual(['cable-without-hatch']);
    pair.twin = JSON.parse(JSON.stringify(pair.twin)) as Twin;
    pair.ask('clear', { id: 'c', ...word }, pair.ledger.get('c'));
    expect(pair.reasons, 'after a restart too').toEqual(['cable-without-hatch']);
  });

  test('needs a reason, and somebody who says so', () => {
    const { pair } = doubted();
    pair.ask('clear', { by: 'eva' });
    pair.ask('clear', { args: { reason: 'looked' } });
    expect(pair.refusals).toEqual(['bad-arguments', 'bad-arguments']);
    expect(pair.reasons).toEqual(['cable-without-hatch']);
  });

  test('is refused where nothing is in doubt', () => {
    const pair = new Pair().meet();
    pair.ask('clear', word);
    expect(pair.refusals).toEqual(['illegal-state']);
    pair.pass(pair.kind.limits.silenceMs + 1);
    pair.ask('clear', word);
    expect(pair.refusals).toEqual(['illegal-state', 'illegal-state']);
    expect(pair.replies.at(-1)?.reply).toMatchObject({
      refusal: { detail: 'clear ends what is in doubt, and nothing is' },
    });
  });

  test('is refused where the device itself says that it is out of service: that is no doubt', () => {
    const pair = new Pair().meet();
    pair.report({ state: 'faulted' });
    pair.ask('clear', word);
    expect(pair.replies.at(-1)?.reply).toMatchObject({
      refusal: {
        code: 'illegal-state',
        detail: 'clear ends what is in doubt, and nothing is: it says itself that it is faulted',
      },
    });
    pair.ask('reserve');
    expect(pair.replies.at(-1)?.reply).toMatchObject({
      refusal: {
        code: 'suspect',
        detail: 'the device is out of service: it says itself that it is faulted',
      },
    });
  });

  test('is taken while only a report can end the doubt, and says that it stays', () => {
    const pair = new Pair().meet();
    pair.ask('reserve', { id: 'r' });
    pair.unhandled();
    pair.pass(60_000);
    expect(pair.reasons).toEqual(['unconfirmed-command']);
    expect(pair.document.allowed).toEqual(['report', 'reboot', 'clear']);
    const { transitions } = pair.ask('clear', { id: 'c', ...word });
    expect(pair.refusals).toEqual([]);
    const stays =
      'still in doubt: nothing proves yet whether reserve r (n 2) was executed, and a report can still tell';
    expect(pair.ledger.get('c')).toMatchObject({
      outcome: 'done',
      proof: `engineer: eva: the sensor sticks; it was opened by hand; ${stays}`,
    });
    expect(transitions).toMatchObject([
      {
        cause: {
          type: 'engineer',
          detail: expect.stringContaining('cleared nothing; still in doubt') as string,
        },
      },
    ]);
    expect(pair.document.state).toBe('suspect');
    expect(pair.ledger.get('r')).toMatchObject({ outcome: 'unknown', closedAt: null });
  });

  test('ends what it may of several doubts, and says which one stays', () => {
    const { pair, show } = doubted();
    pair.ask('reboot', { id: 'b' });
    pair.unhandled();
    pair.pass(60_000);
    show();
    pair.pass(10_000);
    const before = pair.reasons;
    pair.ask('clear', { id: 'c', ...word });
    expect(pair.reasons).toEqual(before.filter((reason) => reason === 'unconfirmed-command'));
  });

  test('is taken while the device is silent: it stays offline, and comes back without the doubt', () => {
    const { pair } = doubted();
    pair.pass(pair.kind.limits.silenceMs + 1);
    expect(pair.document).toMatchObject({ state: 'offline', allowed: ['report', 'clear', 'renew-identity'] });
    const sent = pair.commands.length;
    const { transitions } = pair.ask('clear', { id: 'c', ...word });
    expect(transitions).toMatchObject([{ from: 'offline', to: 'offline', cause: { type: 'engineer' } }]);
    expect(pair.document).toMatchObject({ state: 'offline', suspicions: [], quality: 'stale' });
    expect(pair.ledger.get('c')).toMatchObject({ outcome: 'done' });
    expect(pair.commands.length, 'nothing is sent').toBe(sent);
    expect(pair.document.allowed, 'there is nothing to clear any more').toEqual(['report', 'renew-identity']);
    pair.report();
    expect(pair.document).toMatchObject({ state: 'available' });
  });

  test('is taken while another command is under way: it is in nobody’s way', () => {
    const { pair } = doubted();
    pair.ask('reboot', { id: 'b' });
    expect(pair.document.allowed).toEqual(['clear']);
    pair.ask('clear', { id: 'c', ...word });
    expect(pair.document).toMatchObject({ state: 'available', suspicions: [], allowed: [] });
    expect(pair.ledger.get('b')).toMatchObject({ outcome: 'pending' });
    pair.arrive();
    pair.report();
    expect(pair.ledger.get('b')).toMatchObject({ outcome: 'done' });
  });

  test('is taken while no other command has room', () => {
    const { pair } = doubted();
    const copy = { ...pair.twin.newest!.report };
    for (let count = 0; count < OPEN_MAX; count += 1) {
      pair.ask('reboot', { id: `b-${String(count)}` });
      pair.unhandled();
      pair.pass(61_000);
      // A sign of life that tells nothing new.
      pair.hear(copy);
    }
    expect(pair.twin.open).toHaveLength(OPEN_MAX);
    expect(pair.document.allowed).toEqual(['clear']);
    pair.ask('clear', { id: 'c', ...word });
    expect(pair.ledger.get('c')).toMatchObject({ outcome: 'done' });
    expect(pair.reasons).not.toContain('cable-without-hatch');
  });

  test('closes as unprovable a command that the device is past, by its own proof', () => {
    const pair = new Pair().meet();
    pair.ask('reserve', { id: 'r' });
    pair.unhandled();
    pair.pass(60_000);
    pair.unhandled();
    const { commands: _ring, ...bare } = pair.measure();
    pair.hear(bare);
    expect(pair.reasons, 'a report without a ring decides nothing').toEqual(['unconfirmed-command']);
    pair.ask('clear', word);
    expect(pair.ledger.get('r')).toMatchObject({
      outcome: 'unknown',
      reason: 'unprovable',
      closedAt: pair.now,
      proof: 'engineer: eva: the sensor sticks; it was opened by hand',
    });
    expect(pair.document).toMatchObject({ state: 'available', suspicions: [] });
  });

  test('settles who speaks, until a second device is heard again', () => {
    const pair = new Pair().meet();
    const { boot, seq, up } = pair.twin.newest!;
    const rival = { boot, seq, up: up + 1, state: 'charging', sensors: {} };
    pair.hear(rival);
    expect(pair.reasons).toEqual(['identity-conflict']);
    pair.ask('clear', { by: 'eva', args: { reason: 'took the copy off the wall' } });
    expect(pair.document).toMatchObject({ state: 'available', suspicions: [] });
    pair.hear(rival);
    expect(pair.reasons).toEqual(['identity-conflict']);
  });
});

describe('`reboot`', () => {
  test('is done when the next boot names it done', () => {
    const { pair } = doubted();
    pair.ask('reboot', { id: 'b' });
    expect(pair.sent).toMatchObject({ name: 'reboot', boot: 1 });
    pair.arrive();
    expect(pair.device.boot).toBe(2);
    pair.report();
    expect(pair.ledger.get('b')).toMatchObject({
      outcome: 'done',
      proof: 'ring-entry: report 2/1 names it done',
    });
  });

  test('that the device is back proves nothing where it has lost its ring: it may have been a power cut', () => {
    const { pair } = doubted();
    pair.ask('reboot', { id: 'b' });
    pair.unhandled();
    pair.device.reboot(pair.now, 'nothing');
    pair.report();
    expect(pair.ledger.get('b')).toMatchObject({ outcome: 'unknown', reason: 'unprovable' });
    expect(pair.reasons, 'the state is certain all the same').toEqual([]);
  });

  test('a boot that goes on after its deadline proves that it was not executed, with or without a ring', () => {
    const { pair } = doubted();
    pair.ask('reboot', { id: 'b' });
    pair.unhandled();
    pair.pass(61_000);
    pair.unhandled();
    const { commands: _ring, ...bare } = pair.measure();
    pair.hear(bare);
    expect(pair.ledger.get('b')).toMatchObject({ outcome: 'expired', reason: 'not-executed' });
    expect(pair.ledger.get('b')?.proof).toMatch(/^boot-goes-on: /);
  });

  test('of a device that kept its ring is proved, however many commands came to nothing before it', () => {
    const { pair, show } = doubted();
    pair.ask('clear', word);
    pair.report();
    pair.reserve('r', 10_000);
    pair.pass(20_000);
    clearAgainAndAgain({ pair, show });
    expectUndeliveredRebootProved(pair);
  });

  test('so it is when the last of them was refused by its number: that was handled after a higher one', () => {
    const { pair, show } = doubted();
    pair.ask('clear', word);
    pair.report();
    pair.reserve('r', 10_000);
    pair.pass(20_000);
    pair.report();
    pair.ask('reserve', { id: 's' });
    pair.unhandled();
    const bare = pair.measure();
    const refused = { n: pair.ledger.get('s')!.n, outcome: 'rejected', reason: 'superseded' };
    pair.hear({ ...bare, commands: [refused, ...(bare.commands ?? [])] });
    expect(pair.ledger.get('s')).toMatchObject({ outcome: 'rejected', reason: 'superseded' });
    clearAgainAndAgain({ pair, show });
    expectUndeliveredRebootProved(pair);
  });
});
