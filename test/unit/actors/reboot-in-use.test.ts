/** `reboot` of a device in use: the usual remedy of a session that hangs is accepted, and whoever asks is told what it ends. */
import { describe, expect, test } from 'vitest';
import { kinds } from '../../../machines/kinds.ts';
import { commandOutcome } from '../../../src/contract/ledger-entry.ts';
import { Pair } from './pair.ts';

/** The answer to a request that does not wait. */
function answerTo(pair: Pair): unknown {
  const reply = pair.replies.at(-1)?.reply;
  return reply?.type === 'ledger' ? commandOutcome(reply.entry) : reply;
}

describe.each(kinds)('a $name', (kind) => {
  test('that is charging is told to start anew, and the answer says that its session ends', () => {
    const pair = new Pair({ kind }).meet();
    pair.report({ state: 'charging' });
    expect(pair.document.allowed).toContain('reboot');
    pair.ask('reboot', { id: 'b' });
    expect(answerTo(pair)).toMatchObject({ outcome: 'pending', ends: 'the session that is charging' });
  });

  test('that is reserved is, too, and the answer says whose reservation may end', () => {
    const pair = new Pair({ kind }).meet();
    pair.ask('reserve', { id: 'r', by: 'anna', args: { holdMs: 60_000 } });
    pair.answer();
    pair.ask('reboot', { id: 'b' });
    expect(answerTo(pair)).toMatchObject({ ends: expect.stringContaining('(r, for anna)') as string });
    pair.ask('reboot', { id: 'b' });
    expect(answerTo(pair), 'asked again it is answered alike').toMatchObject({
      ends: expect.stringContaining('(r, for anna)') as string,
    });
  });

  test('that is neither ends nothing with it', () => {
    const pair = new Pair({ kind }).meet();
    pair.ask('reboot', { id: 'b' });
    expect(answerTo(pair)).not.toHaveProperty('ends');
  });
});
