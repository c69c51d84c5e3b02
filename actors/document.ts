/**
 * The twin document (design 2.4): what a twin says of itself, at a given time. Derived from the twin alone, so that every
 * node, the store and a watcher say the same.
 */
import type { Kind } from '../machines/kind.ts';
import { worldState } from '../machines/statechart.ts';
import { measuredAt } from './clock.ts';
import { desiredDelta } from './desired.ts';
import { ageOf, type Quality, qualityOf } from './freshness.ts';
import { holdCertainUntil } from './holds.ts';
import { isUndecided } from './ledger.ts';
import { DEAF_AFTER } from './probe.ts';
import { allowedCommands } from './prospect.ts';
import { missing } from './sequence.ts';
import type { SourceDoubt, SpokenFor, Suspicion, Twin } from './twin.ts';

/** Times are server time, ms epoch, whole milliseconds. */
export interface TwinDocument {
  readonly device: string;
  readonly kind: string;
  readonly site: string;
  /** Grows with every change of the twin: the ETag. */
  readonly version: number;
  /** The state the world sees. */
  readonly state: string;
  /** The machine's whole path, `charging.delivering`. */
  readonly path: string;
  readonly since: number | null;
  readonly quality: Quality;
  /** When the state was MEASURED, ± `errorMs` (`null`: no round trip bounds it), and how old it is now by that estimate. */
  readonly asOf: number | null;
  readonly errorMs: number | null;
  readonly ageMs: number | null;
  readonly lastContact: number | null;
  /** Something was heard within the kind's silence limit. */
  readonly connected: boolean;
  /** False when it is heard, and lets commands pass: what is sent to it does not arrive, or is not answered. */
  readonly hears: boolean;
  readonly reported: Readonly<Record<string, unknown>>;
  readonly firmware: string | null;
  /**
   * Who speaks for it, where it does not speak itself, in which of its sessions, and why what it said is not to be trusted: `away`, `back`,
   * `session` or `replay`, since when. Absent where it speaks itself.
   */
  readonly via?: {
    readonly id: string;
    readonly session: number;
    readonly doubt: SourceDoubt | null;
    readonly since: number | null;
  };
  readonly desired: {
    readonly version: number;
    readonly values: Readonly<Record<string, unknown>>;
    readonly delta: Readonly<Record<string, unknown>>;
  };
  readonly pending: readonly {
    readonly id: string;
    readonly n: number;
    readonly name: string;
    readonly outcome: string;
    readonly sentAt: number;
    readonly certainAt: number;
    /** The device has passed it on and cannot tell yet: it may take effect after `certainAt`. Absent otherwise. */
    readonly undecided?: true;
  }[];
  readonly hold: {
    readonly id: string;
    readonly by: string | null;
    readonly until: number;
    /** `null` while the command that begins it is in flight beyond the device: nobody can tell. */
    readonly certainUntil: number | null;
  } | null;
  readonly suspicions: readonly Suspicion[];
  readonly clock: {
    /** The device's wall clock minus server time, ms; `null` when it tells none. */
    readonly offsetMs: number | null;
    readonly errorMs: number | null;
    /** True once a round trip in this boot bounds when things were measured. */
    readonly verified: boolean;
  };
  readonly sequence: {
    readonly incarnation: number;
    readonly boot: number | null;
    readonly seq: number | null;
    readonly missing: number;
    readonly late: number;
    readonly duplicates: number;
  };
  /** Names of the commands that would be accepted now, at once or once the device has answered `report`. */
  readonly allowed: readonly string[];
  /** Sensors and fields of the newest report whose values did not fit, and so count as absent. Absent where there are none. */
  readonly unreadable?: readonly string[];
  /** What had to be left out so that one message holds the rest; the store has it. Absent where nothing was. */
  readonly leftOut?: readonly string[];
}

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
    hears: twin.unheard < DEAF_AFTER,
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
