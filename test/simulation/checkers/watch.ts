import type { WatchEvent } from '../../../src/client/watch.ts';
import type { StoredMessage } from '../../../src/memory/message-stream.ts';
import { type ChangePlace, readPlace } from '../../../src/wire/change-place.ts';
import { parseChangeSubject } from '../../../src/wire/subjects.ts';
import type { WatchRecord } from '../record.ts';
import type { Evidence } from '../world/evidence.ts';
import { type Checker, type Flaw, ROUNDING_MS } from './checker.ts';

/** What was stored so long before the end has been told, ms. */
const TOLD_WITHIN_MS = 60_000;

/** Whoever watches is told everything. */
export const watch: Checker = {
  name: 'watch',
  sentence:
    'whoever watches is told each change once, in the order of the stream, from the place on that was kept, through outages of any sort; and that something is gone only where the stream has lost what it had read last, and then goes on with what was stored since',
  check: (evidence) => {
    const { record, endedAt, hubClock } = evidence;
    const flaws = record.watches.flatMap(({ failure, told }) =>
      failure === null ? [] : [{ at: told.at(-1)?.at ?? endedAt, device: null, text: failure }],
    );
    const hasLost = record.hubLosses.some(({ published }) => published.some(isChange));
    // What was stored since is told by the hub's clock: nobody can where that was wrong.
    const wasWrong = new Set(hubClock?.offsetsBetween(-Infinity, endedAt)).size > 1;
    if (hasLost && wasWrong) return flaws;
    const held = versionsHeld(evidence);
    return [...flaws, ...record.watches.flatMap((kept) => flawsOf(evidence, held, kept))];
  },
};

/** A message that the stream holds, or held until the hub lost it. Times are true. */
interface Version {
  readonly message: StoredMessage;
  readonly storedAt: number;
  /** `Infinity`: never. */
  readonly lostAt: number;
  readonly device: string;
  /** The line of the journal. */
  readonly line: string;
}

/** By sequence. */
type Held = readonly (readonly Version[] | undefined)[];

function versionsHeld({ record, streams }: Evidence): Held {
  const held: Version[][] = [];
  const note = (message: StoredMessage, lostAt: number): void => {
    const { partition, no, device } = bodyOf(message);
    const storedAt = record.storedAt.get(message) ?? message.storedAt;
    const version = { message, storedAt, lostAt, device, line: `${partition}-${no}` };
    (held[message.sequence] ??= []).push(version);
  };
  for (const { at, published } of record.hubLosses)
    for (const message of published) if (isChange(message)) note(message, at);
  for (const message of streams.changes) note(message, Infinity);
  return held;
}

/** Where a watcher stands. */
interface Standing {
  /** It has read up to here. */
  readonly sequence: number;
  /** The message that stood there; `null` where there was none. */
  readonly at: Version | null;
  /** After it was told that something is gone: true time from which on nobody has read what was stored. `null`: by the sequence alone. */
  readonly since: number | null;
}

/** What judging one start of a watcher takes. */
interface Watched {
  readonly held: Held;
  readonly devices: readonly string[] | null;
  /** Lines that it was told. */
  readonly seen: Set<string>;
}

function flawsOf({ record, endedAt }: Evidence, held: Held, kept: WatchRecord): readonly Flaw[] {
  const watched: Watched = { held, devices: kept.devices, seen: new Set() };
  let standing = standingIn(readPlace(kept.after), held);
  for (const { event, at } of kept.told) {
    if (at > endedAt) return [];
    const wrong = standing === null ? null : wrongAbout(event, { standing, at }, watched);
    if (wrong !== null) return [{ at, device: null, text: `${wrong}, after ${kept.after}` }];
    standing = after(event, { standing, at }, watched);
  }
  if (kept !== record.watches.at(-1) || standing === null) return [];
  const untold = untoldSince(standing, endedAt - TOLD_WITHIN_MS, watched);
  if (untold === null) return [];
  return [{ at: endedAt, device: null, text: `${untold} was never told, after ${kept.after}` }];
}

/** Of a stream that has lost its tail and grown again who has a bare number cannot know: `null`, until it is told something. */
function standingIn(place: ChangePlace | null, held: Held): Standing | null {
  if (place === null) return null;
  const { sequence, storedAt } = place;
  const versions = held[sequence] ?? [];
  if (storedAt === undefined && versions.some(({ lostAt }) => lostAt < Infinity)) return null;
  const isIt = ({ message }: Version): boolean =>
    storedAt === undefined || Math.abs(message.storedAt - storedAt) <= ROUNDING_MS;
  const at = versions.find(isIt) ?? null;
  return { sequence, at, since: null };
}

interface Moment {
  readonly standing: Standing | null;
  readonly at: number;
}

function wrongAbout(event: WatchEvent, { standing, at }: Moment, watched: Watched): string | null {
  if (standing === null) return null;
  if (event.type === 'gone') {
    if (lostBy(standing, at, watched) !== null) return null;
    return `it is told that ${event.from} to ${event.to} are gone, and they are not`;
  }
  const version = versionOf(event, at, watched.held);
  if (version === null) return `${event.place} is told, which never stood in the stream so`;
  if (isLost(standing.at, version.storedAt))
    return `${event.place} is told, and not that ${standing.sequence} before it is gone`;
  const next = nextAfter(standing, version.storedAt, watched);
  if (next === version) return null;
  return `${event.place} is told, where ${next === null ? 'nothing' : next.message.sequence} comes next`;
}

function after(event: WatchEvent, { standing, at }: Moment, watched: Watched): Standing | null {
  const { held, seen } = watched;
  if (event.type !== 'gone') {
    const version = versionOf(event, at, held);
    if (version !== null) seen.add(version.line);
    return version === null ? null : { sequence: event.sequence, at: version, since: null };
  }
  const since = standing === null ? null : lostBy(standing, at, watched);
  if (since === null) return null;
  const left = held[event.to]?.find(({ storedAt, lostAt }) => storedAt <= since && lostAt > since);
  return { sequence: event.to, at: left ?? null, since };
}

/** The message that an event tells of. */
function versionOf(event: Exclude<WatchEvent, { type: 'gone' }>, at: number, held: Held): Version | null {
  const { sequence, partition, no, device } = event;
  const isIt = (one: Version): boolean =>
    one.storedAt <= at && one.line === `${partition}-${no}` && one.device === device;
  return held[sequence]?.findLast(isIt) ?? null;
}

/**
 * When the hub lost what was read last; `null`: it has not until then. What was passed over was read as well: what had been told before, and
 * what is about devices that are not watched.
 */
function lostBy(
  { sequence, at, since }: Standing,
  moment: number,
  { held, devices, seen }: Watched,
): number | null {
  if (at !== null && isLost(at, moment)) return at.lostAt;
  const isPassedOver = ({ device, line }: Version): boolean =>
    seen.has(line) || (devices !== null && !devices.includes(device));
  const lost = held
    .slice(sequence + 1)
    .flatMap((versions) => versions ?? [])
    .filter((one) => isLost(one, moment) && one.storedAt > (since ?? -Infinity) && isPassedOver(one));
  return lost.length === 0 ? null : Math.min(...lost.map(({ lostAt }) => lostAt));
}

function isLost(version: Version | null, moment: number): boolean {
  return version !== null && version.lostAt <= moment;
}

/** What comes next in the stream as it was at a moment. */
function nextAfter(
  { sequence, since }: Standing,
  moment: number,
  { held, devices, seen }: Watched,
): Version | null {
  for (let next = since === null ? sequence + 1 : 1; next < held.length; next += 1) {
    const version = held[next]?.find(
      ({ storedAt, lostAt, device, line }) =>
        storedAt <= moment &&
        lostAt > moment &&
        (since === null || storedAt > since) &&
        (devices === null || devices.includes(device)) &&
        !seen.has(line),
    );
    if (version !== undefined) return version;
  }
  return null;
}

/** What stood in the stream at that moment, or was lost of it by then, and should have been told long ago. */
function untoldSince(standing: Standing, moment: number, watched: Watched): string | null {
  if (isLost(standing.at, moment)) return `that ${standing.sequence} is gone`;
  return nextAfter(standing, moment, watched)?.message.sequence.toString() ?? null;
}

function isChange({ subject }: StoredMessage): boolean {
  return parseChangeSubject(subject) !== null;
}

function bodyOf({ payload }: StoredMessage): {
  readonly partition: number;
  readonly no: number;
  readonly device: string;
} {
  return JSON.parse(new TextDecoder().decode(payload)) as ReturnType<typeof bodyOf>;
}
