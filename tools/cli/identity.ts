/** `corral identity renew`: says who speaks under a device's name from now on, over NATS, as any backend would. */
import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import { RENEW_IDENTITY } from '../../machines/common-commands.ts';
import { BACKEND_HELP } from './addresses.ts';
import { COMMAND_EXIT_HELP } from './command-line-error.ts';
import { told } from './commands.ts';

const RENEW_HELP = `
For a device that is silent, or of which it is doubted who speaks, as after a repair: whatever is heard next is the device, however it
counts its boots, and nothing is known of it until then. Commands without an outcome are closed as unknown. The journal and the ledger
keep who said so, and why. Nothing is sent but the question for a report.
${BACKEND_HELP}
${COMMAND_EXIT_HELP}

Example:
  corral identity renew cp-002 --by eva --why "controller replaced, ticket 4711"`;

/** Adds the subcommand. */
export function addIdentity(program: Command): void {
  const identity = program.command('identity').description('Who speaks under the name of a device.');
  identity.addHelpText(
    'after',
    '\nExample:\n  corral identity renew cp-002 --by eva --why "controller replaced"',
  );
  identity
    .command('renew')
    .description('Begin a new count of boots with whatever is heard next.')
    .argument('<device>', 'its id')
    .requiredOption('--why <sentence>', 'what was found, for the journal')
    .requiredOption('--by <name>', 'who says so')
    .option('--json', 'the outcome, or the refusal, as one line of JSON')
    .addHelpText('after', RENEW_HELP)
    .action(renew);
}

async function renew(
  device: string,
  { why, by, json }: { readonly why: string; readonly by: string; readonly json?: true },
): Promise<void> {
  const id = randomUUID();
  const options = { id, isFirstUse: true, waitMs: 0, deadlineMs: 15_000, by };
  await told(json === true, id, (corral) => corral.command(device, RENEW_IDENTITY, { reason: why }, options));
}
