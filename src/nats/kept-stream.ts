/**
 * The streams that Corral keeps on the hub: what each has to be, and how one is made or put right. A stream that is there
 * keeps the limits its operator gave it; only what Corral's promises rest on is put right, or refused where it cannot be.
 */
import {
  DiscardPolicy,
  JetStreamApiCodes,
  JetStreamApiError,
  type JetStreamManager,
  PersistMode,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
  type StreamInfo,
} from '@nats-io/jetstream';
import { nanos } from '@nats-io/nats-core';
import { siteReports, siteStream, STREAM_MAX_AGE_MS, STREAMS } from '../wire/subjects.ts';

/** The hub is not one that Corral may run on. The message is one sentence for an operator. */
export class HubError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'HubError';
  }
}

/** For how long a stream of ours knows the id of a message it has stored, ms: long enough for a resend after a short outage. */
export const DUPLICATE_WINDOW_MS = 120_000;
/**
 * The same for reports, ms: the shortest that a server allows. A `Nats-Msg-Id` is whatever a device likes, and the stream compares
 * it with those of all others. Of two that count alike one is answered `duplicate`, which is no ack by the protocol, and sends it again: after
 * longer than this. Twins know reports by (boot, seq).
 */
export const REPORT_DUPLICATE_WINDOW_MS = 100;

/** "insufficient storage resources available": the hub has promised what it has to other streams. */
const NO_ROOM = 10_047;
/** "stream name already in use with a different configuration": another node was faster, and found other room. */
const MADE_BY_ANOTHER = 10_058;
const MIB = 1024 ** 2;

/** What a stream has to be. */
export interface KeptStream {
  readonly name: string;
  readonly subjects: readonly string[];
  /** What goes when it is full: the oldest, or what comes next. */
  readonly discard: DiscardPolicy;
  readonly duplicateWindowMs: number;
  /** True when a resend later than that would harm, so that an operator may make the window longer. */
  readonly mayRememberLonger: boolean;
  /** Room that is asked of the hub, bytes; on one that has less it is halved until it fits, or would be below `least`. */
  readonly bytes: { readonly most: number; readonly least: number };
}

/** Room of a site's stream unless configured otherwise, bytes: a thousand devices that each say 200 bytes a second fill it in 90 minutes. */
export const SITE_STREAM_BYTES = 1_024 * MIB;
/** Below this no stream of a site is made, bytes. */
const SITE_STREAM_BYTES_MIN = 16 * MIB;

/**
 * The reports of one site. When it is full, what comes next is refused: its devices keep that, and send it again. Were the oldest
 * dropped instead, reports would be lost that were acknowledged and nobody has read.
 */
export function reportStream(site: string, bytes: number): KeptStream {
  return {
    name: siteStream(site),
    subjects: [siteReports(site)],
    discard: DiscardPolicy.New,
    duplicateWindowMs: REPORT_DUPLICATE_WINDOW_MS,
    mayRememberLonger: false,
    bytes: { most: bytes, least: Math.min(bytes, SITE_STREAM_BYTES_MIN) },
  };
}

/** History for those who look: the oldest goes when it is full, the store has all of it. */
export const DEAD_LETTERS: KeptStream = {
  ...STREAMS.deadLetters,
  discard: DiscardPolicy.Old,
  duplicateWindowMs: DUPLICATE_WINDOW_MS,
  mayRememberLonger: true,
  bytes: { most: 256 * MIB, least: 8 * MIB },
};

/** History for backends: one that stays away until it has gone round misses some, and is told so. */
export const CHANGES: KeptStream = {
  ...STREAMS.changes,
  discard: DiscardPolicy.Old,
  duplicateWindowMs: DUPLICATE_WINDOW_MS,
  mayRememberLonger: true,
  bytes: { most: 1_024 * MIB, least: 16 * MIB },
};

/** Something an operator may want to know. */
export interface StreamNotice {
  /** The hub has less room than was asked for: the stream got `bytes` of `asked`. */
  readonly type: 'stream-smaller';
  readonly stream: string;
  readonly bytes: number;
  readonly asked: number;
}

/** What keeping a stream takes. */
export interface KeepOptions {
  /** Copies of a stream that is created. */
  readonly replicas: number;
  readonly onNotice: (notice: StreamNotice) => void;
}

/** Creates a stream, or puts it right. Throws {@link HubError}. May run on many nodes at once. */
export async function keepStream(
  manager: JetStreamManager,
  stream: KeptStream,
  options: KeepOptions,
): Promise<void> {
  try {
    const found = await infoOf(manager, stream.name);
    if (found === null) await make(manager, stream, options);
    else await correct(manager, stream, { config: found.config, options });
  } catch (error) {
    if (error instanceof HubError) throw error;
    const because = error instanceof Error ? error.message : String(error);
    throw new HubError(`the hub does not provide the stream ${stream.name}: ${because}`, error);
  }
}

/** Creates a stream that is not there, and tells whether it did; one that is stays as its operator has it. Throws as {@link keepStream}. */
export async function keepIfMissing(
  manager: JetStreamManager,
  stream: KeptStream,
  options: KeepOptions,
): Promise<boolean> {
  if ((await infoOf(manager, stream.name)) !== null) return false;
  await keepStream(manager, stream, options);
  return true;
}

async function infoOf(manager: JetStreamManager, name: string): Promise<StreamInfo | null> {
  try {
    return await manager.streams.info(name);
  } catch (error) {
    if (isRefusal(error, JetStreamApiCodes.StreamNotFound)) return null;
    throw error;
  }
}

async function make(manager: JetStreamManager, stream: KeptStream, options: KeepOptions): Promise<void> {
  const config = newStream(stream, options.replicas);
  try {
    await withRoom(stream, options, (maxBytes) => manager.streams.add({ ...config, max_bytes: maxBytes }));
  } catch (error) {
    if (!isRefusal(error, MADE_BY_ANOTHER)) throw error;
    const { config: theirs } = await manager.streams.info(stream.name);
    await correct(manager, stream, { config: theirs, options });
  }
}

function isRefusal(error: unknown, code: number): boolean {
  return error instanceof JetStreamApiError && error.code === code;
}

/** Asks for the room a stream should have, and for half of it, and so on, until the hub has that much. */
async function withRoom(
  { name, bytes }: KeptStream,
  { onNotice }: KeepOptions,
  ask: (maxBytes: number) => Promise<unknown>,
): Promise<void> {
  for (let maxBytes = bytes.most; maxBytes >= bytes.least; maxBytes = Math.floor(maxBytes / 2)) {
    try {
      await ask(maxBytes);
      if (maxBytes < bytes.most)
        onNotice({ type: 'stream-smaller', stream: name, bytes: maxBytes, asked: bytes.most });
      return;
    } catch (error) {
      if (!isRefusal(error, NO_ROOM)) throw error;
    }
  }
  throw new HubError(
    `the hub has no room left for the stream ${name}, which needs at least ${String(bytes.least / MIB)} MiB: ` +
      'give its jetstream more (max_file_store, a larger disk), or give other streams a smaller max_bytes',
  );
}

async function correct(
  manager: JetStreamManager,
  stream: KeptStream,
  { config, options }: { readonly config: StreamConfig; readonly options: KeepOptions },
): Promise<void> {
  if (config.retention !== RetentionPolicy.Limits || config.storage !== StorageType.File) {
    throw new HubError(
      `the stream ${stream.name} has retention "${config.retention}" and storage "${config.storage}", but has to have "limits" and "file"`,
    );
  }
  if (config.persist_mode === PersistMode.Async) {
    throw new HubError(
      `the stream ${stream.name} has persist_mode "async": a crash loses what it acknowledged, and nobody sends that again; make it anew without`,
    );
  }
  const wanted = nanos(stream.duplicateWindowMs);
  const window = stream.mayRememberLonger ? Math.max(config.duplicate_window, wanted) : wanted;
  const hasSubjects = [...config.subjects].sort().join() === [...stream.subjects].sort().join();
  const isBounded = config.max_bytes > 0;
  const { discard } = stream;
  const isRight = hasSubjects && config.duplicate_window === window && config.discard === discard;
  if (isRight && config.allow_direct && isBounded) return;
  const subjects = [...stream.subjects];
  const right = { ...config, subjects, discard, duplicate_window: window, allow_direct: true };
  if (isBounded) await manager.streams.update(stream.name, right);
  else
    await withRoom(stream, options, (maxBytes) =>
      manager.streams.update(stream.name, { ...right, max_bytes: maxBytes }),
    );
}

function newStream(stream: KeptStream, replicas: number): Partial<StreamConfig> & Pick<StreamConfig, 'name'> {
  return {
    name: stream.name,
    subjects: [...stream.subjects],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    discard: stream.discard,
    max_age: nanos(STREAM_MAX_AGE_MS),
    duplicate_window: nanos(stream.duplicateWindowMs),
    allow_direct: true,
    num_replicas: replicas,
  };
}
