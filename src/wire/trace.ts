/**
 * W3C Trace Context (Recommendation of 2021, and Level 2) over NATS headers: so that what one request of a backend led to can be
 * found everywhere under its trace id: the command at the device, the reply, what was published because of it, the log.
 */

/** Headers, as the standard names them. NATS compares names as they are written, so these are looked up in any case. */
export const TRACE_HEADERS = { parent: 'traceparent', state: 'tracestate' } as const;

/** A longer `tracestate` is not passed on: what is dropped there costs a vendor's remark, never the trace. */
export const TRACE_STATE_LENGTH_MAX = 512;

/** One request's place in a trace. */
export interface Trace {
  /** 32 lower-case hexadecimal digits, not all zero. */
  readonly traceId: string;
  /** Of what this node does for the request; 16 lower-case hexadecimal digits, not all zero. */
  readonly spanId: string;
  /** Of the request, as its sender said. */
  readonly parentSpanId: string;
  /** The sender records it. */
  readonly isSampled: boolean;
  /** The other systems' remarks, passed on as they came; `null` when there are none. */
  readonly state: string | null;
}

/** What a `traceparent` says. */
export type TraceParent = Pick<Trace, 'traceId' | 'parentSpanId' | 'isSampled'>;

const FORM = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const SAMPLED = 0x01;

/** Reads a `traceparent`; `null` for what the standard has ignored. A later version is read as far as this one goes (4.3). */
export function readTraceParent(text: string): TraceParent | null {
  const [, version, traceId, parentSpanId, flags, rest] = FORM.exec(text) ?? [];
  if (version === undefined || traceId === undefined || parentSpanId === undefined || flags === undefined)
    return null;
  if (version === 'ff' || (version === '00' && rest !== undefined)) return null;
  if (/^0+$/.test(traceId) || /^0+$/.test(parentSpanId)) return null;
  return { traceId, parentSpanId, isSampled: (Number.parseInt(flags, 16) & SAMPLED) !== 0 };
}

/** The `traceparent` of whatever this node sends because of the request: its own span is the parent there. */
export function writeTraceParent({ traceId, spanId, isSampled }: Trace): string {
  return `00-${traceId}-${spanId}-${isSampled ? '01' : '00'}`;
}
