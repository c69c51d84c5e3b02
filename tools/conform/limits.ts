/** Every time and number the kit works with. */

/** Durations in ms. */
export interface TrialLimits {
  /** An answer to a command has to come within this: as long as a twin waits for one to its `report`. */
  readonly answerMs: number;
  /** First contact, a report that is sent again, a restart and a reconnect have to come within this. */
  readonly patienceMs: number;
  /** Nothing else may be published for this long while a publish is unanswered; a device waits longer for an ack. */
  readonly quietMs: number;
  /** How long the kit's reservations last. */
  readonly holdMs: number;
  /** So much of a hold is spent before a restart comes into it: more than a tick, or nobody could tell whether it began anew. */
  readonly spentMs: number;
  /** What the device may be off by when it says what is left of a hold: a tick of its clock, and a rounding. */
  readonly tickMs: number;
  /** The kit's commands may start within this. */
  readonly startWindowMs: number;
  /** So many reports are made while the device cannot deliver. */
  readonly outageReports: number;
  /** Between two commands that are sent without waiting for an answer. */
  readonly stepMs: number;
  /** When nothing happens the device reports this often; `null`: nobody has said how often. */
  readonly heartbeatMs: number | null;
  /** After an outage, a device that has been silent for this long has nothing more to send. */
  readonly drainedMs: number;
}

/** For a device on a bench. */
export const TRIAL_LIMITS: TrialLimits = {
  answerMs: 5_000,
  patienceMs: 90_000,
  quietMs: 1_000,
  holdMs: 4_000,
  spentMs: 1_000,
  tickMs: 100,
  startWindowMs: 20_000,
  outageReports: 24,
  stepMs: 250,
  heartbeatMs: null,
  drainedMs: 5_000,
};
