/** What people read where a command got no answer, or none that can be read: what happened, what is known, and what to do, a sentence each. */
import type { CorralBadReply, CorralUnreachable } from '../../src/client/corral.ts';
import { type Acceptance, ACCEPTANCES, type WayWord } from '../../src/wire/acceptance.ts';

/** What becomes of a question on its way, for people. */
const ON_THE_WAY: Readonly<Record<WayWord, string>> = {
  'no-responders': 'no node decides for the device now (no-responders)',
  disconnected: 'the hub is away (disconnected)',
  timeout: 'the question or its answer is lost, or still on its way (timeout)',
};

/** The lines for no answer. */
export function unansweredLines({
  id,
  problem,
  acceptance,
}: Pick<CorralUnreachable, 'id' | 'problem' | 'acceptance'>): readonly string[] {
  const way = Object.entries(ON_THE_WAY).find(([word]) => word === problem)?.[1] ?? problem;
  return [`No answer in time: ${way}.`, ...whatIsKnown(id, acceptance)];
}

/** The lines for an answer that cannot be read. */
export function badReplyLines(id: string, { message }: Pick<CorralBadReply, 'message'>): readonly string[] {
  return [`${message.replace(/^./, (first) => first.toUpperCase())}.`, ...whatIsKnown(id, 'maybe')];
}

function whatIsKnown(id: string | null, acceptance: Acceptance): readonly string[] {
  if (id === null) return [];
  return [
    `What is known of the command ${id}: ${ACCEPTANCES[acceptance]}.`,
    'Ask again under this id: it is executed at most once, however often it is asked for.',
  ];
}
