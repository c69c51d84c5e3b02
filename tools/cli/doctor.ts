/** `corral doctor`: looks at everything Corral needs, and says what to do where it is not as it should be. */
import type { Command } from 'commander';
import type { Finding, Verdict } from '../../src/setup/finding.ts';
import { hubFindings } from '../doctor/hub-checks.ts';
import { nodeVersionFinding, readinessFinding } from '../doctor/node-checks.ts';
import { postgresFindings } from '../doctor/postgres-checks.ts';
import { httpUrl, hubSecurity, postgresUrl, runtimeUrl, SECURITY_HELP } from './addresses.ts';
import { EXIT } from './command-line-error.ts';
import { print, printJson } from './print.ts';

const HELP = `
Checks this machine's Node, the hub (reachable, version, mapping, TLS, password, streams, clock, nodes), Postgres (reachable, version,
migrations, TLS, password, role, durability, connections, names of devices, clock) and a node over HTTP. It changes nothing. Every start of a node looks at
most of it too, and logs what is not good as setup-finding.

Environment, as npm run serve takes it (default: that of npm start):
  CORRAL_NATS_URL      the hub, with the credentials of the user runtime
${SECURITY_HELP}
  CORRAL_POSTGRES_URL  the store
  CORRAL_HTTP_URL      a node's HTTP address

Examples:
  corral doctor
  corral doctor --json | jq '.findings[] | select(.verdict != "good")'

Exit code: 0 when nothing is bad, 3 when something is.`;

const MARKS: Readonly<Record<Verdict, string>> = { good: 'ok  ', warning: 'warn', bad: 'BAD ' };

/** Adds the subcommand. */
export function addDoctor(program: Command): void {
  program
    .command('doctor')
    .description('Check everything Corral needs, and say what to do.')
    .option('--json', 'the findings as one line of JSON')
    .addHelpText('after', HELP)
    .action(runDoctor);
}

async function runDoctor(flags: { readonly json?: true }): Promise<void> {
  const findings = [
    nodeVersionFinding(process.version),
    ...(await hubFindings(runtimeUrl(), hubSecurity())),
    ...(await postgresFindings(postgresUrl())),
    await readinessFinding(httpUrl()),
  ];
  const isWell = findings.every(({ verdict }) => verdict !== 'bad');
  if (flags.json === true) await printJson({ isWell, findings });
  else await print(findings.flatMap(linesOf));
  if (!isWell) process.exitCode = EXIT.refuted;
}

function linesOf({ check, verdict, found, advice }: Finding): readonly string[] {
  const line = `${MARKS[verdict]} ${check.padEnd(20)} ${found}`;
  return advice === null ? [line] : [line, `${' '.repeat(26)}=> ${advice}`];
}
