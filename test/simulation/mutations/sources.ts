/** Bugs in what is believed of devices that somebody else speaks for. */
import type { Mutation } from './mutation.ts';

export const sourceMutations: readonly Mutation[] = [
  {
    bug: 'what a source said in a session that has ended counts as said in the present one',
    file: 'actors/source.ts',
    find: '  if (!hasEnded) return because(null, null);',
    put: '  if (!hasEnded || hasEnded) return because(null, null);',
    caughtBy: 'sources',
    seed: 31,
  },
  {
    bug: 'a device that waits for news of its source is not told that this was heard',
    file: 'src/runtime/sources.ts',
    find: '      else if (old?.heardAt !== source?.heardAt) devices.push(...spoken.awaiting);\n',
    put: '',
    caughtBy: 'sources',
    seed: 31,
  },
  {
    bug: 'a source that is back is believed of devices that it has not told of yet',
    file: 'actors/source.ts',
    find: "  if (via.doubt === 'away' || via.doubt === 'replay') return because('back', heardAt);",
    put: '',
    caughtBy: 'sources',
    seed: 31,
  },
  {
    bug: 'an old list moves the devices that it is about',
    file: 'actors/hear.ts',
    find: "  if (twin.via?.doubt === 'replay') {",
    put: "  if (twin.via?.doubt === 'replay' && twin.via.since === null) {",
    caughtBy: 'sources',
    seed: 31,
  },
  {
    bug: 'nobody is told that a source has begun another session',
    file: 'src/runtime/sources.ts',
    find: '    old?.session !== source?.session ||\n',
    put: '',
    caughtBy: 'sources',
    seed: 31,
  },
  {
    bug: 'a source that has played an old list once is doubted for good',
    file: 'actors/suspicions.ts',
    find: 'const isOver = newest.receivedAt - replayedAt > 2 * kind.limits.silenceMs;',
    put: 'const isOver = newest.receivedAt < replayedAt && kind.limits.silenceMs > 0;',
    caughtBy: 'sources',
    seed: 31,
  },
];
