/**
 * Asks and commands twins, through outages and takeovers, without ever executing anything twice.
 *
 * A command has an id from the start, and is asked again under this id for as long as it takes: it is in the ledger or it
 * is not. What never got an answer is told apart by what every copy came to (`src/wire/acceptance.ts`): certainly not accepted, maybe, or
 * accepted.
 */
import type { RefusalBody } from '../contract/refusal.ts';
import type { DesiredReply } from '../contract/reply-bodies.ts';
import type { TwinDocument } from '../contract/twin-document.ts';
import type { Clock } from '../runtime/ports.ts';
import { encode, type Encoding } from '../wire/codec.ts';
import { type Acceptance, acceptanceOf, afterAnother } from '../wire/acceptance.ts';
import { isId } from '../wire/report.ts';
import { FLEET_FIND, twinCommand, twinDesired, twinGet, twinLedger } from '../wire/subjects.ts';
import type { CommandResult } from './command-result.ts';
import { CorralBadReply, CorralRefusal, CorralUnreachable } from './errors.ts';
import {
  readDesiredReply,
  readDocument,
  readPage,
  type ReadReply,
  readResult,
  type Trouble,
} from './reply-reader.ts';
import type { Answer, Requester } from './requester.ts';

/** How long a question is asked again before it is given up, ms. */
export const DEADLINE_MS = 30_000;
/** How long a command's outcome is waited for, ms. */
export const WAIT_MS = 5_000;
/** A long wait is made of requests this long, so that a node that died in the middle is noticed, ms. */
const WAIT_SLICE_MS = 5_000;
/** A reply may take this much longer than the wait it was asked for, ms. */
const REPLY_TIMEOUT_MS = 2_000;
/** Between two attempts, ms: doubled each time, with jitter, so that a thousand backends do not ask in step. */
const BACKOFF_FIRST_MS = 50;
const BACKOFF_MAX_MS = 2_000;

/** What the client needs of the world. */
export interface ClientPorts {
  readonly requester: Requester;
  readonly clock: Clock;
  /** A new UUID. */
  readonly newId: () => string;
  /** At least 0 and below 1. */
  readonly random: () => number;
}

/** Options of every question. */
export interface AskOptions {
  /** Asked again until then; default {@link DEADLINE_MS}. */
  readonly deadlineMs?: number;
  /**
   * The `traceparent` of what the caller does (W3C Trace Context). What follows from a command carries its trace id: the command at
   * the device, the reply, what is published, the log.
   */
  readonly traceParent?: string;
}

/** Options of a command. */
export interface CommandOptions extends AskOptions {
  /** The idempotency key, a UUID. Choose and keep it yourself to be able to ask again after a crash of your own. */
  readonly id?: string;
  /**
   * True: nobody has asked under this `id` before, not even this program before a crash. Then a call of which no copy was accepted says
   * `wasSent: 'no'`; without it what an earlier one came to is not known.
   */
  readonly isFirstUse?: boolean;
  /** How long to wait for the outcome; default {@link WAIT_MS}. 0: return once it is in the ledger. */
  readonly waitMs?: number;
  /** Only if the twin is still at this version. */
  readonly ifVersion?: number;
  /** On whose behalf, for the ledger. */
  readonly by?: string;
}

/** What to find; everything when empty. */
export interface FindQuery {
  readonly kind?: string;
  readonly state?: string;
  readonly quality?: string;
  readonly site?: string;
  readonly firmware?: string;
  readonly label?: string;
  /** Devices on one page. */
  readonly limit?: number;
}

interface Question<Body> {
  readonly subject: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly read: (payload: Uint8Array) => ReadReply<Body>;
  /** Whether an answer is about what was asked. A foreign one, which somebody else may have sent, is no answer. */
  readonly isAbout: (body: Body) => boolean;
  readonly id: string | null;
  /** What is known of what it asks for before anything is sent. */
  readonly before: Acceptance;
  /** It changes nothing: whatever answers a copy answers all of them. */
  readonly isReading: boolean;
  /** When it is given up, by the monotonic clock. */
  readonly giveUpAt: number;
  readonly timeoutMs: number;
  readonly traceParent: string | null;
  /** True: not asked again once it may have been acted on, because asking twice could be refused for what asking once did. */
  readonly isAskedOnce: boolean;
}

/** The questions that backends have. */
export class TwinClient {
  readonly #ports: ClientPorts;
  readonly #encoding: Encoding;

  constructor(ports: ClientPorts, encoding: Encoding = 'json') {
    this.#ports = ports;
    this.#encoding = encoding;
  }

  /** The twin document. Throws {@link CorralRefusal} (`unknown-device`) and {@link CorralUnreachable}. */
  async get(device: string, options: AskOptions = {}): Promise<TwinDocument> {
    return this.#ask({
      subject: twinGet(token(device)),
      body: {},
      read: readDocument,
      isAbout: (document) => document.device === device,
      ...this.#plain(options),
    });
  }

  /**
   * Commands a device and waits for the outcome; `pending` when the wait was not long enough. Under one `id` a command
   * is executed at most once, however often this is called. Throws {@link CorralRefusal} when the twin refused it and
   * {@link CorralUnreachable} when there was no answer, with the id to ask again.
   */
  async command(
    device: string,
    name: string,
    args: Readonly<Record<string, unknown>> = {},
    options: CommandOptions = {},
  ): Promise<CommandResult> {
    const { clock, newId } = this.#ports;
    const { id = newId(), waitMs = WAIT_MS, deadlineMs = DEADLINE_MS, traceParent = null } = options;
    const { isFirstUse = options.id === undefined } = options;
    let before: Acceptance = isFirstUse ? 'no' : 'not-this-copy';
    const { ifVersion, by } = options;
    const askedAt = clock.monotonic();
    const waitUntil = askedAt + waitMs;
    const given = {
      id,
      args,
      ...(ifVersion === undefined ? {} : { ifVersion }),
      ...(by === undefined ? {} : { by }),
    };
    for (let last: CommandResult | null = null; ;) {
      const sliceMs = Math.round(Math.min(WAIT_SLICE_MS, Math.max(0, waitUntil - clock.monotonic())));
      const asked = this.#ask({
        subject: twinCommand(token(device), token(name)),
        body: { ...given, waitMs: sliceMs },
        read: readResult,
        isAbout: (result) => result.name === name && isCommand(result, device, id),
        id,
        before,
        isReading: false,
        giveUpAt: Math.max(askedAt + deadlineMs, waitUntil),
        timeoutMs: sliceMs + REPLY_TIMEOUT_MS,
        traceParent,
        isAskedOnce: false,
      });
      try {
        last = await asked;
      } catch (error) {
        // It is in the ledger, as an answer has said: that nobody answers now does not undo it, nor what is said of a later copy.
        if (last !== null && (error instanceof CorralUnreachable || error instanceof CorralRefusal))
          return last;
        throw error;
      }
      if (last.outcome !== 'pending' || clock.monotonic() >= waitUntil) return last;
      before = 'yes';
      await this.#pause(BACKOFF_FIRST_MS);
    }
  }

  /**
   * The command as the ledger has it now. Throws {@link CorralRefusal} (`unknown-id`: no copy of the request that came before this
   * question was accepted; `forgotten`: with the device, what was known of it is erased).
   */
  async ledger(device: string, id: string, options: AskOptions = {}): Promise<CommandResult> {
    const question = {
      subject: twinLedger(token(device)),
      body: { id },
      read: readResult,
      isAbout: (result: CommandResult) => isCommand(result, device, id),
      ...this.#plain(options),
    };
    return this.#ask({ ...question, id, before: 'maybe' });
  }

  /**
   * Changes the desired configuration by a JSON merge patch. With `ifVersion` it is not asked again once it may have
   * been applied: {@link CorralUnreachable} then says `maybe`, and `get` tells.
   */
  async desired(
    device: string,
    patch: Readonly<Record<string, unknown>>,
    options: AskOptions & { readonly ifVersion?: number } = {},
  ): Promise<DesiredReply> {
    const { ifVersion } = options;
    return this.#ask({
      subject: twinDesired(token(device)),
      body: ifVersion === undefined ? { patch } : { patch, ifVersion },
      read: readDesiredReply,
      isAbout: () => true,
      ...this.#plain(options),
      isReading: false,
      isAskedOnce: ifVersion !== undefined,
    });
  }

  /** Pages of twin documents in the order of their ids. */
  async *find(
    query: FindQuery = {},
    options: AskOptions = {},
  ): AsyncGenerator<readonly TwinDocument[], void, undefined> {
    let cursor: string | undefined;
    do {
      const body = cursor === undefined ? { ...query } : { ...query, cursor };
      const page = await this.#ask({
        subject: FLEET_FIND,
        body,
        read: readPage,
        isAbout: () => true,
        ...this.#plain(options),
      });
      yield page.devices;
      cursor = page.cursor;
    } while (cursor !== undefined);
  }

  #plain({
    deadlineMs = DEADLINE_MS,
    traceParent,
  }: AskOptions): Omit<Question<unknown>, 'subject' | 'body' | 'read' | 'isAbout'> {
    const giveUpAt = this.#ports.clock.monotonic() + deadlineMs;
    return {
      id: null,
      before: 'no',
      isReading: true,
      giveUpAt,
      timeoutMs: REPLY_TIMEOUT_MS,
      isAskedOnce: false,
      traceParent: traceParent ?? null,
    };
  }

  /** Asks until there is an answer or the time is over. */
  async #ask<Body>(question: Question<Body>): Promise<Body> {
    const { clock } = this.#ports;
    const { id, giveUpAt, isAskedOnce } = question;
    let acceptance = question.before;
    let problem = '';
    for (let backoffMs = BACKOFF_FIRST_MS; ; backoffMs = Math.min(2 * backoffMs, BACKOFF_MAX_MS)) {
      const reply = await this.#askOnce(question, acceptance);
      if (reply.type === 'answered') return reply.body;
      const isLast = clock.monotonic() + backoffMs >= giveUpAt;
      if (reply.type === 'refused') {
        const { refusal } = reply;
        if (refusal.code !== 'overloaded' || isLast) throw refusalOf(question, refusal, acceptance);
      } else {
        const before = acceptance;
        acceptance = afterAnother(before, acceptanceOf(wordOf(reply)));
        // What decided how much is known is told, and not what a later copy came to that says less.
        if (acceptance !== before || acceptance === question.before)
          problem = reply.type === 'failed' ? reply.detail : reply.type;
        if (isLast || (isAskedOnce && acceptance === 'maybe'))
          throw new CorralUnreachable({ acceptance, id, problem });
      }
      await this.#pause(backoffMs);
    }
  }

  /** One copy. What can never be sent is thrown on, unless a copy before it may have been accepted. */
  async #askOnce<Body>(
    question: Question<Body>,
    acceptance: Acceptance,
  ): Promise<ReadReply<Body> | Exclude<Answer, { type: 'reply' }>> {
    const { id, subject, timeoutMs, traceParent } = question;
    const payload = encode(question.body, this.#encoding);
    try {
      const answer = await this.#ports.requester.request({ subject, payload, timeoutMs, traceParent });
      return answer.type === 'reply' ? ownReply(question, answer.payload) : answer;
    } catch (cause) {
      if (acceptance === 'no' || acceptance === 'not-this-copy' || cause instanceof CorralBadReply)
        throw cause;
      const problem = cause instanceof Error ? cause.message : String(cause);
      throw new CorralUnreachable({ acceptance, id, problem, cause });
    }
  }

  #pause(durationMs: number): Promise<void> {
    const { clock, random } = this.#ports;
    return new Promise((resolve) => {
      clock.after(durationMs * (0.5 + random() / 2), resolve);
    });
  }
}

/** The reply to a question; one that is about something else counts for as little as none. */
function ownReply<Body>(
  question: Question<Body>,
  payload: Uint8Array,
): ReadReply<Body> | { readonly type: 'timeout' } {
  const reply = question.read(payload);
  const isForeign =
    reply.type === 'answered'
      ? !question.isAbout(reply.body)
      : reply.type === 'refused' && reply.refusal.id !== null && !isSameId(reply.refusal.id, question.id);
  return isForeign ? { type: 'timeout' } : reply;
}

function isCommand(result: CommandResult, device: string, id: string): boolean {
  return result.device === device && isSameId(result.id, id);
}

/** Twins keep ids in small letters. */
function isSameId(id: string, asked: string | null): boolean {
  return id.toLowerCase() === asked?.toLowerCase();
}

/** What was said, in the words of `acceptance.ts`. */
function wordOf(reply: Exclude<Trouble, { type: 'refused' }> | Exclude<Answer, { type: 'reply' }>): string {
  return reply.type === 'failed' ? reply.code : reply.type;
}

/**
 * What a refusal comes to. It is the answer to one copy of the question: where that asks for something to be done, an earlier copy that
 * got no answer may still be on its way, and be accepted.
 */
function refusalOf(
  { id, isReading }: Pick<Question<unknown>, 'id' | 'isReading'>,
  refusal: RefusalBody,
  before: Acceptance,
): CorralRefusal | CorralUnreachable {
  if (before === 'no' || before === 'not-this-copy') return new CorralRefusal(refusal, before);
  // What an accepted command bears can be accepted for no other.
  const isCertain = (refusal.firstUse?.acceptedAt ?? null) !== null;
  if (isReading || isCertain) return new CorralRefusal(refusal, 'maybe');
  const problem = `asked again, it was refused: ${refusal.detail}`;
  return new CorralUnreachable({ acceptance: before, id, problem });
}

/** A device or a command as part of a subject. Throws a RangeError for what would make it another subject. */
function token(name: string): string {
  if (!isId(name))
    throw new RangeError(
      `${JSON.stringify(name)} is no id or name: it has 1 to 64 letters, digits, "_" and "-"`,
    );
  return name;
}
