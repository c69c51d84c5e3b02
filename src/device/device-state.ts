/**
 * What a device remembers across restarts, and the only ways in which that may change (wire contract 2.1 and 2.2).
 *
 * Invariants, asserted after every change and after reading from the storage:
 * I1  `ring` holds at most RING_SIZE_MAX outcomes, of the highest command numbers, each once, the highest first; what is
 *     undecided stays in it, whatever came after it, and another one goes instead.
 * I2  no number in `ring`, and not that of `begun`, is above `highestN`.
 * I3  `begun` is not in `ring`: its outcome is not known yet.
 * I4  `hold.chargedUp` is at most `hold.endsUp`.
 * I5  every command in `undecided` is in `ring` under that word.
 * I6  `executed` holds at most EXECUTED_MAX commands, none of them twice, the last one first.
 *
 * All of it is a function of its arguments: no clock, no I/O.
 */
import type { Command } from '../../machines/command.ts';
import { RING_SIZE_MAX, type RingEntry, UNDECIDED } from '../../machines/report.ts';

/** A reservation the device is keeping, on the uptime of the present boot, ms. */
export interface DeviceHold {
  /** Ledger id of the command that began it. */
  readonly id: string;
  /** At this uptime it has ended. */
  readonly endsUp: number;
  /** Up to this uptime it counts as spent if the device restarts: written ahead of time, so that no restart prolongs it. */
  readonly chargedUp: number;
}

/** A command whose execution has begun, with what follows from it once it is done. */
export interface BegunCommand extends Command {
  /** Executing it ends the hold. */
  readonly endsHold?: true;
  /** It is a `reboot` that was granted: the next start is what it asked for. */
  readonly restarts?: true;
  /** The number under which it was executed, where this is one under which it came again (`executed-before.ts`). */
  readonly executedAs?: number;
}

/** A command that was executed, or may have been: by its id and name it is known when it comes again under another number. */
export interface ExecutedCommand extends Pick<Command, 'id' | 'name'> {
  /** What became of it: `done`, or `unknown` with its fence. */
  readonly entry: RingEntry;
}

/** So many executed commands are known, the last ones. One from before them that comes again under another number is executed again. */
export const EXECUTED_MAX = 8;

/** So many commands are undecided at most: one place of the ring is left for what else is handled. One more is refused, as `busy`. */
export const UNDECIDED_MAX = RING_SIZE_MAX - 1;

/** What outlives a restart where the device has any storage. */
export interface DeviceMemory {
  /** This start's number, from 1. */
  readonly boot: number;
  /** The highest command number handled, executed or refused; 0 before the first. */
  readonly highestN: number;
  /** The highest epoch seen in a command; 0 before the first. */
  readonly highestEpoch: number;
  readonly ring: readonly RingEntry[];
  readonly hold: DeviceHold | null;
  /** A command whose execution has begun, or was about to, and whose outcome is not recorded. */
  readonly begun: BegunCommand | null;
  /** Commands that were executed and of which nothing shows yet what became of them; absent where there is none. */
  readonly undecided?: readonly BegunCommand[];
  /** The last commands that were executed, or may have been, the last one first; absent before the first, and in storages of older agents. */
  readonly executed?: readonly ExecutedCommand[];
}

/** A device whose storage holds nothing, before its first start. */
export const BLANK_MEMORY: DeviceMemory = {
  boot: 0,
  highestN: 0,
  highestEpoch: 0,
  ring: [],
  hold: null,
  begun: null,
};

/**
 * The memory of the next boot.
 *
 * Uptime begins at 0 again, and the time the device was off is nobody's to measure: a hold goes on with what was left of
 * it. It counts as spent up to `chargedUp`, which was written before that uptime came, so that over all boots together
 * it never lasts longer than it was granted for.
 *
 * `unreadable` entries of the storage may each have been a start: their numbers are skipped, so that no boot number is
 * ever used twice. A blank storage begins at `firstBoot`.
 */
export function nextBoot(
  memory: DeviceMemory,
  options: { readonly unreadable: number; readonly holdChargeMs: number; readonly firstBoot?: number },
): DeviceMemory {
  const { firstBoot = 1 } = options;
  const leftMs = memory.hold === null ? 0 : memory.hold.endsUp - memory.hold.chargedUp;
  return checked({
    ...memory,
    boot: (memory.boot === 0 ? firstBoot - 1 : memory.boot) + options.unreadable + 1,
    hold:
      memory.hold === null || leftMs <= 0
        ? null
        : chargedHold({ ...memory.hold, endsUp: leftMs }, 0, options.holdChargeMs),
  });
}

/**
 * Takes an outcome into the ring, in the place of the one that it amends. An outcome older than all of a full ring finds no place: it
 * proves nothing any more.
 */
export function withOutcome(memory: DeviceMemory, entry: RingEntry): DeviceMemory {
  const ring = [...memory.ring.filter(({ n }) => n !== entry.n), entry].sort((a, b) => b.n - a.n);
  if (ring.length > RING_SIZE_MAX)
    ring.splice(
      ring.findLastIndex(({ outcome }) => outcome !== UNDECIDED),
      1,
    );
  const begun = memory.begun?.n === entry.n ? null : memory.begun;
  const { undecided: before = [], ...others } = memory;
  const undecided = before.filter(({ n }) => n !== entry.n);
  return checked({
    ...others,
    ring,
    begun,
    highestN: Math.max(memory.highestN, entry.n),
    ...(undecided.length > 0 && { undecided }),
  });
}

/** Takes a command that was executed into the ring as undecided, and remembers what follows from it once that is known. */
export function withUndecided(memory: DeviceMemory, command: BegunCommand, reason: string): DeviceMemory {
  const { n, executedAs } = command;
  const again = executedAs === undefined ? {} : { executedAs };
  const named = withOutcome(memory, { n, outcome: UNDECIDED, reason, ...again });
  return checked({ ...named, undecided: [...(named.undecided ?? []), command] });
}

/** Takes an undecided number out of the ring, where another number of the same command is to take its place. */
export function withoutUndecided(memory: DeviceMemory, n: number): DeviceMemory {
  const others = <Numbered extends { readonly n: number }>(list: readonly Numbered[]): readonly Numbered[] =>
    list.filter((one) => one.n !== n);
  return checked({ ...memory, ring: others(memory.ring), undecided: others(memory.undecided ?? []) });
}

/** Remembers that a command was executed, or may have been; `entry` bears the number under which it was. */
export function withExecuted(
  memory: DeviceMemory,
  { id, name }: Pick<Command, 'id' | 'name'>,
  entry: RingEntry,
): DeviceMemory {
  const others = (memory.executed ?? []).filter((other) => other.id !== id || other.name !== name);
  return checked({ ...memory, executed: [{ id, name, entry }, ...others].slice(0, EXECUTED_MAX) });
}

/** Notes that the execution of a command is about to begin. */
export function withBegun(memory: DeviceMemory, command: BegunCommand): DeviceMemory {
  return checked({ ...memory, begun: command, highestN: Math.max(memory.highestN, command.n) });
}

/** Notes the epoch of a command, whatever becomes of the command itself. */
export function withEpoch(memory: DeviceMemory, epoch: number): DeviceMemory {
  return epoch <= memory.highestEpoch ? memory : checked({ ...memory, highestEpoch: epoch });
}

/** Begins a hold at uptime `up`. */
export function withHold(
  memory: DeviceMemory,
  hold: { readonly id: string; readonly up: number; readonly holdMs: number; readonly chargeMs: number },
): DeviceMemory {
  const fresh: DeviceHold = { id: hold.id, endsUp: hold.up + hold.holdMs, chargedUp: hold.up };
  return checked({ ...memory, hold: chargedHold(fresh, hold.up, hold.chargeMs) });
}

/** Ends the hold. */
export function withoutHold(memory: DeviceMemory): DeviceMemory {
  return memory.hold === null ? memory : checked({ ...memory, hold: null });
}

/** The hold that lasts at uptime `up`: the device lets go by itself, on its own clock, whether or not anything woke it. */
export function holdAt(memory: DeviceMemory, up: number): DeviceHold | null {
  return memory.hold !== null && up < memory.hold.endsUp ? memory.hold : null;
}

/**
 * Lets time pass until uptime `up`: a hold that has ended is forgotten, one that goes on is charged for the time to come.
 * The same object when nothing changes.
 */
export function passTime(memory: DeviceMemory, up: number, holdChargeMs: number): DeviceMemory {
  if (memory.hold === null) return memory;
  if (holdAt(memory, up) === null) return withoutHold(memory);
  if (up < chargeDueUp(memory.hold, holdChargeMs)) return memory;
  return checked({ ...memory, hold: chargedHold(memory.hold, up, holdChargeMs) });
}

/** The uptime at which `passTime` will change something, or `null`. */
export function nextChangeUp(memory: DeviceMemory, holdChargeMs: number): number | null {
  if (memory.hold === null) return null;
  return Math.min(memory.hold.endsUp, chargeDueUp(memory.hold, holdChargeMs));
}

/** Charges two intervals at a time and again after one: an interval is left for the storage to be slow in. */
function chargedHold(hold: DeviceHold, up: number, chargeMs: number): DeviceHold {
  return { ...hold, chargedUp: Math.min(hold.endsUp, up + 2 * chargeMs) };
}

function chargeDueUp(hold: DeviceHold, chargeMs: number): number {
  return hold.chargedUp === hold.endsUp ? hold.endsUp : hold.chargedUp - chargeMs;
}

/** Asserts the invariants. */
export function checked(memory: DeviceMemory): DeviceMemory {
  const { ring, begun, hold, highestN, undecided = [], executed = [] } = memory;
  const isDescending = ring.every(({ n }, index) => index === 0 || n < (ring[index - 1]?.n ?? 0));
  const broken =
    ring.length > RING_SIZE_MAX || !isDescending
      ? 'I1'
      : (ring[0]?.n ?? 0) > highestN || (begun?.n ?? 0) > highestN
        ? 'I2'
        : begun !== null && ring.some(({ n }) => n === begun.n)
          ? 'I3'
          : hold !== null && hold.chargedUp > hold.endsUp
            ? 'I4'
            : !undecided.every(({ n }) => ring.some((entry) => entry.n === n && entry.outcome === UNDECIDED))
              ? 'I5'
              : executed.length > EXECUTED_MAX || new Set(executed.map(nameOf)).size < executed.length
                ? 'I6'
                : null;
  if (broken !== null) throw new Error(`a device's memory breaks ${broken}: ${JSON.stringify(memory)}`);
  return memory;
}

function nameOf({ id, name }: ExecutedCommand): string {
  return `${name} ${id}`;
}
