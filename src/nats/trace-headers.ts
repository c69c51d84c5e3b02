/** Trace context in the headers of NATS messages. */
import { randomBytes } from 'node:crypto';
import { Match, type MsgHdrs } from '@nats-io/nats-core';
import {
  readTraceParent,
  type Trace,
  TRACE_HEADERS,
  TRACE_STATE_LENGTH_MAX,
  writeTraceParent,
} from '../wire/trace.ts';

const SPAN_BYTES = 8;

/** What the headers of a request say of its trace. */
export type ReadTrace =
  | { readonly type: 'none' }
  | { readonly type: 'trace'; readonly trace: Trace }
  /** It is ignored, as the standard wants it; `found` is what stood there. */
  | { readonly type: 'unreadable'; readonly found: string };

const NONE: ReadTrace = { type: 'none' };

/** Reads the trace of a request, and gives this node a span of its own in it. */
export function readTrace(heads: MsgHdrs | null): ReadTrace {
  if (heads === null) return NONE;
  const parents = heads.values(TRACE_HEADERS.parent, Match.IgnoreCase);
  const [first, ...others] = parents;
  if (first === undefined) return NONE;
  const parent = others.length === 0 ? readTraceParent(first) : null;
  if (parent === null) return { type: 'unreadable', found: parents.join(', ') };
  const state = heads.values(TRACE_HEADERS.state, Match.IgnoreCase).join(',');
  const isKept = state !== '' && state.length <= TRACE_STATE_LENGTH_MAX;
  return { type: 'trace', trace: { ...parent, spanId: newSpanId(), state: isKept ? state : null } };
}

/** Writes a trace into the headers of what is sent because of it. */
export function writeTrace(heads: MsgHdrs, trace: Trace): void {
  heads.set(TRACE_HEADERS.parent, writeTraceParent(trace));
  if (trace.state !== null) heads.set(TRACE_HEADERS.state, trace.state);
}

/** Random, and not all zero, which means none. */
function newSpanId(): string {
  for (;;) {
    const id = randomBytes(SPAN_BYTES).toString('hex');
    if (!/^0+$/.test(id)) return id;
  }
}
