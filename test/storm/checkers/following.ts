import { readPublished } from '../../../src/wire/published.ts';
import { parseChangeSubject } from '../../../src/wire/subjects.ts';
import type { Checker, Flaw } from '../../simulation/checkers/checker.ts';
import type { ReaderRecord } from '../record.ts';
import type { StormEvidence } from '../evidence.ts';

/** A message of the stream CHANGES that is about a device of the storm. */
interface Published {
  readonly sequence: number;
  readonly device: string;
  /** `<partition>-<no>`. */
  readonly key: string;
}

/** Who follows what becomes known misses nothing, through whatever happens to his connections. */
export const following: Checker<StormEvidence> = {
  name: 'following',
  sentence:
    'who follows is told each line of the journal that is published after he began, in the order of the stream, none of its messages twice, and is never told that something is gone while the stream holds it',
  check: (evidence) => {
    const published = publishedIn(evidence);
    return evidence.record.readers.flatMap((reader) => wrongAbout(reader, published, evidence));
  },
};

function publishedIn({ streams, devices }: StormEvidence): readonly Published[] {
  return streams.changes.flatMap(({ sequence, subject, payload }) => {
    const where = parseChangeSubject(subject);
    if (where === null || !devices.includes(where.device)) return [];
    const read = readPublished(where, payload);
    if (!read.ok) throw new Error(read.detail);
    const { partition, no } = read.published.body;
    return [{ sequence, device: where.device, key: `${partition}-${no}` }];
  });
}

function wrongAbout(
  reader: ReaderRecord,
  published: readonly Published[],
  { endedAt }: StormEvidence,
): Flaw[] {
  const { name, devices, told, words, from } = reader;
  const flaws: Flaw[] = words.map(({ at, text }) => ({ at, device: null, text: `${name} was told ${text}` }));
  let last = -Infinity;
  const keys = new Set<string>();
  for (const { at, device, sequence, partition, no } of told) {
    keys.add(`${partition}-${no}`);
    const flaw = (text: string): void =>
      void flaws.push({ at, device, text: `${name} was told ${partition}-${no}, ${text}` });
    if (sequence <= last) flaw(`sequence ${sequence}, after sequence ${last}`);
    last = Math.max(last, sequence);
    const known = published.find((message) => message.sequence === sequence);
    const isOurs = published.some((message) => message.device === device);
    if (isOurs && known?.key !== `${partition}-${no}`)
      flaw(`which is not what the stream holds at ${sequence}`);
    if (devices?.includes(device) === false) flaw(`which is about ${device}`);
  }
  const wanted = published.filter(
    ({ device, sequence }) => sequence > (from ?? Infinity) && (devices?.includes(device) ?? true),
  );
  for (const { key, device, sequence } of wanted) {
    if (!keys.has(key))
      flaws.push({ at: endedAt, device, text: `${name} was never told ${key}, sequence ${sequence}` });
  }
  return flaws;
}
