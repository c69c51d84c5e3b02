/**
 * The customers of one charge point, one after the other, as their backend asks for them over NATS: a remote start, and where nobody knows
 * what becomes of it, somebody else who would like the bay. An operator gives up what nobody ever tells.
 *
 * They follow what docs/operations.md says of a restored database: what it has forgotten is not asked for again under its id; they look at
 * the state, and ask under a new one.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { TwinDocument } from '../../actors/document.ts';
import {
  type CommandResult,
  type Corral,
  CorralRefusal,
  CorralUnreachable,
} from '../../src/client/corral.ts';
import type { Chance } from '../simulation/world/chance.ts';

/** A remote start that was asked for. */
export interface AskedStart {
  readonly device: string;
  readonly id: string;
  /** When it was asked for, ms epoch. */
  readonly askedAt: number;
  /** Outcomes, and codes of refusals, that anybody was told, in order. */
  readonly told: string[];
  /** Whether anybody was told that it is in the ledger. */
  isAccepted: boolean;
  /** It was named undecided beyond its `certainAt`. */
  wasUndecided: boolean;
  /** Somebody else asked for the bay then, and was refused as `pending`. */
  wasOtherRefused: boolean;
}

/** What an answer came to. */
type Answer =
  | { readonly type: 'ledger'; readonly result: CommandResult }
  | { readonly type: 'refused'; readonly code: string }
  | { readonly type: 'no-answer' };

/** For how long an answer is waited for: one copy of a request is sent, because the database may be restored before a second one. */
const ONE_COPY = { deadlineMs: 1, waitMs: 2_000 };
/** A question that changes nothing is asked until it is answered, however long the servers are away. */
const PATIENT = { deadlineMs: 300_000 };
/** Between two looks, ms. */
const LOOK_EVERY_MS = 50;
/** An operator does something about what he has seen in doubt for so long, as the station lives it, ms: servers that are away show nothing. */
const OPERATOR_AFTER_MS = 900_000;

/** See the head of this file. */
export class Customers {
  readonly asked: AskedStart[] = [];
  /** What went wrong in between. */
  readonly flaws: string[] = [];
  /** What an operator did, by name. */
  readonly operator: Record<string, number> = {};
  readonly #corral: Corral;
  readonly #device: string;
  readonly #chance: Chance;
  readonly #speed: number;

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
      if (answer.type === 'ledger') start.isAccepted = true;
      start.told.push(answer.type === 'ledger' ? answer.result.outcome : answer.type);
      if (answer.type === 'refused') {
        await pause(LOOK_EVERY_MS);
        continue;
      }
      if (await this.#follow(start)) return;
    }
  }

  /** Resolves when it is known what became of a start; false: it was never accepted, or nobody knows of it any more. */
  async #follow(start: AskedStart): Promise<boolean> {
    for (let seenAt = Infinity; ;) {
      const result = await this.#ledger(start.id);
      if (result === null) {
        start.told.push('unknown-id');
        return start.isAccepted;
      }
      start.isAccepted = true;
      if (start.told.at(-1) !== result.outcome) start.told.push(result.outcome);
      if (result.closedAt !== null) return true;
      if (isUndecided(result)) {
        start.wasUndecided = true;
        seenAt = Math.min(seenAt, Date.now());
        if (!start.wasOtherRefused) await this.#otherCustomer(start);
        if (this.#isLong(seenAt)) await this.#operate('abandon', { command: start.id });
      }
      await pause(LOOK_EVERY_MS);
    }
  }

  /** Somebody else wants the bay while nobody knows whether the first one's start will take effect. */
  async #otherCustomer(start: AskedStart): Promise<void> {
    const answer = await this.#ask('reserve', this.#chance.uuid());
    if (answer.type === 'no-answer') return;
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
      const document = await this.#corral.get(this.#device, PATIENT).catch(ignoreRefusal);
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
        }
      }
      await pause(LOOK_EVERY_MS);
    }
  }

  async #endDoubt({ pending, suspicions }: TwinDocument): Promise<void> {
    const undecided = pending.find((command) => command.undecided === true);
    const forgotten = suspicions.find(({ reason }) => reason === 'forgotten-command');
    const n = / \(n (\d+)\) /.exec(forgotten?.detail ?? '')?.[1];
    if (undecided !== undefined) await this.#operate('abandon', { command: undecided.id });
    else if (n !== undefined) await this.#operate('abandon', { command: n });
    else if (suspicions.length > 0) await this.#operate('clear', {}, suspicions[0]?.reason);
  }

  async #operate(name: string, args: Readonly<Record<string, string>>, of = ''): Promise<void> {
    const what = of === '' ? name : `${name} ${of}`;
    this.operator[what] = (this.operator[what] ?? 0) + 1;
    await this.#ask(name, this.#chance.uuid(), { ...args, reason: 'nobody tells' });
  }

  async #ask(name: string, id: string, args: Readonly<Record<string, unknown>> = {}): Promise<Answer> {
    try {
      const options = { ...ONE_COPY, id, isFirstUse: true, by: 'eva' };
      return { type: 'ledger', result: await this.#corral.command(this.#device, name, args, options) };
    } catch (error) {
      if (error instanceof CorralRefusal) return { type: 'refused', code: error.code };
      if (error instanceof CorralUnreachable) return { type: 'no-answer' };
      throw error;
    }
  }

  /** How a start stands; `null` where the ledger does not know it. */
  async #ledger(id: string): Promise<CommandResult | null> {
    try {
      return await this.#corral.ledger(this.#device, id, PATIENT);
    } catch (error) {
      if (error instanceof CorralRefusal && error.code === 'unknown-id') return null;
      throw error;
    }
  }

  #newStart(): AskedStart {
    const start: AskedStart = {
      ...{ device: this.#device, id: this.#chance.uuid(), askedAt: Date.now(), told: [] },
      ...{ isAccepted: false, wasUndecided: false, wasOtherRefused: false },
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

function isFree({ state, suspicions, pending }: TwinDocument): boolean {
  return state === 'available' && suspicions.length === 0 && pending.length === 0;
}

function isUndecided({ outcome, reason, closedAt }: CommandResult): boolean {
  return outcome === 'unknown' && reason === 'undecided' && closedAt === null;
}

/** A device that the restored database does not know is unknown until its next report was read. */
function ignoreRefusal(error: unknown): null {
  if (error instanceof CorralRefusal) return null;
  throw error;
}
