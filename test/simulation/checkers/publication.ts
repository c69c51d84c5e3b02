import type { StoredMessage } from '../../../src/memory/message-stream.ts';
import type { JournalLine } from '../../../src/runtime/ports.ts';
import type { Evidence } from '../world/world.ts';
import type { Checker, Flaw } from './checker.ts';

type Body = Readonly<Record<string, unknown>>;

/** The world hears all of the journal, in its order, and nothing else. */
export const publication: Checker = {
  name: 'publication',
  sentence:
    'what is published is the journal: each line at least once, after its commit, in order per partition',
  check: (evidence) => {
    const { streams, store, endedAt } = evidence;
    const committedAt = commitTimes(evidence);
    const lines = new Map(store.journal.flat().map((line) => [nameOf(line), line]));
    const flaws: Flaw[] = [];
    const published = new Set<string>();
    for (const stream of [streams.changes, streams.deadLetters]) {
      const last = new Map<number, number>();
      for (const message of stream) {
        const body = JSON.parse(new TextDecoder().decode(message.payload)) as Body;
        const position = body as { partition: number; no: number };
        const id = nameOf(position);
        const line = lines.get(id);
        const flaw = (text: string): void => void flaws.push({ at: message.storedAt, device: null, text });
        // What was said of a device before it was forgotten is in no journal any more.
        const isErased = line === undefined && evidence.record.forgotten.has(String(body.device));
        if (!isErased && (line === undefined || !says(message, body, line)))
          flaw(`${id} is not what the journal says`);
        if (published.has(id)) continue;
        published.add(id);
        const before = last.get(position.partition) ?? 0;
        if (position.no <= before) flaw(`${id} comes after number ${before}`);
        last.set(position.partition, position.no);
        // The hub's clock is ahead of true time, if anything.
        if (message.storedAt < (committedAt.get(id) ?? Infinity))
          flaw(`${id} is published before its commit`);
      }
    }
    for (const id of lines.keys()) {
      if (!published.has(id)) flaws.push({ at: endedAt, device: null, text: `${id} was never published` });
    }
    return flaws;
  },
};

const nameOf = ({ partition, no }: { readonly partition: number; readonly no: number }): string =>
  `${partition}-${no}`;

function says({ subject }: StoredMessage, body: Body, line: JournalLine): boolean {
  switch (line.type) {
    case 'transition': {
      const { device, from, to, version } = line.transition;
      const isIt = body.from === from && body.to === to && body.version === version;
      return subject === `twin.${device}.changed` && isIt;
    }
    case 'outcome': {
      const { device, id, outcome, decidedAt } = line.entry;
      const isIt = body.id === id && body.outcome === outcome && body.decidedAt === decidedAt;
      return subject === `twin.${device}.outcome` && isIt;
    }
    case 'dead-letter':
      return subject.startsWith('deadletter.');
    case 'forgotten':
      return subject === `twin.${line.forgetting.device}.changed` && body.forgotten !== undefined;
  }
}

function commitTimes({ record }: Evidence): Map<string, number> {
  const times = new Map<string, number>();
  for (const { at, commit } of record.commits) {
    for (const line of commit.journal) times.set(nameOf(line), at);
  }
  return times;
}
