/** Bugs planted in adapters of the hub and of the database that worlds run behind their lowest ports. */
import type { Mutation } from './mutation.ts';

export const adapterMutations: readonly Mutation[] = [
  {
    bug: 'a commit that was not written is found to be',
    file: 'src/postgres/inquiry.ts',
    find: "if (lease.batch <= afterBatch) return { type: 'not-written' };",
    put: "if (lease.batch <= afterBatch) return { type: lease.batch < afterBatch ? 'not-written' : 'written' };",
    caughtBy: 'documents',
    seed: 5,
  },
  {
    bug: 'a publisher takes whatever the hub answers for an acknowledgement',
    file: 'src/nats/publisher.ts',
    find: 'if (problem !== null) {',
    put: 'if (problem === undefined) {',
    caughtBy: 'publication',
    seed: 1,
  },
  {
    bug: 'a watch remembers the numbers of journal lines without their partition',
    file: 'src/client/published-lines.ts',
    find: 'const numbers = this.#seen.get(partition) ?? new Set<number>();\n    this.#seen.set(partition, numbers);',
    put: 'const numbers = this.#seen.get(0) ?? new Set<number>();\n    this.#seen.set(partition && 0, numbers);',
    caughtBy: 'watch',
    seed: 2,
  },
  {
    bug: 'a watch passes over the message after its place',
    file: 'src/nats/changes-reader.ts',
    find: 'after: after.sequence,',
    put: 'after: after.sequence + 1,',
    caughtBy: 'watch',
    seed: 2,
  },
  {
    bug: 'what the primary shows is taken for written, whether or not its standby has it',
    file: 'src/postgres/inquiry.ts',
    find: `    const kept = await port.rewrite(partition);
    if (kept?.epoch === epoch) return { type: kept.batch > afterBatch ? 'written' : 'not-written' };`,
    put: "    return { type: 'written' };",
    caughtBy: 'execution',
    seed: 6,
  },
  {
    bug: 'a deposed node takes its lost commit for written',
    file: 'src/postgres/inquiry.ts',
    find: `    if (lease?.epoch !== epoch) continue;
    if (lease.batch <= afterBatch) return { type: 'not-written' };
    const kept = await port.rewrite(partition);
    if (kept?.epoch === epoch)`,
    put: `    void epoch;
    if (lease === undefined) continue;
    if (lease.batch <= afterBatch) return { type: 'not-written' };
    const kept = await port.rewrite(partition);
    if (kept !== null)`,
    caughtBy: 'publication',
    seed: 15,
  },
];
