/**
 * Which kind a device is of: what the inventory says; else what the report itself says; else the one kind whose sensors the
 * report names. A device of which none of this tells the kind cannot have a twin.
 */
import type { Kind } from '../../machines/kind.ts';
import type { Report } from '../../machines/report.ts';
import type { InventoryEntry } from './ports.ts';

/** A device's kind, or what would have told it. */
export type KindFound =
  { readonly ok: true; readonly kind: Kind } | { readonly ok: false; readonly detail: string };

/** The kind of a device heard for the first time. */
export function kindOf(
  kinds: readonly Kind[],
  inventory: InventoryEntry | undefined,
  report: Report,
): KindFound {
  const named = inventory?.kind ?? report.kind;
  const names = kinds.map(({ name }) => name).join(', ');
  if (named !== undefined) {
    const kind = kinds.find(({ name }) => name === named);
    return kind === undefined
      ? unknown(`there is no kind ${named}; there are: ${names}`)
      : { ok: true, kind };
  }
  const candidates = kinds.filter((kind) => namesSensorsOf(kind, report));
  const [only, ...others] = candidates;
  if (only !== undefined && others.length === 0) return { ok: true, kind: only };
  return unknown(
    `the device is not in the inventory, and its sensors do not tell its kind: send \`kind\` (${names}) or register it`,
  );
}

function namesSensorsOf(kind: Kind, report: Report): boolean {
  return Object.keys(report.sensors).some((sensor) => Object.hasOwn(kind.sensors.properties, sensor));
}

function unknown(detail: string): KindFound {
  return { ok: false, detail };
}
