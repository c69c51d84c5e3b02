/**
 * Reads the stream CHANGES from a place that somebody kept: who comes with a place of a stream that was made anew meanwhile, or in a tail
 * that it has lost, is told so, also where it has grown beyond that number since, or lies exactly where it would go on.
 */
import type { ChangesGone } from '../runtime/change-feed.ts';
import type { ChangePlace } from '../wire/change-place.ts';
import { STREAMS, twinChanged, twinOutcome } from '../wire/subjects.ts';
import type { StreamMessage } from './stream-message.ts';
import { storedAtOf } from './stored-at.ts';
import { StreamReader, type StreamReaderOptions, type StreamSink } from './stream-reader.ts';

/** Where it delivers; see `ChangeSink`. */
export interface ChangesReaderSink extends Pick<StreamSink, 'hearing' | 'ended'> {
  /** All of the stream that was `made`. */
  deliver(batch: readonly StreamMessage[], made: string): Promise<void>;
  gone(range: ChangesGone): void;
}

/** What to read, and for whom. */
export interface ChangesReaderOptions extends Pick<StreamReaderOptions, 'source' | 'onNotice'> {
  readonly after: ChangePlace;
  /** The hub picks out what is about these; `null`: everything is read. */
  readonly devices: readonly string[] | null;
  readonly sink: ChangesReaderSink;
}

/** Begins to read as soon as the hub is there. Throws when the connection was closed. */
export function openChanges({
  after,
  devices,
  sink,
  ...connecting
}: ChangesReaderOptions): Promise<StreamReader> {
  const { storedAt } = after;
  let { made, sequence } = after;
  return StreamReader.open({
    ...connecting,
    stream: STREAMS.changes.name,
    subjects:
      devices === null
        ? STREAMS.changes.subjects
        : devices.flatMap((device) => [twinChanged(device), twinOutcome(device)]),
    isWholeStream: devices === null,
    after: after.sequence,
    streams: made === null ? [] : [made],
    marks: storedAt === undefined ? [] : [{ sequence, storedAt }],
    sink: {
      deliver: (batch) => {
        sequence = batch.at(-1)?.sequence ?? sequence;
        return sink.deliver(batch, made ?? '');
      },
      gone: (range) => {
        made = range.made;
        sequence = range.to;
        sink.gone(range);
      },
      reads: (which) => {
        const isToldAlready = made === null || made === which;
        made = which;
        if (!isToldAlready) sink.gone({ from: sequence + 1, to: sequence, made });
      },
      hearing: (isHearing) => sink.hearing(isHearing),
      ended: (cause) => sink.ended(cause),
    },
  });
}

/** The stream as it stands: the place of its last message. */
export function lastPlaceOf(stream: {
  readonly created: string;
  readonly state: { readonly last_seq: number; readonly last_ts: string };
}): ChangePlace & { readonly made: string } {
  const { last_seq: sequence, last_ts: time } = stream.state;
  const storedAt = storedAtOf(time);
  return { made: stream.created, sequence, ...(storedAt > 0 && { storedAt }) };
}
