import { type Checker, type Flaw, short } from './checker.ts';

/** What a device grants it grants to one, and for no longer than it was told. */
export const singleHolder: Checker = {
  name: 'single-holder',
  sentence: 'a device is never held for two at once, nor for longer than the ledger says',
  check: (evidence) => {
    const { record, store, endedAt } = evidence;
    const flaws: Flaw[] = [];
    for (const { device, kind } of record.devices.values()) {
      const spans = record.holds.filter((hold) => hold.device === device);
      for (const [index, span] of spans.entries()) {
        const { from: at, id } = span;
        const until = span.to ?? endedAt;
        const next = spans[index + 1];
        if (next !== undefined && next.from < until) {
          const text = `it is held for ${short(id)} until ${until} and for ${short(next.id)} from ${next.from}`;
          flaws.push({ at: next.from, device, text });
        }
        const entry = store.ledger.get(device)?.find((other) => other.id === id);
        const lastedMs = until - at - span.offMs;
        const longestMs = (entry?.holdMs ?? 0) / (1 - kind.limits.driftPpm * 1e-6) + 1;
        if (lastedMs > longestMs) {
          const text = `it was held for ${short(id)} for ${lastedMs} ms, at most ${longestMs} ms were granted`;
          flaws.push({ at: until, device, text });
        }
      }
    }
    return flaws;
  },
};
