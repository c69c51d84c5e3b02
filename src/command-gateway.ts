/**
 * Commands a device as a backend would, over the hub: so any node may be asked, and the owner of the partition decides.
 */
import { readForgetReply, readResult } from './client/reply-reader.ts';
import type { Requester } from './client/requester.ts';
import type {
  CommandAnswer,
  CommandPort,
  ForgetAnswer,
  ForgetOrder,
  ForgetPort,
} from './http/command-port.ts';
import { type Acceptance, acceptanceOf } from './wire/acceptance.ts';
import { encode } from './wire/codec.ts';
import { httpCommand, httpForget } from './wire/subjects.ts';

/** How much longer than the caller wants to wait the owner may take to say anything, ms: it may have to ask the device first. */
const PATIENCE_MS = 15_000;

/** What an owner's answer that decides nothing comes to. */
const ANSWERS = {
  no: 'no-owner',
  'not-this-copy': 'no-owner',
  maybe: 'unanswered',
  yes: 'outcome-unreadable',
} as const satisfies Record<Acceptance, CommandAnswer['type']>;

/** The port that has devices forgotten, on a requester. */
export function forgetGateway(requester: Requester): ForgetPort {
  return { forget: (order, caller) => forget(requester, order, caller) };
}

async function forget(
  requester: Requester,
  { device, reason, by }: ForgetOrder,
  caller: string,
): Promise<ForgetAnswer> {
  const answer = await requester.request({
    subject: httpForget(caller, device),
    payload: encode({ reason, ...(by !== null && { by }) }, 'json'),
    timeoutMs: PATIENCE_MS,
    traceParent: null,
  });
  switch (answer.type) {
    case 'no-responders':
      return { type: 'no-owner', detail: 'no node owns the partition of the device' };
    case 'disconnected':
      return { type: 'hub-away' };
    case 'timeout':
      return { type: 'unanswered', detail: 'the owner of the device gave no answer' };
    case 'reply': {
      const read = readForgetReply(answer.payload);
      if (read.type === 'refused') return read;
      if (read.type === 'answered') return { type: 'forgotten', reply: read.body };
      return acceptanceOf(read.code) === 'not-this-copy'
        ? { type: 'no-owner', detail: read.detail }
        : { type: 'unanswered', detail: read.detail };
    }
  }
}

/** The port on a requester. */
export function commandGateway(requester: Requester): CommandPort {
  return {
    command: async ({ device, name, id, args, waitMs, ifVersion, by, traceParent }, caller) => {
      const body = { id, args, waitMs, ...(ifVersion !== null && { ifVersion }), ...(by !== null && { by }) };
      const answer = await requester.request({
        subject: httpCommand(caller, device, name),
        payload: encode(body, 'json'),
        timeoutMs: waitMs + PATIENCE_MS,
        traceParent,
      });
      switch (answer.type) {
        case 'no-responders':
          return { type: 'no-owner', detail: 'no node owns the partition of the device' };
        case 'disconnected':
          return { type: 'hub-away' };
        case 'timeout':
          return { type: 'unanswered', detail: 'the owner of the device gave no answer' };
        case 'reply': {
          const read = readResult(answer.payload);
          if (read.type === 'refused') return read;
          if (read.type === 'answered') return { type: 'accepted', outcome: read.body };
          return { type: ANSWERS[acceptanceOf(read.code)], detail: read.detail };
        }
      }
    },
  };
}
