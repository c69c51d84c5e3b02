/** Bugs in what is told of a device besides its state: when, how fresh, how many, and why not. */
import type { Mutation } from './mutation.ts';

export const factMutations: readonly Mutation[] = [
  {
    bug: 'nothing is ever said to be fresh',
    file: 'actors/freshness.ts',
    find: "  if (isProvedFresh(age, freshMs)) return 'fresh';\n",
    put: '',
    caughtBy: 'some-fresh',
    seed: 6,
  },
  {
    bug: 'a report that comes late is not counted as late',
    file: 'actors/hear.ts',
    find: 'late: countOf(twin.sequence.late + 1) }',
    put: 'late: twin.sequence.late }',
    caughtBy: 'counts',
    seed: 9,
  },
  {
    bug: 'the journal says of a change when it was heard of, and not when it was measured',
    file: 'actors/settle.ts',
    find: '  return measuredAt(twin.clock, twin.newest, kind.limits.driftPpm);',
    put: '  const { errorMs } = measuredAt(twin.clock, twin.newest, kind.limits.driftPpm);\n  return { at: twin.newest.receivedAt, errorMs };',
    caughtBy: 'journal-times',
    seed: 6,
  },
  {
    bug: 'the last contact is when a report was decided on',
    file: 'actors/hear.ts',
    find: '  twin.lastContactAt = Math.min(Math.max(twin.lastContactAt ?? receivedAt, receivedAt), draft.context.now);',
    put: '  void receivedAt; twin.lastContactAt = draft.context.now;',
    caughtBy: 'last-contact',
    seed: 6,
  },
  {
    bug: 'a command is refused because of another one that is in nobody’s way',
    file: 'actors/prospect.ts',
    find: "  if (commandInFlight(twin) !== null) return 'in-flight';",
    put: "  if (twin.open.length > 0) return 'in-flight';",
    caughtBy: 'warranted',
    seed: 8,
  },
];
