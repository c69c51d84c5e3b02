/**
 * Bugs that show where ways are cut in one direction, the hub refuses to store, consumers fail their readers, clocks of servers are wrong,
 * nodes stand still in the middle of what they ask, or a sensor is broken.
 */
import type { Mutation } from './mutation.ts';

export const troubleMutations: readonly Mutation[] = [
  {
    bug: 'a device counts as responsive, however many commands it ignores',
    file: 'actors/probe.ts',
    find: 'return ignoredCommands < UNRESPONSIVE_AFTER;',
    put: 'return ignoredCommands >= 0;',
    caughtBy: 'deaf',
    seed: 67,
  },
  {
    bug: 'a device takes whatever the hub answers for an acknowledgement',
    file: 'src/device/publish-answer.ts',
    find: "return typeof parsed?.seq === 'number' && parsed.seq > 0 && parsed.error === undefined;",
    put: 'return parsed !== null;',
    caughtBy: 'history',
    seed: 1,
  },
  {
    bug: 'a reader does not notice a hole in the numbers of what it is sent',
    file: 'src/nats/pull-consumer.ts',
    find: 'if (info.deliveryNo !== this.#deliveryNo + 1) {',
    put: 'if (info.deliveryNo <= this.#deliveryNo) {',
    caughtBy: 'history',
    seed: 9,
  },
  {
    bug: 'a reader waits for ever for a consumer that says nothing more',
    file: 'src/nats/pull-consumer.ts',
    find: 'if (now - this.#lastHeardAt > SILENCE_MAX_MS) {',
    put: 'if (now - this.#lastHeardAt === Infinity) {',
    caughtBy: 'presence',
    seed: 9,
  },
  {
    bug: 'a reader goes on to say that it hears when its consumer is gone',
    file: 'src/nats/stream-reader.ts',
    find: `        this.#setHearing(false);
        this.#options.onNotice({ type: 'consumer-ended', reason, detail });`,
    put: "        this.#options.onNotice({ type: 'consumer-ended', reason, detail });",
    caughtBy: 'presence',
    seed: 2,
  },
  {
    bug: 'a node commands by a clock of which it knows that it is wrong',
    file: 'src/runtime/decider.ts',
    find: 'if (ofClock !== null) return `',
    put: "if (ofClock === '') return `",
    caughtBy: 'wrong-clock',
    seed: 8,
  },
  {
    bug: 'a node whose clock is wrong tells the time by it',
    file: 'src/runtime/clock-watch.ts',
    find: 'if (this.#wrong !== null) return Math.round(',
    put: "if (this.#wrong !== null && this.#wrong !== 'node') return Math.round(",
    caughtBy: 'clock-bounds',
    seed: 33,
  },
  {
    bug: 'what the hub dated by a clock that is wrong counts as received at that date',
    file: 'src/runtime/hub-dates.ts',
    find: '    if (isWrong) return latest;',
    put: '    if (isWrong) return storedAt;',
    caughtBy: 'clock-bounds',
    seed: 13,
  },
  {
    bug: 'what the hub dated by a clock that is known to be wrong is believed where the date fits',
    file: 'src/runtime/hub-dates.ts',
    find: 'const isKnown = hubClock.isDatedWrong(storedAt);',
    put: 'const isKnown = hubClock.isDatedWrong(NaN);',
    caughtBy: 'clock-bounds',
    seed: 13,
  },
  {
    bug: 'a report is none where one value in it does not fit',
    file: 'src/runtime/decider.ts',
    find: 'if (report.unreadable !== undefined)\n      telemetry.unreadable({',
    put: `if (report.unreadable !== undefined) {
      this.#deadLetter(partition, delivery, 'bad-report', 'a value does not fit', batch);
      return;
    }
    if (report.unreadable !== undefined)
      telemetry.unreadable({`,
    caughtBy: 'history',
    seed: 2,
  },
  {
    bug: 'twins that are awake outlive the loading of their partition',
    file: 'src/runtime/partition-state.ts',
    find: 'const twins = new Twins(options);',
    put: 'const node = options.store as { twins?: Twins };\n  const twins = (node.twins ??= new Twins(options));',
    caughtBy: 'history',
    seed: 25,
  },
];
