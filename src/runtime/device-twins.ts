/**
 * Finds the twin that a message is for: the one that the device has, the one it is born with because it is registered, or the one that
 * its first report makes. What nobody may speak as, or no kind fits, has none.
 */
import { bornTwin, type Twin } from '../../actors/twin.ts';
import type { Kind } from '../../machines/kind.ts';
import type { Report } from '../../machines/report.ts';
import { partitionOf } from '../wire/partition.ts';
import { forgottenDetail } from './forgetting.ts';
import { kindOf } from './kind-of.ts';
import type { RuntimeLimits } from './limits.ts';
import type { PartitionState } from './partition-state.ts';
import type { Delivery, InventoryEntry } from './ports.ts';
import type { Telemetry } from './telemetry.ts';

/** What finding takes. */
export interface DeviceTwinsOptions {
  readonly kinds: readonly Kind[];
  readonly limits: Pick<RuntimeLimits, 'unregisteredDevicesMax'>;
  readonly telemetry: Pick<Telemetry, 'quarantined'>;
  readonly partitions: ReadonlyMap<number, PartitionState>;
}

/** The twin a report is for, or why there is none: a stable reason, and what would be right. */
export type TwinFound =
  | {
      readonly ok: true;
      readonly twin: Twin;
      readonly kind: Kind;
      /** Nothing of the device is in the store. */
      readonly isStranger: boolean;
    }
  | { readonly ok: false; readonly reason: string; readonly detail: string };

/** The twins of one host by what messages say of their device. */
export class DeviceTwins {
  readonly #options: DeviceTwinsOptions;
  readonly #kindsByName: ReadonlyMap<string, Kind>;

  constructor(options: DeviceTwinsOptions) {
    this.#options = options;
    this.#kindsByName = new Map(options.kinds.map((kind) => [kind.name, kind]));
  }

  /** The twin of a device that has one or is registered; an error for one that broke in the store. */
  known(partition: PartitionState, device: string): Twin | Error | undefined {
    try {
      return partition.twins.get(device) ?? this.#bornFromInventory(partition, device);
    } catch (error) {
      return this.quarantined(device, error);
    }
  }

  /** The kind of a twin; none for what is no twin, and where this node does not have it. */
  kindOf(twin: Twin | Error | undefined): Kind | undefined {
    return twin === undefined || twin instanceof Error ? undefined : this.#kindsByName.get(twin.kind);
  }

  /** The kind of this name; none where this node does not have it. */
  kindNamed(name: string): Kind | undefined {
    return this.#kindsByName.get(name);
  }

  /** The twin a report is for; born now if the device is heard for the first time. */
  speaking(partition: PartitionState, delivery: Delivery, report: Report): TwinFound {
    const { device, site } = delivery;
    const forgotten = partition.forgotten.get(device);
    if (forgotten !== undefined)
      return { ok: false, reason: 'forgotten', detail: forgottenDetail(forgotten) };
    const known = this.known(partition, device);
    if (known instanceof Error) return { ok: false, reason: 'quarantined', detail: known.message };
    if (known !== undefined) {
      const kind = this.kindOf(known);
      if (kind === undefined)
        return { ok: false, reason: 'unknown-kind', detail: `there is no kind ${known.kind}` };
      if (known.site === site) return { ok: true, twin: known, kind, isStranger: false };
      const detail = `the device belongs to site ${known.site}; site ${site} may not speak as it`;
      return { ok: false, reason: 'foreign-site', detail };
    }
    const found = kindOf(this.#options.kinds, undefined, report);
    if (!found.ok) return { ok: false, reason: 'unknown-kind', detail: found.detail };
    const isStranger = !partition.inventory.has(device);
    const { unregisteredDevicesMax: max } = this.#options.limits;
    const count = partition.unregistered.of(site);
    if (isStranger && count >= max) {
      const detail =
        `site ${site} has ${String(count)} devices that nobody registered, and a new one gets a twin only below ${String(max)}: ` +
        'register the device, which a node hears of within seconds, or raise CORRAL_UNREGISTERED_MAX, which takes a start';
      return { ok: false, reason: 'too-many-unregistered', detail };
    }
    const given = partition.given.get(device);
    return {
      ok: true,
      twin: bornTwin({ device, kind: found.kind, site, given }),
      kind: found.kind,
      isStranger,
    };
  }

  /** Devices that were registered since their partitions were loaded. Whoever has a twin keeps what that says of it until then. */
  register(entries: readonly InventoryEntry[]): void {
    for (const entry of entries) {
      const partition = this.#options.partitions.get(partitionOf(entry.device));
      if (partition === undefined) continue;
      if (entry.registered) partition.forgotten.delete(entry.device);
      if (partition.twins.has(entry.device) || partition.forgotten.has(entry.device)) continue;
      partition.inventory.set(entry.device, entry);
    }
  }

  /** A twin that could not be read, or could not decide, is reported and left as it was. */
  quarantined(device: string, error: unknown): Error {
    const cause = error instanceof Error ? error : new Error(String(error));
    this.#options.telemetry.quarantined({ device, cause });
    return cause;
  }

  #bornFromInventory(partition: PartitionState, device: string): Twin | undefined {
    const entry = partition.inventory.get(device);
    const kind = entry === undefined ? undefined : this.#kindsByName.get(entry.kind);
    if (entry === undefined || kind === undefined) return undefined;
    return bornTwin({ device, kind, site: entry.site, given: partition.given.get(device) });
  }
}
