/**
 * A body that may fail: one that throws, or takes longer than `AgentLimits.actMs`, has not said what became of a command. Then
 * that is not known, and nobody waits for it.
 */
import type { Command } from '../../machines/command.ts';
import type { AgentListener } from './agent-event.ts';
import type { AgentLimits } from './limits.ts';
import type { ActResult, DeviceBody, DeviceClock } from './ports.ts';

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

  /** Has a command executed; the outcome is `unknown` where the body fails. */
  act(command: Command): Promise<ActResult> {
    return this.#answer<ActResult>(command, (body) => body.act(command), {
      thrown: { outcome: 'unknown', reason: 'fault' },
      late: { outcome: 'unknown', reason: 'no-answer' },
    });
  }

  /** Whether a command that was begun before a restart was executed; `null` also where the body fails. */
  wasExecuted(command: Command): Promise<boolean | null> {
    return this.#answer(command, (body) => body.wasExecuted(command), { thrown: null, late: null });
  }

  #answer<T>(
    command: Command,
    ask: (body: DeviceBody) => Promise<T>,
    failed: { readonly thrown: T; readonly late: T },
  ): Promise<T> {
    const { body, clock, limits, tell } = this.#options;
    const asking = async (): Promise<T> => {
      try {
        return await ask(body);
      } catch (error) {
        tell({ type: 'body-failed', command, error });
        return failed.thrown;
      }
    };
    return within(clock, limits.actMs, asking(), failed.late);
  }
}

/** What the promise resolves to, or `late` after `limitMs`. */
function within<T>(clock: DeviceClock, limitMs: number, promise: Promise<T>, late: T): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(limitMs, () => resolve(late));
    promise.finally(cancel).then(resolve, reject);
  });
}
