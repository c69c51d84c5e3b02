/**
 * What backends ask, as twins decide on it, and what they are answered where no twin decides: how a command stands, and that there is
 * no such device.
 */
import type { Input } from '../../actors/decision.ts';
import type { Forgetting } from '../contract/journal-entry.ts';
import type { LedgerEntry } from '../contract/ledger-entry.ts';
import { rememberedCommand } from '../../actors/legality.ts';
import { isSameCommand } from '../../actors/reused-id.ts';
import type { ReplyAddress, Twin } from '../../actors/twin.ts';
import { partitionOf } from '../wire/partition.ts';
import {
  encodeRefusal,
  type EncodedReply,
  encodeReply,
  encodeUnavailable,
  encodeUndecided,
} from '../wire/reply.ts';
import { forgottenDetail } from './forgetting.ts';
import { type ForgetWork, type Known, replyAddress, type RequestWork } from './mailbox.ts';
import type { PartitionState } from './partition-state.ts';

/** Whether a twin knows of a command under this id, decided on or not; false for a twin that cannot be read. */
export function doesRemember(
  partitions: ReadonlyMap<number, PartitionState>,
  device: string,
  id: string,
): boolean {
  try {
    const twin = partitions.get(partitionOf(device))?.twins.get(device);
    return twin !== undefined && knowsOf(twin, id);
  } catch {
    // It is quarantined when it is needed.
    return false;
  }
}

/**
 * The answer to a request whose id could not be looked up, and of which the twin remembers nothing; `null` where its id is known or
 * known to be unknown.
 */
export function unreadReply(work: RequestWork, twin: Twin | undefined): EncodedReply | null {
  if ((work.type !== 'command' && work.type !== 'ledger') || !(work.known instanceof Error)) return null;
  const { id, replyTo } = work.type === 'command' ? work.request : work;
  if (twin !== undefined && knowsOf(twin, id)) return null;
  const because = `the store could not be asked: ${work.known.message}`;
  return encodeUnavailable(work.type, because, replyTo.encoding);
}

/** The command as it stands, decided on or not: the answer is not given before what it says is committed. */
export function ledgerReply(
  { device, id, known, replyTo }: Extract<RequestWork, { type: 'ledger' }>,
  twin: Twin | undefined,
): EncodedReply {
  const entry = (twin === undefined ? null : rememberedCommand(twin, id)) ?? readEntry(known);
  if (entry !== null) return encodeReply({ type: 'ledger', entry }, replyTo.encoding);
  if (twin?.waiting.some((one) => one.id === id) === true) return encodeUndecided(id, replyTo.encoding);
  const detail = `no command with the id ${id} was accepted for ${device}`;
  return encodeRefusal({ id, code: 'unknown-id', detail, state: null, allowed: [] }, replyTo.encoding);
}

/** The answer for a device that is forgotten, whatever is asked: of what was under the id before nobody knows any more. */
export function forgottenReply(work: Exclude<RequestWork, ForgetWork>, forgetting: Forgetting): EncodedReply {
  const id = work.type === 'command' ? work.request.id : work.type === 'ledger' ? work.id : null;
  const detail = forgottenDetail(forgetting);
  const refusal = { id, code: 'forgotten', detail, state: null, allowed: [] } as const;
  return encodeRefusal(refusal, replyAddress(work).encoding);
}

/** The answer for a device without a twin, or of a kind that this node does not know. What is in the ledger is told all the same. */
export function replyWithoutTwin(work: Exclude<RequestWork, { type: 'ledger' } | ForgetWork>): EncodedReply {
  if (work.type !== 'command') return unknownDevice(work.device, null, replyAddress(work));
  const { request } = work;
  const entry = readEntry(work.known);
  if (entry === null || !isSameCommand(entry, request))
    return unknownDevice(work.device, request.id, request.replyTo);
  return encodeReply({ type: 'ledger', entry }, request.replyTo.encoding);
}

/** Nobody has heard of it, or registered it. */
function unknownDevice(device: string, id: string | null, to: ReplyAddress): EncodedReply {
  const detail = `no twin and no inventory entry has the id ${device}`;
  return encodeRefusal({ id, code: 'unknown-device', detail, state: null, allowed: [] }, to.encoding);
}

/** A command that nothing is known of under its id yet. */
export function isNew(
  { request: { id }, known }: Extract<RequestWork, { type: 'command' }>,
  twin: Twin,
): boolean {
  return readEntry(known) === null && !knowsOf(twin, id);
}

function knowsOf(twin: Twin, id: string): boolean {
  return rememberedCommand(twin, id) !== null || twin.waiting.some((one) => one.id === id);
}

/** What was read of the ledger. */
function readEntry(known: Known): LedgerEntry | null {
  return known instanceof Error ? null : known;
}

/** What a twin decides on. */
export function inputOf(work: Exclude<RequestWork, { type: 'get' | 'ledger' } | ForgetWork>): Input {
  return work.type === 'command'
    ? { type: 'command', request: work.request, known: readEntry(work.known) }
    : { type: 'desired', request: work.request };
}
