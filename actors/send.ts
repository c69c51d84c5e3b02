/**
 * Sends commands: accepts one into the ledger, and sends it again while it may still start.
 *
 * The deadline is the heart of it (design, section 4): the device may start only while its own uptime is at most
 * `notAfterUp`; the server knows that after `certainAt` it cannot start any more, whatever was lost or delayed.
 */
import type { Command, CommandSpec } from '../machines/command.ts';
import { worldState } from '../machines/statechart.ts';
import { latestAt } from './clock.ts';
import { addEffect, type Draft, writeEntry } from './draft.ts';
import type { LedgerEntry } from '../src/contract/ledger-entry.ts';
import { giveNumber } from './numbers.ts';
import type { CommandRequest } from './twin.ts';

/** What of an entry whoever commands decides. */
type Ordered = Pick<LedgerEntry, 'id' | 'name' | 'args' | 'by' | 'asker'>;

/** Accepts a request that passed the guard: it is in the ledger, and sent. */
export function acceptCommand(draft: Draft, request: CommandRequest, spec: CommandSpec): void {
  const entry = enterCommand(draft, request, spec);
  if (request.waitUntil > draft.context.now) {
    addEffect(draft, { type: 'await', to: request.replyTo, entry, until: request.waitUntil });
  } else {
    addEffect(draft, { type: 'answer', to: request.replyTo, reply: { type: 'ledger', entry } });
  }
}

/** Enters a command into the ledger under the next number, and sends it. */
export function enterCommand(draft: Draft, command: Ordered, spec: CommandSpec): LedgerEntry {
  const { twin } = draft;
  const entry = nextEntry(draft, command, spec);
  twin.open = [...twin.open, entry];
  writeEntry(draft, entry, { publish: false });
  send(draft, entry);
  return entry;
}

/** The ledger's next entry, pending, with the next command number. */
export function nextEntry(
  draft: Draft,
  { id, name, args, by, asker }: Ordered,
  spec: CommandSpec,
): LedgerEntry {
  const { twin, context } = draft;
  return {
    device: twin.device,
    id,
    n: giveNumber(draft),
    name,
    args,
    by,
    asker,
    epoch: context.epoch,
    incarnation: twin.incarnation,
    ...deadline(draft, spec),
    holdMs: holdMsOf(args, spec),
    acceptedAt: context.now,
    sentAt: context.now,
    outcome: 'pending',
    reason: null,
    proof: null,
    decidedAt: null,
    closedAt: null,
    compensatedBy: spec.resolver.compensatedBy,
    ...endsOf(draft, spec),
  };
}

/** Until when, on the device's own clock, the command may start; and when the server can be certain of that. */
function deadline(draft: Draft, spec: CommandSpec): Pick<LedgerEntry, 'boot' | 'notAfterUp' | 'certainAt'> {
  const { twin, context, kind } = draft;
  const { driftPpm, probeTimeoutMs } = kind.limits;
  const { newest, clock } = twin;
  if (spec.startWindowMs === null || newest === null || clock === null) {
    return { boot: null, notAfterUp: null, certainAt: context.now + probeTimeoutMs };
  }
  const elapsedMs = Math.max(0, context.now - latestAt(clock, newest.up, driftPpm));
  const notAfterUp = Math.floor(newest.up + elapsedMs + spec.startWindowMs);
  // The device counts whole ms: its uptime is at most `notAfterUp` until it is one more.
  const certainAt = latestAt(clock, notAfterUp + 1, driftPpm) + context.serverErrorMs;
  return { boot: clock.boot, notAfterUp, certainAt };
}

/** What executing it ends in the state that the device is known to be in: whoever asks is told, and by whom it was meant to be kept. */
function endsOf({ twin }: Draft, { ends }: CommandSpec): Pick<LedgerEntry, 'ends'> {
  const what = ends?.[worldState(twin.path)];
  if (what === undefined) return {};
  const by = twin.hold?.by ?? null;
  return { ends: twin.hold === null ? what : `${what} (${twin.hold.id}${by === null ? '' : `, for ${by}`})` };
}

function holdMsOf(args: LedgerEntry['args'], spec: CommandSpec): number | null {
  if (spec.hold === null) return null;
  const { holdMs } = args;
  return Math.min(typeof holdMs === 'number' ? holdMs : spec.hold.defaultMs, spec.hold.longestMs);
}

/** Sends the command in flight again under the same `n`; the device's ring makes a repetition harmless. */
export function resend(draft: Draft, entry: LedgerEntry): void {
  const { twin, context } = draft;
  const again: LedgerEntry = { ...entry, sentAt: context.now };
  twin.open = twin.open.map((other) => (other.id === entry.id ? again : other));
  writeEntry(draft, again, { publish: false });
  send(draft, again);
}

function send(draft: Draft, entry: LedgerEntry): void {
  const { context } = draft;
  const command: Command = {
    n: entry.n,
    epoch: context.epoch,
    id: entry.id,
    name: entry.name,
    args: entry.args,
    ...(entry.boot !== null && { boot: entry.boot }),
    ...(entry.notAfterUp !== null && { notAfterUp: entry.notAfterUp }),
    ...(entry.holdMs !== null && { holdMs: entry.holdMs }),
  };
  sendToDevice(draft, command);
}

/** Commands go out in the encoding the device speaks, whoever counts its boots. One that was never heard can only be asked for a report. */
export function sendToDevice(draft: Draft, command: Command): void {
  const { site, device, encoding } = draft.twin;
  addEffect(draft, { type: 'send', site, device, encoding: encoding ?? 'msgpack', command });
}
