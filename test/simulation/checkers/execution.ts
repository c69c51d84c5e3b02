import type { Evidence } from '../world/evidence.ts';
import type { Execution } from '../record.ts';
import { EXECUTED_MAX } from '../../../src/device/device-state.ts';
import {
  type Checker,
  type EntryVersion,
  type Flaw,
  forgottenIds,
  isProbe,
  short,
  versionsById,
} from './checker.ts';

/** Executes nothing but what the ledger holds, as it holds it, once and in time. */
export const execution: Checker = {
  name: 'execution',
  sentence:
    'a device executes only what is in the ledger, once, as it stands there, and never after its certainAt; also what a store that was set back gives it under another number',
  check: (evidence) => {
    const versions = versionsById(evidence);
    const real = evidence.record.executions.filter(
      ({ command, moves, effect }) => !isProbe(command.id) && (moves || effect === 'done'),
    );
    return [
      ...real.flatMap((done) => notAsWritten(done, versions.get(done.command.id) ?? [], evidence)),
      ...twice(
        real.filter(({ command }) => command.name !== 'report'),
        forgottenIds(evidence),
      ),
    ];
  },
};

function notAsWritten(
  { device, command, startedAt: at, boot }: Execution,
  versions: readonly EntryVersion[],
  { weather }: Evidence,
): Flaw[] {
  const what = `${command.name} ${short(command.id)} (n ${command.n})`;
  const flaw = (text: string): Flaw[] => [{ at, device, text: `${what}: ${text}` }];
  // A command that the store has forgotten may have been accepted once more, under another number.
  const first = versions.find(({ entry }) => entry.n === command.n) ?? versions[0];
  if (first === undefined) return flaw('it is not in the ledger');
  if (first.at > at) return flaw(`executed before it was in the ledger, at ${first.at}`);
  const { entry } = first;
  const isAsWritten =
    entry.device === device &&
    entry.n === command.n &&
    entry.name === command.name &&
    (command.holdMs ?? null) === entry.holdMs;
  if (!isAsWritten) return flaw(`the ledger has ${JSON.stringify(entry)}`);
  if (entry.notAfterUp === null) return [];
  if (entry.boot !== boot) return flaw(`executed in boot ${boot}, meant for boot ${String(entry.boot)}`);
  // No server's clock is further ahead of true time than this.
  const latestClock = at + weather.limits.serverErrorMs;
  if (latestClock > entry.certainAt)
    return flaw(`executed ${latestClock - entry.certainAt} ms after its certainAt ${entry.certainAt}`);
  return [];
}

function twice(executions: readonly Execution[], forgotten: ReadonlySet<string>): Flaw[] {
  const before = new Map<string, Execution[]>();
  return executions.flatMap((execution) => {
    const { device, command, startedAt: at } = execution;
    const earlier = before.get(device) ?? [];
    before.set(device, [...earlier, execution]);
    const isAgain = earlier.some(
      (other, index) =>
        other.command.id === command.id &&
        (!forgotten.has(command.id) ||
          other.command.n === command.n ||
          isKnown(other, execution, earlier.slice(index + 1))),
    );
    if (!isAgain) return [];
    return [{ at, device, text: `${command.name} ${short(command.id)} (n ${command.n}) is executed again` }];
  });
}

/**
 * The device knows it by its id: it took effect, the storage is the same, and no more was executed in between than is remembered. Under another
 * name it would be another command.
 */
function isKnown({ life, effect, command }: Execution, now: Execution, since: readonly Execution[]): boolean {
  if (life !== now.life || effect !== 'done' || command.name !== now.command.name) return false;
  return since.length < EXECUTED_MAX;
}
