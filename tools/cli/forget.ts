/** `corral forget`: has a device forgotten, over HTTP, with a token that may operate. */
import { Type } from '@sinclair/typebox';
import { TypeCompiler } from '@sinclair/typebox/compiler';
import type { Command } from 'commander';
import { httpToken, httpUrl } from './addresses.ts';
import { CorralHttp } from './corral-http.ts';
import { print, printJson } from './print.ts';
import { valuesTable } from './table.ts';

const TextOrNull = Type.Union([Type.String(), Type.Null()]);
const Answer = TypeCompiler.Compile(
  Type.Object({
    device: Type.String(),
    forgottenAt: Type.String(),
    asker: Type.String(),
    by: TextOrNull,
    reason: Type.String(),
    isRepeated: Type.Boolean(),
    erasedAt: TextOrNull,
    inFlight: Type.String(),
    inFlightUntil: TextOrNull,
    stillHeld: Type.Array(Type.Object({ where: Type.String(), what: Type.String(), until: TextOrNull })),
  }),
);

const HELP = `
Erases twin, inventory, history, ledger and journal of the device from Corral's database, in order with its traffic: there is no way back.
What still comes of it is refused as \`forgotten\` until it is registered again: insert into device with registered = true, or
\`update device set registered = true\`. Asked again, it is answered alike, and says whether all is erased by now. What streams, backups and
logs still hold, and until when, stands in the answer.

Environment:
  CORRAL_HTTP_URL  a node's HTTP address (default: that of npm start)
  CORRAL_TOKEN     a token that may operate

Examples:
  corral forget cp-002 --why "sold, ticket 4711" --by eva
  corral forget cp-002 --why "asked again" --json`;

/** Adds the subcommand. */
export function addForget(program: Command): void {
  program
    .command('forget')
    .description('Forget a device: erase all that the database holds of it.')
    .argument('<device>', 'its id')
    .requiredOption('--why <sentence>', 'why, which is kept with the date')
    .option('--by <name>', 'on whose behalf')
    .option('--json', 'the answer as one line of JSON')
    .addHelpText('after', HELP)
    .action(forget);
}

async function forget(
  device: string,
  flags: { readonly why: string; readonly by?: string; readonly json?: true },
): Promise<void> {
  const corral = new CorralHttp(httpUrl(), httpToken());
  const word = { reason: flags.why, ...(flags.by === undefined ? {} : { by: flags.by }) };
  const path = `/v1/devices/${encodeURIComponent(device)}/forget`;
  const answer = await corral.tell(path, word, Answer);
  if (flags.json === true) {
    await printJson(answer);
    return;
  }
  const { forgottenAt, isRepeated, asker, by, reason, erasedAt, stillHeld } = answer;
  await print(
    valuesTable([
      ['device', answer.device],
      [isRepeated ? 'was forgotten' : 'forgotten', forgottenAt],
      ['asked by', by === null ? asker : `${asker} for ${by}`],
      ['why', reason],
      ['erased', erasedAt ?? 'under way: ask again'],
      ['may still execute a command', inFlightText(answer)],
      ...stillHeld.map(
        ({ where, what, until }) =>
          [`still in ${where}`, until === null ? what : `${what}, until ${until}`] as const,
      ),
    ]),
  );
}

function inFlightText({
  inFlight,
  inFlightUntil,
}: {
  readonly inFlight: string;
  readonly inFlightUntil: string | null;
}): string {
  switch (inFlight) {
    case 'nothing':
      return 'no';
    case 'until':
      return `until ${inFlightUntil ?? 'a time that was not told'}`;
    case 'undecided':
      return 'at any time: one is in flight beyond the device, which named it undecided';
    default:
      return 'not known any more, if it ever was: look at what the first answer said';
  }
}
