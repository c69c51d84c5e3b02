/**
 * What a device does with numbers that no server gives. One that remembered such a number would refuse everything after it, for good,
 * so these rules come after all that send commands, and each begins by asking whether the device still obeys.
 */
import { COMMAND_N_MAX, type Command, EPOCH_MAX } from '../../../machines/command.ts';
import { ringName } from '../bench.ts';
import { entryName } from '../counterpart.ts';
import { Broken, NotSeen } from '../finding.ts';
import { type Rule } from '../rule.ts';
import type { Trial } from '../trial.ts';

/** The rules, in the order in which they are tested. */
export const boundRules: readonly Rule[] = [
  {
    id: 'number-bound',
    level: 'answering',
    sentence: 'takes an `n` above 2^40 for no command, remembers nothing of it, and obeys the next one',
    section: 'what-cannot-be-read',
    needs: [],
    restsOn: ['report-answered'],
    check: (trial) => leavesNoTrace(trial, 'n', COMMAND_N_MAX),
  },
  {
    id: 'epoch-bound',
    level: 'answering',
    sentence: 'takes an `epoch` above 2^44 for no command, remembers nothing of it, and obeys the next one',
    section: 'what-cannot-be-read',
    needs: [],
    restsOn: ['report-answered'],
    check: (trial) => leavesNoTrace(trial, 'epoch', EPOCH_MAX),
  },
];

async function leavesNoTrace(trial: Trial, field: 'n' | 'epoch', highest: number): Promise<string> {
  const { server, bench } = trial;
  await trial.mustObey();
  const tooHigh = [highest + 1, Number.MAX_SAFE_INTEGER];
  const ignored = tooHigh.map((number) => server.command({ name: 'report', [field]: number }));
  for (const command of ignored) server.send(command);
  const lawful = server.command({ name: 'report' });
  const said = `after commands with \`${field}\` ${tooHigh.join(' and ')}`;
  const reply = await server.ask(lawful).catch((error: unknown) => {
    if (error instanceof NotSeen) throw new Broken(`${said}: ${error.message}`);
    throw error;
  });
  if (reply.entry.outcome !== 'done')
    throw new Broken(`${said} a lawful \`report\` became ${entryName(reply.entry)}, not done`);
  const isIgnored = ({ n }: Pick<Command, 'n'>): boolean => ignored.some((command) => command.n === n);
  if (reply.report.commands?.some(isIgnored) === true)
    throw new Broken(`${said} it names them: ${ringName(reply.report)}`);
  return `${tooHigh.join(' and ')} in ${bench.encoding} left no trace, and the \`report\` behind them was answered`;
}
