/**
 * Where the states of a machine stand in a drawing, and how the arrows between them run. Laid out once, when `npm run docs` checks the
 * kinds, and kept in `machines/layouts/`: a drawing in which states keep their places is read at a glance, and a node computes none.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { MachineDefinition } from './machine-definition.ts';
import { Problem } from './problem.ts';

/** A rectangle, in units of the drawing. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** An arrow: its corners, and where its label stands. */
export interface Arrow {
  readonly from: string | null;
  readonly to: string;
  readonly label: string;
  readonly points: readonly { readonly x: number; readonly y: number }[];
  readonly labelAt: Box | null;
}

/** A drawing. */
export interface MachineLayout {
  /** Digest of the machine that was laid out, see {@link digestOf}. */
  readonly machine: string;
  readonly width: number;
  readonly height: number;
  /** By the path of the state. */
  readonly boxes: Readonly<Record<string, Box>>;
  readonly anywhere: Box;
  readonly arrows: readonly Arrow[];
}

/** The folder of the layouts, a file for each kind. */
export const LAYOUTS_FOLDER = join(import.meta.dirname, '../../machines/layouts');

/** The file of a kind's layout. */
export function layoutFile(kind: string): string {
  return join(LAYOUTS_FOLDER, `${kind}.json`);
}

/** Tells one machine from another, so that no drawing shows a machine that is not there any more. */
export function digestOf(machine: MachineDefinition): string {
  return createHash('sha256').update(JSON.stringify(machine)).digest('hex');
}

/** The layout of a machine. Throws the problem `not-drawn` where it was not laid out since it was changed. */
export function readLayout(machine: MachineDefinition): MachineLayout {
  const file = layoutFile(machine.kind);
  const layout = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as MachineLayout) : null;
  if (layout?.machine === digestOf(machine)) return layout;
  const what = layout === null ? 'was never laid out' : 'was laid out before it was changed';
  throw new Problem('not-drawn', `the machine of a ${machine.kind} ${what}: \`npm run docs\` does it`);
}

/** The lines of text in the box of a state. */
export function linesOf({ name, accepts }: MachineDefinition['states'][number]): readonly string[] {
  const commands = accepts.filter((command) => command !== 'report');
  return commands.length === 0 ? [name] : [name, `accepts ${commands.join(', ')}`];
}
