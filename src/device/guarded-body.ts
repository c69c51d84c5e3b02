/**
 * A body that may fail: one that throws, or takes longer than `AgentLimits.actMs`, has not said what became of a command. Then
 * nobody waits for it: the command is undecided, and what the body says late amends that.
 */
import type { Command } from '../../machines/command.ts';
import type { AgentListener } from './agent-event.ts';
import type { AgentLimits } from './limits.ts';
import type { ActMoment, ActResult, DeviceBody, DeviceClock, Shown } from './ports.ts';

/** The parts of a guarded body. */
export interface GuardedBodyOptions {
  readonly body: DeviceBody;
  readonly clock: DeviceClock;
  readonly limits: AgentLimits;
  /** Hears of what the body throws. */
  readonly tell: AgentListener;
}

/** See the head of this file. */
export class GuardedBody {
  readonly #options: GuardedBodyOptions;

  constructor(options: GuardedBodyOptions) {
    this.#options = options;
  }

  /** Has a command executed; it is undecided where the body fails. What it says after its time is up goes to `late`. */
  act(command: Command, moment: ActMoment, late: (result: ActResult) => void): Promise<ActResult> {
    return this.#execute(command, (body) => body.act(command, moment), late);
  }

  /** Has the device behind the body asked to start anew; as `act`. `done` where nothing has to be asked. */
  reset(command: Command, moment: ActMoment, late: (result: ActResult) => void): Promise<ActResult> {
    return this.#execute(
      command,
      async (body) => (body.reset === undefined ? { outcome: 'done' } : await body.reset(command, moment)),
      late,
    );
  }

  /** Whether a command that was begun, or undecided, before a restart was executed; `null` also where the body fails. */
  wasExecuted(command: Command): Promise<Shown> {
    const answer = this.#ask<Shown>(command, (body) => body.wasExecuted(command), null);
    return this.#within(answer, null);
  }

  /** Tells the body that a hold has ended. What it throws then changes nothing. */
  holdEnded(id: string): void {
    const { body, tell } = this.#options;
    try {
      body.holdEnded?.(id);
    } catch (error) {
      tell({ type: 'body-failed', command: null, error });
    }
  }

  async #execute(
    command: Command,
    ask: (body: DeviceBody) => Promise<ActResult>,
    late: (result: ActResult) => void,
  ): Promise<ActResult> {
    const answer = this.#ask<ActResult>(command, ask, { outcome: 'undecided', reason: 'fault' });
    const noAnswer: ActResult = { outcome: 'undecided', reason: 'no-answer' };
    const result = await this.#within(answer, noAnswer);
    if (result === noAnswer) void answer.then(late);
    return result;
  }

  /** What the body says, or `thrown` where it throws instead. */
  async #ask<T>(command: Command, ask: (body: DeviceBody) => Promise<T>, thrown: T): Promise<T> {
    const { body, tell } = this.#options;
    try {
      return await ask(body);
    } catch (error) {
      tell({ type: 'body-failed', command, error });
      return thrown;
    }
  }

  /** What the promise resolves to, or `late` when the time of a body is up. */
  #within<T>(promise: Promise<T>, late: T): Promise<T> {
    const { clock, limits } = this.#options;
    return new Promise((resolve, reject) => {
      const cancel = clock.after(limits.actMs, () => resolve(late));
      promise.finally(cancel).then(resolve, reject);
    });
  }
}
