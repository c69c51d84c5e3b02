/**
 * The reference of all kinds as Markdown, read off their definitions, so that what people look up is what the code does.
 */
import type { TObject, TSchema } from '@sinclair/typebox';
import type { AnyStateNode } from 'xstate';
import type { CommandSpec } from '../../machines/command.ts';
import type { Kind } from '../../machines/kind.ts';
import type { Report } from '../../machines/report.ts';
import { PROOFS } from '../../machines/resolver.ts';
import { code, table } from './markdown.ts';

/** Writes `docs/kinds.md`. */
export function kindsDocument(kinds: readonly Kind[]): string {
  return `${[introduction, proofTable(), ...kinds.map(kindSection)].join('\n\n')}\n`;
}

/** The paths of all states a kind's twin can be in, in the order in which the machine declares them. */
export function statePaths(kind: Kind): string[] {
  return atomicPaths(kind.machine.root as AnyStateNode);
}

/** For each reported state, the known states it can lead to, depending on the sensors. */
export function reportedPaths(kind: Kind): ReadonlyMap<string, readonly string[]> {
  const readings = possibleReadings(kind);
  return new Map(
    kind.reportedStates.map((state) => {
      const seen = new Set(
        readings.map((sensors) => kind.observe({ boot: 1, seq: 1, up: 0, state, sensors })),
      );
      return [state, kind.observations.filter((observation) => seen.has(observation))];
    }),
  );
}

const introduction = `# Kinds

Written by \`npm run docs\` from \`machines/\`; a test checks that it is up to date.

The first word of a state is what the world sees; what follows the dot is a sub-state. A report moves the twin from every state straight
to the one it observes, silence moves it to \`offline\`, an open suspicion to \`suspect\`. A command never moves it: only the next report
does.

What became of a command is found out by what its row under "What proves their fate" names; the ledger's \`proof\` begins with one of these
words. A state alone proves nothing: whatever a command leads to, somebody on the spot can lead to as well.`;

function kindSection(kind: Kind): string {
  return [
    `## ${kind.name}`,
    kind.description,
    '### Commands by state',
    'A mark means that the command is accepted. `expiry` is where the twin goes when the hold has certainly ended by itself.',
    legalityTable(kind),
    '### What a report leads to',
    table(
      ['reported `state`', 'known state, depending on the sensors'],
      [...reportedPaths(kind)].map(([state, paths]) => [code(state), paths.map(code).join(', ')]),
    ),
    '### Commands',
    commandTable(kind),
    '### What proves their fate',
    resolverTable(kind),
    '### Arguments',
    argumentTable(kind),
    '### Sensors',
    'Every sensor is optional; unknown ones are kept and passed on.',
    sensorTable(kind),
    '### Limits',
    limitTable(kind),
  ].join('\n\n');
}

function legalityTable(kind: Kind): string {
  const names = Object.keys(kind.commands);
  const rows = statePaths(kind).map((path) => {
    const expired = kind.chart.step(path, 'expiry');
    return [
      code(path),
      ...names.map((name) => (kind.chart.accepts(path, `command.${name}`) ? '✓' : '')),
      expired === path ? '' : code(expired),
    ];
  });
  return table(['state', ...names.map(code), '`expiry`'], rows);
}

function commandTable(kind: Kind): string {
  const rows = Object.entries<CommandSpec>(kind.commands).map(([name, spec]) => [
    code(name),
    spec.description,
    duration(spec.startWindowMs, 'no deadline'),
    duration(spec.freshWithinMs, 'any age'),
    holdEffect(spec),
  ]);
  return table(['command', 'what it does', 'may start within', 'decided on knowledge within', 'hold'], rows);
}

function resolverTable(kind: Kind): string {
  const rows = Object.entries<CommandSpec>(kind.commands).map(([name, { resolver }]) => [
    code(name),
    resolver.done.map(code).join(', '),
    resolver.notDone.map(code).join(', '),
    resolver.isSentAgain ? '✓' : '',
    resolver.compensatedBy === null ? '' : code(resolver.compensatedBy),
  ]);
  return table(
    ['command', 'proved done by', 'proved not done by', 'sent again while it may start', 'undone by'],
    rows,
  );
}

function proofTable(): string {
  return table(
    ['proof', 'what it is'],
    Object.entries(PROOFS).map(([name, meaning]) => [code(name), meaning]),
  );
}

function holdEffect(spec: CommandSpec): string {
  if (spec.hold === null) return spec.endsHold ? 'ends it' : '';
  return `begins one of ${duration(spec.hold.defaultMs, '')}, at most ${duration(spec.hold.longestMs, '')}`;
}

function argumentTable(kind: Kind): string {
  const rows = Object.entries<CommandSpec>(kind.commands).flatMap(([name, spec]) =>
    schemaRows(spec.args).map((row) => [code(name), ...row]),
  );
  return table(['command', 'argument', 'type', 'meaning'], rows);
}

function sensorTable(kind: Kind): string {
  const rows = schemaRows(kind.sensors).map(([name = '', type = '', meaning = '']) => [
    name,
    kind.binarySensors.some((sensor) => code(sensor) === name) ? `${type}, with \`since\`` : type,
    meaning,
  ]);
  return table(['sensor', 'type', 'meaning'], rows);
}

function limitTable(kind: Kind): string {
  const { silenceMs, freshMs, driftPpm, probeTimeoutMs, resendMs } = kind.limits;
  return table(
    ['limit', 'value'],
    [
      ['`offline` when nothing was heard for', duration(silenceMs, '')],
      ['`fresh` while the age is proved to be at most', duration(freshMs, '')],
      ["drift of the device's clock, at most", `${String(driftPpm)} ppm`],
      ['an answer to `report` is waited for', duration(probeTimeoutMs, '')],
      ['a command in flight is sent again every', duration(resendMs, '')],
    ],
  );
}

function schemaRows(schema: TObject): string[][] {
  return Object.entries<TSchema>(schema.properties).map(([name, property]) => [
    code(name),
    String(property.type),
    property.description ?? propertyMeanings(property),
  ]);
}

/** A map explains itself by its entries. */
function propertyMeanings(property: TSchema): string {
  return Object.entries((property as TObject).properties)
    .map(([name, entry]) => `${code(name)}: ${entry.description ?? ''}`)
    .join('; ');
}

function atomicPaths(node: AnyStateNode): string[] {
  const children = Object.values(node.states);
  return children.length === 0 ? [node.path.join('.')] : children.flatMap(atomicPaths);
}

/** Every combination of binary sensors, with all measuring ones at zero and at a thousand. */
function possibleReadings(kind: Kind): Report['sensors'][] {
  const measuring = Object.entries<TSchema>(kind.sensors.properties)
    .filter(([, schema]) => schema.type === 'number' || schema.type === 'integer')
    .map(([name]) => name);
  const measurements = [0, 1_000].map((value) => Object.fromEntries(measuring.map((name) => [name, value])));
  return kind.binarySensors.reduce<Report['sensors'][]>(
    (readings, sensor) =>
      readings.flatMap((reading) => [false, true].map((value) => ({ ...reading, [sensor]: value }))),
    measurements,
  );
}

function duration(valueMs: number | null, absent: string): string {
  if (valueMs === null) return absent;
  const units = [
    ['h', 3_600_000],
    ['min', 60_000],
    ['s', 1_000],
  ] as const;
  const fitting = units.find(([, unitMs]) => valueMs % unitMs === 0);
  return fitting === undefined ? `${String(valueMs)} ms` : `${String(valueMs / fitting[1])} ${fitting[0]}`;
}
