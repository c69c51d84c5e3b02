import type { Checker } from './checker.ts';

/** Whoever was told that a device is forgotten can rely on it, whatever failed meanwhile and whatever still came of it. */
export const forgotten: Checker = {
  name: 'forgotten',
  sentence: 'of a device that is forgotten the store holds nothing but that, though it goes on talking',
  check: ({ lastWords, store, record, endedAt: at }) => {
    if (lastWords === null || !record.forgotten.has(lastWords.device)) return [];
    const { device, twin, filed, isForgotten } = lastWords;
    const words = record.commits.filter(({ commit }) =>
      commit.journal.some((line) => line.type === 'forgotten' && line.forgetting.device === device),
    );
    // A store that was set back to before it was told has forgotten that, too.
    if (words.length > 0 && words.every(({ lostAt }) => lostAt !== null)) return [];
    const lines = store.journal
      .flat()
      .filter((line) => line.type === 'transition' && line.transition.device === device).length;
    if (isForgotten && twin === null && filed + lines === 0) return [];
    const text = `forgotten: ${isForgotten}, twin: ${twin !== null}, ${filed} reports and ${lines} transitions are kept`;
    return [{ at, device, text }];
  },
};
