import type { StreamPosition } from '../../../src/runtime/ports.ts';
import { PARTITIONS } from '../../../src/wire/partition.ts';
import type { Committed, HubLoss } from '../record.ts';
import type { Evidence } from '../world/evidence.ts';
import { type Checker, type Flaw, isCutTold, ROUNDING_MS, short, storeLives } from './checker.ts';

/** Of two nodes that both believe to be the owner only the later one acts. */
export const epochs: Checker = {
  name: 'epochs',
  sentence:
    'the store takes batches in order and under epochs that only grow, and a device obeys no epoch lower than one it knows',
  check: (evidence) => {
    const { record } = evidence;
    const tails = record.hubLosses.flatMap((loss) => tailOf(evidence, loss));
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

/** What a stream of reports lost when the hub lost its tail. */
interface Tail {
  readonly at: number;
  /** The end of what it was left with. */
  readonly end: number;
  /** How far back a partition may go for it. */
  readonly from: number;
  /** When each of the messages that it lost was stored, as the hub told, by sequence. */
  readonly lost: ReadonlyMap<number, number>;
}

/** There is one stream of reports. */
function tailOf(evidence: Evidence, { at, reports }: HubLoss): readonly Tail[] {
  const [first] = reports;
  if (first === undefined) return [];
  const lost = new Map(reports.map(({ sequence, storedAt }) => [sequence, storedAt]));
  const end = first.sequence - 1;
  return [{ at, end, from: isCutTold(evidence, at) ? end : 0, lost }];
}

/** A position and the message in which it stands, where that is known, and how many of the tails that the hub has lost it has gone back for. */
interface Stand {
  readonly position: number;
  readonly storedAt: number | undefined;
  readonly tails: number;
}

/**
 * Where a partition stands in a stream then; `null` where it may not stand there. For each lost tail it goes back once, to behind its end; and
 * whenever it stands in a message that is lost: one that was read before may be decided when the partition has gone back already, for an
 * earlier tail, and its owner still has to hear of a later one.
 */
function standAfter(
  before: Stand | undefined,
  { position, storedAt, at }: Pick<StreamPosition, 'position' | 'storedAt'> & { readonly at: number },
  tails: readonly Tail[],
): Stand | null {
  if (before === undefined || position >= before.position)
    return { position, storedAt, tails: before?.tails ?? 0 };
  const lost = tails.filter((tail) => tail.at <= at);
  const isBack = lost.some(
    (tail, index) =>
      position >= tail.from &&
      (isLostWith(tail, before) || (index >= before.tails && before.position > tail.end)),
  );
  return isBack ? { position, storedAt, tails: lost.length } : null;
}

/** Whether the message in which it stands is known to be one that went with the tail. */
function isLostWith({ lost }: Tail, { position, storedAt = NaN }: Stand): boolean {
  return Math.abs((lost.get(position) ?? NaN) - storedAt) <= ROUNDING_MS;
}

function outOfOrder(commits: readonly Committed[], tails: readonly Tail[]): Flaw[] {
  const flaws: Flaw[] = [];
  const last = Array.from({ length: PARTITIONS }, () => ({ epoch: 0, batch: 0, journal: 0 }));
  const stands = Array.from({ length: PARTITIONS }, () => new Map<string, Stand>());
  for (const { at, commit, node } of commits) {
    for (const { partition, epoch, afterBatch, positions: moved, journal } of commit.partitions) {
      const before = last[partition]!;
      const ofStreams = stands[partition]!;
      const next = moved.map(({ stream, ...to }) => standAfter(ofStreams.get(stream), { ...to, at }, tails));
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
      for (const [index, { stream, position, storedAt }] of moved.entries())
        ofStreams.set(stream, next[index] ?? { position, storedAt, tails: tails.length });
    }
  }
  return flaws;
}
