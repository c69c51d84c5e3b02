/** `corral get`: what is known of one device, read over HTTP. */
import { TypeCompiler } from '@sinclair/typebox/compiler';
import type { Command } from 'commander';
import { HTTP_HELP, httpToken, httpUrl } from './addresses.ts';
import { CorralHttp } from './corral-http.ts';
import { print, printJson } from './print.ts';
import { valuesTable } from './table.ts';
import { TwinSchema, twinRows } from './twin-rows.ts';

const TwinBody = TypeCompiler.Compile(TwinSchema);

const GET_HELP = `
With --json the twin document, as HTTP has it.
${HTTP_HELP}

Examples:
  corral get cp-001
  corral get cp-001 --json | jq .suspicions`;

/** Adds the subcommand. */
export function addGet(program: Command): void {
  program
    .command('get')
    .description('Show the twin of a device: what is known of it, how old that is, what it would accept now.')
    .argument('<device>', 'its id')
    .option('--json', 'the document as one line of JSON')
    .addHelpText('after', GET_HELP)
    .action(runGet);
}

async function runGet(device: string, flags: { readonly json?: true }): Promise<void> {
  const http = new CorralHttp(httpUrl(), httpToken());
  const twin = await http.read(`/v1/devices/${encodeURIComponent(device)}`, TwinBody);
  await (flags.json === true ? printJson(twin) : print(valuesTable(twinRows(twin))));
}
