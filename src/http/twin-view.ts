/**
 * The twin document (design 2.4) as HTTP shows it: the same members under the same names, times written out, and with what
 * the inventory knows of the device.
 */
import { createHash } from 'node:crypto';
import { type Static, Type } from '@sinclair/typebox';
import { isResponsive } from '../../actors/probe.ts';
import type { Twin } from '../../actors/twin.ts';
import { worldState } from '../../machines/statechart.ts';
import { type TwinDocument, TwinDocumentSchema } from '../contract/twin-document.ts';
import type { DeviceRow } from '../history/ports.ts';
import type { InventoryEntry } from '../runtime/ports.ts';
import { httpForm } from './http-form.ts';

const registered = Type.Boolean({
  description: 'the inventory has it; false for one that was only heard',
});

const whole = httpForm(Type.Omit(TwinDocumentSchema, ['leftOut']));

/** What a line of the list has of the document as it is. */
const known = httpForm(
  Type.Omit(TwinDocumentSchema, [
    ...(['leftOut', 'reported', 'unreadable', 'via', 'desired', 'pending', 'hold', 'suspicions'] as const),
    ...(['clock', 'sequence', 'allowed'] as const),
  ]),
);

const KnownSummarySchema = Type.Object({
  ...known.schema.properties,
  suspicions: Type.Array(Type.String(), { description: 'the reasons' }),
  pending: Type.Integer({ description: 'commands that are not resolved' }),
});

/** One line of the list of devices. */
export const DeviceSummarySchema = Type.Object({ ...KnownSummarySchema.properties, registered });

/** A twin, whole. */
export const TwinViewSchema = Type.Object({ ...whole.schema.properties, registered });

/** The twin's document for HTTP. */
export function twinView(document: TwinDocument, inventory: InventoryEntry): Static<typeof TwinViewSchema> {
  return { ...whole.write(document), registered: inventory.registered };
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
export function deviceSummary(
  row: DeviceRow,
  document: TwinDocument | null,
): Static<typeof DeviceSummarySchema> {
  const { device, kind, site, registered: isRegistered, twin } = row;
  const line = document === null ? undocumentedSummary(twin) : documentSummary(document);
  return { ...line, device, kind, site, registered: isRegistered };
}

/** What a twin's document says in a line. */
export function documentSummary(document: TwinDocument): Static<typeof KnownSummarySchema> {
  return {
    ...known.write(document),
    suspicions: document.suspicions.map(({ reason }) => reason),
    pending: document.pending.length,
  };
}

function undocumentedSummary(twin: Twin): Static<typeof KnownSummarySchema> {
  const { device, kind, site, version, path, since, lastContactAt: lastContact } = twin;
  return {
    ...known.write({
      device,
      kind,
      site,
      version,
      path,
      since,
      lastContact,
      state: worldState(path),
      quality: 'unknown',
      asOf: null,
      errorMs: null,
      ageMs: null,
      connected: worldState(path) !== 'offline',
      responsive: isResponsive(twin),
      hears: isResponsive(twin),
      firmware: twin.newest?.report.firmware ?? null,
    }),
    suspicions: twin.suspicions.map(({ reason }) => reason),
    pending: twin.open.length,
  };
}
