/**
 * Why a twin is in its state, in words that go on after "because": what keeps it there now, and not what was merely heard last.
 */
import { isHoldUnreadable } from '../machines/report.ts';
import { OUT_OF_SERVICE } from '../machines/shown-state.ts';
import { worldState } from '../machines/statechart.ts';
import type { Kind } from '../machines/kind.ts';
import type { Transition } from '../src/contract/journal-entry.ts';
import { durationText, momentText } from './time-text.ts';
import type { Twin } from './twin.ts';

/** True while the device itself says that it must not be used, and nothing else is in doubt. */
export function isOutOfService({ path }: Pick<Twin, 'path'>): boolean {
  return path === OUT_OF_SERVICE;
}

/** What the device itself says, in the words of its newest report. */
export function ownWords({ newest }: Pick<Twin, 'newest'>): string {
  return `it says itself that it is ${newest?.report.state ?? 'nothing'}`;
}

/** The cause of the twin's state; `transitions` are those of its journal, newest first. */
export function causeOfState(known: {
  readonly twin: Twin;
  readonly kind: Kind;
  readonly transitions: readonly Pick<Transition, 'to' | 'cause'>[];
}): string {
  const { twin, kind, transitions } = known;
  const { path, lastContactAt, newest, suspicions } = twin;
  if (worldState(path) === 'offline') {
    if (lastContactAt === null) return 'it was never heard';
    if (newest === null)
      return `nothing was heard since an engineer has renewed its identity (${renewal(transitions)})`;
    return `nothing was heard since ${momentText(lastContactAt)}, and a ${kind.name} counts as offline after ${durationText(kind.limits.silenceMs)}`;
  }
  if (suspicions.length > 0) return suspicions.map(({ detail }) => detail).join(', and ');
  if (isOutOfService(twin)) return `${ownWords(twin)} (${reportName(twin)})`;
  const last = transitions.find(({ to }) => to === path);
  if (last?.cause.type === 'deadline') return last.cause.detail;
  const seen = `it says ${newest?.report.state ?? 'nothing'} (${reportName(twin)})${sensorWords(path)}${strangersHold(twin)}`;
  return last?.cause.type === 'engineer' ? `${seen}, and ${last.cause.detail}` : seen;
}

/** What is reserved without a hold was reserved by somebody else than Corral: on the spot, or by another system behind a gateway. */
function strangersHold({ path, newest, hold }: Twin): string {
  if (worldState(path) !== 'reserved' || hold !== null || newest === null || newest.report.hold) return '';
  return isHoldUnreadable(newest.report)
    ? ', and what it says of its hold cannot be read: nobody can tell for whom it is reserved'
    : ', and shows no hold: it is reserved by somebody else, for whom Corral did not ask';
}

function renewal(transitions: readonly Pick<Transition, 'cause'>[]): string {
  return transitions.find(({ cause }) => cause.type === 'engineer')?.cause.detail ?? 'long ago';
}

function reportName({ newest }: Twin): string {
  return newest === null ? 'no report' : `report ${String(newest.boot)}/${String(newest.seq)}`;
}

/** What the state is refined by: `waiting` of `reserved.waiting`. */
function sensorWords(path: string): string {
  const part = path.slice(worldState(path).length + 1);
  return part === '' ? '' : `, and its sensors say ${part.replaceAll('.', ' ')}`;
}
