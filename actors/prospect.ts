/**
 * What a twin would say to a command now: the one rule behind the guard, which decides on requests, `allowed`, which tells callers
 * what is worth asking for, and `explain`. In this order: known command, state, one at a time, knowledge that is fresh enough.
 */
import type { CommandSpec } from '../machines/command.ts';
import type { Kind } from '../machines/kind.ts';
import { worldState } from '../machines/statechart.ts';
import { ABANDON, RENEW_IDENTITY } from '../machines/common-commands.ts';
import type { Context } from './decision.ts';
import type { Refusal, RefusalCode } from '../src/contract/refusal.ts';
import { ageOf, isProvedFresh, mayAnswer } from './freshness.ts';
import { isUndecided } from './ledger.ts';
import { abandonable, commandInFlight, commandNamed, isLegal } from './legality.ts';
import { doubtDetail } from './source-doubt.ts';
import { isOutOfService, ownWords } from './state-cause.ts';
import type { Twin } from './twin.ts';

/** How many commands may be open at once; one more is refused as `overloaded`. */
export const OPEN_MAX = 8;

/** How many requests wait for one probe; more are refused as `overloaded`. */
export const WAITING_MAX = 8;

/** Why a request is refused. */
export type Objection = Pick<Refusal, 'code' | 'detail' | 'firstUse'>;

/** What is looked at, besides the request. */
export interface GuardContext {
  readonly twin: Twin;
  readonly kind: Kind;
  readonly context: Pick<Context, 'now' | 'serverErrorMs'>;
}

/** What a twin would say to a command now. */
export type GuardVerdict =
  | { readonly type: 'accepted' }
  /** The device is asked for a report first. */
  | { readonly type: 'after-proof'; readonly detail: string }
  | { readonly type: 'refused'; readonly code: RefusalCode; readonly detail: string };

/** What the twin would say now to a command of its kind with right arguments, which for `clear` include `by` whom. */
export function guardVerdict(guardContext: GuardContext, name: string): GuardVerdict {
  const spec = commandNamed(guardContext.kind, name);
  if (spec === null) return { type: 'refused', ...unknownCommand(guardContext, name) };
  const objection = objectionInState(guardContext, name);
  if (objection !== null) return { type: 'refused', ...objection };
  if (!needsProof(guardContext, spec)) return { type: 'accepted' };
  const limit = String(spec.freshWithinMs);
  return {
    type: 'after-proof',
    detail: `it needs knowledge proved no older than ${limit} ms, and what is known is not`,
  };
}

/**
 * Names of the commands that would not be refused now, in the order of the kind's table: each would be accepted at once, or once the
 * device has answered a probe.
 */
export function allowedCommands(guardContext: GuardContext): readonly string[] {
  return Object.keys(guardContext.kind.commands).filter((name) => obstacleTo(guardContext, name) === null);
}

/** The command is none of the kind's. */
export function unknownCommand({ kind }: Pick<GuardContext, 'kind'>, name: string): Objection {
  const names = Object.keys(kind.commands).join(', ');
  return { code: 'unknown-command', detail: `${kind.name} has no command ${name}; it has: ${names}` };
}

/** The first reason to refuse any request for this command of the kind, or `null`. */
export function objectionInState(guardContext: GuardContext, name: string): Objection | null {
  switch (obstacleTo(guardContext, name)) {
    case null:
      return null;
    case 'source':
      return { code: 'suspect', detail: sourceSentence(guardContext) };
    case 'illegal':
      return illegal(guardContext, name);
    case 'beyond':
    case 'in-flight':
      return inTheWay(guardContext);
    case 'too-many-open':
      return { code: 'overloaded', detail: `${String(OPEN_MAX)} commands have no outcome yet` };
    case 'never-proved':
      return {
        code: 'stale',
        detail: `${name} needs knowledge that is proved fresh, and nothing that the device says ever is: it reports no outcomes of commands (\`commands\`), and has answered none`,
      };
    case 'too-many-waiting':
      return tooManyWaiting();
  }
}

/** No more wait for one probe. */
export function tooManyWaiting(): Objection {
  const detail = `${String(WAITING_MAX)} requests already wait for this device to answer`;
  return { code: 'overloaded', detail };
}

/** A command that needs fresh knowledge, and knowledge that is not proved to be fresh. */
export function needsProof({ twin, kind, context }: GuardContext, { freshWithinMs }: CommandSpec): boolean {
  if (freshWithinMs === null) return false;
  const age = ageOf({ twin, kind, now: context.now, serverErrorMs: context.serverErrorMs });
  return !isProvedFresh(age, freshWithinMs);
}

/** What stands in the way of a command, whatever its arguments. */
type Obstacle =
  'beyond' | 'source' | 'illegal' | 'in-flight' | 'too-many-open' | 'never-proved' | 'too-many-waiting';

function obstacleTo(guardContext: GuardContext, name: string): Obstacle | null {
  const { twin, kind } = guardContext;
  const spec = commandNamed(kind, name);
  // What is in flight beyond the device is why the state is in doubt, and what a caller has to wait for.
  if (spec?.decidedBy === 'device' && abandonable(twin).length > 0) return 'beyond';
  if (spec?.decidedBy === 'device' && spec.startWindowMs !== null && isSourceInTheWay(twin)) return 'source';
  if (spec === null || !isLegal(kind, twin, name)) return 'illegal';
  // What the twin does by itself is never sent: it is in nobody's way, and ends what others are in the way of.
  if (spec.decidedBy === 'twin') return null;
  if (commandInFlight(twin) !== null) return 'in-flight';
  if (isFull(twin)) return 'too-many-open';
  if (!needsProof(guardContext, spec)) return null;
  if (!mayAnswer(twin)) return 'never-proved';
  return isCrowded(guardContext) ? 'too-many-waiting' : null;
}

/** What is sent does not arrive, or what is known is not of now. A question for a report changes nothing. */
function isSourceInTheWay({ via }: Twin): boolean {
  return via?.doubt === 'away' || via?.doubt === 'replay';
}

function sourceSentence({ twin }: GuardContext): string {
  return (twin.via && doubtDetail(twin.via)) ?? '';
}

/** As many are open as may be, and none of them can make room: a `report` that nobody answered would. */
function isFull({ open }: Twin): boolean {
  return (
    open.length >= OPEN_MAX &&
    open.every(({ notAfterUp, outcome }) => notAfterUp !== null || outcome !== 'unknown')
  );
}

/** As many wait for the probe's answer as may, and its time is not up. */
function isCrowded({ twin, context }: GuardContext): boolean {
  return twin.waiting.length >= WAITING_MAX && context.now <= (twin.probe?.waitsUntil ?? Infinity);
}

function inTheWay({ twin }: GuardContext): Objection {
  const inFlight = commandInFlight(twin);
  const { name = 'a command', id = '', n = 0 } = inFlight ?? {};
  const command = `${name} ${id} (n ${String(n)})`;
  const detail =
    inFlight !== null && isUndecided(inFlight)
      ? `${command} is in flight beyond the device, which cannot tell yet what became of it`
      : `${command} is in flight`;
  return { code: 'pending', detail };
}

function illegal(guardContext: GuardContext, name: string): Objection {
  const { twin, kind } = guardContext;
  const state = worldState(twin.path);
  if (name === RENEW_IDENTITY) {
    const known = twin.newest === null ? 'nothing was heard yet' : `it is ${state}, and nobody else speaks`;
    const detail = `${name} is for a device that is silent, or of which it is doubted who speaks: ${known}`;
    return { code: 'illegal-state', detail };
  }
  if (name === ABANDON && commandNamed(kind, name) !== null) {
    return { code: 'illegal-state', detail: `${name} gives up a command that is undecided, and none is` };
  }
  if (commandNamed(kind, name)?.decidedBy === 'twin') {
    const detail = `${name} ends what is in doubt, and nothing is${isOutOfService(twin) ? `: ${ownWords(twin)}` : ''}`;
    return { code: 'illegal-state', detail };
  }
  if (state === 'offline') {
    const heard =
      twin.lastContactAt === null
        ? 'never heard'
        : `last heard at ${new Date(twin.lastContactAt).toISOString()}`;
    return { code: 'offline', detail: `the device is offline (${heard})` };
  }
  if (isOutOfService(twin)) {
    return { code: 'suspect', detail: `the device is out of service: ${ownWords(twin)}` };
  }
  if (state === 'suspect') {
    const reasons = twin.suspicions.map(({ reason }) => reason).join(', ');
    return { code: 'suspect', detail: `the known state is in doubt: ${reasons}` };
  }
  const allowed = allowedCommands(guardContext).join(', ') || 'none';
  return {
    code: 'illegal-state',
    detail: `${name} is not accepted while ${twin.path}; accepted are: ${allowed}`,
  };
}
