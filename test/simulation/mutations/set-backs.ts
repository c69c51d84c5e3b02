/** Bugs that show only where the hub, or the store, goes back: what is counted in it goes back with it. */
import type { Mutation } from './mutation.ts';

export const setBackMutations: readonly Mutation[] = [
  {
    bug: 'command numbers go on from the last one that the store knows',
    file: 'actors/numbers.ts',
    find: 'return Math.max(lastN + 1, Math.floor(epoch / EPOCHS_PER_NUMBER));',
    put: 'void epoch; return lastN + 1;',
    caughtBy: 'outcomes',
    seed: 8,
  },
  {
    bug: 'lease epochs are counted, and do not grow with time',
    file: 'src/runtime/epoch.ts',
    find: 'return Math.max(last + 1, Math.floor(atLeast));',
    put: 'void atLeast; return last + 1;',
    caughtBy: 'documents',
    seed: 8,
  },
  {
    bug: 'journal numbers go on from the last one that the store knows',
    file: 'src/runtime/epoch.ts',
    find: 'return Math.max(last + 1, LINES_PER_EPOCH * epoch);',
    put: 'void epoch; return last + 1;',
    caughtBy: 'publication',
    seed: 8,
  },
  {
    bug: 'a version goes on from the last one that the store knows',
    file: 'actors/numbers.ts',
    find: 'return Math.max(version + 1, epoch);',
    put: 'void epoch; return version + 1;',
    caughtBy: 'documents',
    seed: 8,
  },
  {
    bug: 'a node does not go back with a stream that has lost its tail',
    file: 'src/runtime/stream-moves.ts',
    find: 'if (isAnew ? position <= range.to : position >= range.to) continue;',
    put: 'void isAnew; if (position >= range.to) continue;',
    caughtBy: 'history',
    seed: 1,
  },
  {
    bug: 'a reader that has read all of a stream takes its tail for lost',
    file: 'src/memory/stream-cursor.ts',
    find: `if (this.#isNamed && isThere && reached <= this.#stream.lastSequence) return;
    const to = this.#lostTail(reached);`,
    put: `if (this.#isNamed && isThere && reached < this.#stream.lastSequence) return;
    const to = this.#lostTail(reached) ?? reached;`,
    caughtBy: 'stream-gone',
    seed: 1,
  },
  {
    bug: 'a node that has lost a partition goes on to publish what it had committed for it',
    file: 'src/runtime/publisher.ts',
    find: 'this.#ending.abort();',
    put: '',
    caughtBy: 'publication',
    seed: 662,
  },
  {
    bug: 'nobody who watches is told that the stream has lost its tail',
    file: 'src/nats/changes-reader.ts',
    find: 'sequence = range.to;\n        sink.gone(range);',
    put: 'sequence = range.to;\n        if (range.isTail !== true) sink.gone(range);',
    caughtBy: 'watch',
    seed: 9,
  },
  {
    bug: 'a place in the stream is taken for good whatever stands there now',
    file: 'src/nats/changes-reader.ts',
    find: 'marks: storedAt === undefined ? [] : [{ sequence, storedAt }],',
    put: 'marks: storedAt === undefined ? [] : [],',
    caughtBy: 'watch',
    seed: 40,
  },
  {
    bug: 'who has read of a tail that is lost goes on behind it',
    file: 'src/nats/stream-reader.ts',
    find: 'this.#next = Math.min(this.#next, to + 1);',
    put: '',
    caughtBy: 'watch',
    seed: 17,
  },
];
