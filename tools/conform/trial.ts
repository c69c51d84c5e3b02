/**
 * One trial of one device: the bench, the server's side, and what rules share. An exercise that several rules look at
 * is done once.
 *
 * Invariant:
 * I1  what the kit may have made the device hold it releases before it begins anything that needs a free device, whatever
 *     the device shows: one that shows no hold is not free for that.
 */
import { type Command, DEVICE_REFUSALS } from '../../machines/command.ts';
import type { Report } from '../../machines/report.ts';
import type { Bench } from './bench.ts';
import { type Counterpart, entryName, mustBeDone, type Reply } from './counterpart.ts';
import { Broken, isFinding, NotJudged, NotSeen, NotTestable } from './finding.ts';
import type { Level } from './level.ts';
import type { TrialLimits } from './limits.ts';
import type { Publish } from './publish.ts';
import type { RuleNeed } from './rule-need.ts';

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
  readonly level: Level;
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
  #mayHold = false;

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

  /** Why something of the bench that a rule needs is not there, or `null`. */
  lacks(need: RuleNeed): string | null {
    switch (need) {
      case 'restart':
        return this.#parts.restart === null
          ? 'the kit cannot restart the device: say how with --reboot-command'
          : null;
      case 'own-server':
        return this.#parts.ownServer === null
          ? 'the server is not the kit’s to stop: let it serve one with --serve'
          : null;
      case 'heartbeat':
        return this.limits.heartbeatMs === null
          ? 'the kit does not know how often the device reports when nothing happens: say it with --heartbeat'
          : null;
    }
  }

  /** Restarts the device. */
  async restart(): Promise<void> {
    if (this.#parts.restart === null) throw new Error('a rule that restarts the device needs a way to do so');
    this.bench.noteInterruption();
    await this.#parts.restart();
  }

  /** The server that may be stopped. */
  get ownServer(): OwnServer {
    if (this.#parts.ownServer === null) throw new Error('a rule that stops the server needs one of its own');
    return this.#parts.ownServer;
  }

  /** True when the device answers `report`. A `sensor` is not asked. */
  async answers(): Promise<boolean> {
    return this.#parts.level !== 'sensor' && (await this.once(footing)) === null;
  }

  /** Throws {@link NotJudged} where something was heard, and nothing of it can be read. */
  mustBeReadable(): void {
    const { newest, publishes } = this.bench;
    const problem = newest === null ? publishes.flatMap(({ problems }) => problems)[0] : undefined;
    if (problem !== undefined) throw new NotJudged(`\`readable\` is broken: ${problem}`);
  }

  /** Throws {@link NotJudged} where an earlier rule has left the device deaf. */
  async mustObey(): Promise<void> {
    const command = this.server.command({ name: 'report' });
    try {
      mustBeDone(command, await this.server.ask(command));
    } catch (error) {
      if (!(error instanceof Broken || error instanceof NotSeen)) throw error;
      throw new NotJudged(`the device obeyed no command any more: ${error.message}`);
    }
  }

  /** Makes the device publish something; one that takes no commands does so by itself. */
  async provoke(): Promise<void> {
    this.mustBeReadable();
    if (await this.answers()) this.server.send(this.server.command({ name: 'report' }));
  }

  /**
   * Waits for what the device publishes when it is provoked. A sensor that does not publish in time breaks the rule; of any other
   * device that does not answer nothing can be said.
   */
  async published<T>(find: () => T | null, what: string): Promise<T> {
    const answers = await this.answers();
    const { answerMs, patienceMs } = this.limits;
    try {
      return await this.bench.until(find, { withinMs: answers ? answerMs : patienceMs, what });
    } catch (error) {
      if (answers || this.#parts.level === 'sensor' || !(error instanceof NotSeen)) throw error;
      throw new NotJudged('`report-answered` is broken');
    }
  }

  /** Lets go of whatever the device holds. Throws {@link NotJudged} when it does not. */
  async freeDevice(): Promise<void> {
    const { newest } = this.bench;
    if (!this.#mayHold && (newest === null || isFree(newest))) return;
    if (!(await this.answers())) return;
    const { entry, report } = await this.server.ask(this.server.command({ name: 'release' }));
    if (report.hold !== undefined && report.hold !== null) {
      throw new NotJudged(
        `the device holds itself for ${report.hold.id}, and \`release\` was answered ${entryName(entry)}`,
      );
    }
    this.#mayHold = false;
  }

  /** A `reserve` that nothing forbids. */
  reserveCommand(given: Partial<Command> = {}): Command {
    this.#mayHold = true;
    return this.server.command({ name: 'reserve', holdMs: this.limits.holdMs, ...given });
  }

  /** Reserves the device, for a rule about something else: throws {@link NotJudged} where it does not let itself be reserved. */
  async reserve(given: Partial<Command> = {}): Promise<{ readonly command: Command; readonly reply: Reply }> {
    await this.once(reserveAndRelease);
    await this.freeDevice();
    const command = this.reserveCommand(given);
    const reply = await this.server.ask(command);
    if (reply.entry.outcome !== 'done')
      throw new NotJudged(`\`reserve\`, with which it begins, was answered ${entryName(reply.entry)}`);
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

/**
 * Has the device execute `reserve` and `release`. Throws `Broken` where it says that the commands are at fault, and
 * {@link NotTestable} where it says that it is: then no rule that needs a reservation can be tested with it.
 */
export async function reserveAndRelease(trial: Trial): Promise<string> {
  await trial.freeDevice();
  const reserve = trial.reserveCommand();
  const reply = await trial.server.ask(reserve);
  if (reply.entry.outcome === 'rejected' && !isEnvelopeReason(reply.entry.reason))
    throw new NotTestable(`\`reserve\` was answered ${entryName(reply.entry)}`);
  mustBeDone(reserve, reply);
  const release = trial.server.command({ name: 'release' });
  mustBeDone(release, await trial.server.ask(release));
  return `n ${String(reserve.n)} and ${String(release.n)} are named done`;
}

/** Reasons to refuse that say something of the command's envelope: a command that is in order gets none of them. */
const ENVELOPE_REASONS: readonly string[] = [
  ...DEVICE_REFUSALS.filter((reason) => reason !== 'busy'),
  'no-deadline',
];

function isEnvelopeReason(reason: string | undefined): boolean {
  return reason !== undefined && ENVELOPE_REASONS.includes(reason);
}

/** True when the report shows no hold. */
export function isFree({ hold }: Report): boolean {
  return hold === undefined || hold === null;
}

/** Throws {@link NotJudged} for a publish that nobody could have answered. */
export function mustAskForAck({ index, asksForAck }: Publish): void {
  if (!asksForAck)
    throw new NotJudged(`\`asks-for-ack\` is broken: publish ${String(index + 1)} has no reply subject`);
}
