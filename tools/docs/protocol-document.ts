/**
 * The parts of `docs/protocol.md` that follow from the code: field tables, limits, rules and test vectors. Each stands between
 * two marks in the document; what is around them is written by hand.
 */
import type { TObject, TSchema, TUnion } from '@sinclair/typebox';
import type { Kind } from '../../machines/kind.ts';
import {
  ComponentSchema,
  ReportedHoldSchema,
  ReportSchema,
  RING_SIZE_MAX,
  RingEntrySchema,
} from '../../machines/report.ts';
import { AGENT_LIMITS } from '../../src/device/limits.ts';
import { DEPTH_MAX, LIST_VALUES_MAX, VALUES_MAX } from '../../src/wire/decode-limits.ts';
import { FRAME_REPORTS_MAX, REPORT_BYTES_MAX } from '../../src/wire/report.ts';
import { includes, LEVEL_MEANINGS, LEVELS } from '../conform/level.ts';
import { TRIAL_LIMITS } from '../conform/limits.ts';
import type { Rule } from '../conform/rule.ts';
import {
  COMPONENT_MEANINGS,
  type FieldMeaning,
  HOLD_MEANINGS,
  REPORT_MEANINGS,
  RING_ENTRY_MEANINGS,
} from './report-fields.ts';
import type { DecisionVector, MessageVector, ProtocolVectors, VectorMemory } from './protocol-vectors.ts';

/** No command of a kind is as long as this in either encoding, bytes; a test writes the longest that each kind can give. */
export const COMMAND_BYTES_MAX = 1_024;

/** What the parts are made from. */
export interface ProtocolSources {
  readonly kinds: readonly Kind[];
  readonly rules: readonly Rule[];
  readonly vectors: ProtocolVectors;
}

/** The document with its generated parts written anew. Throws on a mark that is not known, not closed, or missing. */
export function protocolDocument(document: string, sources: ProtocolSources): string {
  const parts = partsOf(sources);
  const written = new Set<string>();
  const result = document.replaceAll(
    /(<!-- generated: ([a-z-]+) -->\n)[^]*?(<!-- end -->)/g,
    (_, begin: string, name: string, end: string) => {
      const part = parts.get(name);
      if (part === undefined)
        throw new Error(`docs/protocol.md asks for a part "${name}", which nobody writes`);
      written.add(name);
      return `${begin}\n${part}\n\n${end}`;
    },
  );
  const missing = [...parts.keys()].filter((name) => !written.has(name));
  if (missing.length > 0) throw new Error(`docs/protocol.md has no place for ${missing.join(', ')}`);
  return result;
}

function partsOf({ kinds, rules, vectors }: ProtocolSources): ReadonlyMap<string, string> {
  return new Map([
    ['report-fields', fieldTable(ReportSchema, REPORT_MEANINGS)],
    ['ring-entry-fields', fieldTable(RingEntrySchema, RING_ENTRY_MEANINGS)],
    ['hold-fields', fieldTable(ReportedHoldSchema, HOLD_MEANINGS)],
    ['component-fields', fieldTable(ComponentSchema, COMPONENT_MEANINGS)],
    ['limits', limitTable()],
    ['kind-limits', kindLimitTable(kinds)],
    ['levels', levelTable(rules)],
    ['rules', ruleTable(rules)],
    ['report-vectors', vectors.reports.map(messageVector).join('\n\n')],
    ['command-vectors', vectors.commands.map(messageVector).join('\n\n')],
    ['unreadable-vectors', unreadableTable(vectors)],
    ['refused-vectors', refusedTable(vectors)],
    ['answer-vectors', answerTable(vectors)],
    ['decision-vectors', decisionTable(vectors.decisions)],
  ]);
}

// ------------------------------------------------------------------------------------------------------- fields

function fieldTable(schema: TObject, meanings: Readonly<Record<string, FieldMeaning>>): string {
  const required = new Set(schema.required ?? []);
  const rows = Object.entries<TSchema>(schema.properties).map(([name, property]) => {
    const { meaning, leftOut } = meanings[name] ?? { meaning: '', leftOut: null };
    if (required.has(name) !== (leftOut === null))
      throw new Error(`the field ${name} is required, or it is not`);
    const type = [typeName(property), bounds(property)].filter((part) => part !== '').join(', ');
    return [code(name), type, meaning, leftOut ?? '**required**'];
  });
  return table(['field', 'type', 'meaning', 'left out'], rows);
}

function typeName(schema: TSchema): string {
  const options = (schema as Partial<TUnion>).anyOf;
  if (options !== undefined) return options.map(typeName).join(' or ');
  const type = schema.type as string | undefined;
  if (type === 'integer') return 'whole number';
  if (type === 'object') return 'map';
  if (type === 'array') return 'list of maps';
  return type ?? 'any';
}

function bounds(schema: TSchema): string {
  const { minimum, maximum, minLength, maxLength, maxItems, pattern } = schema as Readonly<
    Record<string, number | string | undefined>
  >;
  if (minimum !== undefined) return `${String(minimum)} to ${powerName(Number(maximum))}`;
  if (pattern !== undefined) return code(String(pattern));
  if (maxLength !== undefined) return `${String(minLength ?? 0)} to ${String(maxLength)} characters`;
  return maxItems === undefined ? '' : `at most ${String(maxItems)}`;
}

/** A bound that is a power of two, or one below it, reads better as one. */
function powerName(bound: number): string {
  if (bound === Number.MAX_SAFE_INTEGER) return '2^53 - 1';
  const power = Math.log2(bound);
  return Number.isInteger(power) && power >= 32 ? `2^${String(power)}` : String(bound);
}

// ------------------------------------------------------------------------------------------------------- limits

function limitTable(): string {
  const { heartbeatMs, retryFirstMs, retryLongestMs, frameReportsMax, frameBytesMax } = AGENT_LIMITS;
  return table(
    ['limit', 'value'],
    [
      ['outcomes in a report', `${String(RING_SIZE_MAX)}: all there are, and no fewer`],
      [
        'reports in a frame',
        `${FRAME_REPORTS_MAX.toLocaleString('en')}; the reference agent sends ${frameReportsMax.toLocaleString('en')}`,
      ],
      [
        'bytes in a publish',
        `1 MB with the headers; the reference agent sends ${frameBytesMax.toLocaleString('en')}`,
      ],
      ['bytes in a report', `${REPORT_BYTES_MAX.toLocaleString('en')}; in a frame, as JSON`],
      [
        'values in a report',
        `${VALUES_MAX.toLocaleString('en')}, and ${LIST_VALUES_MAX.toLocaleString('en')} in a frame: each in a map or list counts as one, and an empty map or list as one more`,
      ],
      ['nesting of maps and lists', `${String(DEPTH_MAX)} levels`],
      ['bytes in a command', `below ${COMMAND_BYTES_MAX.toLocaleString('en')}; have room for 4,096`],
      ['an answer to `report`', `within ${seconds(TRIAL_LIMITS.answerMs)}`],
      ['an ack is waited for', `2 to 10 s; the reference agent waits 5 s`],
      [
        'pause before a publish is tried again',
        `from ${seconds(retryFirstMs)}, doubled each time, to ${seconds(retryLongestMs)}`,
      ],
      ['a report when nothing changes', `every ${seconds(heartbeatMs)}`],
    ],
  );
}

function kindLimitTable(kinds: readonly Kind[]): string {
  return table(
    [
      'kind',
      'silence limit',
      'drift of the uptime, at most',
      'answer to `report` within',
      'a command is sent again every',
    ],
    kinds.map(({ name, limits }) => [
      code(name),
      seconds(limits.silenceMs),
      `${String(limits.driftPpm)} ppm`,
      seconds(limits.probeTimeoutMs),
      seconds(limits.resendMs),
    ]),
  );
}

function seconds(ms: number): string {
  return `${String(ms / 1_000)} s`;
}

// ------------------------------------------------------------------------------------------------------- the kit

const NEEDS: Readonly<Record<Rule['needs'][number], string>> = {
  restart: '`--reboot-command`',
  'own-server': '`--serve`',
  heartbeat: '`--heartbeat`',
};

function ruleTable(rules: readonly Rule[]): string {
  return table(
    ['level', 'rule', 'a device that keeps it', 'needs', 'rests on'],
    LEVELS.flatMap((level) => rules.filter((rule) => rule.level === level)).map(
      ({ id, level, sentence, section, needs, restsOn }) => [
        level,
        `[${code(id)}](#${section})`,
        sentence,
        needs.map((need) => NEEDS[need]).join(', '),
        restsOn.map(code).join(', '),
      ],
    ),
  );
}

function levelTable(rules: readonly Rule[]): string {
  return table(
    ['`--level`', 'a device of it', 'rules'],
    LEVELS.map((level) => [
      code(level),
      LEVEL_MEANINGS[level],
      String(rules.filter((rule) => includes(level, rule.level)).length),
    ]),
  );
}

// ------------------------------------------------------------------------------------------------------- vectors

function messageVector({ name, json, msgpack }: MessageVector): string {
  return [`**${capital(name)}**`, fenced('json', json), fenced('', wrapped(msgpack))].join('\n\n');
}

function unreadableTable({ unreadable }: ProtocolVectors): string {
  return table(
    ['payload', 'bytes'],
    unreadable.map(({ name, hex }) => [name, hex === '' ? '' : code(hex)]),
  );
}

function refusedTable({ refused }: ProtocolVectors): string {
  return table(
    ['payload', 'reason', 'bytes'],
    refused.map(({ name, hex, reason }) => [name, code(reason), code(hex)]),
  );
}

function answerTable({ answers }: ProtocolVectors): string {
  return table(
    ['answer', 'meaning'],
    answers.map(({ name, json }) => [code(json), name]),
  );
}

/** Each line says how it differs from the first, which is in order. */
function decisionTable(decisions: readonly DecisionVector[]): string {
  const [usual] = decisions;
  if (usual === undefined) throw new Error('there is no decision to show');
  return table(
    [
      'case',
      'the command, where it differs',
      'remembered before, where it differs',
      'entry',
      'remembered afterwards',
    ],
    decisions.map(({ name, command, before, entry, after }) => [
      name,
      differences(usual.command, command),
      remembered(before) === remembered(usual.before) ? '' : remembered(before),
      entry === null ? 'none' : code(JSON.stringify(entry)),
      remembered(after),
    ]),
  );
}

/** The members of `value` that are other than in `usual`; `null` for those that it lacks. */
function differences(usual: object, value: object): string {
  const known = new Map(Object.entries(usual).map(([key, member]) => [key, JSON.stringify(member)]));
  const other = Object.entries(value).filter(([key, member]) => JSON.stringify(member) !== known.get(key));
  const gone = [...known.keys()].filter((key) => !(key in value)).map((key) => [key, null] as const);
  const changed = [...other, ...gone];
  return changed.length === 0 ? '' : code(JSON.stringify(Object.fromEntries(changed)));
}

function remembered({ highestN, highestEpoch, commands, hold }: VectorMemory): string {
  const ring = commands.map(({ n }) => n).join(' ');
  const held = hold === null ? 'no hold' : `hold ${code(hold.id)} to ${String(hold.endsUp)}`;
  return `n ${String(highestN)}, epoch ${String(highestEpoch)}, ring ${ring}, ${held}`;
}

function capital(sentence: string): string {
  return sentence.charAt(0).toUpperCase() + sentence.slice(1);
}

const HEX_LINE = 96;

function wrapped(hex: string): string {
  return hex.match(new RegExp(`.{1,${String(HEX_LINE)}}`, 'g'))?.join('\n') ?? '';
}

function fenced(language: string, text: string): string {
  return `\`\`\`${language}\n${text}\n\`\`\``;
}

function code(text: string): string {
  return `\`${text}\``;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
