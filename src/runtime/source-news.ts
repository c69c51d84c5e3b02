/**
 * News of sources for the twins of one host: what was read of them, and what their devices see together. Whoever it concerns is woken, and
 * decides by what is known then.
 */
import type { Decision, Input } from '../../actors/decision.ts';
import type { Twin } from '../../actors/twin.ts';
import type { Batch } from './batch.ts';
import type { PartitionState } from './partition-state.ts';
import type { Clock, SourceReplay } from './ports.ts';
import type { KnownSources, Sources } from './sources.ts';
import type { Telemetry } from './telemetry.ts';
import type { Wakeups } from './wakeups.ts';

/** What telling takes. */
export interface SourceNewsOptions {
  readonly clock: Clock;
  readonly partitions: ReadonlyMap<number, PartitionState>;
  readonly wakeups: Wakeups;
  readonly telemetry: Pick<Telemetry, 'sourceChanged' | 'snapshotReplayed'>;
  /** Lets the twin of a device decide, if it has one here. */
  readonly decideOn: (device: string, input: Input, batch: Batch) => void;
}

/** Tells the twins of one host. */
export class SourceNews {
  readonly #options: SourceNewsOptions;
  readonly #sources: Sources | undefined;

  constructor(options: SourceNewsOptions) {
    this.#options = options;
    this.#sources = [...options.partitions.values()][0]?.sources;
  }

  /** Takes what was read. */
  learn({ sources, replays }: KnownSources, batch: Batch): void {
    const { clock, telemetry } = this.#options;
    if (this.#sources === undefined) return;
    const { devices, changes } = this.#sources.learn(sources, clock.now());
    this.#wake(devices);
    for (const change of changes) telemetry.sourceChanged(change);
    for (const replay of replays) this.#tellSource(replay, batch);
  }

  /** A twin that somebody speaks for, or spoke for, has decided. */
  follow(
    partition: PartitionState,
    news: { readonly before: Twin; readonly decision: Decision; readonly isAwaiting: boolean },
    batch: Batch,
  ): void {
    const { before, decision, isAwaiting } = news;
    const { twin, echo } = decision;
    partition.sources.follow(before, twin, isAwaiting);
    if (echo === null) return;
    const found = partition.sources.note(twin, echo, this.#options.clock.now());
    if (found === null) return;
    const { affected, ...replay } = found;
    batch.addReplay(partition, replay);
    this.#options.telemetry.snapshotReplayed(replay);
    this.#wake(affected);
    this.#tellSource(replay, batch);
  }

  /** The twin of the source, if it is here: else its owner reads of it. */
  #tellSource(replay: SourceReplay, batch: Batch): void {
    const { source, at, devices, spokenFor } = replay;
    if (this.#sources?.isNews(replay) !== true) return;
    this.#options.decideOn(source, { type: 'replayed', at, devices, spokenFor }, batch);
  }

  #wake(devices: readonly string[]): void {
    const { wakeups, clock } = this.#options;
    const now = clock.now();
    for (const device of devices) wakeups.arm(device, now);
  }
}
