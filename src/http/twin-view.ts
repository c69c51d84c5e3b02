/**
 * The twin document (design 2.4) as HTTP shows it: the same members under the same names, times written out, and with what
 * the inventory knows of the device.
 */
import { createHash } from 'node:crypto';
import { type Static, Type } from '@sinclair/typebox';
import { AnyKey } from '../../machines/report.ts';
import { DEAF_AFTER } from '../../actors/probe.ts';
import type { TwinDocument } from '../contract/twin-document.ts';
import type { Twin } from '../../actors/twin.ts';
import { worldState } from '../../machines/statechart.ts';
import type { DeviceRow } from '../history/ports.ts';
import type { InventoryEntry } from '../runtime/ports.ts';
import { rfc3339, rfc3339OrNull } from './rfc3339.ts';

const Time = Type.String({ format: 'date-time' });
const TimeOrNull = Type.Union([Time, Type.Null()]);
const NumberOrNull = Type.Union([Type.Number(), Type.Null()]);
const StringOrNull = Type.Union([Type.String(), Type.Null()]);
const AnyMap = Type.Record(AnyKey, Type.Unknown());

/** What the list of devices and the document of one have in common. */
const knownState = {
  device: Type.String(),
  kind: Type.String(),
  site: Type.String(),
  registered: Type.Boolean({ description: 'the inventory has it; false for one that was only heard' }),
  version: Type.Integer({ description: 'grows with every change of the twin' }),
  state: Type.String({ description: 'the known state' }),
  path: Type.String({ description: 'the whole path of the machine: charging.delivering' }),
  since: TimeOrNull,
  quality: Type.String({ description: 'fresh, stale, suspect or unknown' }),
  asOf: Type.Union([Time, Type.Null()], { description: 'when the state was measured' }),
  errorMs: Type.Union([Type.Number(), Type.Null()], {
    description: 'asOf is right within ± this; null while no round trip bounds it',
  }),
  ageMs: NumberOrNull,
  lastContact: TimeOrNull,
  connected: Type.Boolean(),
  hears: Type.Boolean({ description: 'false when it is heard, and lets commands pass' }),
  firmware: StringOrNull,
};

/** Where the device and the ledger disagree about a hold: both views (`docs/suspicions.md`). */
const DivergenceViewSchema = Type.Object({
  sort: Type.String(),
  hold: Type.String({ description: 'id of the command that began the hold in question' }),
  by: StringOrNull,
  expected: Type.String(),
  reported: Type.String(),
  until: TimeOrNull,
  policy: Type.String(),
  reassertedBy: Type.Union([Type.String(), Type.Null()], {
    description: 'id of the command by which the twin re-asserted it',
  }),
});

/** One line of the list of devices. */
export const DeviceLineSchema = Type.Object({
  ...knownState,
  suspicions: Type.Array(Type.String(), { description: 'the reasons' }),
  pending: Type.Integer({ description: 'commands that are not resolved' }),
});

/** A twin, whole. */
export const TwinViewSchema = Type.Object({
  ...knownState,
  reported: AnyMap,
  unreadable: Type.Optional(Type.Array(Type.String(), { description: 'values that did not fit' })),
  via: Type.Optional(
    Type.Object(
      {
        id: Type.String(),
        session: Type.Integer({ description: 'the boot of the source in which it said this' }),
        doubt: Type.Union([Type.String(), Type.Null()], {
          description: 'why what it said is not to be trusted: away, back, session or replay',
        }),
        since: TimeOrNull,
      },
      { description: 'who speaks for it; absent where it speaks itself' },
    ),
  ),
  desired: Type.Object({ version: Type.Integer(), values: AnyMap, delta: AnyMap }),
  pending: Type.Array(
    Type.Object({
      id: Type.String(),
      n: Type.Integer(),
      name: Type.String(),
      outcome: Type.String(),
      sentAt: Time,
      certainAt: Time,
      undecided: Type.Optional(
        Type.Literal(true, {
          description: 'the device has passed it on, and cannot tell yet what became of it',
        }),
      ),
    }),
  ),
  hold: Type.Union([
    Type.Object({ id: Type.String(), by: StringOrNull, until: Time, certainUntil: TimeOrNull }),
    Type.Null(),
  ]),
  suspicions: Type.Array(
    Type.Object({
      reason: Type.String(),
      since: Time,
      detail: Type.String(),
      divergence: Type.Optional(DivergenceViewSchema),
    }),
  ),
  clock: Type.Object({ offsetMs: NumberOrNull, errorMs: NumberOrNull, verified: Type.Boolean() }),
  sequence: Type.Object({
    incarnation: Type.Integer(),
    boot: NumberOrNull,
    seq: NumberOrNull,
    missing: Type.Integer(),
    late: Type.Integer(),
    duplicates: Type.Integer(),
  }),
  allowed: Type.Array(Type.String(), { description: 'commands that would be accepted now' }),
});

/** The twin's document for HTTP. */
export function twinView(document: TwinDocument, inventory: InventoryEntry): Static<typeof TwinViewSchema> {
  const { pending, hold, suspicions, allowed, unreadable, via, ...others } = document;
  return {
    ...others,
    ...(unreadable !== undefined && { unreadable: [...unreadable] }),
    ...(via !== undefined && { via: { ...via, since: rfc3339OrNull(via.since) } }),
    ...writtenTimes(document),
    registered: inventory.registered,
    pending: pending.map((command) => ({
      ...command,
      sentAt: rfc3339(command.sentAt),
      certainAt: rfc3339(command.certainAt),
    })),
    hold: hold && { ...hold, until: rfc3339(hold.until), certainUntil: rfc3339OrNull(hold.certainUntil) },
    suspicions: suspicions.map(suspicionView),
    allowed: [...allowed],
  };
}

function suspicionView({ reason, since, detail, divergence }: TwinDocument['suspicions'][number]) {
  const view = { reason, since: rfc3339(since), detail };
  if (divergence === undefined) return view;
  return { ...view, divergence: { ...divergence, until: rfc3339OrNull(divergence.until) } };
}

/**
 * The entity tag of a twin: its version, and a digest of all that the document says but the age. `quality` changes by the
 * passing of time alone; a tag of the version alone would let a client go on showing as fresh what is stale. Weak, because two
 * documents with the same tag may differ in `ageMs`.
 */
export function twinTag(view: Static<typeof TwinViewSchema>): string {
  const said = JSON.stringify({ ...view, ageMs: null });
  const digest = createHash('sha256').update(said).digest('base64url').slice(0, 10);
  return `W/"${String(view.version)}-${digest}"`;
}

/** A device's line in the list. `document` is `null` where this node does not know the kind: then nothing is certain. */
export function deviceLine(row: DeviceRow, document: TwinDocument | null): Static<typeof DeviceLineSchema> {
  const { device, kind, site, registered, twin } = row;
  const identity = { device, kind, site, registered };
  if (document === null) return { ...identity, ...undocumented(twin) };
  const { version, state, path, quality, errorMs, ageMs, connected, hears, firmware } = document;
  return {
    ...identity,
    ...{ version, state, path, quality, errorMs, ageMs, connected, hears, firmware },
    ...writtenTimes(document),
    suspicions: document.suspicions.map(({ reason }) => reason),
    pending: document.pending.length,
  };
}

function writtenTimes(document: TwinDocument): {
  readonly since: string | null;
  readonly asOf: string | null;
  readonly lastContact: string | null;
} {
  return {
    since: rfc3339OrNull(document.since),
    asOf: rfc3339OrNull(document.asOf),
    lastContact: rfc3339OrNull(document.lastContact),
  };
}

function undocumented(
  twin: Twin,
): Omit<Static<typeof DeviceLineSchema>, 'device' | 'kind' | 'site' | 'registered'> {
  return {
    version: twin.version,
    state: worldState(twin.path),
    path: twin.path,
    since: rfc3339OrNull(twin.since),
    quality: 'unknown',
    asOf: null,
    errorMs: null,
    ageMs: null,
    lastContact: rfc3339OrNull(twin.lastContactAt),
    connected: worldState(twin.path) !== 'offline',
    hears: twin.unheard < DEAF_AFTER,
    firmware: twin.newest?.report.firmware ?? null,
    suspicions: twin.suspicions.map(({ reason }) => reason),
    pending: twin.open.length,
  };
}
