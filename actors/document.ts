/**
 * The twin document (design 2.4): what a twin says of itself, at a given time. Derived from the twin alone, so that every
 * node, the store and a watcher say the same.
 */
import type { Kind } from '../machines/kind.ts';
import { worldState } from '../machines/statechart.ts';
import { measuredAt } from './clock.ts';
import { desiredDelta } from './desired.ts';
import { ageOf, qualityOf } from './freshness.ts';
import type { TwinDocument } from '../src/contract/twin-document.ts';
import { holdCertainUntil } from './holds.ts';
import { isUndecided } from './ledger.ts';
import { isResponsive } from './probe.ts';
import { allowedCommands } from './prospect.ts';
import { missing } from './sequence.ts';
import type { SpokenFor, Twin } from './twin.ts';

/** The document of `twin` at server time `now`. */
export function twinDocument(options: {
  readonly twin: Twin;
  readonly kind: Kind;
  readonly now: number;
  readonly serverErrorMs: number;
}): TwinDocument {
  const { twin, kind, now } = options;
  const { newest, clock, hold } = twin;
  const certainUntil = holdCertainUntil(twin);
  const deviceTime = newest?.at ?? null;
  const measured = newest && clock ? measuredAt(clock, newest, kind.limits.driftPpm) : null;
  return {
    device: twin.device,
    kind: twin.kind,
    site: twin.site,
    version: twin.version,
    state: worldState(twin.path),
    path: twin.path,
    since: wholeMs(twin.since),
    quality: qualityOf(twin, ageOf(options), kind.limits.freshMs),
    asOf: wholeMs(measured?.at ?? null),
    errorMs: wholeMs(measured?.errorMs ?? null),
    ageMs: measured && Math.max(0, Math.round(now - measured.at)),
    lastContact: twin.lastContactAt,
    connected: worldState(twin.path) !== 'offline',
    responsive: isResponsive(twin),
    hears: isResponsive(twin),
    reported: newest?.report.sensors ?? {},
    ...(newest?.report.unreadable !== undefined && { unreadable: newest.report.unreadable }),
    firmware: newest?.report.firmware ?? null,
    ...(twin.via !== null && { via: viaOf(twin.via) }),
    desired: { version: twin.desired.version, values: twin.desired.values, delta: desiredDelta(twin) },
    pending: twin.open.map((entry) => ({
      id: entry.id,
      n: entry.n,
      name: entry.name,
      outcome: entry.outcome,
      sentAt: entry.sentAt,
      certainAt: Math.ceil(entry.certainAt),
      ...(isUndecided(entry) && { undecided: true as const }),
    })),
    hold: hold && {
      id: hold.id,
      by: hold.by,
      until: Math.round(hold.until),
      certainUntil: certainUntil === null ? null : Math.ceil(certainUntil),
    },
    suspicions: twin.suspicions,
    clock: {
      offsetMs: deviceTime === null || measured === null ? null : Math.round(deviceTime - measured.at),
      errorMs: wholeMs(measured?.errorMs ?? null),
      verified: clock !== null && clock.earliest !== null,
    },
    sequence: {
      incarnation: twin.incarnation,
      boot: newest?.boot ?? null,
      seq: newest?.seq ?? null,
      missing: missing(twin.sequence),
      late: twin.sequence.late,
      duplicates: twin.sequence.duplicates,
    },
    allowed: allowedCommands({ twin, kind, context: options }),
  };
}

function viaOf({ id, session, doubt, since }: SpokenFor): NonNullable<TwinDocument['via']> {
  return { id, session, doubt, since: wholeMs(since) };
}

function wholeMs(time: number | null): number | null {
  return time === null ? null : Math.round(time);
}
