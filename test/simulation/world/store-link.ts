/**
 * A node's connections to the store. They can break at any time, and the store may be away; but what became of a commit is found out for
 * certain before anybody is told (the contract of the port `Store`), by the inquiry that nodes make on Postgres: here its questions go over
 * the network of the world, to a server whose processes go on for a while when nobody listens to them any more.
 */
import type { MemoryStore } from '../../../src/memory/store.ts';
import { type Backend, Inquiries, type InquiryPort, type LeaseRow } from '../../../src/postgres/inquiry.ts';
import { DEFAULT_POSTGRES_LIMITS } from '../../../src/postgres/limits.ts';
import type { Commit, CommitResult, Store } from '../../../src/runtime/ports.ts';
import type { WorldRecord } from '../record.ts';
import type { Chance } from './chance.ts';
import { NoAnswer, type Network } from './network.ts';
import type { Process } from './process.ts';
import type { Schedule } from './schedule.ts';
import type { Standby } from './standby.ts';
import { hasThorn } from './thorn.ts';

/** What is wrong with the store at present. */
export interface StoreTrouble {
  /** This part of the commits fails for a passing reason: nothing is written. */
  failPart: number;
  /** Of this part of the commits the answer is lost. */
  mutePart: number;
  /** This part of the commits takes so long that some are given up before they are written. */
  slowPart: number;
}

export interface StoreLinkOptions {
  readonly node: string;
  readonly process: Process;
  readonly store: MemoryStore;
  /** `null` where nobody waits for one. */
  readonly standby: Standby | null;
  readonly trouble: StoreTrouble;
  readonly schedule: Schedule;
  readonly network: Network;
  readonly chance: Chance;
  readonly record: WorldRecord;
}

/** A question is waited for this long, ms. */
const ANSWER_TIMEOUT_MS = 5_000;
/** A slow commit takes so long, ms, on average. */
const SLOW_MS = 4_000;
/** At so many of the attempts to end a process it takes a while until it has ended, ms on average. */
const SLOW_END_PART = 0.3;
const SLOW_END_MS = 500;

/** The port `Store` of one process. */
export function storeLink(options: StoreLinkOptions): Store {
  const { process, store, standby, network, node, record } = options;
  const ask = <T>(question: () => Promise<T>): Promise<T> =>
    process.call(() => network.ask(node, 'store', ANSWER_TIMEOUT_MS, question));
  // While the standby is away who writes waits, and has written nothing when he gives up.
  const askToWrite = <T>(question: () => Promise<T>): Promise<T> =>
    ask(() => (standby?.isAway === true ? never() : question()));
  const processes = new Processes(options);
  const inquiries = new Inquiries(
    inquiryPort(options, processes, { ask, askToWrite }),
    DEFAULT_POSTGRES_LIMITS,
  );
  const commitUntilCertain = async (commit: Commit): Promise<CommitResult> => {
    const known = await inquiries.before(commit);
    if (known !== null) return known;
    const served = processes.begin();
    try {
      return await ask(() => processes.answer(served, commit));
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      record.visited.add('inquiry');
      return inquiries.after(commit, served.backend);
    }
  };
  return {
    acquire: (request) => askToWrite(() => store.acquire(request)),
    renew: (request) => askToWrite(() => store.renew(request)),
    release: (leases) => askToWrite(() => store.release(leases)),
    load: (partitions, sink) => ask(() => store.load(partitions, sink)),
    // Nobody is registered in these worlds: nothing depends on whether this arrives.
    registered: (since) => store.registered(since),
    sources: (ids) => ask(() => store.sources(ids)),
    // Asked with each renewal, whether or not there are sources: the worlds without them are as they were.
    replays: (partitions) => store.replays(partitions),
    packTwin: (twin) => store.packTwin(twin),
    unpackTwin: (device, bytes) => store.unpackTwin(device, bytes),
    commit: async (commit) => {
      record.underWay.add(commit);
      const result = await commitUntilCertain(commit);
      record.underWay.delete(commit);
      return result;
    },
    ledgerEntry: (device, id) => ask(() => store.ledgerEntry(device, id)),
    journalAfter: (partition, after, limit) => ask(() => store.journalAfter(partition, after, limit)),
  };
}

/** Puts a question to the store. */
type Ask = <T>(question: () => Promise<T>) => Promise<T>;

/** The questions of an inquiry, each over a connection of its own. */
function inquiryPort(
  { process, store, schedule, record }: StoreLinkOptions,
  processes: Processes,
  { ask, askToWrite }: { readonly ask: Ask; readonly askToWrite: Ask },
): InquiryPort {
  const leases = async (partitions: readonly number[]): Promise<readonly LeaseRow[]> =>
    (await store.leases()).filter(({ partition }) => partitions.includes(partition));
  return {
    end: (backend) => {
      record.count('commit-inquired');
      return ask(async () => processes.end(backend));
    },
    leases: (partitions) => ask(() => leases(partitions)),
    rewrite: (partition) => askToWrite(async () => (await leases([partition]))[0] ?? null),
    monotonic: () => schedule.now,
    pause: (ms) => new Promise((resolve) => void schedule.after(ms, () => process.enter(resolve))),
  };
}

/** A process of the server at one commit. */
interface Served {
  readonly backend: Backend;
  isRunning: boolean;
  /** Which server it belongs to: it does not outlive that. */
  readonly server: number;
}

/** The processes that serve one node. */
class Processes {
  readonly #options: StoreLinkOptions;
  readonly #all: Served[] = [];

  constructor(options: StoreLinkOptions) {
    this.#options = options;
  }

  begin(): Served {
    const backend = { pid: this.#all.length + 1, startedAt: String(this.#options.schedule.now) };
    const served = { backend, isRunning: true, server: this.#server };
    this.#all.push(served);
    return served;
  }

  /** Takes a commit that has arrived. Never resolves where nobody will hear the answer. */
  async answer(served: Served, commit: Commit): Promise<CommitResult> {
    const { chance, trouble, record, schedule } = this.#options;
    if (chance.hits(trouble.slowPart)) {
      record.count('commit-slow');
      await new Promise<void>((resolve) => void schedule.after(chance.exponential(SLOW_MS), resolve));
    }
    if (!this.#isThere(served)) return never();
    const result = await this.#take(served, commit);
    if (!chance.hits(trouble.mutePart)) return result;
    if (result.type === 'committed') record.count('commit-unsaid');
    return never();
  }

  /** Ends a process, and says whether it was gone already. */
  end({ pid }: Backend): boolean {
    const { chance, schedule } = this.#options;
    const served = this.#all.find(({ backend }) => backend.pid === pid);
    if (served === undefined || !this.#isThere(served)) return true;
    const end = (): void => {
      served.isRunning = false;
      void this.#options.standby?.endSession(served);
    };
    if (chance.hits(SLOW_END_PART)) schedule.after(chance.exponential(SLOW_END_MS), end);
    else end();
    return false;
  }

  /** Another one after the store was set back, or its standby took over. */
  get #server(): number {
    const { record, standby } = this.#options;
    return record.setBacks.length + (standby?.takeovers ?? 0);
  }

  #isThere({ isRunning, server }: Served): boolean {
    return isRunning && server === this.#server;
  }

  async #take(served: Served, commit: Commit): Promise<CommitResult> {
    const { standby, node, chance, trouble, record, schedule } = this.#options;
    if (chance.hits(trouble.failPart)) {
      record.count('commit-failed');
      return { type: 'unavailable', cause: new Error('deadlock detected') };
    }
    if (hasThorn(commit)) return { type: 'refused', cause: new Error('a value violates a constraint') };
    const result = await (standby?.commit({ session: served, node, commit }) ?? this.#write(commit));
    if (result.type === 'refused') {
      const what = `the store refused a commit of ${node}: ${result.cause.message}`;
      record.faults.push({ at: schedule.now, what });
    }
    return result;
  }

  async #write(commit: Commit): Promise<CommitResult> {
    const { store, node, record, schedule } = this.#options;
    const result = await store.commit(commit);
    if (result.type === 'committed') record.commits.push({ at: schedule.now, node, commit, lostAt: null });
    return result;
  }
}

function never(): Promise<never> {
  return new Promise(() => undefined);
}
