/**
 * Whether all that a fleet's journal holds was told: the database's number lines against the streams CHANGES and DEADLETTER.
 */
import { jetstream } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import { expect } from 'vitest';
import { LINES_PER_EPOCH } from '../../src/runtime/epoch.ts';
import type { Hub } from '../../tools/dev/hub.ts';
import type { DatabaseEye } from '../contract/database-eye.ts';
import { until } from './node.ts';
import { RawBackend } from '../callers/raw-backend.ts';

/** A line as it was published. */
export interface PublishedLine {
  readonly subject: string;
  readonly partition: number;
  readonly no: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** The streams in which lines are kept, and who may read them. */
const SOURCES = [
  { stream: 'CHANGES', user: 'backend' },
  { stream: 'DEADLETTER', user: 'operator' },
] as const;

/** All lines that a stream holds, in its order. */
export async function linesIn(nats: NatsConnection, stream: string): Promise<readonly PublishedLine[]> {
  const consumer = await jetstream(nats, { checkAPI: false }).consumers.get(stream);
  const { num_pending: pending } = await consumer.info();
  const lines: PublishedLine[] = [];
  if (pending === 0) return lines;
  for await (const message of await consumer.fetch({ max_messages: pending, expires: 10_000 })) {
    const body = message.json<{ readonly partition: number; readonly no: number }>();
    const { partition, no } = body;
    lines.push({ subject: message.subject, partition, no, body: { ...body } });
  }
  return lines;
}

/**
 * Waits until everything in the journal was published, and checks it: in every partition the numbers of an epoch run without
 * a hole, each is in its stream once, and each stream holds them in order. Returns how many lines there are.
 */
export async function expectJournalTold(hub: Hub, eye: DatabaseEye): Promise<number> {
  const readers = await Promise.all(SOURCES.map(({ user }) => RawBackend.connect(hub, user)));
  try {
    const published = async (): Promise<readonly (readonly PublishedLine[])[]> =>
      Promise.all(SOURCES.map(({ stream }, index) => linesIn(readers[index]!.nats, stream)));
    const told = await until('every line of the journal was published', async () => {
      const { lines } = (
        await eye.query<{
          lines: number;
        }>(`select ((select count(*) from transition) + (select count(*) from outcome)
            + (select count(*) from dead_letter))::int as lines`)
      )[0]!;
      const streams = await published();
      const count = streams.flat().length;
      return count >= lines
        ? { done: true, value: streams }
        : { done: false, seen: `${String(count)} of ${String(lines)}` };
    });
    for (const stream of told ?? []) expectInOrder(stream);
    const expected = await numbersInDatabase(eye);
    expect(numbersOf((told ?? []).flat())).toEqual(expected);
    return [...expected.values()].flat().length;
  } finally {
    await Promise.all(readers.map((reader) => reader.close()));
  }
}

/** Per partition, the numbers of all lines that the database holds; they have to grow by one up to the lease's, but where an epoch begins. */
async function numbersInDatabase(eye: DatabaseEye): Promise<ReadonlyMap<number, readonly number[]>> {
  const rows = await eye.query<{ partition: number; journal: number; numbers: number[] }>(
    `select l.partition, l.journal::float8 as journal, coalesce(array_agg(j.no::float8 order by j.no), '{}') as numbers
      from lease l join (
        select partition, no from transition
        union all select partition, no from outcome
        union all select partition, no from dead_letter
      ) j on j.partition = l.partition group by l.partition order by l.partition`,
  );
  for (const { journal, numbers } of rows) {
    expect(numbers.at(-1)).toBe(journal);
    const missing = numbers.filter(
      (no, at) => at > 0 && no !== numbers[at - 1]! + 1 && no % LINES_PER_EPOCH !== 0,
    );
    expect(missing, 'numbers whose predecessor is missing').toEqual([]);
  }
  return new Map(rows.map(({ partition, numbers }) => [partition, numbers]));
}

function numbersOf(lines: readonly PublishedLine[]): ReadonlyMap<number, readonly number[]> {
  const partitions = new Map<number, number[]>();
  for (const { partition, no } of lines)
    partitions.set(partition, [...(partitions.get(partition) ?? []), no]);
  const sorted = [...partitions].sort(([a], [b]) => a - b);
  return new Map(sorted.map(([partition, numbers]) => [partition, numbers.sort((a, b) => a - b)]));
}

function expectInOrder(lines: readonly PublishedLine[]): void {
  const last = new Map<number, number>();
  const misplaced = lines.filter(({ partition, no }) => {
    const before = last.get(partition) ?? 0;
    last.set(partition, no);
    return no <= before;
  });
  expect(misplaced.map(({ partition, no }) => `${String(partition)}-${String(no)}`)).toEqual([]);
}
