/**
 * What is said to whoever asked, where a node gives a partition up between deciding on a request and knowing that the decision is kept.
 * Nobody is left to run into his timeout: he asks again, under the same id, whoever owns the partition then.
 */
import type { ReplyAddress } from '../../actors/twin.ts';
import { type EncodedReply, encodeFailure, encodeUnavailable } from '../wire/reply.ts';
import type { AfterCommit, Batch } from './batch.ts';
import { replyAddress, type RequestWork } from './mailbox.ts';
import type { Bus } from './ports.ts';

/** Tells everybody whose request is in a batch that will not be acted upon, once. `wasGiven`: to the store, which may have written it. */
export function giveUpRequests(bus: Bus, batch: Batch, wasGiven: boolean): void {
  for (const work of batch.requests.splice(0)) {
    const reply = wasGiven && mayBeKept(work) ? maybeKept(work) : notDecided(work);
    bus.reply(replyAddress(work), reply.payload, reply.error);
  }
}

/** Tells whoever is not answered because the node is not sure any more to own the device, and nothing that was committed says so. */
export function giveUpAnswer(bus: Bus, after: AfterCommit): void {
  const because = 'this node is not sure to own the device any more';
  const [type, to] = after.type === 'read' ? [after.work.type, replyAddress(after.work)] : askedBy(after);
  if (to === null) return;
  const reply = encodeUnavailable(type, because, to.encoding);
  bus.reply(to, reply.payload, reply.error);
}

function askedBy({
  effect,
}: Extract<AfterCommit, { type: 'effect' }>): readonly [RequestWork['type'], ReplyAddress | null] {
  if (effect.type === 'send') return ['command', null];
  const isDesired = effect.type === 'answer' && effect.reply.type === 'desired';
  return [isDesired ? 'desired' : 'command', effect.to];
}

/** Reading changes nothing: there is nothing that could have been kept. */
function mayBeKept({ type }: RequestWork): boolean {
  return type === 'command' || type === 'desired' || type === 'forget';
}

function notDecided(work: RequestWork): EncodedReply {
  const because = 'this node gave up the partition of the device';
  return encodeUnavailable(work.type, because, replyAddress(work).encoding);
}

function maybeKept(work: RequestWork): EncodedReply {
  const what = work.type === 'command' ? `the command ${work.request.id}` : `what was asked (${work.type})`;
  const again = work.type === 'command' ? 'ask again with the same id' : 'ask how it stands';
  const detail = `this node gave up the partition of the device before it knew whether its decision is kept: ${what} may have been accepted; ${again}`;
  return encodeFailure('undecided', detail, replyAddress(work).encoding);
}
