/** Bugs planted in adapters of the hub and of the database that worlds run behind their lowest ports. */
import type { Mutation } from './mutation.ts';

export const adapterMutations: readonly Mutation[] = [
  {
    bug: 'a node that lost its partitions takes a later commit of others for its own',
    file: 'src/postgres/inquiry.ts',
    find: 'if (lease?.epoch !== epoch) continue;',
    put: 'void epoch; if (lease === undefined) continue;',
    caughtBy: 'publication',
    seed: 1,
  },
  {
    bug: 'a commit that was not written is found to be',
    file: 'src/postgres/inquiry.ts',
    find: 'if (lease.batch <= afterBatch)',
    put: 'if (lease.batch < afterBatch)',
    caughtBy: 'publication',
    seed: 1,
  },
];
