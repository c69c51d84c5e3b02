/**
 * The customers of one charge point, one after the other, as their backend asks for them over NATS: a remote start, and where nobody knows
 * what becomes of it, somebody else who would like the bay. An operator gives up what nobody ever tells.
 *
 * They follow what docs/operations.md says of a restored database: what it has forgotten is not asked for again under its id; they look at
 * the state, and ask under a new one.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { TwinDocument } from '../../src/contract/twin-document.ts';
import {
  type CommandResult,
  type Corral,
  CorralRefusal,
  CorralUnreachable,
} from '../../src/client/corral.ts';
import type { Chance } from '../simulation/world/chance.ts';

/** What somebody was told of a start. */
export interface ToldWord {
  /**
   * An outcome of the ledger; or `refused`, `not-sent` (both: certainly not accepted), `no-answer`, and `unknown-id`, where the ledger does
   * not know it.
   */
  readonly word: CommandResult['outcome'] | 'refused' | 'not-sent' | 'no-answer' | 'unknown-id';
  readonly reason: string | null;
  /** True for an outcome that no other can follow. */
  readonly isLast: boolean;
  /** When it was told, ms epoch. */
  readonly at: number;
}

/** A remote start that was asked for. */
export interface AskedStart {
  readonly device: string;
  readonly id: string;
  /** When it was asked for, ms epoch. */
  readonly askedAt: number;
  /** What anybody was told of it, in order. */
  readonly told: ToldWord[];
  /** It was named undecided beyond its `certainAt`. */
  wasUndecided: boolean;
  /** Somebody else asked for the bay then, and was refused as `pending`. */
  wasOtherRefused: boolean;
}

/** What an answer came to. */
type Answer =
  | { readonly type: 'ledger'; readonly result: CommandResult }
  | { readonly type: 'refused'; readonly code: string }
  | { readonly type: 'not-sent' }
  | { readonly type: 'no-answer' };

/** For how long an answer is waited for: one copy of a request is sent, because the database may be restored before a second one. */
const ONE_COPY = { deadlineMs: 1, waitMs: 2_000 };
/** A question that changes nothing is asked until it is answered, however long the servers are away. */
const PATIENT = { deadlineMs: 300_000 };
/** Between two looks, ms. */
const LOOK_EVERY_MS = 50;
/**
 * Who waits for something that nobody knows asks the device again after so long, as the station lives it, ms. A twin that has asked in vain
 * because nobody took its question to the device asks again by itself, but in everybody's time: after a minute.
 */
const ASK_DEVICE_EVERY_MS = 100_000;
/** An operator does something about what he has seen in doubt for so long, as the station lives it, ms: servers that are away show nothing. */
const OPERATOR_AFTER_MS = 900_000;

/** See the head of this file. */
export class Customers {
  readonly asked: AskedStart[] = [];
  /** What went wrong in between. */
  readonly flaws: string[] = [];
  /** What an operator did, by name. */
  readonly operator: Record<string, number> = {};
  /** When an operator gave up which starts, by their ids, or by their numbers where the ledger had forgotten them; ms epoch. */
  readonly givenUpAt = new Map<string, number>();
  readonly #corral: Corral;
  readonly #device: string;
  readonly #chance: Chance;
  readonly #speed: number;
  #askedDeviceAt = -Infinity;

  constructor(options: {
    readonly corral: Corral;
    readonly device: string;
    readonly chance: Chance;
    /** Customers live as fast as the station. */
    readonly speed: number;
  }) {
    this.#corral = options.corral;
    this.#device = options.device;
    this.#chance = options.chance;
    this.#speed = options.speed;
  }

  /**
   * So many starts that were accepted, each to its end; then the bay is free, and nothing is in doubt. Each waits until it may `begin`, and
   * tells its `end`.
   */
  async live(
    starts: number,
    { begin, end }: { readonly begin: () => Promise<void>; readonly end: () => void },
  ): Promise<void> {
    for (let count = 0; count < starts; count += 1) {
      await begin();
      await this.#remoteStart();
      end();
      await this.#live(this.#chance.between(5_000, 30_000));
    }
    await this.untilFree();
  }

  async #remoteStart(): Promise<void> {
    for (;;) {
      await this.untilFree();
      const start = this.#newStart();
      const answer = await this.#ask('start', start.id);
      noteTold(start, answer);
      if (answer.type === 'refused') {
        await pause(LOOK_EVERY_MS);
        continue;
      }
      if (await this.#follow(start)) return;
    }
  }

  /** Resolves when it is known what became of a start; false: it was never accepted, as far as anybody was told. */
  async #follow(start: AskedStart): Promise<boolean> {
    for (let seenAt = Infinity; ;) {
      const result = await this.#ledger(start.id);
      if (result === null) {
        const wasAccepted = firstAccepted(start) !== null;
        noteTold(start, { type: 'unknown-id' });
        return wasAccepted;
      }
      noteTold(start, { type: 'ledger', result });
      if (result.closedAt !== null) return true;
      if (isUndecided(result)) {
        start.wasUndecided = true;
        seenAt = Math.min(seenAt, Date.now());
        if (!start.wasOtherRefused) await this.#otherCustomer(start);
        if (this.#isLong(seenAt)) await this.#abandon(start.id);
      } else if (result.outcome === 'unknown') {
        await this.#askDevice();
      }
      await pause(LOOK_EVERY_MS);
    }
  }

  /** Somebody else wants the bay while nobody knows whether the first one's start will take effect. */
  async #otherCustomer(start: AskedStart): Promise<void> {
    const answer = await this.#ask('reserve', this.#chance.uuid());
    if (answer.type === 'not-sent' || answer.type === 'no-answer') return;
    if (answer.type === 'refused') {
      start.wasOtherRefused = answer.code === 'pending';
      return;
    }
    const result = await this.#ledger(start.id);
    if (result !== null && isUndecided(result))
      this.flaws.push(
        `while ${start.id} was undecided another customer was told ${JSON.stringify(answer.result)}`,
      );
  }

  /** Waits until the bay can be given to somebody: whoever charges has had enough some time, and an operator ends what stays in doubt. */
  async untilFree(): Promise<void> {
    for (let seenAt = Infinity; ;) {
      const document = await untilAnswered(() => this.#corral.get(this.#device, PATIENT)).catch(
        ignoreRefusal,
      );
      if (document !== null && isFree(document)) return;
      if (document?.state === 'charging') {
        await this.#live(this.#chance.between(20_000, 90_000));
        await this.#ask('stop', this.#chance.uuid());
        seenAt = Infinity;
      } else if (document !== null) {
        seenAt = Math.min(seenAt, Date.now());
        if (this.#isLong(seenAt)) {
          await this.#endDoubt(document);
          seenAt = Infinity;
        } else if (document.suspicions.length > 0 && !document.pending.some(isInFlight)) {
          await this.#askDevice();
        }
      }
      await pause(LOOK_EVERY_MS);
    }
  }

  async #endDoubt({ pending, suspicions }: TwinDocument): Promise<void> {
    const undecided = pending.find(isInFlight);
    const forgotten = suspicions.find(({ reason }) => reason === 'forgotten-command');
    const n = / \(n (\d+)\) /.exec(forgotten?.detail ?? '')?.[1];
    if (undecided !== undefined) await this.#abandon(undecided.id);
    else if (n !== undefined) await this.#abandon(n);
    else if (suspicions.length > 0) await this.#operate('clear', {}, suspicions[0]?.reason);
  }

  async #abandon(command: string): Promise<void> {
    if (!this.givenUpAt.has(command)) this.givenUpAt.set(command, Date.now());
    await this.#operate('abandon', { command });
  }

  async #operate(name: string, args: Readonly<Record<string, string>>, of = ''): Promise<void> {
    const what = of === '' ? name : `${name} ${of}`;
    this.operator[what] = (this.operator[what] ?? 0) + 1;
    await this.#ask(name, this.#chance.uuid(), { ...args, reason: 'nobody tells' });
  }

  /** Has the device tell how it is, unless it was asked a moment ago. */
  async #askDevice(): Promise<void> {
    const now = Date.now();
    if ((now - this.#askedDeviceAt) * this.#speed < ASK_DEVICE_EVERY_MS) return;
    this.#askedDeviceAt = now;
    await this.#ask('report', this.#chance.uuid());
  }

  async #ask(name: string, id: string, args: Readonly<Record<string, unknown>> = {}): Promise<Answer> {
    try {
      const options = { ...ONE_COPY, id, isFirstUse: true, by: 'eva' };
      return { type: 'ledger', result: await this.#corral.command(this.#device, name, args, options) };
    } catch (error) {
      if (error instanceof CorralRefusal) return { type: 'refused', code: error.code };
      if (error instanceof CorralUnreachable)
        return { type: error.wasSent === 'no' ? 'not-sent' : 'no-answer' };
      throw error;
    }
  }

  /** How a start stands; `null` where the ledger does not know it. */
  async #ledger(id: string): Promise<CommandResult | null> {
    try {
      return await untilAnswered(() => this.#corral.ledger(this.#device, id, PATIENT));
    } catch (error) {
      if (error instanceof CorralRefusal && error.code === 'unknown-id') return null;
      throw error;
    }
  }

  #newStart(): AskedStart {
    const start: AskedStart = {
      device: this.#device,
      id: this.#chance.uuid(),
      askedAt: Date.now(),
      told: [],
      wasUndecided: false,
      wasOtherRefused: false,
    };
    this.asked.push(start);
    return start;
  }

  #isLong(since: number): boolean {
    return (Date.now() - since) * this.#speed > OPERATOR_AFTER_MS;
  }

  #live(ms: number): Promise<void> {
    return pause(ms / this.#speed);
  }
}

/** When somebody was told for the first time that a start is in the ledger, ms epoch; `null` where nobody was. */
export function firstAccepted({ told }: Pick<AskedStart, 'told'>): number | null {
  const words: readonly ToldWord['word'][] = ['refused', 'not-sent', 'no-answer', 'unknown-id'];
  return told.find(({ word }) => !words.includes(word))?.at ?? null;
}

/** What is told again is noted once. */
function noteTold({ told }: AskedStart, answer: Answer | { readonly type: 'unknown-id' }): void {
  const at = Date.now();
  if (answer.type !== 'ledger') {
    told.push({ word: answer.type, reason: null, isLast: false, at });
    return;
  }
  const { outcome: word, reason, closedAt } = answer.result;
  const isLast = closedAt !== null;
  const before = told.at(-1);
  if (before?.word !== word || before.reason !== reason || before.isLast !== isLast)
    told.push({ word, reason, isLast, at });
}

function isFree({ state, suspicions, pending }: TwinDocument): boolean {
  return state === 'available' && suspicions.length === 0 && pending.length === 0;
}

/** Beyond the device, where asking that changes nothing. */
function isInFlight({ undecided }: TwinDocument['pending'][number]): boolean {
  return undecided === true;
}

function isUndecided({ outcome, reason, closedAt }: CommandResult): boolean {
  return outcome === 'unknown' && reason === 'undecided' && closedAt === null;
}

/** A device that the restored database does not know is unknown until its next report was read. */
/** What only reads may be asked again until somebody answers, however busy the machine is. */
async function untilAnswered<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof CorralUnreachable)) throw error;
      await pause(LOOK_EVERY_MS);
    }
  }
}

function ignoreRefusal(error: unknown): null {
  if (error instanceof CorralRefusal) return null;
  throw error;
}
