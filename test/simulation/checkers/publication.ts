import type { StoredMessage } from '../../../src/memory/message-stream.ts';
import type { JournalEntry } from '../../../src/contract/journal-entry.ts';
import type { Evidence } from '../world/evidence.ts';
import type { Checker, Flaw } from './checker.ts';

type Body = Readonly<Record<string, unknown>>;

/** The world hears all of the journal, in its order, and nothing else. */
export const publication: Checker = {
  name: 'publication',
  sentence:
    'what is published is the journal: each line at least once, after its commit, in order per partition',
  check: (evidence) => {
    const { streams, store, endedAt, record } = evidence;
    const { committed, flaws } = linesCommitted(evidence);
    // What the hub has lost again was published, and may be once more, after what followed it.
    const lost = new Set(record.hubLosses.flatMap(({ published: messages }) => messages.map(nameIn)));
    const published = new Set<string>();
    for (const stream of [streams.changes, streams.deadLetters]) {
      const last = new Map<number, number>();
      for (const message of stream) {
        const body = JSON.parse(new TextDecoder().decode(message.payload)) as Body;
        const position = body as { partition: number; no: number };
        const id = nameOf(position);
        const { line, at } = committed.get(id) ?? { line: undefined, at: Infinity };
        const flaw = (text: string): void => void flaws.push({ at: message.storedAt, device: null, text });
        // What was said of a device before it was forgotten is in no journal any more.
        const isErased = line === undefined && evidence.record.forgotten.has(String(body.device));
        if (!isErased && (line === undefined || !says(message, body, line)))
          flaw(`${id} is not what the journal says`);
        if (published.has(id)) continue;
        published.add(id);
        const before = last.get(position.partition) ?? 0;
        const isLate = lost.has(id) || record.refusedPublications.has(id);
        if (position.no <= before && !isLate) flaw(`${id} comes after number ${before}`);
        last.set(position.partition, Math.max(before, position.no));
        if ((record.storedAt.get(message) ?? message.storedAt) < at)
          flaw(`${id} is published before its commit`);
      }
    }
    for (const id of store.journal.flat().map(nameOf)) {
      if (!published.has(id) && !lost.has(id))
        flaws.push({ at: endedAt, device: null, text: `${id} was never published` });
    }
    return flaws;
  },
};

const nameOf = ({ partition, no }: { readonly partition: number; readonly no: number }): string =>
  `${partition}-${no}`;

function says({ subject }: StoredMessage, body: Body, line: JournalEntry): boolean {
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

/** Every line that was ever committed, also where the store has forgotten it since: its number is never given again. */
function linesCommitted({ record }: Evidence): {
  readonly committed: ReadonlyMap<string, { readonly line: JournalEntry; readonly at: number }>;
  readonly flaws: Flaw[];
} {
  const committed = new Map<string, { readonly line: JournalEntry; readonly at: number }>();
  const flaws: Flaw[] = [];
  for (const { at, commit } of record.commits) {
    for (const line of commit.journal) {
      const id = nameOf(line);
      // A commit that was lost with the store may be made again, as it was.
      if ((committed.get(id)?.line ?? line) !== line)
        flaws.push({ at, device: null, text: `the number ${id} is given again` });
      committed.set(id, { line, at });
    }
  }
  return { committed, flaws };
}

function nameIn({ payload }: StoredMessage): string {
  return nameOf(JSON.parse(new TextDecoder().decode(payload)) as { partition: number; no: number });
}
