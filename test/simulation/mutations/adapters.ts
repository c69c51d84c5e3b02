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
  {
    bug: 'what was on its way when a connection broke is not published again',
    file: 'src/nats/publisher.ts',
    find: 'this.#waiting = [...this.#underWay.values(), ...this.#waiting.slice(this.#waitingFrom)];',
    put: 'this.#waiting = this.#waiting.slice(this.#waitingFrom);',
    caughtBy: 'publication',
    seed: 1,
  },
  {
    bug: 'what was on its way when a connection broke is published again after what waits',
    file: 'src/nats/publisher.ts',
    find: 'this.#waiting = [...this.#underWay.values(), ...this.#waiting.slice(this.#waitingFrom)];',
    put: 'this.#waiting = [...this.#waiting.slice(this.#waitingFrom), ...this.#underWay.values()];',
    caughtBy: 'publication',
    seed: 1,
  },
  {
    bug: 'a publisher takes whatever the hub answers for an acknowledgement',
    file: 'src/nats/publisher.ts',
    find: 'if (problem !== null) {',
    put: 'if (problem === undefined) {',
    caughtBy: 'publication',
    seed: 1,
  },
];
