/**
 * Why a device is in its state, as `GET /v1/devices/:device/explain` tells it.
 */
import type { Suspicion } from './twin.ts';

/** One cause in the chain. */
export interface Cause {
  readonly at: string;
  /** `null` where the time is not bounded, or is the server's own. */
  readonly errorMs: number | null;
  readonly type: string;
  readonly sentence: string;
}

/** A timer that is armed. */
export interface Timer {
  readonly name: string;
  readonly at: string;
  readonly sentence: string;
}

/** Whether a command would be accepted now, and why not. */
export interface CommandVerdict {
  readonly name: string;
  readonly accepted: boolean;
  /** Whether the device would then be sent it: false for what the twin does by itself. */
  readonly sent: boolean;
  /** It would be refused with it; `needs-proof` where it would be accepted after the device has answered a report. */
  readonly code: string | null;
  readonly sentence: string;
}

/** The explanation. */
export interface Explanation {
  readonly at: string;
  /** Sentences. */
  readonly summary: readonly string[];
  /** Those of them that are true at `at` only. */
  readonly momentary: readonly string[];
  readonly chain: readonly Cause[];
  readonly suspicions: readonly Suspicion[];
  readonly timers: readonly Timer[];
  readonly commands: readonly CommandVerdict[];
}
