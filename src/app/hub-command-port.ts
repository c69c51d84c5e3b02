/**
 * Commands a device, or has it forgotten, as a backend would, over the hub: so any node may be asked, and the owner of the partition decides.
 */
import { readForgetReply, type ReadReply, readResult } from '../client/reply-reader.ts';
import type { Requester } from '../client/requester.ts';
import type { CommandAnswer, CommandPort, ForgetPort } from '../http/command-port.ts';
import { type Acceptance, acceptanceOf } from '../wire/acceptance.ts';
import { encode } from '../wire/codec.ts';
import { httpCommand, httpForget } from '../wire/subjects.ts';

/** How much longer than the caller wants to wait the owner may take to say anything, ms: it may have to ask the device first. */
const PATIENCE_MS = 15_000;

/** What an owner's answer that decides nothing comes to. */
const ANSWERS = {
  no: 'no-owner',
  'not-this-copy': 'no-owner',
  maybe: 'unanswered',
  yes: 'outcome-unreadable',
} as const satisfies Record<Acceptance, CommandAnswer['type']>;

/** The port that commands devices, on a requester. */
export function commandGateway(requester: Requester): CommandPort {
  return {
    command: async ({ device, name, id, args, waitMs, ifVersion, by, traceParent }, caller) => {
      const body = { id, args, waitMs, ...(ifVersion !== null && { ifVersion }), ...(by !== null && { by }) };
      const question = { subject: httpCommand(caller, device, name), body, waitMs, traceParent };
      const answer = await askOwner(requester, question, readResult);
      return answer.type === 'answered' ? { type: 'accepted', outcome: answer.body } : answer;
    },
  };
}

/** The port that has devices forgotten, on a requester. */
export function forgetGateway(requester: Requester): ForgetPort {
  return {
    forget: async ({ device, reason, by }, caller) => {
      const body = { reason, ...(by !== null && { by }) };
      const question = { subject: httpForget(caller, device), body, waitMs: 0, traceParent: null };
      const answer = await askOwner(requester, question, readForgetReply);
      if (answer.type === 'answered') return { type: 'forgotten', reply: answer.body };
      return answer.type === 'outcome-unreadable' ? { ...answer, type: 'unanswered' } : answer;
    },
  };
}

/** What the owner of a device is asked; it may take `waitMs` and some patience more. */
interface Question {
  readonly subject: string;
  readonly body: object;
  readonly waitMs: number;
  readonly traceParent: string | null;
}

/** What the owner said, or why nobody knows, and what that means for what was asked. */
type OwnerAnswer<Body> =
  { readonly type: 'answered'; readonly body: Body } | Exclude<CommandAnswer, { type: 'accepted' }>;

async function askOwner<Body>(
  requester: Requester,
  { subject, body, waitMs, traceParent }: Question,
  readAnswer: (payload: Uint8Array) => ReadReply<Body>,
): Promise<OwnerAnswer<Body>> {
  const timeoutMs = waitMs + PATIENCE_MS;
  const answer = await requester.request({ subject, payload: encode(body, 'json'), timeoutMs, traceParent });
  switch (answer.type) {
    case 'no-responders':
      return { type: 'no-owner', detail: 'no node owns the partition of the device' };
    case 'disconnected':
      return { type: 'hub-away' };
    case 'timeout':
      return { type: 'unanswered', detail: 'the owner of the device gave no answer' };
    case 'reply': {
      const read = readAnswer(answer.payload);
      if (read.type === 'refused' || read.type === 'answered') return read;
      return { type: ANSWERS[acceptanceOf(read.code)], detail: read.detail };
    }
  }
}
