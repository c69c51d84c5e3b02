/**
 * The drawings of the kinds, laid out when they are first asked for and remembered: a machine does not change while the process runs.
 * Whoever asks meanwhile waits for the same one; there is never more than one thread at it, and never for longer than LAYOUT_MS.
 */
import type { Kind } from '../../machines/kind.ts';
import type { Clock } from '../runtime/ports.ts';
import { machineDefinition } from './machine-definition.ts';
import { layOut, type MachineLayout } from './machine-layout.ts';
import { Problem } from './problem.ts';

/** How long laying out one machine may take, ms: a second on a quiet machine. Then it is given up, and begun anew when asked again. */
export const LAYOUT_MS = 20_000;

/** Lays out the machines of kinds. */
export class MachineLayouts {
  readonly #clock: Clock;
  readonly #known = new Map<string, Promise<MachineLayout>>();
  #last: Promise<unknown> = Promise.resolve();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The layout of a kind. Throws the problem `not-drawn`. */
  async of(kind: Kind): Promise<MachineLayout> {
    const known = this.#known.get(kind.name) ?? this.#begin(kind);
    try {
      return await known;
    } catch (cause) {
      throw new Problem('not-drawn', `the machine of a ${kind.name} could not be laid out in time`, {
        cause,
      });
    }
  }

  #begin(kind: Kind): Promise<MachineLayout> {
    const layout = this.#last.then(() => layOut(machineDefinition(kind), this.#clock, LAYOUT_MS));
    this.#known.set(kind.name, layout);
    // What failed is not remembered, and the next one does not mind.
    this.#last = layout.catch(() => this.#known.delete(kind.name));
    return layout;
  }
}
