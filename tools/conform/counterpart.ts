/**
 * The server's side, as one device sees it: commands with their numbers, epochs and deadlines, and the reports that answer
 * them. It does what a twin does, and, where a rule is about that, what a twin that is late, deposed or confused would do.
 */
import { type Command, EPOCH_MAX } from '../../machines/command.ts';
import { comparePositions, type Report, type ReportPosition, type RingEntry } from '../../machines/report.ts';
import { encode } from '../../src/wire/codec.ts';
import { type Bench, ringName } from './bench.ts';
import type { TrialLimits } from './limits.ts';
import { Broken, NotSeen } from './finding.ts';

/** A command that was sent. */
export interface Sent {
  readonly command: Command;
  /** When, ms on the bench's clock. */
  readonly at: number;
}

/** What the device said to a command. */
export interface Reply {
  readonly entry: RingEntry;
  /** The first report that named it. */
  readonly report: Report;
  /** When that was heard, ms on the bench's clock. */
  readonly at: number;
}

/** Between sending a `report` and hearing its answer, the device's uptime was `up`. */
export interface RoundTrip {
  readonly boot: number;
  readonly up: number;
  readonly sentAt: number;
  readonly heardAt: number;
}

/** A command that changes nothing is tried with doubled numbers so often, before the device is given up. */
const FOOTING_ATTEMPTS_MAX = 100;

/**
 * See the head of this file.
 *
 * Invariant:
 * I1  `epoch` is the highest that any command bore which a device may believe: whatever becomes of that command, the device
 *     knows it now, and a lower one would speak as a deposed server by mistake.
 */
export class Counterpart {
  readonly sent: Sent[] = [];
  readonly roundTrips: RoundTrip[] = [];
  readonly #bench: Bench;
  readonly #limits: TrialLimits;
  #lastN = 0;
  #epoch = 1;

  constructor(bench: Bench, limits: TrialLimits) {
    this.#bench = bench;
    this.#limits = limits;
  }

  /** By what right the kit speaks now. */
  get epoch(): number {
    return this.#epoch;
  }

  /** Speaks with a higher epoch from now on, as another server that takes over; returns the deposed one. */
  takeOver(): number {
    const deposed = this.#epoch;
    this.#epoch += 1;
    return deposed;
  }

  /**
   * Finds numbers the device accepts: it may remember commands and epochs of before. Nothing in a report says which, so
   * `report` is sent with doubled numbers until it is done.
   */
  async findFooting(): Promise<void> {
    this.#lastN = this.#highestNamed();
    for (let attempt = 0; attempt < FOOTING_ATTEMPTS_MAX; attempt += 1) {
      const { entry } = await this.report();
      if (entry.outcome === 'done') return;
      if (entry.reason === 'stale-epoch') this.#epoch *= 2;
      else if (entry.reason === 'superseded') this.#lastN = Math.max(this.#highestNamed(), this.#lastN * 2);
      else throw new Broken(`\`report\` was answered ${entryName(entry)}, and it is never refused for that`);
    }
    throw new Broken(
      `\`report\` was refused ${String(FOOTING_ATTEMPTS_MAX)} times with ever higher numbers, at last with n ${String(this.#lastN)} and epoch ${String(this.#epoch)}`,
    );
  }

  /** The next command number. Taking one without sending it leaves a gap, as a lost command does. */
  takeN(): number {
    this.#lastN += 1;
    return this.#lastN;
  }

  /** A command, complete with what is not given: the next number, the present epoch, and a deadline the device can keep. */
  command(given: Partial<Command> & Pick<Command, 'name'>): Command {
    const n = given.n ?? this.takeN();
    const deadline = given.name === 'report' ? {} : this.deadline(this.#limits.startWindowMs);
    return { n, epoch: this.#epoch, id: `conform-${String(n)}`, args: {}, ...deadline, ...given };
  }

  /** Start in the device's present boot, at most `windowMs` from now. */
  deadline(windowMs: number): { readonly boot: number; readonly notAfterUp: number } {
    const { boot } = this.#newest();
    return { boot, notAfterUp: Math.floor(this.upNow() + windowMs) };
  }

  /** The device's uptime is at least this now, ms. */
  upNow(): number {
    return this.#newest().up + (this.#bench.now() - this.#bench.newestAt);
  }

  /** Sends a command in the encoding of the device's newest report; `extra` fields go along. */
  send(command: Command, extra: Readonly<Record<string, unknown>> = {}): Sent {
    const sent = { command, at: this.#bench.now() };
    this.sent.push(sent);
    if (command.epoch <= EPOCH_MAX) this.#epoch = Math.max(this.#epoch, command.epoch);
    this.#bench.send(encode({ ...command, ...extra }, this.#bench.encoding));
    return sent;
  }

  /**
   * Sends a command and waits for its answer: the first report measured since that names it. Throws `NotSeen` when none
   * comes in time.
   */
  async ask(command: Command, extra: Readonly<Record<string, unknown>> = {}): Promise<Reply> {
    const before = this.#bench.newest;
    const mark = this.#bench.publishes.length;
    const sent = this.send(command, extra);
    const reply = await this.#bench.until(() => this.#replyTo(command.n, mark, before), {
      withinMs: this.#limits.answerMs,
      what: `no report that names n ${String(command.n)} (\`${command.name}\`) came`,
    });
    if (command.name === 'report' && before !== null) this.#noteRoundTrip(sent, reply);
    return reply;
  }

  /** Sends `report` and waits for the answer. */
  report(given: Partial<Command> = {}): Promise<Reply> {
    return this.ask(this.command({ name: 'report', ...given }));
  }

  /** Sends a command again and again until the device, which may be connecting, answers. Throws `NotSeen` after a while. */
  async askWhenBack(command: Command): Promise<Reply> {
    const giveUpAt = this.#bench.now() + this.#limits.patienceMs;
    for (;;) {
      if (!this.#bench.isConnected()) {
        await this.#bench.listen(this.#limits.stepMs);
        continue;
      }
      try {
        return await this.ask(command);
      } catch (error) {
        if (!(error instanceof NotSeen) || this.#bench.now() > giveUpAt) throw error;
      }
    }
  }

  /** Asks for a report until the device's uptime allows to name a moment before it. */
  async reportWithPast(): Promise<Report> {
    const { report } = await this.report();
    if (report.up > 1) return report;
    await this.#bench.listen(this.#limits.stepMs);
    return (await this.report()).report;
  }

  /** What the first report of publish `mark` or later says of `n`, if it was measured after `before`. */
  #replyTo(n: number, mark: number, before: ReportPosition | null): Reply | null {
    for (const { reports, at } of this.#bench.publishes.slice(mark)) {
      for (const report of reports) {
        if (before !== null && comparePositions(report, before) <= 0) continue;
        const entry = report.commands?.find((named) => named.n === n);
        if (entry !== undefined) return { entry, report, at };
      }
    }
    return null;
  }

  #noteRoundTrip(sent: Sent, reply: Reply): void {
    const { boot, up } = reply.report;
    this.roundTrips.push({ boot, up, sentAt: sent.at, heardAt: reply.at });
  }

  #highestNamed(): number {
    const named = this.#bench.publishes.flatMap(({ reports }) =>
      reports.flatMap(({ commands }) => (commands ?? []).map(({ n }) => n)),
    );
    return Math.max(this.#lastN, 0, ...named);
  }

  #newest(): Report {
    const { newest } = this.#bench;
    if (newest === null) throw new NotSeen('no report that could be read came');
    return newest;
  }
}

/** An outcome, for people: `rejected busy`. */
export function entryName({ outcome, reason }: RingEntry): string {
  return reason === undefined ? outcome : `${outcome} ${reason}`;
}

/** Throws {@link Broken} unless the command was refused, for `reason` where one is given. */
export function mustBeRejected(command: Command, { entry, report }: Reply, reason?: string): void {
  const isRight = entry.outcome === 'rejected' && (reason === undefined || entry.reason === reason);
  const expected = reason === undefined ? 'rejected' : `rejected ${reason}`;
  if (!isRight) {
    throw new Broken(
      `\`${command.name}\` with n ${String(command.n)} became ${entryName(entry)}, not ${expected}`,
    );
  }
  if (report.hold?.id === command.id) {
    throw new Broken(`n ${String(command.n)} was answered ${entryName(entry)}, and yet its hold is shown`);
  }
}

/** Throws {@link Broken} unless the command is named done. */
export function mustBeDone(command: Command, { entry, report }: Reply): void {
  if (entry.outcome === 'done') return;
  throw new Broken(
    `\`${command.name}\` with n ${String(command.n)} became ${entryName(entry)}, not done; its ring: ${ringName(report)}`,
  );
}
