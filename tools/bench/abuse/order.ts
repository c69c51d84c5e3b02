/**
 * What the processes of `bench abuse` tell one another: the node, the abusers, and the unrelated process that only burns CPU.
 */

/** The ways of abuse, each named by what it does; `docs/benchmarks.md` says which fault each one stands for. */
export const ABUSES = [
  'malformed-headers',
  'aimed-replies',
  'single-reports',
  'one-device',
  'new-devices',
  'large-requests',
  'event-streams',
] as const;
/** All at once; what one device alone does is a part of the single reports. */
export const ALL_TOGETHER = ABUSES.filter((name) => name !== 'one-device');
/** One of {@link ABUSES}. */
export type AbuseName = (typeof ABUSES)[number];

/** What the abusers are up against. */
export interface AbuserOrder {
  readonly abuses: readonly AbuseName[];
  /** The hub, as a backend. */
  readonly backendUrl: string;
  /** A site's leaf: another site than that of the good devices. */
  readonly siteUrl: string;
  readonly httpUrl: string;
  /** A good device, for requests that are aimed at it. */
  readonly victim: string;
}

/** What was really offered a second, each counted in the unit of its load. */
export type Offered = Readonly<Partial<Record<AbuseName, number>>>;

/** News of the abusers. */
export type AbuserNews =
  { readonly type: 'abusing' } | { readonly type: 'offered'; readonly offered: Offered };

/** Environment variables of a node, and where it logs everything; `null`: it logs nothing. */
export interface AppOrder {
  readonly env: Readonly<Record<string, string>>;
  readonly logFile: string | null;
}

/** News of a node. */
export interface AppNews {
  readonly type: 'up';
  readonly httpUrl: string;
}

/** How much CPU time the burner may have used by now, µs: told again and again, since it depends on what others use. */
export interface BurnerOrder {
  readonly micros: number;
}

/** News of the burner. */
export interface BurnerNews {
  readonly type: 'burning';
}
