/** Bugs planted in the runtime and in the store: order of decide, commit and act, ownership, publication, hearing. */
import type { Mutation } from './mutation.ts';

export const runtimeMutations: readonly Mutation[] = [
  {
    bug: 'the store forgets the fence',
    file: 'src/memory/store.ts',
    find: 'const fenced = this.#leases.refusing(commit.partitions);',
    put: 'const fenced: readonly number[] = [];',
    caughtBy: 'epochs',
    seed: 1,
  },
  {
    bug: 'a node acts before it commits',
    file: 'src/runtime/host.ts',
    find: 'if (!batch.isReadOnly) await this.#write(batch);',
    put: 'this.#acting.act(batch); if (!batch.isReadOnly) await this.#write(batch);',
    caughtBy: 'execution',
    seed: 1,
  },
  {
    bug: 'a commit of which nothing was heard counts as done',
    file: 'src/runtime/host.ts',
    find: 'telemetry.storeUnavailable(result.cause);',
    put: 'telemetry.storeUnavailable(result.cause); return;',
    caughtBy: 'execution',
    seed: 1,
  },
  {
    bug: 'a new owner does not read the first message after what is committed',
    file: 'src/runtime/host.ts',
    find: 'after: Math.min(...places),',
    put: 'after: Math.min(...places) + 1,',
    caughtBy: 'history',
    seed: 1,
  },
  {
    bug: 'a new owner forgets what was set aside',
    file: 'src/runtime/partition-state.ts',
    find: 'backlog: new Backlog(backlog)',
    put: 'backlog: new Backlog([])',
    caughtBy: 'history',
    seed: 7,
  },
  {
    bug: 'a position is committed without what was set aside before it',
    file: 'src/runtime/batch.ts',
    find: 'const backlog = partition.backlog.takeChanged();',
    put: 'const backlog = [] as const;',
    caughtBy: 'history',
    seed: 7,
  },
  {
    bug: 'what a device says above its rate is passed over for good',
    file: 'src/runtime/turn.ts',
    find: 'partition.backlog.setAside(range);',
    put: '',
    caughtBy: 'history',
    seed: 1,
  },
  {
    bug: 'what is set aside goes on beyond what was decided of its device',
    file: 'src/runtime/backlog.ts',
    find: 'waiting.growing = null;\n    waiting.passedAt',
    put: 'waiting.passedAt',
    caughtBy: 'decided',
    seed: 5,
  },
  {
    bug: 'a new owner does not publish what the last one had not',
    file: 'src/runtime/republish.ts',
    find: 'for (let after = state.published; after < state.journal;)',
    put: 'for (let after = state.journal; after < state.journal;)',
    caughtBy: 'publication',
    seed: 1,
  },
  {
    bug: 'command numbers are given out again when a twin wakes up',
    file: 'src/runtime/twins.ts',
    find: 'assertInvariants(twin);',
    put: '(twin as { lastN: number }).lastN = Math.max(twin.open.at(-1)?.n ?? 0, twin.lastN - 1);',
    caughtBy: 'soundness',
    seed: 1,
  },
  {
    bug: 'a document says how old its state was when it was read, not when it is said',
    file: 'src/runtime/turn.ts',
    find: `      this.answerAfterCommit(batch, replyTo, () => {
        const document = twinDocument({ twin, kind, now: clock.now(), serverErrorMs: limits.serverErrorMs });`,
    put: `      const now = clock.now();
      this.answerAfterCommit(batch, replyTo, () => {
        const document = twinDocument({ twin, kind, now, serverErrorMs: limits.serverErrorMs });`,
    caughtBy: 'freshness',
    seed: 5,
  },
  {
    bug: 'a client that got no answer says that nothing was accepted',
    file: 'src/client/twin-client.ts',
    find: "wasSent = 'maybe';",
    put: "wasSent = 'no';",
    caughtBy: 'conclusions',
    seed: 1,
  },
  {
    bug: 'a client asks again under another id',
    file: 'src/client/twin-client.ts',
    find: '      await this.#pause(BACKOFF_FIRST_MS);',
    put: `      await this.#pause(BACKOFF_FIRST_MS);
      return this.command(device, name, args, { ...options, id: newId() });`,
    caughtBy: 'conclusions',
    seed: 1,
  },
  {
    bug: 'a node that is fenced acts all the same',
    file: 'src/runtime/host.ts',
    find: `        case 'fenced':
          throw`,
    put: `        case 'fenced':
          if (result.partitions.length > 0) return;
          throw`,
    caughtBy: 'publication',
    seed: 5,
  },
  {
    bug: 'a node goes on answering when its leases may have run out',
    file: 'src/runtime/node.ts',
    find: 'return this.#options.clock.monotonic() < this.#sureUntil;',
    put: 'return true;',
    caughtBy: 'documents',
    seed: 13,
  },
];
