import { PARTITIONS } from '../../../src/wire/partition.ts';
import type { Committed } from '../record.ts';
import { type Checker, type Flaw, short, storeLives } from './checker.ts';

/** Of two nodes that both believe to be the owner only the later one acts. */
export const epochs: Checker = {
  name: 'epochs',
  sentence:
    'the store takes batches in order and under epochs that only grow, and a device obeys no epoch lower than one it knows',
  check: (evidence) => {
    const { record } = evidence;
    const flaws = storeLives(evidence).flatMap((life) => outOfOrder(life, record.hubLosses.length > 0));
    const highest = new Map<string, number>();
    for (const { device, life, boot, at, command, became } of record.receptions) {
      const key = `${device} ${life} ${boot}`;
      const known = highest.get(key) ?? 0;
      highest.set(key, Math.max(known, command.epoch));
      if (command.epoch >= known || (became !== 'done' && became !== 'begun')) continue;
      const text = `it obeys ${command.name} ${short(command.id)} under epoch ${command.epoch}, and knew epoch ${known}`;
      flaws.push({ at, device, text });
    }
    return flaws;
  },
};

/** Positions go back where the hub has lost the tail of a stream. */
function outOfOrder(commits: readonly Committed[], hasHubLost: boolean): Flaw[] {
  const flaws: Flaw[] = [];
  const last = Array.from({ length: PARTITIONS }, () => ({ epoch: 0, batch: 0, journal: 0 }));
  const positions = Array.from({ length: PARTITIONS }, () => new Map<string, number>());
  for (const { at, commit, node } of commits) {
    for (const { partition, epoch, afterBatch, positions: moved, journal } of commit.partitions) {
      const before = last[partition]!;
      const isInOrder =
        epoch >= before.epoch &&
        afterBatch === before.batch &&
        (hasHubLost ||
          moved.every(({ stream, position }) => position >= (positions[partition]!.get(stream) ?? 0))) &&
        journal >= before.journal;
      if (!isInOrder) {
        const text = `${node} commits ${JSON.stringify({ partition, epoch, afterBatch, moved, journal })} after ${JSON.stringify(before)}`;
        flaws.push({ at, device: null, text });
      }
      last[partition] = { epoch, batch: afterBatch + 1, journal };
      for (const { stream, position } of moved) positions[partition]!.set(stream, position);
    }
  }
  return flaws;
}
