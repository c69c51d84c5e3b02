import { describe, expect, test } from 'vitest';
import { CorralBadReply, CorralUnreachable } from '../../../src/client/corral.ts';
import { ACCEPTANCES, type Acceptance } from '../../../src/wire/acceptance.ts';
import { badReplyLines, unansweredLines } from '../../../tools/cli/unanswered.ts';

const id = '99c49974-fe79-4d3f-96e1-679ee1fa4485';

describe('a command without an answer', () => {
  test.each(Object.keys(ACCEPTANCES) as Acceptance[])(
    'is told in one sentence a line: what happened, what is known, what to do; %s',
    (acceptance) => {
      const lines = unansweredLines(new CorralUnreachable({ acceptance, id, problem: 'no-responders' }));
      expect(lines[0]).toBe('No answer in time: no node decides for the device now (no-responders).');
      expect(lines[1]).toBe(`What is known of the command ${id}: ${ACCEPTANCES[acceptance]}.`);
      expect(lines[2]).toMatch(/^Ask again under this id/);
      for (const line of lines) expect(line).toMatch(/^[^.]+\.$/);
    },
  );

  test('says what the node said, where it said something', () => {
    const [first] = unansweredLines({ acceptance: 'maybe', id, problem: 'the store did not answer' });
    expect(first).toBe('No answer in time: the store did not answer.');
  });

  test('or with one that cannot be read may have been accepted', () => {
    const [what, known] = badReplyLines(id, new CorralBadReply('id: expected string'));
    expect(what).toBe('The reply cannot be read: id: expected string.');
    expect(known).toContain('it may have been accepted');
  });
});
