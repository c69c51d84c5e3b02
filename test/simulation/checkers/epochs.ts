import { PARTITIONS } from '../../../src/wire/partition.ts';
import type { Committed, HubLoss } from '../record.ts';
import { type Checker, type Flaw, short, storeLives } from './checker.ts';

/** Of two nodes that both believe to be the owner only the later one acts. */
export const epochs: Checker = {
  name: 'epochs',
  sentence:
    'the store takes batches in order and under epochs that only grow, and a device obeys no epoch lower than one it knows',
  check: (evidence) => {
    const { record } = evidence;
    const tails = record.hubLosses.flatMap(tailOf);
    const flaws = storeLives(evidence).flatMap((life) => outOfOrder(life, tails));
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

/** The end of what a stream of reports was left with when the hub lost its tail. */
interface Tail {
  readonly at: number;
  readonly end: number;
}

/** There is one stream of reports. */
function tailOf({ at, reports }: HubLoss): readonly Tail[] {
  const [first] = reports;
  return first === undefined ? [] : [{ at, end: first.sequence - 1 }];
}

/** A position, and how many of the tails that the hub has lost it has gone back for. */
interface Stand {
  readonly position: number;
  readonly tails: number;
}

/** Where a partition stands in a stream then; `null` where it may not stand there: for each lost tail it goes back once, to behind its end. */
function standAfter(
  before: Stand | undefined,
  { position, at }: { readonly position: number; readonly at: number },
  tails: readonly Tail[],
): Stand | null {
  if (before === undefined || position >= before.position) return { position, tails: before?.tails ?? 0 };
  const lost = tails.filter((tail) => tail.at <= at);
  const isBack = lost.slice(before.tails).some(({ end }) => position >= end && before.position > end);
  return isBack ? { position, tails: lost.length } : null;
}

function outOfOrder(commits: readonly Committed[], tails: readonly Tail[]): Flaw[] {
  const flaws: Flaw[] = [];
  const last = Array.from({ length: PARTITIONS }, () => ({ epoch: 0, batch: 0, journal: 0 }));
  const stands = Array.from({ length: PARTITIONS }, () => new Map<string, Stand>());
  for (const { at, commit, node } of commits) {
    for (const { partition, epoch, afterBatch, positions: moved, journal } of commit.partitions) {
      const before = last[partition]!;
      const ofStreams = stands[partition]!;
      const next = moved.map(({ stream, position }) =>
        standAfter(ofStreams.get(stream), { position, at }, tails),
      );
      const isInOrder =
        epoch >= before.epoch &&
        afterBatch === before.batch &&
        !next.includes(null) &&
        journal >= before.journal;
      if (!isInOrder) {
        const text = `${node} commits ${JSON.stringify({ partition, epoch, afterBatch, moved, journal })} after ${JSON.stringify(before)}`;
        flaws.push({ at, device: null, text });
      }
      last[partition] = { epoch, batch: afterBatch + 1, journal };
      for (const [index, { stream, position }] of moved.entries())
        ofStreams.set(stream, next[index] ?? { position, tails: tails.length });
    }
  }
  return flaws;
}
