/**
 * The change feed on the hub in memory.
 */
import type { ChangeFeed, ChangeSink } from '../runtime/ports.ts';
import { parseChangeSubject } from '../wire/subjects.ts';
import type { MemoryHub } from './hub.ts';

/** How many changes are delivered at once, at most. */
const BATCH = 100;

/** Follows the changes of a hub. */
export class MemoryChangeFeed implements ChangeFeed {
  readonly #hub: MemoryHub;

  constructor(hub: MemoryHub) {
    this.#hub = hub;
  }

  async lastSequence(): Promise<number> {
    return this.#hub.changes.lastSequence;
  }

  async open(options: {
    readonly after: number;
    readonly device: string | null;
    readonly sink: ChangeSink;
  }): Promise<{ stop(): Promise<void> }> {
    const { device, sink } = options;
    const { changes } = this.#hub;
    let next = options.after + 1;
    let isStopped = false;
    let reading: Promise<void> | null = null;
    const readOn = async (): Promise<void> => {
      while (!isStopped && (isAhead() || isBehind())) {
        skipLost();
        const batch = changes.messages
          .slice(next - changes.firstSequence, next - changes.firstSequence + BATCH)
          .map(({ sequence, subject, payload }) => ({
            sequence,
            payload,
            what: parseChangeSubject(subject),
          }));
        next = (batch.at(-1)?.sequence ?? next - 1) + 1;
        const wanted = batch.flatMap(({ what, sequence, payload }) =>
          what !== null && (device === null || what.device === device)
            ? [{ ...what, sequence, payload: payload.slice() }]
            : [],
        );
        if (wanted.length > 0) await sink.deliver(wanted);
      }
    };
    /** The stream was made anew: it ends before what was read. */
    const isAhead = (): boolean => next > changes.lastSequence + 1;
    const isBehind = (): boolean => next <= changes.lastSequence;
    const skipLost = (): void => {
      if (!isAhead() && next >= changes.firstSequence) return;
      sink.gone({ from: next, to: changes.firstSequence - 1 });
      next = changes.firstSequence;
    };
    const read = (): void => {
      reading ??= Promise.resolve()
        .then(readOn)
        .catch((cause: unknown) => {
          const wasStopped = isStopped;
          isStopped = true;
          unlisten();
          if (!wasStopped) sink.ended(cause);
        })
        .finally(() => (reading = null));
    };
    const unlisten = changes.onAppend(read);
    sink.hearing(true);
    read();
    return {
      stop: async () => {
        isStopped = true;
        unlisten();
        await reading;
      },
    };
  }
}
