/**
 * A node's connection to the store. It can break at any time, and the store may be away; but what became of a commit is
 * found out for certain before anybody is told (the contract of the port `Store`).
 */
import type { MemoryStore } from '../../../src/memory/store.ts';
import type { Commit, CommitResult, Store } from '../../../src/runtime/ports.ts';
import type { WorldRecord } from '../record.ts';
import type { Chance } from './chance.ts';
import { NoAnswer, type Network } from './network.ts';
import type { Process } from './process.ts';
import type { Schedule } from './schedule.ts';
import { hasThorn } from './thorn.ts';

/** What is wrong with the store at present. */
export interface StoreTrouble {
  /** This part of the commits fails for a passing reason: nothing is written. */
  failPart: number;
  /** Of this part of the commits the answer is lost. */
  mutePart: number;
}

export interface StoreLinkOptions {
  readonly node: string;
  readonly process: Process;
  readonly store: MemoryStore;
  readonly trouble: StoreTrouble;
  readonly schedule: Schedule;
  readonly network: Network;
  readonly chance: Chance;
  readonly record: WorldRecord;
}

/** A question is waited for this long, ms. */
const ANSWER_TIMEOUT_MS = 5_000;
/** Between two attempts to find out what became of a commit, ms. */
const FIND_OUT_MS = 400;

/** The port `Store` of one process. */
export function storeLink(options: StoreLinkOptions): Store {
  const { process, store, network, node } = options;
  const ask = <T>(question: () => Promise<T>): Promise<T> =>
    process.call(() => network.ask(node, 'store', ANSWER_TIMEOUT_MS, question));
  return {
    acquire: (request) => ask(() => store.acquire(request)),
    renew: (request) => ask(() => store.renew(request)),
    release: (leases) => ask(() => store.release(leases)),
    load: (partitions, sink) => ask(() => store.load(partitions, sink)),
    // Nobody is registered in these worlds: nothing depends on whether this arrives.
    registered: (since) => store.registered(since),
    packTwin: (twin) => store.packTwin(twin),
    unpackTwin: (device, bytes) => store.unpackTwin(device, bytes),
    commit: (commit) =>
      process.call(() => noted(options.record, commit, commitUntilCertain(options, commit))),
    ledgerEntry: (device, id) => ask(() => store.ledgerEntry(device, id)),
    journalAfter: (partition, after, limit) => ask(() => store.journalAfter(partition, after, limit)),
  };
}

/** The record knows of it until what became of it is certain. */
async function noted(
  record: WorldRecord,
  commit: Commit,
  result: Promise<CommitResult>,
): Promise<CommitResult> {
  record.underWay.add(commit);
  try {
    return await result;
  } finally {
    record.underWay.delete(commit);
  }
}

/** One transaction on its way. Once it has been given up it cannot be taken any more. */
interface Attempt {
  result: CommitResult | null;
  isGivenUp: boolean;
  /** How often the store had been set back when it began: what was written before that is not there any more. */
  readonly setBacks: number;
}

async function commitUntilCertain(options: StoreLinkOptions, commit: Commit): Promise<CommitResult> {
  const { network, node, chance, trouble, schedule, record } = options;
  const attempt: Attempt = { result: null, isGivenUp: false, setBacks: record.setBacks.length };
  const found = (): CommitResult =>
    attempt.setBacks === record.setBacks.length ? resultOf(attempt) : goneFrom(attempt, commit);
  try {
    return await network.ask(node, 'store', ANSWER_TIMEOUT_MS, async () => {
      await take(options, commit, attempt);
      if (!chance.hits(trouble.mutePart)) return found();
      if (attempt.result?.type === 'committed') record.count('commit-unsaid');
      return new Promise<never>(() => undefined);
    });
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error;
  }
  record.visited.add('inquiry');
  for (;;) {
    await new Promise<void>((resolve) => void schedule.after(FIND_OUT_MS, resolve));
    try {
      return await network.ask(node, 'store', ANSWER_TIMEOUT_MS, async () => found());
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
    }
  }
}

async function take(options: StoreLinkOptions, commit: Commit, attempt: Attempt): Promise<void> {
  const { store, node, chance, trouble, record, schedule } = options;
  if (attempt.isGivenUp || attempt.setBacks < record.setBacks.length) return;
  if (chance.hits(trouble.failPart)) {
    record.count('commit-failed');
    attempt.result = { type: 'unavailable', cause: new Error('deadlock detected') };
    return;
  }
  if (hasThorn(commit)) {
    attempt.result = { type: 'refused', cause: new Error('a value violates a constraint') };
    return;
  }
  attempt.result = await store.commit(commit);
  if (attempt.result.type === 'committed')
    record.commits.push({ at: schedule.now, node, commit, lostAt: null });
  else if (attempt.result.type === 'refused') {
    const what = `the store refused a commit of ${node}: ${attempt.result.cause.message}`;
    record.faults.push({ at: schedule.now, what });
  }
}

/** The lease rows are those of before the node took them, or moved them. */
function goneFrom(attempt: Attempt, { partitions }: Commit): CommitResult {
  attempt.isGivenUp = true;
  return { type: 'fenced', partitions: partitions.map(({ partition }) => partition) };
}

/** The answer of the lease row: a transaction that has not come by now will not be taken any more. */
function resultOf(attempt: Attempt): CommitResult {
  attempt.isGivenUp = true;
  return (
    attempt.result ?? { type: 'unavailable', cause: new Error('the connection broke before the commit') }
  );
}
