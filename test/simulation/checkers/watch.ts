import type { WatchEvent } from '../../../src/client/watch.ts';
import type { StoredMessage } from '../../../src/memory/message-stream.ts';
import { readPlace } from '../../../src/wire/change-place.ts';
import { parseChangeSubject } from '../../../src/wire/subjects.ts';
import type { WatchRecord } from '../record.ts';
import type { Evidence } from '../world/evidence.ts';
import type { Checker, Flaw } from './checker.ts';

/** What was stored so long before the end has been told, ms. */
const TOLD_WITHIN_MS = 60_000;

/** Whoever watches is told everything. */
export const watch: Checker = {
  name: 'watch',
  sentence:
    'whoever watches is told each change once, in the order of the stream, from the place on that was kept, through outages of any sort',
  check: (evidence) => {
    const { record, endedAt } = evidence;
    const flaws = record.watches.flatMap(({ failure, told }) =>
      failure === null ? [] : [{ at: told.at(-1)?.at ?? endedAt, device: null, text: failure }],
    );
    // Of a stream that has lost its tail and grown again who has only a place cannot know.
    if (record.hubLosses.some(({ published }) => published.length > 0)) return flaws;
    return [...flaws, ...record.watches.flatMap((kept, index) => flawsOf(evidence, kept, index))];
  },
};

function flawsOf({ record, streams, endedAt }: Evidence, kept: WatchRecord, index: number): readonly Flaw[] {
  const expected = linesAfter(streams.changes, kept);
  const isLast = index === record.watches.length - 1;
  for (const [place, { event, at }] of kept.told.entries()) {
    const flaw = (text: string): readonly Flaw[] => [{ at, device: null, text }];
    if (event.type === 'gone')
      return flaw(`is told that ${event.from} to ${event.to} are gone, and they are not`);
    const message = expected[place];
    if (message === undefined)
      return at > endedAt ? [] : flaw(`${event.place} is told, which it has no reason to be`);
    if (message.sequence !== event.sequence)
      return flaw(`${event.sequence} is told where ${message.sequence} comes next, after ${kept.after}`);
    if (!says(message, event))
      return flaw(`${event.sequence} is told otherwise than it stands in the stream`);
  }
  const untold = expected[kept.told.length];
  if (!isLast || untold === undefined || untold.storedAt > endedAt - TOLD_WITHIN_MS) return [];
  return [
    { at: untold.storedAt, device: null, text: `${untold.sequence} was never told, after ${kept.after}` },
  ];
}

/** What stands in the stream after a place and is about the devices watched, but for lines that were published there before. */
function linesAfter(
  stream: readonly StoredMessage[],
  { after, devices }: WatchRecord,
): readonly StoredMessage[] {
  const from = readPlace(after)?.sequence ?? 0;
  const seen = new Set<string>();
  return stream.filter((message) => {
    if (message.sequence <= from) return false;
    if (devices !== null && !devices.includes(parseChangeSubject(message.subject)?.device ?? ''))
      return false;
    const { partition, no } = bodyOf(message);
    const line = `${partition}-${no}`;
    return !seen.has(line) && seen.add(line);
  });
}

function says(message: StoredMessage, event: Exclude<WatchEvent, { type: 'gone' }>): boolean {
  const { partition, no, device } = bodyOf(message);
  return event.partition === partition && event.no === no && event.device === device;
}

function bodyOf({ payload }: StoredMessage): {
  readonly partition: number;
  readonly no: number;
  readonly device: string;
} {
  return JSON.parse(new TextDecoder().decode(payload)) as ReturnType<typeof bodyOf>;
}
