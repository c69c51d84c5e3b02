import type { StoredMessage } from '../../../src/memory/message-stream.ts';
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
    const published = publishedIn(evidence.streams.changes, evidence.devices);
    return evidence.record.readers.flatMap((reader) => wrongAbout(reader, published, evidence));
  },
};

/** The lines of the journal of these devices that stand in the stream of changes. */
export function publishedIn(
  changes: readonly StoredMessage[],
  devices: readonly string[],
): readonly Published[] {
  return changes.flatMap(({ sequence, subject, payload }) => {
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
  const { name, devices, told, words } = reader;
  const flaws: Flaw[] = words.map(({ at, text }) => ({ at, device: null, text: `${name} was told ${text}` }));
  let last = -Infinity;
  for (const { at, device, sequence, partition, no } of told) {
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
  for (const { key, device, sequence } of untold(reader, published))
    flaws.push({ at: endedAt, device, text: `${name} was never told ${key}, sequence ${sequence}` });
  return flaws;
}

/** What a reader has to be told yet. */
export function untold(
  { devices, told, from }: ReaderRecord,
  published: readonly Published[],
): readonly Published[] {
  const keys = new Set(told.map(({ partition, no }) => `${partition}-${no}`));
  return published.filter(
    ({ device, sequence, key }) =>
      sequence > (from ?? Infinity) && (devices?.includes(device) ?? true) && !keys.has(key),
  );
}
