/**
 * What backends ask, as twins decide on it, and what they are answered where no twin decides: how a command stands, and that there is
 * no such device.
 */
import type { Input } from '../../actors/decision.ts';
import { rememberedCommand } from '../../actors/legality.ts';
import type { ReplyAddress, Twin } from '../../actors/twin.ts';
import { encodeRefusal, type EncodedReply, encodeReply } from '../wire/reply.ts';
import type { RequestWork } from './mailbox.ts';

/** The command as it stands, decided on or not: the answer is not given before what it says is committed. */
export function ledgerReply(
  { device, id, known, replyTo }: Extract<RequestWork, { type: 'ledger' }>,
  twin: Twin | undefined,
): EncodedReply {
  const entry = (twin === undefined ? null : rememberedCommand(twin, id)) ?? known;
  if (entry !== null) return encodeReply({ type: 'ledger', entry }, replyTo.encoding);
  const detail = `no command with the id ${id} was accepted for ${device}`;
  return encodeRefusal({ id, code: 'unknown-id', detail, state: null, allowed: [] }, replyTo.encoding);
}

/** Nobody has heard of it, or registered it. */
export function unknownDevice(device: string, id: string | null, to: ReplyAddress): EncodedReply {
  const detail = `no twin and no inventory entry has the id ${device}`;
  return encodeRefusal({ id, code: 'unknown-device', detail, state: null, allowed: [] }, to.encoding);
}

/** A command that nothing is known of under its id yet. */
export function isNew(
  { request: { id }, known }: Extract<RequestWork, { type: 'command' }>,
  twin: Twin,
): boolean {
  return known === null && rememberedCommand(twin, id) === null && !twin.waiting.some((one) => one.id === id);
}

/** What a twin decides on. */
export function inputOf(work: Exclude<RequestWork, { type: 'get' | 'ledger' }>): Input {
  return work.type === 'command'
    ? { type: 'command', request: work.request, known: work.known }
    : { type: 'desired', request: work.request };
}
