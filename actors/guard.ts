/**
 * Decides on a backend's request for a command: the same command under the same id gets the same answer, everything else passes the guard in
 * this order: known command, arguments, version, state, one at a time, fresh enough. What passes is accepted and sent.
 *
 * A request that needs fresher knowledge waits for a probe's answer, for as long as a probe waits and no longer: whoever
 * asked has then been told that nothing was sent, and that has to stay true.
 */
import { argumentsProblem } from '../machines/arguments.ts';
import type { CommandSpec } from '../machines/command.ts';
import { commandId } from '../machines/command-id.ts';
import { ABANDON, RENEW_IDENTITY } from '../machines/common-commands.ts';
import { operatorAbandon } from './abandon.ts';
import { operatorClear } from './clear.ts';
import type { Reply } from './decision.ts';
import type { LedgerEntry } from '../src/contract/ledger-entry.ts';
import type { FirstUse } from '../src/contract/refusal.ts';
import { addEffect, type Draft, refuse } from './draft.ts';
import { commandNamed, rememberedCommand } from './legality.ts';
import { isOfEpoch } from './numbers.ts';
import { giveUpProbe, sendProbe } from './probe.ts';
import {
  needsProof,
  type Objection,
  objectionInState,
  tooManyWaiting,
  unknownCommand,
  WAITING_MAX,
} from './prospect.ts';
import { operatorRenew } from './renew.ts';
import { makeRoom } from './resolve.ts';
import { firstUseOf, firstUseOfWaiting, isSameCommand } from './reused-id.ts';
import { acceptCommand } from './send.ts';
import type { CommandRequest } from './twin.ts';

/**
 * Decides on a request; `known` is the ledger's entry under this id as read before, or `null`. While a request of the same id
 * waits for a probe nothing is decided about it: whoever asks again must not be refused what is accepted a moment later.
 */
export function decideCommand(draft: Draft, request: CommandRequest, known: LedgerEntry | null): void {
  const entry = rememberedCommand(draft.twin, request.id) ?? known;
  if (entry !== null) {
    if (isSameCommand(entry, request)) answerWithEntry(draft, request, entry);
    else refuse(draft, request, reused(request, firstUseOf(entry)));
    return;
  }
  const waiting = draft.twin.waiting.find(({ id }) => id === request.id);
  if (waiting !== undefined) {
    if (isSameCommand(waiting, request)) waitForProof(draft, request);
    else refuse(draft, request, reused(request, firstUseOfWaiting(waiting)));
    return;
  }
  const spec = commandNamed(draft.kind, request.name);
  const objection = spec === null ? unknownCommand(draft, request.name) : objectionTo(draft, request, spec);
  if (spec === null || objection !== null) {
    refuse(draft, request, objection ?? unknownCommand(draft, request.name));
  } else if (spec.decidedBy === 'twin') {
    if (request.name === RENEW_IDENTITY) operatorRenew(draft, request, spec);
    else if (request.name === ABANDON) operatorAbandon(draft, request, spec);
    else operatorClear(draft, request, spec);
  } else if (needsProof(draft, spec)) {
    waitForProof(draft, request);
  } else {
    makeRoom(draft);
    acceptCommand(draft, request, spec);
  }
}

/** Decides again on everything that waited for a probe, which has now been answered. */
export function decideWaiting(draft: Draft): void {
  const { waiting } = draft.twin;
  if (waiting.length === 0) return;
  if (!isAnswerOfNow(draft)) {
    askAgain(draft);
    return;
  }
  draft.twin.waiting = [];
  for (const request of waiting) {
    if (stillStale(draft, request)) refuseAsStale(draft, request);
    else decideCommand(draft, request, null);
  }
}

/**
 * False where the answer is to a probe of an owner before, and what the hub stored after it is not read yet: the device may have said since
 * what nobody could have asked about. An answer to a probe of this owner is heard after all of that.
 */
function isAnswerOfNow({ twin, context }: Draft): boolean {
  return context.readThroughAt !== null || isOfEpoch(twin.probe?.n ?? 0, context.epoch);
}

/** Another probe, for those who wait still: no longer than they were promised. */
function askAgain(draft: Draft): void {
  const { twin, context, kind } = draft;
  const waitsUntil = (twin.probe?.sentAt ?? -Infinity) + kind.limits.probeTimeoutMs;
  if (context.now >= waitsUntil) {
    refuseWaiting(draft);
    return;
  }
  const probe = sendProbe(draft);
  twin.probe = { ...probe, waitsUntil };
}

/** Refuses everything that waited for a probe that nobody answered in time. */
export function refuseWaiting(draft: Draft): void {
  const { waiting } = draft.twin;
  draft.twin.waiting = [];
  for (const request of waiting) refuseAsStale(draft, request);
}

/** Refuses what waits for a probe whose time is up, though nothing has woken the twin for it yet. */
export function refuseOverdue(draft: Draft): void {
  const { twin, context } = draft;
  if (context.now > (twin.probe?.waitsUntil ?? Infinity) && giveUpProbe(draft)) refuseWaiting(draft);
}

/** Tells the requester how its command stands, at once or when its outcome is known. */
function answerWithEntry(draft: Draft, request: CommandRequest, entry: LedgerEntry): void {
  if (entry.outcome === 'pending' && request.waitUntil > draft.context.now) {
    addEffect(draft, { type: 'await', to: request.replyTo, entry, until: request.waitUntil });
  } else {
    addEffect(draft, { type: 'answer', to: request.replyTo, reply: { type: 'ledger', entry } });
  }
}

/** An id is one command's for good. The caller has mixed up two of its own, and must not take the one's outcome for the other's. */
function reused({ id, name }: CommandRequest, firstUse: FirstUse): Objection {
  const { acceptedAt, outcome } = firstUse;
  const since =
    acceptedAt === null
      ? 'which waits to be decided on'
      : `accepted at ${new Date(acceptedAt).toISOString()}, now ${String(outcome)}`;
  const first = `${firstUse.name} ${JSON.stringify(firstUse.args)}`;
  const detail = `the id ${id} is that of ${first}, ${since}; ${name} needs an id of its own`;
  return { code: 'id-reused', detail, firstUse };
}

function undecided({ id }: CommandRequest): Reply {
  return { type: 'undecided', id };
}

/** The first reason to refuse, or `null`. */
function objectionTo(draft: Draft, request: CommandRequest, spec: CommandSpec): Objection | null {
  const problem = argumentsProblem(spec, request.args);
  if (problem !== null) return { code: 'bad-arguments', detail: problem };
  if (spec.decidedBy === 'twin' && request.by === null) {
    return {
      code: 'bad-arguments',
      detail: `${request.name} is a person's word: the request says \`by\` whom`,
    };
  }
  if (request.ifVersion !== null && request.ifVersion !== draft.before.version) {
    const detail = `the twin is at version ${String(draft.before.version)}, not ${String(request.ifVersion)}`;
    return { code: 'version-mismatch', detail };
  }
  return objectionInState(draft, request.name) ?? objectionToHold(draft, request, spec);
}

/** A command that ends one hold, and means another than there is. */
function objectionToHold({ twin }: Draft, { args }: CommandRequest, spec: CommandSpec): Objection | null {
  const { hold } = args;
  if (!spec.endsHold || typeof hold !== 'string') return null;
  if (twin.hold !== null && commandId(hold) === commandId(twin.hold.id)) return null;
  const detail = `it is not held for ${hold}, but for ${twin.hold?.id ?? 'nobody'}`;
  return { code: 'illegal-state', detail };
}

/**
 * Sends the command `report` unless its answer is already being waited for, and lets the request wait for it. The answer is
 * a new version of the twin by itself: `ifVersion` has been checked, and is not asked for again.
 */
function waitForProof(draft: Draft, request: CommandRequest): void {
  const { twin } = draft;
  refuseOverdue(draft);
  if (twin.waiting.length >= WAITING_MAX) {
    // A copy of what waits is not refused: that may be accepted a moment later.
    const doesWait = twin.waiting.some(({ id }) => id === request.id);
    if (doesWait) addEffect(draft, { type: 'answer', to: request.replyTo, reply: undecided(request) });
    else refuse(draft, request, tooManyWaiting());
    return;
  }
  if ((twin.probe?.waitsUntil ?? null) === null) sendProbe(draft);
  twin.waiting = [...twin.waiting, { ...request, ifVersion: null }];
}

/** The probe was answered, and still the knowledge is too old: the answer itself took too long. */
function stillStale(draft: Draft, request: CommandRequest): boolean {
  const spec = commandNamed(draft.kind, request.name);
  return spec !== null && objectionTo(draft, request, spec) === null && needsProof(draft, spec);
}

function refuseAsStale(draft: Draft, request: CommandRequest): void {
  const spec = commandNamed(draft.kind, request.name);
  const objection = spec === null ? unknownCommand(draft, request.name) : objectionTo(draft, request, spec);
  const limitMs = String(spec?.freshWithinMs ?? draft.kind.limits.freshMs);
  const stale: Objection = {
    code: 'stale',
    detail: `${request.name} needs knowledge proved no older than ${limitMs} ms, and the device did not renew it in time`,
  };
  refuse(draft, request, objection ?? stale);
}
