/** What really happened at the charge points behind the gateway: what all that is said of them is held against. */
import type { TrueCourse } from '../simulation/gateway/start-rules.ts';

/** What really became of a remote start; times are ms epoch. */
export interface TrueStart extends TrueCourse {
  readonly n: number;
  readonly isAnswered: boolean;
  /** How long its effect took as the station lived it, ms; `null` where it had none. */
  readonly effectMs: number | null;
}

/** A report that an agent made. */
export interface MadeReport {
  readonly boot: number;
  readonly seq: number;
  readonly state: string;
  /** The session that it shows, counted from 1; 0 for none. */
  readonly session: number;
  /** It was measured between these, ms epoch. */
  readonly madeAfter: number;
  readonly madeBefore: number;
  /** When it was heard that the hub has stored it, ms epoch; `null` while it was not. */
  readonly ackedAt: number | null;
  /** The last words of its ring on starts that were sent on, by their numbers. */
  readonly lastWords: Readonly<Record<number, string>>;
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

/** A report's place among all of its device, as it is told of: `boot/seq`. */
export function positionOf({ boot, seq }: { readonly boot: number; readonly seq: number }): string {
  return `${String(boot)}/${String(seq)}`;
}
