/** Bugs planted in the device's side: order of its checks, what it stores and when, what it lets go of. */
import type { Mutation } from './mutation.ts';

export const deviceMutations: readonly Mutation[] = [
  {
    // By itself the fence of epochs is never needed: a later owner's numbers are higher too. Without either it shows.
    bug: 'a device obeys a lower epoch, and a lower number',
    file: 'src/device/reception.ts',
    find: `  if (command.n <= memory.highestN) return 'superseded';
  if (command.epoch < memory.highestEpoch) return 'stale-epoch';
`,
    put: '',
    caughtBy: 'epochs',
    seed: 5,
  },
  {
    bug: 'a device obeys a command for another boot',
    file: 'src/device/reception.ts',
    find: "if (command.boot !== undefined && command.boot !== memory.boot) return 'other-boot';",
    put: '',
    caughtBy: 'execution',
    seed: 10,
  },
  {
    bug: 'a device obeys a command that is too late',
    file: 'src/device/reception.ts',
    find: "if (!mayStillStart(command, up)) return 'too-late';",
    put: '',
    caughtBy: 'execution',
    seed: 15,
  },
  {
    bug: 'a device looks at the deadline before it has stored that it begins, and not after',
    file: 'src/device/agent.ts',
    find: 'const executed: ActResult = moment.mayStillStart()',
    put: 'const executed: ActResult = command.n > 0',
    caughtBy: 'execution',
    seed: 1,
  },
  {
    bug: 'a device forgets its ring when it restarts',
    file: 'src/device/memory.ts',
    find: 'return checked({\n    ...memory,\n    boot:',
    put: 'return checked({\n    ...memory,\n    ring: [],\n    boot:',
    caughtBy: 'outcomes',
    seed: 4,
  },
  {
    bug: 'a device that dies in the act says afterwards that it did nothing',
    file: 'src/device/reception.ts',
    find: 'switch (shown) {',
    put: 'switch (shown === true ? false : shown) {',
    caughtBy: 'outcomes',
    seed: 1,
  },
  {
    bug: 'a restart prolongs a hold',
    file: 'src/device/memory.ts',
    find: 'memory.hold.endsUp - memory.hold.chargedUp',
    put: 'memory.hold.endsUp',
    caughtBy: 'single-holder',
    seed: 6,
  },
  {
    bug: 'a device keeps a hold for longer than it was told',
    file: 'src/device/memory.ts',
    find: 'endsUp: hold.up + hold.holdMs,',
    put: 'endsUp: hold.up + hold.holdMs + 5_000,',
    caughtBy: 'single-holder',
    seed: 1,
  },
  {
    bug: 'a device lets go of a report that was not acked',
    file: 'src/device/sender.ts',
    find: 'this.#failures += 1;',
    put: 'this.#failures += 1; outbox.acked(frame); acked({ from: frame.from, to: frame.to });',
    caughtBy: 'history',
    seed: 1,
  },
  {
    bug: 'a device refuses a repetition of what it has executed',
    file: 'src/device/reception.ts',
    find: "if (memory.ring.some(({ n }) => n === command.n)) return { type: 'repeated', memory: aware };",
    put: '',
    caughtBy: 'outcomes',
    seed: 1,
  },
  {
    bug: 'a device reports before it has stored what it reports',
    file: 'src/device/agent.ts',
    find: 'await this.#append({ report, ...(overflow !== null && { settled: overflow }) });',
    put: 'void this.#append({ report, ...(overflow !== null && { settled: overflow }) });',
    caughtBy: 'soundness',
    seed: 1,
  },
  {
    bug: 'a device moves its hardware before it has stored that it begins',
    file: 'src/device/agent.ts',
    find: `    await this.#append({ memory: this.#memory });
    this.#saidEarly = null;`,
    put: '    this.#saidEarly = null;',
    caughtBy: 'outcomes',
    seed: 6,
  },
];
