import { PARTITIONS } from '../../../src/wire/partition.ts';
import type { Checker } from '../../simulation/checkers/checker.ts';
import { NODES } from '../trouble.ts';
import type { StormEvidence } from '../evidence.ts';

/** No partition is lost. */
export const leases: Checker<StormEvidence> = {
  name: 'leases',
  sentence: 'once nothing is wrong any more each partition belongs to one of the nodes',
  check: ({ owners, endedAt }) => {
    const held = owners.filter((owner) => (NODES as readonly (string | null)[]).includes(owner)).length;
    if (held === PARTITIONS) return [];
    return [{ at: endedAt, device: null, text: `${held} of ${PARTITIONS} partitions are held` }];
  },
};
