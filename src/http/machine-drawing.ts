/**
 * A machine as a drawing (SVG): the state a device is in is lit, and the transition that led there is marked. The colours follow the
 * reader's preference for light or dark, and a page that shows the drawing in itself may set its own.
 */
import type { MachineDefinition } from './machine-definition.ts';
import { type Arrow, type Box, linesOf, type MachineLayout } from './machine-layout.ts';

/** What of a machine is so now. */
export interface MachineNow {
  /** The state it is in. */
  readonly path: string;
  /** The transition that led there; `null` before the first one. */
  readonly last: { readonly from: string; readonly to: string } | null;
}

/** Around the drawing. */
const MARGIN = 12;

const LINE_HEIGHT = 16;
const FIRST_LINE = 24;

const STYLE = `
.machine { --machine-ink: #1f2933; --machine-soft: #66788a; --machine-line: #9fb0c0; --machine-box: #ffffff; --machine-group: #f2f5f8;
  --machine-lit: #0b6e4f; --machine-lit-ink: #ffffff; --machine-last: #b4540a; font: 12px system-ui, sans-serif; }
@media (prefers-color-scheme: dark) {
  .machine { --machine-ink: #e4e9ee; --machine-soft: #9aabbb; --machine-line: #5c6f82; --machine-box: #1d2731; --machine-group: #151c24;
    --machine-lit: #3ecf9b; --machine-lit-ink: #08231a; --machine-last: #ffab5e; }
}
.machine rect { fill: var(--machine-box); stroke: var(--machine-line); }
.machine .group > rect { fill: var(--machine-group); }
.machine .anywhere > rect { stroke-dasharray: 4 3; }
.machine text { fill: var(--machine-ink); }
.machine .soft { fill: var(--machine-soft); font-size: 11px; }
.machine .arrow { fill: none; stroke: var(--machine-line); }
.machine .head { fill: var(--machine-line); }
.machine .lit > rect { fill: var(--machine-lit); stroke: var(--machine-lit); stroke-width: 2; }
.machine .lit > text { fill: var(--machine-lit-ink); }
.machine .around > rect { stroke: var(--machine-lit); stroke-width: 2; }
.machine .last { fill: none; stroke: var(--machine-last); stroke-width: 2.5; stroke-dasharray: 6 4; }
.machine .last-head { fill: var(--machine-last); }`;

/** Draws a machine; `now` is `null` for the machine alone. `title` says what it is to whoever cannot see it. */
export function drawMachine(options: {
  readonly machine: MachineDefinition;
  readonly layout: MachineLayout;
  readonly title: string;
  readonly now: MachineNow | null;
}): string {
  const { machine, layout, title, now } = options;
  const width = Math.ceil(layout.width + 2 * MARGIN);
  const height = Math.ceil(layout.height + 2 * MARGIN);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" class="machine" role="img" viewBox="${[-MARGIN, -MARGIN, width, height].join(' ')}" width="${String(width)}" height="${String(height)}">`,
    `<title>${escaped(title)}</title>`,
    `<style>${STYLE}</style>`,
    '<defs>',
    ...['head', 'last-head'].map(
      (name) =>
        `<marker id="machine-${name}" class="${name}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0L8 4L0 8z"/></marker>`,
    ),
    '</defs>',
    boxOf('anywhere', layout.anywhere, ['wherever it is']),
    ...machine.states.flatMap((state) => {
      const box = layout.boxes[state.path];
      const isGroup = machine.states.some(({ parent }) => parent === state.path);
      return box === undefined
        ? []
        : boxOf(classOf(state.path, isGroup, now), box, linesOf(state), state.path);
    }),
    ...layout.arrows.map(arrowOf),
    ...lastArrow(layout, now),
    '</svg>',
    '',
  ].join('\n');
}

function classOf(path: string, isGroup: boolean, now: MachineNow | null): string {
  const base = isGroup ? 'state group' : 'state';
  if (now === null) return base;
  if (now.path === path) return `${base} lit`;
  return now.path.startsWith(`${path}.`) ? `${base} around` : base;
}

function boxOf(name: string, { x, y, width, height }: Box, lines: readonly string[], path?: string): string {
  const data = path === undefined ? '' : ` data-path="${escaped(path)}"`;
  const text = lines.map(
    (line, index) =>
      `<text x="${number(x + 12)}" y="${number(y + FIRST_LINE + index * LINE_HEIGHT)}"${index === 0 ? '' : ' class="soft"'}>${escaped(line)}</text>`,
  );
  return `<g class="${name}"${data}><rect x="${number(x)}" y="${number(y)}" width="${number(width)}" height="${number(height)}" rx="6"/>${text.join('')}</g>`;
}

function arrowOf({ points, label, labelAt }: Arrow): string {
  const path = points
    .map(({ x, y }, index) => `${index === 0 ? 'M' : 'L'}${number(x)} ${number(y)}`)
    .join('');
  const text =
    labelAt === null
      ? ''
      : `<text class="soft" x="${number(labelAt.x)}" y="${number(labelAt.y + 12)}">${escaped(label)}</text>`;
  return `<path class="arrow" d="${path}" marker-end="url(#machine-head)"/>${text}`;
}

/** A bow from one box to the other: it follows no arrow of the layout, because what is heard may lead from anywhere to anywhere. */
function lastArrow({ boxes }: MachineLayout, now: MachineNow | null): readonly string[] {
  const last = now?.last ?? null;
  if (last === null || last.from === last.to) return [];
  const from = boxes[last.from];
  const to = boxes[last.to];
  if (from === undefined || to === undefined) return [];
  const begin = edgePoint(from, centreOf(to));
  const end = edgePoint(to, centreOf(from));
  const bend = {
    x: (begin.x + end.x) / 2 - (end.y - begin.y) / 3,
    y: (begin.y + end.y) / 2 + (end.x - begin.x) / 3,
  };
  const d = `M${number(begin.x)} ${number(begin.y)}Q${number(bend.x)} ${number(bend.y)} ${number(end.x)} ${number(end.y)}`;
  const title = `the last transition: from ${last.from} to ${last.to}`;
  return [
    `<path class="last" d="${d}" marker-end="url(#machine-last-head)"><title>${escaped(title)}</title></path>`,
  ];
}

interface Point {
  readonly x: number;
  readonly y: number;
}

function centreOf({ x, y, width, height }: Box): Point {
  return { x: x + width / 2, y: y + height / 2 };
}

/** Where the line from the middle of a box to a point leaves the box. */
function edgePoint(box: Box, towards: Point): Point {
  const centre = centreOf(box);
  const dx = towards.x - centre.x;
  const dy = towards.y - centre.y;
  const reach = Math.max(Math.abs(dx) / (box.width / 2), Math.abs(dy) / (box.height / 2), 1);
  return { x: centre.x + dx / reach, y: centre.y + dy / reach };
}

function number(value: number): string {
  return String(Math.round(value * 10) / 10);
}

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}
