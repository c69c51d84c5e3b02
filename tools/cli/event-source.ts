/**
 * Server-sent events of Corral's HTTP side, followed through lost connections: each is read once, in order, because the id of
 * an event is its place in the stream, and reading goes on behind it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { CommandLineError } from './command-line-error.ts';

/** Before it is tried again, ms. */
const RETRY_MS = 1_000;
/** A connection on which nothing came for so long is given up, ms; Corral writes something every ten seconds. */
const SILENT_MS = 30_000;

/** Answers that say that it is worth trying again: too slow, too many. */
const PASSING = [408, 429];

/** One event. */
export interface ReceivedEvent {
  readonly event: string;
  /** Its place in the stream, as it was told; `null` where it is none. */
  readonly id: string | null;
  readonly data: Readonly<Record<string, unknown>>;
}

/** What to follow. */
export interface EventSourceOptions {
  readonly url: string;
  readonly token: string | null;
  /** The place behind which to begin; `null`: now. */
  readonly after: string | null;
  readonly signal: AbortSignal;
}

/** Events until `signal` is aborted. Throws {@link CommandLineError} for an answer that trying again does not change. */
export async function* followEvents(
  options: EventSourceOptions,
): AsyncGenerator<ReceivedEvent, void, undefined> {
  let after = options.after;
  while (!options.signal.aborted) {
    try {
      for await (const event of readOnce(options, after)) {
        after = event.id ?? after;
        yield event;
      }
    } catch (error) {
      if (error instanceof CommandLineError) throw error;
      // The connection was lost: it is made again, and goes on behind the last place.
    }
    await sleep(RETRY_MS, undefined, { signal: options.signal }).catch(() => undefined);
  }
}

async function* readOnce(
  { url, token, signal }: EventSourceOptions,
  after: string | null,
): AsyncGenerator<ReceivedEvent, void, undefined> {
  const silence = new AbortController();
  const response = await fetch(url, {
    headers: {
      accept: 'text/event-stream',
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(after === null ? {} : { 'last-event-id': after }),
    },
    signal: AbortSignal.any([signal, silence.signal]),
  });
  if (response.status >= 400 && response.status < 500 && !PASSING.includes(response.status)) {
    throw new CommandLineError(`${url} answered ${String(response.status)}: ${await response.text()}`);
  }
  if (!response.ok || response.body === null) throw new Error(`it answered ${String(response.status)}`);
  const timer = setTimeout(() => silence.abort(), SILENT_MS);
  try {
    let text = '';
    for await (const piece of response.body.pipeThrough(new TextDecoderStream())) {
      timer.refresh();
      text += piece;
      const blocks = text.split('\n\n');
      text = blocks.pop() ?? '';
      for (const block of blocks) {
        const event = eventOf(block);
        if (event !== null) yield event;
      }
    }
  } finally {
    clearTimeout(timer);
  }
}

/** Reads one block; `null` for comments and settings. */
function eventOf(block: string): ReceivedEvent | null {
  const fields = new Map<string, string>();
  for (const line of block.split('\n')) {
    const at = line.indexOf(':');
    if (at > 0) fields.set(line.slice(0, at), line.slice(at + 1).trimStart());
  }
  const data = fields.get('data');
  if (data === undefined) return null;
  return {
    event: fields.get('event') ?? 'message',
    id: fields.get('id') ?? null,
    data: JSON.parse(data) as ReceivedEvent['data'],
  };
}
