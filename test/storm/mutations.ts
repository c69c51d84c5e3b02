/**
 * Bugs planted in the adapters, as a tired engineer makes them: what runs for real in storms alone. Two are not among them, since no storm shows them: a cut
 * commit that is taken for not written does no harm but that its owner loses the partitions until it has loaded them again; and a watcher that forgets
 * of which partition a number is meets one twice by a rare chance alone, since each partition counts from an epoch of its own.
 */
import type { Mutation } from '../simulation/mutations/mutation.ts';

/** Each is noticed by some of the first storms, and by which is not always the same: bytes take their own time. */
const FROM = { seed: 1 };

export const stormMutations: readonly Mutation[] = [
  {
    ...FROM,
    bug: 'a hole in the numbers of deliveries is not noticed',
    file: 'src/nats/pull-consumer.ts',
    find: 'if (info.deliveryNo !== this.#deliveryNo + 1) {',
    put: 'if (info.deliveryNo <= this.#deliveryNo) {',
    caughtBy: 'settling',
  },
  {
    ...FROM,
    bug: 'a device takes any answer for an acknowledgement',
    file: 'src/device/publish-answer.ts',
    find: 'if (isPubAck(answer)) return;',
    put: "if (isPubAck(answer) || answer !== '') return;",
    caughtBy: 'settling',
  },
  {
    ...FROM,
    bug: 'a commit whose connection was cut counts as written',
    file: 'src/postgres/inquiry.ts',
    find: "if (lease.batch <= afterBatch) return { type: 'not-written' };",
    put: '',
    caughtBy: 'settling',
  },
  {
    ...FROM,
    bug: 'whoever watches goes on one message too far',
    file: 'src/client/watch.ts',
    find: 'const standing = { sequence, place: placeText({ made, sequence, storedAt }) };',
    put: 'const standing = { sequence, place: placeText({ made, sequence: sequence + 1, storedAt }) };',
    caughtBy: 'settling',
  },
  {
    ...FROM,
    bug: 'a reader of events that comes back begins where the stream is now',
    file: 'src/http/routes/events.ts',
    find: 'const after = place ?? last;',
    put: 'const after = place === null ? last : last;',
    caughtBy: 'settling',
  },
  {
    ...FROM,
    bug: 'a question that nobody answered in time counts as never sent',
    file: 'src/client/nats-requester.ts',
    find: "if (error instanceof TimeoutError) return { type: 'timeout' };",
    put: "if (error instanceof TimeoutError) return { type: 'no-responders' };",
    caughtBy: 'certainly-not',
  },
  {
    ...FROM,
    bug: 'what was published as the connection broke is not published again',
    file: 'src/nats/publisher.ts',
    find: 'this.#waiting = [...this.#underWay.values(), ...this.#waiting.slice(this.#waitingFrom)];',
    put: 'this.#waiting = [...this.#waiting.slice(this.#waitingFrom)];',
    caughtBy: 'settling',
  },
  {
    ...FROM,
    bug: 'a document allows all that its kind knows',
    file: 'actors/document.ts',
    find: '    allowed: allowedCommands({ twin, kind, context: options }),',
    put: '    allowed: Object.keys(kind.commands),',
    caughtBy: 'allowed',
  },
];
