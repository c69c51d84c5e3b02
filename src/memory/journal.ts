/**
 * The journal in memory: lines by partition, numbered without a gap by their owner, kept as text.
 *
 * Invariant: I1  a number of a partition is written once; lines of a partition are kept in the order of their numbers.
 */
import type { Transition } from '../../actors/decision.ts';
import type { JournalLine } from '../runtime/ports.ts';

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

  /** The first of `lines` that cannot be written: its number is not beyond the last one. `null` when all can. */
  firstTaken(lines: readonly JournalLine[]): JournalLine | null {
    const last = new Map<number, number>();
    for (const line of lines) {
      const before = last.get(line.partition) ?? this.#of(line.partition).at(-1)?.no ?? 0;
      if (line.no <= before) return line;
      last.set(line.partition, line.no);
    }
    return null;
  }

  /** Writes what {@link firstTaken} found no fault in. */
  write(line: JournalLine): void {
    const stored = { no: line.no, device: transitionOf(line)?.device ?? null, text: JSON.stringify(line) };
    this.#of(line.partition).push(stored);
  }

  /** Lines of a partition after number `after`, in order. */
  after(partition: number, after: number, limit: number): readonly JournalLine[] {
    return this.#of(partition)
      .filter(({ no }) => no > after)
      .slice(0, limit)
      .map(({ text }) => JSON.parse(text) as JournalLine);
  }

  /** Transitions of a device, newest first, before number `before` if there is one. */
  transitionsOf(options: {
    readonly partition: number;
    readonly device: string;
    readonly before: number | null;
    readonly limit: number;
  }): readonly NumberedTransition[] {
    const { partition, device, before, limit } = options;
    return this.#of(partition)
      .filter((line) => line.device === device && (before === null || line.no < before))
      .reverse()
      .slice(0, limit)
      .flatMap(({ no, text }) => {
        const transition = transitionOf(JSON.parse(text) as JournalLine);
        return transition === null ? [] : { ...transition, partition, no };
      });
  }

  #of(partition: number): StoredLine[] {
    let lines = this.#lines.get(partition);
    if (lines === undefined) this.#lines.set(partition, (lines = []));
    return lines;
  }
}

function transitionOf(line: JournalLine): Transition | null {
  return line.type === 'transition' ? line.transition : null;
}
