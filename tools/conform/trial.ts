/**
 * One trial of one device: the bench, the server's side, and what rules share. An exercise that several rules look at
 * is done once.
 */
import type { Command } from '../../machines/command.ts';
import type { Bench } from './bench.ts';
import { type Counterpart, entryName, mustBeDone, type Reply } from './counterpart.ts';
import type { TrialLimits } from './limits.ts';
import type { RuleNeed } from './rule-need.ts';
import { isFinding, NotTestable } from './finding.ts';

/** A server that is the kit's to stop and start. */
export interface OwnServer {
  readonly stop: () => Promise<void>;
  readonly start: () => Promise<void>;
}

/** The parts of a trial. */
export interface TrialParts {
  readonly bench: Bench;
  readonly server: Counterpart;
  readonly limits: TrialLimits;
  /** Restarts the device as a power cut would; resolves when that is under way. `null`: nobody can. */
  readonly restart: (() => Promise<void>) | null;
  readonly ownServer: OwnServer | null;
}

/** See the head of this file. */
export class Trial {
  readonly bench: Bench;
  readonly server: Counterpart;
  readonly limits: TrialLimits;
  readonly #parts: TrialParts;
  readonly #done = new Map<unknown, Promise<unknown>>();

  constructor(parts: TrialParts) {
    this.#parts = parts;
    this.bench = parts.bench;
    this.server = parts.server;
    this.limits = parts.limits;
  }

  /** Does an exercise, unless it was done before: then its result, or its error, is that of then. */
  once<T>(exercise: (trial: Trial) => Promise<T>): Promise<T> {
    const known = this.#done.get(exercise) as Promise<T> | undefined;
    if (known !== undefined) return known;
    const result = exercise(this);
    this.#done.set(exercise, result);
    return result;
  }

  /** Restarts the device. */
  async restart(): Promise<void> {
    if (this.#parts.restart === null) throw new Error('a rule that restarts the device needs a way to do so');
    await this.#parts.restart();
  }

  /** The server that may be stopped. */
  get ownServer(): OwnServer {
    if (this.#parts.ownServer === null) throw new Error('a rule that stops the server needs one of its own');
    return this.#parts.ownServer;
  }

  /** Why something a rule needs is not there, or `null`. */
  async lacks(need: RuleNeed): Promise<string | null> {
    switch (need) {
      case 'answers':
        return (await this.once(footing)) === null ? null : 'the device does not answer `report`';
      case 'holds':
        return this.once(holdsProblem);
      case 'restart':
        return this.#parts.restart === null
          ? 'the kit cannot restart the device: say how with --reboot-command'
          : null;
      case 'own-server':
        return this.#parts.ownServer === null
          ? 'the server is not the kit’s to stop: let it serve one with --serve'
          : null;
    }
  }

  /** Lets go of whatever the device holds. Throws {@link NotTestable} when it does not. */
  async freeDevice(): Promise<void> {
    const { newest } = this.bench;
    if (newest?.hold === undefined || newest.hold === null) return;
    const { entry, report } = await this.server.ask(this.server.command({ name: 'release' }));
    if (report.hold === undefined || report.hold === null) return;
    throw new NotTestable(
      `the device holds itself for ${report.hold.id}, and \`release\` was answered ${entryName(entry)}`,
    );
  }

  /** A `reserve` that nothing forbids. */
  reserveCommand(given: Partial<Command> = {}): Command {
    return this.server.command({ name: 'reserve', holdMs: this.limits.holdMs, ...given });
  }

  /** Reserves the device; it must do so. */
  async reserve(given: Partial<Command> = {}): Promise<{ readonly command: Command; readonly reply: Reply }> {
    await this.freeDevice();
    const command = this.reserveCommand(given);
    const reply = await this.server.ask(command);
    mustBeDone(command, reply);
    return { command, reply };
  }
}

/** Finds the numbers the device accepts; resolves with why it has not answered, or `null`. */
export async function footing({ bench, server, limits }: Trial): Promise<Error | null> {
  try {
    await bench.until(() => bench.newest, {
      withinMs: limits.answerMs,
      what: 'no report that can be read came',
    });
    await server.findFooting();
    return null;
  } catch (error) {
    if (isFinding(error)) return error;
    throw error;
  }
}

/** Why the device cannot be reserved now, or `null`. */
async function holdsProblem(trial: Trial): Promise<string | null> {
  try {
    await trial.reserve();
    await trial.freeDevice();
    return null;
  } catch (error) {
    if (isFinding(error)) return `the device cannot be reserved: ${error.message}`;
    throw error;
  }
}
