/**
 * Publishes what the partitions' last owner had committed and may not have published: the journal after `published`.
 */
import type { Twin } from '../../actors/twin.ts';
import { deviceOf } from './journal-entry.ts';
import type { PartitionState } from './partition-state.ts';
import type { Store } from './ports.ts';
import type { Publisher } from './publisher.ts';

/** Journal lines read at once. */
const PAGE = 1_000;

/** Hands the unconfirmed lines of all partitions to the publisher, in order. A line goes out with its twin as it is now. */
export async function republish(options: {
  readonly store: Store;
  readonly partitions: ReadonlyMap<number, PartitionState>;
  readonly publisher: Publisher;
}): Promise<void> {
  for (const state of options.partitions.values()) {
    for (let after = state.published; after < state.journal;) {
      const lines = await options.store.journalAfter(state.partition, after, PAGE);
      const last = lines.at(-1);
      if (last === undefined) break;
      after = last.no;
      options.publisher.publish(
        lines.map((entry) => {
          const isOfTwin = entry.type === 'transition' || entry.type === 'outcome';
          return {
            journalEntry: entry,
            twin: isOfTwin ? twinOf(state, deviceOf(entry)) : null,
            commandId: null,
          };
        }),
      );
      await options.publisher.room();
    }
  }
}

/** A twin that broke in the store has no document: its line goes out without. */
function twinOf({ twins }: PartitionState, device: string): Twin | null {
  try {
    return twins.get(device) ?? null;
  } catch {
    return null;
  }
}
