/**
 * What an archive must know of kinds to answer about twins: the drift that times history, the quality that is never stored
 * because it depends on when one asks, and what is known of a device that was never heard.
 */
import { worldState } from '../../machines/statechart.ts';
import type { Kind } from '../../machines/kind.ts';
import { measuredAt, type BootClock, type MeasuredTime } from '../../actors/clock.ts';
import { ageOf, qualityOf } from '../../actors/freshness.ts';
import type { Quality } from '../contract/twin-document.ts';
import { bornTwin, type Twin } from '../../actors/twin.ts';
import type { Clock, InventoryEntry } from './ports.ts';

/** The kinds this node has, and the server time it asks at. */
export interface TwinReadingOptions {
  readonly kinds: readonly Kind[];
  readonly clock: Pick<Clock, 'now'>;
  /** How far the clocks of two servers may differ, ms. */
  readonly serverErrorMs: number;
}

/** Answers about twins that take their kind. */
export class TwinReading {
  readonly #options: TwinReadingOptions;
  readonly #kinds: ReadonlyMap<string, Kind>;

  constructor(options: TwinReadingOptions) {
    this.#options = options;
    this.#kinds = new Map(options.kinds.map((kind) => [kind.name, kind]));
  }

  /** The drift bound of a kind, parts per million; 0 for a kind this node does not have. */
  driftPpmOf(kind: string): number {
    return this.#kinds.get(kind)?.limits.driftPpm ?? 0;
  }

  /** When uptime `up` was, by the boot's clock. A report without one was measured, as far as anybody knows, when it arrived. */
  measuredAt(options: {
    readonly kind: string;
    readonly clock: BootClock | undefined;
    readonly up: number;
    readonly receivedAt: number;
  }): MeasuredTime {
    const { kind, clock, up, receivedAt } = options;
    if (clock === undefined) return { at: receivedAt, errorMs: null };
    return measuredAt(clock, { up, receivedAt }, this.driftPpmOf(kind));
  }

  /** The twin of a device that is registered and was never heard; `null` for a kind this node does not have. */
  initialTwin(entry: InventoryEntry): Twin | null {
    const kind = this.#kinds.get(entry.kind);
    return kind === undefined ? null : bornTwin({ device: entry.device, kind, site: entry.site });
  }

  /** The world state of a device of this kind that was never heard. */
  initialState(kind: string): string {
    return worldState(this.#kinds.get(kind)?.chart.initial ?? 'offline');
  }

  /** The kinds whose devices are in this world state until they are heard. */
  kindsInitiallyIn(state: string): readonly string[] {
    return [...this.#kinds.keys()].filter((kind) => this.initialState(kind) === state);
  }

  /** When the newest report of a twin was measured, ms epoch; `null` before the first contact. */
  asOf({ kind, newest, clock }: Twin): number | null {
    return newest && clock && measuredAt(clock, newest, this.driftPpmOf(kind)).at;
  }

  /** The quality of a twin's known state now; `null` for a kind this node does not have. */
  qualityNow(twin: Twin): Quality | null {
    const { clock, serverErrorMs } = this.#options;
    const kind = this.#kinds.get(twin.kind);
    if (kind === undefined) return null;
    return qualityOf(twin, ageOf({ twin, kind, now: clock.now(), serverErrorMs }), kind.limits.freshMs);
  }

  /** What the quality of a twin is judged by, for an archive that judges many at once. */
  judging(): {
    readonly now: number;
    readonly serverErrorMs: number;
    readonly kinds: readonly {
      readonly name: string;
      readonly freshMs: number;
      readonly driftPpm: number;
    }[];
  } {
    const { clock, serverErrorMs } = this.#options;
    const kinds = [...this.#kinds.values()].map(({ name, limits: { freshMs, driftPpm } }) => ({
      name,
      freshMs,
      driftPpm,
    }));
    return { now: clock.now(), serverErrorMs, kinds };
  }
}
