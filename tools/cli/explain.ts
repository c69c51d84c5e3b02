/** `corral explain`: why a device is in its state, read over HTTP. */
import { Type } from '@sinclair/typebox';
import { TypeCompiler } from '@sinclair/typebox/compiler';
import type { Command } from 'commander';
import { HTTP_HELP, httpToken, httpUrl } from './addresses.ts';
import { CorralHttp } from './corral-http.ts';
import { print, printJson } from './print.ts';
import { shownDuration } from './time-words.ts';

const Body = TypeCompiler.Compile(
  Type.Object({
    summary: Type.Array(Type.String()),
    chain: Type.Array(
      Type.Object({
        at: Type.String(),
        errorMs: Type.Union([Type.Number(), Type.Null()]),
        sentence: Type.String(),
      }),
    ),
    suspicions: Type.Array(Type.Object({ sentence: Type.String() })),
    timers: Type.Array(Type.Object({ at: Type.String(), sentence: Type.String() })),
    commands: Type.Array(
      Type.Object({ name: Type.String(), accepted: Type.Boolean(), sentence: Type.String() }),
    ),
    clock: Type.Object({ sentence: Type.String() }),
  }),
);

const HELP = `
The chain goes from the last certain point to now: reports, commands, deadlines, silence, suspicions, clocks, and messages that could not be
read. Below it: what the twin does if nothing is heard, and what it would accept now and why not.
${HTTP_HELP}

Examples:
  corral explain cp-001
  corral explain cp-001 --json | jq -r '.chain[].sentence'
  corral devices --state suspect --json | jq -r .device | xargs -n 1 corral explain`;

/** Adds the subcommand. */
export function addExplain(program: Command): void {
  program
    .command('explain')
    .description('Explain why a device is in its state, and what it would accept now.')
    .argument('<device>', 'its id')
    .option('--json', 'the explanation as one line of JSON')
    .addHelpText('after', HELP)
    .action(runExplain);
}

async function runExplain(device: string, flags: { readonly json?: true }): Promise<void> {
  const http = new CorralHttp(httpUrl(), httpToken());
  const explanation = await http.read(`/v1/devices/${encodeURIComponent(device)}/explain`, Body);
  if (flags.json === true) {
    await printJson(explanation);
    return;
  }
  const { summary, chain, suspicions, timers, commands, clock } = explanation;
  await print(summary);
  await section(
    'What happened:',
    chain.map(({ at, errorMs, sentence }) => `${when(at, errorMs)}  ${sentence}`),
  );
  await section(
    'In doubt:',
    suspicions.map(({ sentence }) => sentence),
  );
  await section(
    'If nothing is heard:',
    timers.map(({ at, sentence }) => `${at}  ${sentence}`),
  );
  await section(
    'Commands now:',
    commands.map(({ accepted, sentence }) => `${accepted ? 'yes' : 'no '}  ${sentence}`),
  );
  await section('Clock:', [clock.sentence]);
}

async function section(title: string, lines: readonly string[]): Promise<void> {
  if (lines.length > 0) await print(['', title, ...lines.map((line) => `  ${line}`)]);
}

/** A time, with how far it may be off where that is worth a word. */
function when(at: string, errorMs: number | null): string {
  if (errorMs === null) return `${at} at the latest`;
  return errorMs === 0 ? at : `${at} ± ${shownDuration(errorMs)}`;
}
