/**
 * Waits for something, but not for ever.
 */
import type { Clock } from '../runtime/ports.ts';

/** The result of `work`, or of `late` when `work` has not settled after `limitMs`; what it does after that is not waited for. */
export async function withDeadline<T>(options: {
  readonly clock: Clock;
  readonly limitMs: number;
  readonly work: Promise<T>;
  readonly late: () => T;
}): Promise<T> {
  const { clock, limitMs, work, late } = options;
  let cancel = (): void => undefined;
  const deadline = new Promise<T>((resolve, reject) => {
    cancel = clock.after(limitMs, () => {
      try {
        resolve(late());
      } catch (error) {
        reject(error instanceof Error ? error : new Error(String(error)));
      }
    });
  });
  try {
    return await Promise.race([work, deadline]);
  } finally {
    cancel();
  }
}
