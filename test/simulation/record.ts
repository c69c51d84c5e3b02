/**
 * What really happened, as an all-seeing observer writes it down: at the devices, at the hub, in the store, and to the
 * backends. Checkers read it; nobody in the world does. Times are true time, ms epoch, unless they say otherwise.
 */
import type { Command } from '../../machines/command.ts';
import type { Kind } from '../../machines/kind.ts';
import type { Report } from '../../machines/report.ts';
import type { MessageStream, StoredMessage } from '../../src/memory/message-stream.ts';
import type { WatchEvent } from '../../src/client/watch.ts';
import type { Commit, GoneRange } from '../../src/runtime/ports.ts';
import type { NotedState } from './noted-states.ts';
import type { FaultSort, Mishap } from './trouble.ts';

/** A device's storage from one wipe to the next. */
export type Life = number;

/** A report as it was made: stored by the device. */
export interface MadeReport {
  readonly device: string;
  readonly life: Life;
  readonly report: Report;
  /** When it was measured. */
  readonly measuredAt: number;
  /** When its storage lost it, without knowing whether the hub had it; `null` while it has not. */
  lostAt: number | null;
  /** When the hub's stream stored it first, true time; `null` while it has not, or has lost it again. */
  storedAt: number | null;
  /** The hub has lost it once, although its device may have heard that it was stored. */
  wasLostByHub: boolean;
}

/** A command that a device began to execute. */
export interface Execution {
  readonly device: string;
  readonly life: Life;
  readonly boot: number;
  readonly command: Command;
  readonly startedAt: number;
  /** Whether hardware moves; otherwise it only changes the hold, which counts once it outlives a restart. */
  readonly moves: boolean;
  /** Whether it took effect. */
  effect: 'done' | 'not-done';
}

/** A command that reached a device, and what it made of it. */
export interface Reception {
  readonly device: string;
  readonly life: Life;
  readonly boot: number;
  readonly at: number;
  readonly command: Command;
  readonly became: string;
  readonly reason: string | null;
}

/** A reservation, as the device really kept it. */
export interface HoldSpan {
  readonly device: string;
  readonly life: Life;
  readonly id: string;
  readonly from: number;
  /** When it was over; `null` while it lasts. */
  to: number | null;
  /** For how long the device was switched off while it had it, ms: nobody measures that time. */
  offMs: number;
}

/** How a device looks from `at` on, to somebody who stands beside it; whether it is held is in its {@link HoldSpan}s. */
export interface Look {
  readonly device: string;
  readonly at: number;
  /** As its reports call it, while it is not held. */
  readonly state: string;
  readonly sensors: Readonly<Record<string, unknown>>;
}

/** A backend's request, as a node heard it. */
export interface Heard {
  readonly device: string;
  readonly operation: 'get' | 'ledger' | 'desired' | 'command' | 'forget';
  /** For a command, with its arguments. */
  readonly name: string | null;
  readonly args: Readonly<Record<string, unknown>>;
  readonly id: string | null;
  /** The version of the twin that it was bound to; `null` where it was bound to none. */
  readonly ifVersion: number | null;
  readonly at: number;
}

/** What a node said to a backend, whether or not it arrived. */
export interface Said {
  readonly node: string;
  readonly request: Heard;
  readonly at: number;
  /** The same by the node's clock. */
  readonly atServer: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** What a backend concluded from one call under a command's id, to its client or over HTTP. */
export interface Conclusion {
  readonly device: string;
  readonly id: string;
  readonly name: string;
  readonly args: Readonly<Record<string, unknown>>;
  readonly askedAt: number;
  /** When the call, or the first slice of it, stops waiting for the outcome. */
  readonly waitsUntil: number;
  /**
   * An outcome, as the ledger has it; `refused`; `not-accepted`: nothing was decided and nothing will happen; `not-this-copy`: no copy of
   * this call was accepted; `maybe`; `accepted`: it is in the ledger, and no more is known; `null` while it waits.
   */
  concluded: string | null;
  concludedAt: number | null;
}

/** The ledger was asked for a command, and had none under its id. */
export interface UnknownId {
  readonly device: string;
  readonly id: string;
  readonly askedAt: number;
}

/** A transaction that the store took. */
export interface Committed {
  readonly at: number;
  readonly node: string;
  readonly commit: Commit;
  /** When the store was set back to before it; `null` while it holds. */
  lostAt: number | null;
}

/** The hub was set back: what its streams stored last is gone, and was acknowledged. */
export interface HubLoss {
  readonly at: number;
  readonly reports: readonly StoredMessage[];
  readonly published: readonly StoredMessage[];
}

/** A node reads the streams for partitions that it holds. */
export interface ReadingRecord {
  readonly node: string;
  readonly openedAt: number;
  /** The last sequence of the stream of reports then. */
  readonly heldAtFirst: number;
  /** When it has told the node all that the stream held when it began; `null` while it has not. */
  readThroughAt: number | null;
  /** `null` while it goes on; a node that dies ends it, and says nothing more. */
  endedAt: number | null;
}

/** The hub stored something of a device. */
export interface Arrival {
  readonly device: string;
  readonly at: number;
  /** When the hub lost it again; `null` while it has it. */
  lostAt: number | null;
}

/** A node says that messages of a stream are gone which nobody has read. */
export interface GoneRecord {
  readonly node: string;
  readonly at: number;
  readonly range: GoneRange;
}

/** What one start of the watcher was told. */
export interface WatchRecord {
  /** The place that it began behind. */
  readonly after: string;
  /** `null`: all. */
  readonly devices: readonly string[] | null;
  readonly told: { readonly event: WatchEvent; readonly at: number }[];
  /** Why it ended by itself; `null` while it has not. */
  failure: string | null;
}

/** A device as checkers know it. */
export interface DeviceRecord {
  readonly device: string;
  readonly kind: Kind;
}

/** The key of a report in {@link WorldRecord.madeBySample}. */
export function sampleKey(device: string, report: Pick<Report, 'sensors'>): string {
  return `${device} ${String(report.sensors.sample)}`;
}

/** Everything. */
export class WorldRecord {
  readonly devices = new Map<string, DeviceRecord>();
  readonly made: MadeReport[] = [];
  /** The same, by device and the number of the sample that is in its sensors. */
  readonly madeBySample = new Map<string, MadeReport>();
  /** Reports that somebody else made in a device's name, by the same. */
  readonly forged = new Map<string, Report>();
  /** When the hub really stored a message, whatever its clock said. */
  readonly storedAt = new Map<StoredMessage, number>();
  /** The hub told a node its time: when it told, and when that was heard. */
  readonly hubTimes: { readonly node: string; readonly toldAt: number; readonly heardAt: number }[] = [];
  readonly arrivals: Arrival[] = [];
  readonly executions: Execution[] = [];
  /** Ids of commands of which the device cannot tell what became of them. */
  readonly untellable = new Set<string>();
  readonly receptions: Reception[] = [];
  readonly holds: HoldSpan[] = [];
  readonly looks: Look[] = [];
  readonly wipes: { readonly device: string; readonly at: number }[] = [];
  readonly said: Said[] = [];
  readonly conclusions: Conclusion[] = [];
  readonly unknownIds: UnknownId[] = [];
  /** Requests of backends, each attempt by itself. */
  asked = 0;
  readonly commits: Committed[] = [];
  readonly hubLosses: HubLoss[] = [];
  readonly gone: GoneRecord[] = [];
  /** Ids of publications that the hub has refused once: they may be stored after what followed them. */
  readonly refusedPublications = new Set<string>();
  /** When the store was set back. */
  readonly setBacks: number[] = [];
  /** What was done to the world, by sort. */
  readonly injected = new Map<FaultSort | Mishap, number>();
  readonly readings: ReadingRecord[] = [];
  /** Starts of the watcher, in their order. */
  readonly watches: WatchRecord[] = [];
  /** Devices that an operator was told are forgotten. */
  readonly forgotten = new Set<string>();
  /** Rare states that the world was in, as far as they are noted when it enters them. */
  readonly visited = new Set<NotedState>();
  /** Commits that a node has sent off, and of which it does not know yet what became of them. */
  readonly underWay = new Set<Commit>();
  /** Nodes that take themselves for the owner, by partition: rightly one, or none. */
  readonly believers = new Map<number, Set<string>>();
  /** Who took a partition last. */
  readonly owners = new Map<number, string>();
  /** What a device's storage had promised to keep, and did not. */
  readonly brokenStorages: { readonly device: string; readonly at: number; readonly what: string }[] = [];
  /** Twins that could not decide, processes that would have ended: what may never happen at all. */
  readonly faults: { readonly at: number; readonly what: string }[] = [];

  /** A stream has just stored its last message, unless it had that before. */
  noteStored({ messages }: MessageStream, at: number): void {
    const message = messages.at(-1);
    if (message !== undefined && !this.storedAt.has(message)) this.storedAt.set(message, at);
  }

  /** Counts something that was done to the world. */
  count(sort: FaultSort | Mishap, times = 1): void {
    this.injected.set(sort, (this.injected.get(sort) ?? 0) + times);
  }
}
