/** What each word that a caller can be told means for its command: every word is in the one table, and none means more than it may. */
import { describe, expect, test } from 'vitest';
import { REFUSALS } from '../../../src/contract/refusal.ts';
import { type FailureCode, FAILURES } from '../../../src/contract/reply-bodies.ts';
import { commandGateway } from '../../../src/app/hub-command-port.ts';
import type { Answer } from '../../../src/client/requester.ts';
import { PROBLEMS } from '../../../src/http/problem.ts';
import { type Acceptance, acceptanceOf, afterAnother } from '../../../src/wire/acceptance.ts';
import { encodeFailure } from '../../../src/wire/reply.ts';

const KNOWLEDGE: readonly Acceptance[] = ['no', 'not-this-copy', 'maybe', 'yes'];

describe('a word', () => {
  test('that is a refusal of the twin means no, but for those that are said though what the id was is not known', () => {
    const others = Object.keys(REFUSALS).filter((code) => acceptanceOf(code) !== 'no');
    expect(others).toEqual(['bad-arguments', 'forgotten']);
  });

  test('that decides nothing never means no: the id was not shown to be unknown', () => {
    const means = Object.keys(FAILURES).map((code) => [code, acceptanceOf(code)]);
    expect(Object.fromEntries(means)).toEqual({
      unavailable: 'not-this-copy',
      undecided: 'maybe',
      'outcome-unreadable': 'yes',
      internal: 'maybe',
    });
    for (const way of ['no-responders', 'disconnected', 'timeout'])
      expect(acceptanceOf(way)).toBe(way === 'timeout' ? 'maybe' : 'not-this-copy');
  });

  test('that nobody knows may be said of what was accepted', () => {
    for (const word of ['a-code-of-tomorrow', '', 'constructor', '__proto__'])
      expect(acceptanceOf(word)).toBe('maybe');
  });

  test('of HTTP means no only where the twin refused, and maybe or yes where the order had left the node', () => {
    const own = Object.keys(PROBLEMS).filter((code) => !Object.hasOwn(REFUSALS, code));
    const after = own.filter((code) => acceptanceOf(code) !== 'not-this-copy');
    expect(after.sort()).toEqual(['internal', 'no-answer', 'outcome-unreadable']);
  });
});

describe('what is known after several copies', () => {
  test('is never taken back by what says less, and a copy that was not accepted says nothing of the others', () => {
    for (const before of KNOWLEDGE) {
      expect(afterAnother(before, 'not-this-copy')).toBe(before);
      expect(afterAnother(before, 'yes')).toBe('yes');
      expect(afterAnother(before, 'maybe')).toBe(before === 'yes' ? 'yes' : 'maybe');
    }
  });
});

describe('over HTTP a command', () => {
  const order = {
    device: 'cp-1',
    name: 'reserve',
    id: '6f1c1e0a-8f5f-4d0c-9b1e-0c5a4f7d2e11',
    args: {},
    waitMs: 0,
    ifVersion: null,
    by: null,
    traceParent: null,
  };
  const answered = (answer: Answer) =>
    commandGateway({ request: async () => answer }).command(order, 'alice');

  test.each<[FailureCode, string]>([
    ['unavailable', 'no-owner'],
    ['undecided', 'unanswered'],
    ['outcome-unreadable', 'outcome-unreadable'],
    ['internal', 'unanswered'],
  ])('that its owner answers with %s is %s', async (code, type) => {
    const { payload } = encodeFailure(code, 'because', 'json');
    expect(await answered({ type: 'reply', payload, error: null })).toEqual({ type, detail: 'because' });
  });

  test('that is answered with what nobody knows is unanswered', async () => {
    const payload = new TextEncoder().encode(
      '{"outcome":"failed","code":"a-code-of-tomorrow","detail":"because"}',
    );
    expect(await answered({ type: 'reply', payload, error: null })).toMatchObject({ type: 'unanswered' });
  });

  test.each<[Exclude<Answer['type'], 'reply'>, string]>([
    ['no-responders', 'no-owner'],
    ['disconnected', 'hub-away'],
    ['timeout', 'unanswered'],
  ])('that came to %s is %s', async (way, type) => {
    expect(await answered({ type: way })).toMatchObject({ type });
  });
});
