/** `corral abandon`: gives up commands that are in flight beyond their device, over HTTP, with a token that may operate. */
import { randomUUID } from 'node:crypto';
import { Type } from '@sinclair/typebox';
import { TypeCompiler } from '@sinclair/typebox/compiler';
import type { Command } from 'commander';
import { ABANDON } from '../../machines/common-commands.ts';
import { httpToken, httpUrl } from './addresses.ts';
import { uuid } from './commands.ts';
import { CorralHttp } from './corral-http.ts';
import { print, printJson } from './print.ts';
import { valuesTable } from './table.ts';

const Answer = TypeCompiler.Compile(
  Type.Object({
    id: Type.String(),
    device: Type.String(),
    args: Type.Object({ command: Type.String(), reason: Type.String() }),
    by: Type.Union([Type.String(), Type.Null()]),
    asker: Type.Union([Type.String(), Type.Null()]),
    outcome: Type.String(),
  }),
);

const HELP = `
For a command that its device has passed on and cannot tell of (\`undecided\`), where whoever could tell does not come back: nothing more is
waited for, the ledger keeps it as \`unknown\`, \`abandoned\`, and the device takes commands again. It may still take effect: look at the
device first. The journal and the ledger keep who said so, and why. \`corral history DEVICE --commands\` shows the ids. One
that a restored database has forgotten (\`forgotten-command\`) goes by its number: \`corral explain DEVICE\` names it.

Environment:
  CORRAL_HTTP_URL  a node's HTTP address (default: that of npm start)
  CORRAL_TOKEN     a token that may operate

Example:
  corral abandon cp-002 99c49974-fe79-4d3f-96e1-679ee1fa4485 --by eva --why "gateway burnt down, nobody plugged in"`;

/** Adds the subcommand. */
export function addAbandon(program: Command): void {
  program
    .command('abandon')
    .description('Give up commands that a device cannot tell of any more.')
    .argument('<device>', 'its id')
    .argument(
      '<id...>',
      'the ids of the commands; of one that the ledger has forgotten, its number',
      (id: string, before?: readonly string[]) => [...(before ?? []), /^\d+$/.test(id) ? id : uuid(id)],
    )
    .requiredOption('--why <sentence>', 'why nothing more can come of it, for the journal')
    .requiredOption('--by <name>', 'who says so')
    .option('--json', 'each answer as one line of JSON')
    .addHelpText('after', HELP)
    .action(abandon);
}

async function abandon(
  device: string,
  ids: readonly string[],
  flags: { readonly why: string; readonly by: string; readonly json?: true },
): Promise<void> {
  const corral = new CorralHttp(httpUrl(), httpToken());
  const path = `/v1/devices/${encodeURIComponent(device)}/commands`;
  for (const command of ids) {
    const args = { command, reason: flags.why };
    const order = { id: randomUUID(), name: ABANDON, args, by: flags.by };
    const answer = await corral.tell(path, order, Answer);
    if (flags.json === true) {
      await printJson(answer);
      continue;
    }
    const { by, asker, args: given } = answer;
    await print(
      valuesTable([
        ['device', answer.device],
        ['given up', given.command],
        ['asked by', `${asker ?? 'nobody'} for ${by ?? 'nobody'}`],
        ['why', given.reason],
        ['id of this word', answer.id],
      ]),
    );
  }
}
