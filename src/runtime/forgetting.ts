/**
 * Forgets a device at an operator's word: its owner lets go of the twin, and the commit that says so takes everything of it from the store.
 * It is decided in its turn, between what the device said before and what it says after, and committed by itself; what still comes of the
 * device is refused as `forgotten`, until somebody registers it again.
 *
 * A command that is under way is not called back: nobody could. The answer says until when the device may still execute it, if anybody can
 * tell. Requests that wait until the device has answered were not accepted, and never will be: they are refused with the commit.
 */
import { forgottenCommands } from '../../actors/forgotten-command.ts';
import { isUndecided } from '../../actors/ledger.ts';
import { givenBy, mayBeGiven } from '../../actors/numbers.ts';
import type { Twin } from '../../actors/twin.ts';
import { encodeForget, encodeRefusal, type EncodedReply } from '../wire/reply.ts';
import type { Forgetting } from '../contract/journal-entry.ts';
import type { ForgetReply } from '../contract/reply-bodies.ts';
import type { Batch } from './batch.ts';
import type { ForgetWork } from './mailbox.ts';
import type { PartitionState } from './partition-state.ts';

/** Forgets the device, and returns the answer, which rests on the commit. `twin` is an error for one that broke, which goes as well. */
export function forgetDevice(
  { device, word, replyTo }: ForgetWork,
  known: {
    readonly partition: PartitionState;
    readonly twin: Twin | Error | undefined;
    readonly batch: Batch;
    readonly now: number;
  },
): EncodedReply {
  const { partition, twin, batch, now } = known;
  const before = partition.forgotten.get(device);
  if (before !== undefined)
    return encodeForget({ ...before, isRepeated: true, ...NOT_KNOWN }, replyTo.encoding);
  if (twin === undefined && !partition.inventory.has(device)) {
    const detail = `no twin and no inventory entry has the id ${device}, so there is nothing to forget`;
    const refusal = { id: null, code: 'unknown-device', detail, state: null, allowed: [] } as const;
    return encodeRefusal(refusal, replyTo.encoding);
  }
  const isTwin = twin !== undefined && !(twin instanceof Error);
  const site = isTwin ? twin.site : (partition.inventory.get(device)?.site ?? '');
  const forgetting: Forgetting = { device, site, at: now, ...word };
  if (isTwin) partition.sources.drop(twin);
  if (twin !== undefined)
    partition.given.set(device, isTwin ? givenBy(twin) : mayBeGiven(now, partition.epoch));
  partition.twins.delete(device);
  partition.inventory.delete(device);
  partition.forgotten.set(device, forgetting);
  batch.addForgotten(partition, forgetting);
  if (isTwin) refuseWaiting(twin, forgetting, batch);
  const inFlight = isTwin ? inFlightOf(twin, now) : twin === undefined ? NOTHING : NOT_KNOWN;
  return encodeForget({ ...forgetting, isRepeated: false, ...inFlight }, replyTo.encoding);
}

/** Why nothing that the device says counts. */
export function forgottenDetail({ device, at, reason }: Forgetting): string {
  return `${device} was forgotten at ${new Date(at).toISOString()} (${reason}), and is known again once somebody registers it`;
}

type InFlight = Pick<ForgetReply, 'inFlight' | 'inFlightUntil'>;

const NOTHING: InFlight = { inFlight: 'nothing', inFlightUntil: null };
/** Its ledger is gone, or the twin broke. */
const NOT_KNOWN: InFlight = { inFlight: 'not-known', inFlightUntil: null };

/** No time ends what is in flight beyond the device, whether the ledger knows of it or not. */
function inFlightOf({ open, recent, newest }: Twin, now: number): InFlight {
  const isBeyond =
    open.some(isUndecided) ||
    (newest !== null && forgottenCommands({ open, recent }, newest.report).length > 0);
  if (isBeyond) return { inFlight: 'undecided', inFlightUntil: null };
  const ends = open
    .filter(({ outcome, certainAt }) => outcome === 'pending' && certainAt > now)
    .map(({ certainAt }) => Math.ceil(certainAt));
  return ends.length === 0 ? NOTHING : { inFlight: 'until', inFlightUntil: Math.max(...ends) };
}

/** They are among the requests of the batch, so that whoever asked is also told where nobody knows whether it is kept. */
function refuseWaiting({ device, waiting }: Twin, forgetting: Forgetting, batch: Batch): void {
  const detail = `${forgottenDetail(forgetting)}; the command waited until the device had answered, and was not accepted`;
  for (const request of waiting) {
    const refusal = { id: request.id, code: 'forgotten', detail, state: null, allowed: [] } as const;
    batch.requests.push({ type: 'command', device, request, known: null });
    batch.afterCommit.push({
      type: 'effect',
      device,
      restsOnCommit: true,
      effect: { type: 'answer', to: request.replyTo, reply: { type: 'refused', refusal } },
    });
  }
}
