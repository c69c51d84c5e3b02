/**
 * Where the states of a machine stand in a drawing, and how the arrows between them run. Laid out once for each kind: a drawing in which
 * states keep their places is read at a glance.
 */
import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import type { ElkExtendedEdge, ElkNode } from 'elkjs/lib/elk.bundled.js';
import type { Clock } from '../runtime/ports.ts';
import type { MachineDefinition } from './machine-definition.ts';

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
  readonly width: number;
  readonly height: number;
  readonly boxes: ReadonlyMap<string, Box>;
  readonly anywhere: Box;
  readonly arrows: readonly Arrow[];
}

/** The size of text, near enough for boxes to hold it: nothing here has a font. */
const CHARACTER_WIDTH = 7.2;
const LINE_HEIGHT = 16;
const PADDING = 12;
const HEAD_HEIGHT = 28;

/** What stands for "wherever it is"; no state of a kind has this name, because it has a blank. */
const ANYWHERE = 'wherever it is';

const OPTIONS = {
  'elk.algorithm': 'layered',
  'elk.direction': 'RIGHT',
  'elk.hierarchyHandling': 'INCLUDE_CHILDREN',
  'elk.edgeRouting': 'ORTHOGONAL',
  'elk.json.shapeCoords': 'ROOT',
  'elk.json.edgeCoords': 'ROOT',
  'elk.spacing.nodeNode': '28',
  'elk.layered.spacing.nodeNodeBetweenLayers': '56',
  'elk.layered.spacing.edgeNodeBetweenLayers': '24',
  'elk.spacing.edgeLabel': '4',
} as const;

/** Lays a machine out. Rejects when that takes longer than `limitMs`, or more than LAYOUT_MEGABYTES_MAX. */
export async function layOut(
  machine: MachineDefinition,
  clock: Clock,
  limitMs: number,
): Promise<MachineLayout> {
  const root = {
    id: 'root',
    layoutOptions: OPTIONS,
    children: [sized(ANYWHERE, [ANYWHERE]), ...childrenOf(machine, null)],
    edges: edgesOf(machine),
  };
  const graph = await layOutAside(root, clock, limitMs);
  const boxes = new Map<string, Box>();
  collect(graph, boxes);
  const anywhere = boxes.get(ANYWHERE) ?? { x: 0, y: 0, width: 0, height: 0 };
  boxes.delete(ANYWHERE);
  return {
    width: graph.width ?? 0,
    height: graph.height ?? 0,
    boxes,
    anywhere,
    arrows: (graph.edges ?? []).map(arrowOf),
  };
}

/**
 * Laying out takes some tenths of a second, in which this process would hear nothing: so it is done in a thread of its own, which ends
 * with it.
 */
const LAYOUT_THREAD = `
const { parentPort, workerData } = require('node:worker_threads');
const Elk = require(workerData.elk);
new Elk().layout(workerData.graph).then((graph) => parentPort.postMessage(graph));
`;

/** The memory that the thread may take, megabytes; it takes a tenth of that. Above it the thread ends, and nothing else does. */
const LAYOUT_MEGABYTES_MAX = 256;

function layOutAside(graph: ElkNode, clock: Clock, limitMs: number): Promise<ElkNode> {
  const elk = createRequire(import.meta.url).resolve('elkjs/lib/elk.bundled.js');
  const resourceLimits = { maxOldGenerationSizeMb: LAYOUT_MEGABYTES_MAX };
  const thread = new Worker(LAYOUT_THREAD, {
    ...{ eval: true, execArgv: [], workerData: { elk, graph }, resourceLimits },
  });
  let laidOut: ElkNode | null = null;
  let failure: unknown = null;
  thread.once('message', (answer: ElkNode) => (laidOut = answer));
  thread.once('error', (cause) => (failure = cause));
  // It is over when the thread is: then the next one may begin.
  return new Promise((resolve, reject) => {
    const cancel = clock.after(limitMs, () => void thread.terminate());
    thread.once('exit', (code) => {
      cancel();
      const silence = `the thread that lays out a machine ended with ${String(code)} and no answer`;
      if (laidOut === null) reject(new Error(silence, { cause: failure }));
      else resolve(laidOut);
    });
  });
}

/** The lines of text in the box of a state. */
export function linesOf({ name, accepts }: MachineDefinition['states'][number]): readonly string[] {
  const commands = accepts.filter((command) => command !== 'report');
  return commands.length === 0 ? [name] : [name, `accepts ${commands.join(', ')}`];
}

function childrenOf(machine: MachineDefinition, parent: string | null): ElkNode[] {
  return machine.states
    .filter((state) => state.parent === parent)
    .map((state) => {
      const children = childrenOf(machine, state.path);
      if (children.length === 0) return sized(state.path, linesOf(state));
      const padding = `[top=${String(HEAD_HEIGHT + PADDING)},left=${String(PADDING)},bottom=${String(PADDING)},right=${String(PADDING)}]`;
      return { id: state.path, children, layoutOptions: { 'elk.padding': padding } };
    });
}

function sized(id: string, lines: readonly string[]): ElkNode {
  const longest = Math.max(...lines.map(({ length }) => length));
  return {
    id,
    width: Math.ceil(longest * CHARACTER_WIDTH) + 2 * PADDING,
    height: lines.length * LINE_HEIGHT + 2 * PADDING,
  };
}

/** All that is heard may lead from anywhere to anywhere: one arrow for each place it leads to is enough. */
function edgesOf({ transitions }: MachineDefinition): ElkExtendedEdge[] {
  return transitions.map(({ from, event, to }, index) => {
    const text = event.startsWith('report.') ? 'report' : event;
    const width = Math.ceil(text.length * CHARACTER_WIDTH);
    return {
      id: String(index),
      sources: [from ?? ANYWHERE],
      targets: [to],
      labels: [{ id: `${String(index)} label`, text, width, height: LINE_HEIGHT }],
    };
  });
}

function collect(node: ElkNode, boxes: Map<string, Box>): void {
  for (const child of node.children ?? []) {
    const { x = 0, y = 0, width = 0, height = 0 } = child;
    boxes.set(child.id, { x, y, width, height });
    collect(child, boxes);
  }
}

function arrowOf({ sources, targets, labels, sections }: ElkExtendedEdge): Arrow {
  const [section] = sections ?? [];
  const [label] = labels ?? [];
  const [source = ANYWHERE] = sources;
  return {
    from: source === ANYWHERE ? null : source,
    to: targets[0] ?? '',
    label: label?.text ?? '',
    points:
      section === undefined ? [] : [section.startPoint, ...(section.bendPoints ?? []), section.endPoint],
    labelAt:
      label?.x === undefined
        ? null
        : { x: label.x, y: label.y ?? 0, width: label.width ?? 0, height: label.height ?? 0 },
  };
}
