/**
 * The one message that devices send: their whole state (wire contract 2.1).
 *
 * It lives with the machines because a kind's sensors, health rules and observations are all statements about a
 * report. The schema names what Corral reads; every other field is kept and passed on, never refused.
 */
import { type Static, type TSchema, Type, TypeGuard } from '@sinclair/typebox';

/** Device ids, site ids and kind names: one NATS token, safe in a subject, a URL and a file name. */
export const ID_PATTERN = '^[A-Za-z0-9_-]{1,64}$';

const Uint = (description: string, maximum = Number.MAX_SAFE_INTEGER) =>
  Type.Integer({ minimum: 0, maximum, description });

/**
 * The longest uptime, ms: 34 years. A report with a longer one is refused: one of an earlier boot would leave that boot's clock wrong by
 * so much for good, and with it the times of all that is still to come of it.
 */
export const UPTIME_MAX = 2 ** 40;

/** Any key of a map: the library's own takes no line break for a part of one, and would let values under such keys pass unseen. */
export const AnyKey = Type.String({ pattern: '^[\\s\\S]*$' });

/** A map whose keys are free. A `Record` would be checked by a pattern for each key, and this runs for every report. */
const MapOf = <Value extends TSchema>(value: Value, description: string) =>
  Type.Unsafe<Record<string, Static<Value>>>(
    Type.Object({}, { additionalProperties: TypeGuard.IsUnknown(value) ? true : value, description }),
  );

/**
 * The word of a ring for a command that is in flight beyond the device, as with a gateway that waits for its station: it is amended in its
 * place, and stays in the ring until then.
 */
export const UNDECIDED = 'undecided';

/**
 * The state in a report of a gateway that has no connection with the device it speaks for: nothing is known of that but what the gateway
 * itself did. No kind has it.
 */
export const NOT_CONNECTED = 'not-connected';

/** What has ended for good before a device says its last word on a command: the boot in which the command was sent on. */
export const FenceSchema = Type.Object({ boot: Uint('the boot that has ended') });

/** What the device did with one command it was sent: an entry of its ring of outcomes. */
export const RingEntrySchema = Type.Object({
  n: Uint('the command number this is about'),
  outcome: Type.String({
    maxLength: 64,
    description: '`done`, `rejected` with a reason, `undecided`, or `unknown` with a fence',
  }),
  reason: Type.Optional(Type.String({ maxLength: 256 })),
  fence: Type.Optional(FenceSchema),
  executedAs: Type.Optional(
    Uint('the lower number under which the same command was executed, where it came again under this one'),
  ),
});
export type RingEntry = Readonly<Static<typeof RingEntrySchema>>;

/** The longest ring of outcomes a report may carry (wire contract 2.1). */
export const RING_SIZE_MAX = 8;

/** The reservation the device is holding, as it sees it: `leftMs` on its own monotonic clock. */
export const ReportedHoldSchema = Type.Object({
  id: Type.String({ minLength: 1, maxLength: 64, description: 'ledger id of the `reserve` that began it' }),
  leftMs: Uint('time until the device lets go by itself, ms'),
});

/** One line of the inventory scan a device sends when it boots. */
export const ComponentSchema = Type.Object({
  slot: Type.String({ minLength: 1, maxLength: 64 }),
  model: Type.String({ maxLength: 128 }),
  serial: Type.String({ maxLength: 128 }),
  firmware: Type.Optional(Type.String({ maxLength: 64 })),
});

/**
 * Who speaks for the device, where that is not the device itself: a gateway, a poller of somebody's feed. It is a device with reports of
 * its own, and `session` is its `boot` while it says this.
 */
export const ViaSchema = Type.Object({
  id: Type.String({ pattern: ID_PATTERN, description: 'the device id of the source' }),
  session: Uint('the `boot` of the source in which it says this'),
});

/**
 * A report. `boot`, `seq`, `up`, `state` and `sensors` are required. A device that leaves out `since`, `commands` or
 * `firmware` is still heard: absence says nothing, and in particular an absent `commands` proves nothing.
 */
export const ReportSchema = Type.Object({
  boot: Uint("counts the device's starts; kept across power loss"),
  seq: Type.Integer({
    minimum: 1,
    maximum: Number.MAX_SAFE_INTEGER,
    description: 'counts reports within a boot',
  }),
  up: Uint('monotonic uptime when this state was measured, ms', UPTIME_MAX),
  at: Type.Optional(Type.Number({ description: "the device's wall clock, ms epoch; a hint, never trusted" })),
  state: Type.String({ minLength: 1, maxLength: 64, description: 'what the device itself believes' }),
  sensors: MapOf(Type.Unknown(), 'every sensor value; schema per kind'),
  since: Type.Optional(MapOf(Uint('ms since the last change'), 'per binary sensor')),
  commands: Type.Optional(
    Type.Array(RingEntrySchema, { maxItems: RING_SIZE_MAX, description: 'the highest number first' }),
  ),
  hold: Type.Optional(Type.Union([ReportedHoldSchema, Type.Null()])),
  firmware: Type.Optional(Type.String({ maxLength: 64 })),
  config: Type.Optional(
    Type.Object({ version: Uint('applied desired version'), errors: Type.Optional(Type.Unknown()) }),
  ),
  components: Type.Optional(Type.Array(ComponentSchema, { maxItems: 256 })),
  kind: Type.Optional(
    Type.String({ pattern: ID_PATTERN, description: 'kind, for a device no inventory knows' }),
  ),
  via: Type.Optional(ViaSchema),
  device: Type.Optional(Type.String({ description: 'if present it must equal the id in the subject' })),
});

/** A parsed report. Fields the contract does not name are still on the object. */
export type Report = Readonly<Static<typeof ReportSchema>> & {
  /** Written by Corral, and by no device: sensors and fields whose values did not fit, and so count as absent. */
  readonly unreadable?: readonly string[];
};

/** The report with more of it marked as unreadable. */
export function markUnreadable(report: Report, names: readonly string[]): Report {
  return { ...report, unreadable: [...(report.unreadable ?? []), ...names] };
}

/** The mark of a ring in which an entry, or all of it, could not be read; and of a hold that could not. */
const [RING, HOLD] = ['commands', 'hold'] as const;

/** The mark of entries in a ring that were read without what stands beside the word: `reason`, `fence` or `executedAs`. */
export function besideWord(name: string): string {
  return `${RING}.${name}`;
}

/**
 * True when all entries of the report's ring could be read. Only such a ring says anything by not naming a command: that might be what the
 * unreadable entry is about.
 */
export function isRingWhole({ unreadable = [] }: Report): boolean {
  return !unreadable.includes(RING);
}

/** True when the report says something of a hold that could not be read: neither which one it is, nor that there is none. */
export function isHoldUnreadable({ unreadable = [] }: Report): boolean {
  return unreadable.includes(HOLD);
}

/** Reports of a device are ordered by (boot, seq), within one incarnation of it. */
export type ReportPosition = Pick<Report, 'boot' | 'seq'>;

/** Negative when `a` was measured before `b`, 0 when they are the same report, positive when after. */
export function comparePositions(a: ReportPosition, b: ReportPosition): number {
  return a.boot === b.boot ? a.seq - b.seq : a.boot - b.boot;
}

/** A position as sentences name it: `3/17`. */
export function positionText({ boot, seq }: ReportPosition): string {
  return `${String(boot)}/${String(seq)}`;
}
