/**
 * Sources, which speak for other devices, as the owner of some of those devices sees them: what is known of each, which devices name it,
 * which of those wait for news of it, and what they saw of it together.
 *
 * A source's own twin may live on another node. So what is known of it is read from the store with each renewal of the leases, as it was
 * committed; it is that much late, and a restart or a takeover reads it before anything is decided.
 *
 * Invariants:
 * I1  a device is listed under the source that its twin names, and under no other.
 * I2  only devices of the source's own site are listed with it: nobody else can say anything of it, or depends on it.
 */
import { countReplayed, type Echo, type Echoes, noteEcho } from '../../actors/replay.ts';
import { type Source, sourceFor } from '../../actors/known-source.ts';
import type { Twin } from '../../actors/twin.ts';
import type { SourceReplay } from './ports.ts';

/** An owner that saw a source play again what was said before believes that for so long by itself, ms: until the source's twin says so. */
const FOUND_FOR_MS = 15_000;

/** What was read of sources: what is known of all that are asked for, and what was seen of those whose own twins are here. */
export interface KnownSources {
  readonly sources: readonly Source[];
  readonly replays: readonly SourceReplay[];
}

/** What became of a source, as far as its devices here are concerned. */
export interface SourceChange {
  readonly source: string;
  readonly site: string;
  /** How many devices here name it. */
  readonly devices: number;
  readonly change: 'away' | 'back' | 'session';
}

/** What an owner has learnt: devices to decide on anew, and what there is to tell. */
export interface Learnt {
  readonly devices: readonly string[];
  readonly changes: readonly SourceChange[];
}

/** One source, and its devices. */
interface Spoken {
  readonly id: string;
  readonly site: string;
  readonly devices: Set<string>;
  /** Of them those that would be silent, if only it were known that the source is not. */
  readonly awaiting: Set<string>;
  readonly echoes: Echoes;
  /** When its devices here saw it play again what was said before, and until when that alone counts. */
  found: { readonly since: number; readonly until: number } | null;
}

type Place = Pick<Twin, 'device' | 'site'>;

/** The sources of all devices that were loaded together. */
export class Sources {
  readonly #spoken = new Map<string, Spoken>();
  #known = new Map<string, Source>();
  readonly #told = new Map<string, number>();
  readonly #max: number;

  /** At most `max` sources are asked for; of further ones nothing is known. */
  constructor(max: number) {
    this.#max = max;
  }

  /** Of whom the store has to be asked: the sources that devices name, and those that speak for them in turn. */
  get ids(): readonly string[] {
    if (this.#spoken.size === 0) return [];
    const ids = new Set([...this.#spoken.values()].map(({ id }) => id));
    for (const { via } of this.#known.values()) if (via !== null) ids.add(via);
    return [...ids].slice(0, this.#max);
  }

  /** No device here names a source, and nothing is known of any. */
  get isEmpty(): boolean {
    return this.#spoken.size === 0 && this.#known.size === 0;
  }

  /** What is known of the source of this name to those who decide about a device. */
  of(device: Place, id: string, now: number): Source | null {
    const source = sourceFor(device, id, (name) => this.#known.get(name));
    const found = this.#spoken.get(keyOf(device.site, id))?.found ?? null;
    if (source === null || found === null || now >= found.until || source.replaysSince !== null)
      return source;
    return { ...source, replaysSince: found.since };
  }

  /** A device that was loaded names this source. */
  lay(device: Place, id: string): void {
    this.#under(device.site, id).devices.add(device.device);
  }

  /** A twin has decided. `isAwaiting`: it would be silent, and waits for news of its source. */
  follow(before: Twin, after: Twin, isAwaiting: boolean): void {
    const { device } = after;
    if (before.via !== null && (before.via.id !== after.via?.id || before.site !== after.site))
      this.drop(before);
    if (after.via === null) return;
    const spoken = this.#under(after.site, after.via.id);
    spoken.devices.add(device);
    if (isAwaiting) spoken.awaiting.add(device);
    else spoken.awaiting.delete(device);
  }

  /** The device does not name its source any more, or is forgotten. */
  drop({ device, site, via }: Twin): void {
    if (via === null) return;
    const key = keyOf(site, via.id);
    const spoken = this.#spoken.get(key);
    spoken?.devices.delete(device);
    spoken?.awaiting.delete(device);
    spoken?.echoes.delete(device);
    if (spoken?.devices.size === 0) this.#spoken.delete(key);
  }

  /** Takes what is known of all sources now, in place of what was known before. */
  learn(sources: readonly Source[], now: number): Learnt {
    const before = this.#known;
    this.#known = new Map(sources.map((source) => [source.id, source]));
    const devices: string[] = [];
    const changes: SourceChange[] = [];
    for (const spoken of this.#spoken.values()) {
      const [old, source] = [before.get(spoken.id), this.#known.get(spoken.id)];
      const isOver = spoken.found !== null && now >= spoken.found.until;
      if (isOver) spoken.found = null;
      if (isOver || isOther(old, source)) devices.push(...spoken.devices);
      else if (old?.heardAt !== source?.heardAt) devices.push(...spoken.awaiting);
      const change = changeOf(old, source);
      const { id, site } = spoken;
      if (change !== null && source?.site === site)
        changes.push({ source: id, site, devices: spoken.devices.size, change });
    }
    return { devices, changes };
  }

  /** What a device saw of its source; what it shows of that together with what others saw, or `null`. */
  note(
    twin: Twin,
    echo: Echo,
    now: number,
  ): (SourceReplay & { readonly affected: readonly string[] }) | null {
    const { device, site, via } = twin;
    if (via === null) return null;
    const spoken = this.#under(site, via.id);
    noteEcho(spoken.echoes, device, echo);
    const spokenFor = spoken.devices.size;
    const devices = countReplayed(spoken.echoes, spokenFor);
    if (devices === 0) return null;
    spoken.echoes.clear();
    const affected = spoken.found === null ? [...spoken.devices] : [];
    spoken.found = { since: spoken.found?.since ?? now, until: now + FOUND_FOR_MS };
    return { source: via.id, site, at: echo.receivedAt, devices, spokenFor, affected };
  }

  /** Whether this was not told to the source's own twin yet, by this owner. */
  isNews({ source, at }: SourceReplay): boolean {
    if ((this.#told.get(source) ?? -Infinity) >= at) return false;
    this.#told.set(source, at);
    return true;
  }

  #under(site: string, id: string): Spoken {
    const key = keyOf(site, id);
    let spoken = this.#spoken.get(key);
    if (spoken === undefined) {
      spoken = { id, site, devices: new Set(), awaiting: new Set(), echoes: new Map(), found: null };
      this.#spoken.set(key, spoken);
    }
    return spoken;
  }
}

const keyOf = (site: string, id: string): string => `${site} ${id}`;

/** Something else follows from it for its devices, whenever it was heard last. */
function isOther(old: Source | undefined, source: Source | undefined): boolean {
  return (
    old?.site !== source?.site ||
    old?.via !== source?.via ||
    old?.session !== source?.session ||
    old?.awaySince !== source?.awaySince ||
    old?.replaysSince !== source?.replaysSince
  );
}

function changeOf(old: Source | undefined, source: Source | undefined): SourceChange['change'] | null {
  if (source === undefined) return null;
  if (source.awaySince !== null) return (old?.awaySince ?? null) === null ? 'away' : null;
  if (old === undefined) return null;
  if (old.awaySince !== null) return 'back';
  return old.session === source.session ? null : 'session';
}
