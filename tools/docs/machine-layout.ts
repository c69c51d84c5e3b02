/**
 * Lays the machine of a kind out for its drawing, by Eclipse's layered algorithm.
 */
import elkjs, { type ElkExtendedEdge, type ElkNode } from 'elkjs/lib/elk.bundled.js';
import type { MachineDefinition } from '../../src/http/machine-definition.ts';
import {
  type Arrow,
  type Box,
  digestOf,
  linesOf,
  type MachineLayout,
} from '../../src/http/machine-layout.ts';

/** The size of text, near enough for boxes to hold it: nothing here has a font. */
const CHARACTER_WIDTH = 7.2;
const LINE_HEIGHT = 16;
const PADDING = 12;
const HEAD_HEIGHT = 28;

/** What stands for "wherever it is"; no state of a kind has this name, because it has a blank. */
const ANYWHERE = 'wherever it is';

const NOWHERE: Box = { x: 0, y: 0, width: 0, height: 0 };

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

/** Lays a machine out. */
export async function layOut(machine: MachineDefinition): Promise<MachineLayout> {
  const root: ElkNode = {
    id: 'root',
    layoutOptions: OPTIONS,
    children: [sized(ANYWHERE, [ANYWHERE]), ...childrenOf(machine, null)],
    edges: edgesOf(machine),
  };
  const graph: ElkNode = await new elkjs.default().layout(root);
  const { [ANYWHERE]: anywhere = NOWHERE, ...boxes } = Object.fromEntries(boxesIn(graph));
  return {
    machine: digestOf(machine),
    width: graph.width ?? 0,
    height: graph.height ?? 0,
    boxes,
    anywhere,
    arrows: (graph.edges ?? []).map(arrowOf),
  };
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

function boxesIn({ children = [] }: ElkNode): readonly (readonly [string, Box])[] {
  return children.flatMap((child) => {
    const { id, x = 0, y = 0, width = 0, height = 0 } = child;
    return [[id, { x, y, width, height }] as const, ...boxesIn(child)];
  });
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
