/**
 * What the node says of devices: a line of the list, and a twin whole. As in `docs/http.md`; times are RFC 3339.
 */

/** How far a state can be trusted. */
export type Quality = 'fresh' | 'stale' | 'suspect' | 'unknown';

/** The order in which qualities are shown: what needs somebody comes first. */
export const QUALITIES: readonly Quality[] = ['suspect', 'unknown', 'stale', 'fresh'];

/** What the list of devices and the document of one have in common. */
export interface KnownState {
  readonly device: string;
  readonly kind: string;
  readonly site: string;
  readonly registered: boolean;
  readonly version: number;
  readonly state: string;
  readonly path: string;
  readonly since: string | null;
  readonly quality: Quality;
  readonly asOf: string | null;
  readonly errorMs: number | null;
  readonly ageMs: number | null;
  readonly lastContact: string | null;
  readonly connected: boolean;
  /** False when reports arrive, but the last commands got no response. */
  readonly responsive: boolean;
  readonly firmware: string | null;
}

/** What the list says of a device. */
export interface DeviceSummary extends KnownState {
  /** The reasons. */
  readonly suspicions: readonly string[];
  /** How many commands are not resolved. */
  readonly pending: number;
}

/** A page of the list. */
export interface DevicePage {
  readonly devices: readonly DeviceSummary[];
  readonly cursor: string | null;
  /** How many devices are on all pages together; `null` when it was not asked for. */
  readonly total: number | null;
}

/** A reason to doubt. */
export interface Suspicion {
  readonly reason: string;
  readonly since: string;
  readonly detail: string;
}

/** A reservation that the device has begun. */
export interface Hold {
  readonly id: string;
  readonly by: string | null;
  readonly until: string;
  /** `null` while nobody can tell. */
  readonly certainUntil: string | null;
}

/** Why what was said through a source is not to be trusted. */
export type SourceDoubt = 'away' | 'back' | 'session' | 'replay';

/** A twin, whole. */
export interface Twin extends KnownState {
  /** Who speaks for it; absent where it speaks itself. */
  readonly via?: {
    readonly id: string;
    readonly session: number;
    readonly doubt: SourceDoubt | null;
    readonly since: string | null;
  };
  readonly reported: Readonly<Record<string, unknown>>;
  readonly desired: {
    readonly version: number;
    readonly values: Readonly<Record<string, unknown>>;
    readonly delta: Readonly<Record<string, unknown>>;
  };
  readonly hold: Hold | null;
  readonly suspicions: readonly Suspicion[];
  readonly clock: {
    readonly offsetMs: number | null;
    readonly errorMs: number | null;
    readonly verified: boolean;
  };
  readonly sequence: {
    readonly incarnation: number;
    readonly boot: number | null;
    readonly seq: number | null;
    readonly missing: number;
    readonly late: number;
    readonly duplicates: number;
  };
  readonly allowed: readonly string[];
}
