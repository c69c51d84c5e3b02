/**
 * The C core (`clients/c`) against the contract: it passes every vector of docs/protocol-vectors.json, and decides as the reference agent
 * in `src/device` does, whatever it is asked. Built twice, once with sanitizers, which end it at the first byte beyond the end of anything.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Report, RingEntry } from '../../machines/report.ts';
import { protocolVectors } from '../../tools/docs/protocol-vectors.ts';
import {
  type Build,
  buildProgram,
  compilerNote,
  coreSources,
  harnessSources,
  hasCompiler,
  symbolsOfLibrary,
} from '../devices/c-compiler.ts';
import { CHarness, word } from '../devices/c-harness.ts';
import { tellReport } from '../devices/c-report.ts';

const vectors = protocolVectors();
const builds: readonly Build[] = ['plain', 'sanitized'];
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'corral-c-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** What the harness says of a memory, as far as vectors tell it. */
interface Told {
  readonly became: string;
  readonly isSound: boolean;
  readonly boot: number;
  readonly highestN: number;
  readonly highestEpoch: number;
  readonly ring: readonly RingEntry[];
  readonly hold: { readonly id: string; readonly endsUp: number } | null;
}

for (const build of builds) {
  describe.skipIf(!hasCompiler(build))(`the C core, built ${build}${compilerNote(build)}`, () => {
    let core: CHarness;

    beforeAll(() => {
      const program = join(folder, build);
      buildProgram(build, harnessSources(), program);
      core = new CHarness(program);
    });
    afterAll(() => core.end());

    test.each(vectors.reports)('writes a report byte for byte in both encodings: $name', async (vector) => {
      const reports = [JSON.parse(vector.json) as Report | Report[]].flat();
      for (const encoding of ['json', 'msgpack'] as const) {
        await core.ask(`outbox ${encoding} 4000`);
        await core.ask('interrupt');
        for (const [index, report] of reports.entries()) {
          tellReport(core, report);
          const written = await core.ask(`write ${encoding} 2000`);
          expect(await core.ask(`add ${String(index + 1)} ${written}`)).toBe('0');
        }
        // A frame is what is older than the first report that got through.
        if (reports.length > 1) {
          tellReport(core, { ...reports[0]!, seq: 99 });
          await core.ask(`add 99 ${await core.ask(`write ${encoding} 2000`)}`);
          await core.ask('next 2000');
          await core.ask('acked');
        }
        const [, , payload = ''] = (await core.ask('next 2000')).split(' ');
        const expected = encoding === 'msgpack' ? vector.msgpack : word(vector.json);
        expect(payload).toBe(expected);
      }
    });

    test.each(vectors.commands)('reads a command in both encodings: $name', async ({ json, msgpack }) => {
      const command = JSON.parse(json) as { id: string; name: string } & Record<string, number | undefined>;
      const numbers = [command.boot, command.notAfterUp, command.holdMs].map((number) => number ?? '-');
      const expected = [command.n, command.epoch, word(command.id), word(command.name), ...numbers].join(' ');
      for (const payload of [word(json), msgpack]) {
        const read = await core.ask(`read ${payload}`);
        expect(read.slice(0, read.lastIndexOf(' '))).toBe(expected);
      }
    });

    test.each(vectors.unreadable)('takes for no command: $name', async ({ hex }) => {
      expect(await core.ask(`read ${hex || '-'}`)).toBe('none');
    });

    test.each(vectors.refused)('reads no payload that nobody may send: $name', async ({ hex }) => {
      expect(await core.ask(`plain ${hex}`)).toBe('no');
    });

    test.each(vectors.reports)('reads what may be sent: $name', async ({ json, msgpack }) => {
      for (const payload of [word(json), msgpack]) expect(await core.ask(`plain ${payload}`)).toBe('yes');
    });

    test.each(vectors.answers)('knows an ack: $json', async ({ json, isAck }) => {
      expect(await core.ask(`ack ${word(json)}`)).toBe(isAck ? 'yes' : 'no');
    });

    test.each(vectors.decisions)('decides in the order of checks: $name', async (vector) => {
      const { before, after, command, entry, up } = vector;
      const { hold } = before;
      const held = hold === null ? '- -' : `${word(hold.id)} ${String(hold.endsUp)}`;
      await core.ask(`memory ${before.boot} ${before.highestN} ${before.highestEpoch} ${held}`);
      for (const { n, outcome, reason } of before.commands)
        await core.ask(`remember ${n} ${outcome} ${reason ?? '-'}`);
      const payload = word(JSON.stringify(command));
      const told = JSON.parse(await core.ask(`receive ${up} 10000 ${payload}`)) as Told;
      const { boot, highestN, highestEpoch } = told;
      const lasting = told.hold === null || told.hold.endsUp <= up ? null : told.hold;
      expect({ boot, highestN, highestEpoch, commands: told.ring, hold: lasting }).toMatchObject(after);
      expect(told.ring.find(({ n }) => n === command.n) ?? null).toEqual(entry);
      expect(told.isSound).toBe(true);
    });

    test.each([
      ['text that is not UTF-8', 'state ff'],
      ['half of a surrogate pair', 'state eda080'],
      ['an overlong character', 'state c0af'],
      ['two sensors of one name', 'sensors 61 61'],
      ['a sensor named __proto__', `sensors ${word('__proto__')}`],
      ['a number beyond 2^53 - 1', 'number 9007199254740992'],
    ])('writes no report with %s', async (_, what) => {
      const [field, ...values] = what.split(' ');
      core.tell(`report 1 1 0 ${field === 'state' ? values[0]! : word('available')}`);
      if (field === 'sensors') for (const name of values) core.tell(`sensor ${name} binary true 0 -`);
      if (field === 'number') core.tell(`sensor 61 number ${values[0]!} 0 -`);
      for (const encoding of ['json', 'msgpack'])
        expect(await core.ask(`write ${encoding} 2000`)).toBe('none');
    });

    test('writes no report into a buffer that is too small, whatever its size', async () => {
      const [, whole] = vectors.reports;
      for (const encoding of ['json', 'msgpack'] as const) {
        const length = encoding === 'json' ? whole!.json.length : whole!.msgpack.length / 2;
        for (let size = 0; size <= length; size += 1) {
          tellReport(core, JSON.parse(whole!.json) as Report);
          const written = await core.ask(`write ${encoding} ${String(size)}`);
          expect(written === 'none').toBe(size < length);
        }
      }
    });
  });
}

describe.skipIf(!hasCompiler('plain'))(`the C core${compilerNote('plain')}`, () => {
  test('needs of a library only the memory and string functions', () => {
    const wanted = symbolsOfLibrary(coreSources(), folder);
    expect(wanted.filter((name) => !/^(mem(cpy|move|set|cmp)|str(len|cmp|ncpy|chr))$/.test(name))).toEqual(
      [],
    );
  });
});
