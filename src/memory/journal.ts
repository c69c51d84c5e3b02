/**
 * The journal in memory: lines by partition, numbered without a gap by their owner, kept as text.
 *
 * Invariant: I1  a number of a partition is written once; lines of a partition are kept in the order of their numbers.
 */
import type { NumberedDeadLetter } from '../contract/dead-letter.ts';
import type { JournalEntry, Transition } from '../contract/journal-entry.ts';
import { worldState } from '../../machines/statechart.ts';
import type { FleetReader, DeadLetterPage, DeadLetterPlace, StateChange } from '../history/ports.ts';
import { deviceOf } from '../runtime/journal-entry.ts';
import { partitionOf } from '../wire/partition.ts';

interface StoredLine {
  readonly no: number;
  readonly device: string | null;
  readonly text: string;
}

/** A transition with its place in the journal. */
export type NumberedTransition = Transition & { readonly partition: number; readonly no: number };

/** All partitions' journals. */
export class Journal {
  readonly #lines = new Map<number, StoredLine[]>();

  /** Another one with the same lines. */
  copy(): Journal {
    const journal = new Journal();
    for (const [partition, lines] of this.#lines) journal.#lines.set(partition, [...lines]);
    return journal;
  }

  /** The first of `lines` that cannot be written: its number is not beyond the last one. `null` when all can. */
  firstTaken(lines: readonly JournalEntry[]): JournalEntry | null {
    const last = new Map<number, number>();
    for (const line of lines) {
      const before = last.get(line.partition) ?? this.#of(line.partition).at(-1)?.no ?? 0;
      if (line.no <= before) return line;
      last.set(line.partition, line.no);
    }
    return null;
  }

  /** Writes what {@link firstTaken} found no fault in. */
  write(line: JournalEntry): void {
    const stored = { no: line.no, device: transitionOf(line)?.device ?? null, text: JSON.stringify(line) };
    this.#of(line.partition).push(stored);
  }

  /** No line tells of the device any more. */
  forget(device: string): void {
    const partition = partitionOf(device);
    const left = this.#of(partition).filter(
      ({ text }) => deviceOf(JSON.parse(text) as JournalEntry) !== device,
    );
    this.#lines.set(partition, left);
  }

  /** Lines of a partition after number `after`, in order. */
  after(partition: number, after: number, limit: number): readonly JournalEntry[] {
    return this.#of(partition)
      .filter(({ no }) => no > after)
      .slice(0, limit)
      .map(({ text }) => JSON.parse(text) as JournalEntry);
  }

  /** Transitions of a device, newest first, before number `before` if there is one. */
  transitionsOf(options: {
    readonly partition: number;
    readonly device: string;
    readonly before: number | null;
    readonly recordedUpTo: number | null;
    readonly limit: number;
  }): readonly NumberedTransition[] {
    const { partition, device, before, recordedUpTo, limit } = options;
    return this.#of(partition)
      .filter((line) => line.device === device && (before === null || line.no < before))
      .reverse()
      .flatMap(({ no, text }) => {
        const transition = transitionOf(JSON.parse(text) as JournalEntry);
        return transition === null ? [] : { ...transition, partition, no };
      })
      .filter(({ recordedAt }) => recordedUpTo === null || recordedAt <= recordedUpTo)
      .slice(0, limit);
  }

  /** See `Archive.deadLetters`. */
  deadLetters({ device, reason, before, limit }: DeadLetterPage): readonly NumberedDeadLetter[] {
    return this.#all()
      .flatMap((line) => (line.type === 'dead-letter' ? { ...line.deadLetter, no: line.no } : []))
      .filter((letter) => device === null || letter.device === device)
      .filter((letter) => reason === null || letter.reason === reason)
      .filter((letter) => before === null || compareLetters(letter, before) < 0)
      .sort((a, b) => compareLetters(b, a))
      .slice(0, limit);
  }

  /** See `Archive.stateChanges`. */
  stateChanges(
    { from: since, stepMs }: Parameters<FleetReader['stateChanges']>[0],
    kindOf: (device: string) => string,
  ): readonly StateChange[] {
    const changes = new Map<string, StateChange>();
    for (const line of this.#all()) {
      const transition = transitionOf(line);
      if (transition === null || transition.recordedAt < since) continue;
      const [from, to] = [worldState(transition.from), worldState(transition.to)];
      if (from === to) continue;
      const step = Math.floor((transition.recordedAt - since) / stepMs);
      const common = { step, kind: kindOf(transition.device), from, to };
      const key = JSON.stringify(common);
      changes.set(key, { ...common, transitions: (changes.get(key)?.transitions ?? 0) + 1 });
    }
    return [...changes.values()];
  }

  #all(): readonly JournalEntry[] {
    return [...this.#lines.values()].flat().map(({ text }) => JSON.parse(text) as JournalEntry);
  }

  #of(partition: number): StoredLine[] {
    let lines = this.#lines.get(partition);
    if (lines === undefined) this.#lines.set(partition, (lines = []));
    return lines;
  }
}

function transitionOf(line: JournalEntry): Transition | null {
  return line.type === 'transition' ? line.transition : null;
}

function compareLetters(a: DeadLetterPlace, b: DeadLetterPlace): number {
  return a.receivedAt - b.receivedAt || a.sequence - b.sequence || a.partition - b.partition || a.no - b.no;
}
