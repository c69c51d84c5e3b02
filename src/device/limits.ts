/** Every limit of the device agent, and what happens at it. */
import type { OutboxLimits } from './outbox.ts';

/** Durations in ms of the device's uptime. */
export interface AgentLimits extends OutboxLimits {
  /** A report is made when the last one is this old. It has to be well below the kind's silence limit. */
  readonly heartbeatMs: number;
  /** So many reports are kept unacked. One more, and the oldest is dropped: the server sees its number as missing. */
  readonly outboxReportsMax: number;
  /** So many bytes of reports are kept unacked; beyond it as above. */
  readonly outboxBytesMax: number;
  /** So many reports at most go into one frame. The server refuses a frame of more than 20,000. */
  readonly frameReportsMax: number;
  /** A frame is at most this long; the hub takes 1 MB with headers. A single report that is longer ends the agent. */
  readonly frameBytesMax: number;
  /** So many commands wait while one is handled. One more is lost and counted: the twin sends it again. */
  readonly commandQueueMax: number;
  /** The body is given this long to execute a command. After it the command is `undecided`, reason `no-answer`, until the body amends it. */
  readonly actMs: number;
  /** A failed publish is tried again after this, */
  readonly retryFirstMs: number;
  /** and after twice as long each time, but at most this; a little earlier per device, so that a fleet does not retry as one. */
  readonly retryLongestMs: number;
  /** A lasting hold is recorded as spent this often. A restart costs it between one and two of these. */
  readonly holdChargeMs: number;
}

/** Limits for a device with a disk and a link of any quality. */
export const AGENT_LIMITS: AgentLimits = {
  heartbeatMs: 60_000,
  outboxReportsMax: 50_000,
  outboxBytesMax: 32_000_000,
  frameReportsMax: 5_000,
  frameBytesMax: 900_000,
  commandQueueMax: 32,
  actMs: 10_000,
  retryFirstMs: 250,
  retryLongestMs: 10_000,
  holdChargeMs: 10_000,
};
