/** What really happened at the charge points behind the gateway: what all that is said of them is held against. */
import type { SilentEnd } from '../simulation/gateway/station.ts';

/** What really became of a remote start. */
export interface TrueStart {
  /** Of the ledger. */
  readonly id: string;
  readonly n: number;
  readonly isAnswered: boolean;
  readonly without: SilentEnd | null;
  /** How long its effect took as the station lived it, ms; `null` where it had none. */
  readonly effectMs: number | null;
  /** Whether a session began. */
  readonly hasBegun: boolean;
}

/** A report that an agent made. */
export interface MadeReport {
  readonly boot: number;
  readonly seq: number;
  readonly state: string;
  /** The session that it shows, counted from 1; 0 for none. */
  readonly session: number;
  /** When it was measured, ms epoch. */
  readonly madeAt: number;
}

/** Of one charge point. */
export interface Truth {
  readonly device: string;
  readonly starts: readonly TrueStart[];
  readonly made: readonly MadeReport[];
  readonly sessions: number;
  readonly isCharging: boolean;
  /** Sessions of the station with the gateway: boots. */
  readonly boots: number;
  /** Commands that were executed more than once, by their ids. */
  readonly twice: readonly string[];
}
