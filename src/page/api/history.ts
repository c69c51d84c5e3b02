/**
 * What the node says of a device's past: its reports, the timeline that follows from them, and the commands.
 */

/** A report as it came. */
export interface Report {
  readonly incarnation: number;
  readonly boot: number;
  readonly seq: number;
  readonly state: string;
  readonly measuredAt: string;
  /** `null`: no round trip bounds it; then `measuredAt` is the latest it can have been. */
  readonly errorMs: number | null;
  readonly receivedAt: string;
  /** `late`: it came after a newer one, filled history and moved nothing. */
  readonly disposition: 'latest' | 'late';
  readonly body: {
    readonly sensors?: Readonly<Record<string, unknown>>;
    /** How long each binary sensor had had its value, ms. */
    readonly since?: Readonly<Record<string, unknown>>;
  };
}

/** A stretch of the timeline in one state, or in silence. */
export interface Interval {
  /** `silent` where it is. */
  readonly state: string;
  /** Nothing was heard in it, for longer than the kind allows: what the device was meanwhile nobody knows. */
  readonly silent: boolean;
  readonly from: string;
  readonly errorMs: number | null;
  readonly to: string | null;
  readonly lastReportAt: string;
  readonly reports: number;
  /** Holes in the numbering of reports, and how many reports they swallowed. */
  readonly gaps: number;
  readonly missing: number;
  readonly reboots: number;
  readonly beganBefore: boolean;
  readonly goesOn: boolean;
}

/** A command of the ledger. */
export interface Command {
  readonly id: string;
  readonly n: number;
  readonly name: string;
  readonly args: Readonly<Record<string, unknown>>;
  /** On whose behalf, as the caller wrote it. */
  readonly by: string | null;
  /** Who asked, proved; `null` for what the twin commands by itself. */
  readonly asker: string | null;
  readonly outcome: string;
  readonly reason: string | null;
  readonly proof: string | null;
  readonly acceptedAt: string;
  readonly sentAt: string | null;
  readonly certainAt: string;
  readonly decidedAt: string | null;
  readonly closedAt: string | null;
  readonly holdMs: number | null;
}
