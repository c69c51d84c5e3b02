import { UNRESPONSIVE_AFTER } from '../../../actors/probe.ts';
import type { Evidence } from '../world/evidence.ts';
import { type Checker, type Flaw, isHeldAt } from './checker.ts';

/** What a device answered before it heard nothing more may have been on its way for so long, ms: only what was accepted later counts. */
const ON_THE_WAY_MS = 120_000;

/** Of a device whose reports arrive, and which no command reaches, it is said that it is not responsive. */
export const deaf: Checker = {
  name: 'deaf',
  sentence:
    'a document says that its device is not responsive once it is proved of some commands in a row that nothing of them reached it',
  check: (evidence) => {
    const vain = vainCommands(evidence);
    return evidence.record.said.flatMap(({ request, at, body, node }): Flaw[] => {
      const { device, operation } = request;
      if (operation !== 'get' || body.responsive !== true) return [];
      const heardAt = lastReception(evidence, device, at);
      const passed = vain.filter(
        (command) =>
          command.device === device &&
          command.acceptedAt > heardAt + ON_THE_WAY_MS &&
          command.closedAt < at &&
          isHeldAt(command, at),
      );
      if (passed.length < UNRESPONSIVE_AFTER) return [];
      const text = `${node} says that it is responsive, and it has heard nothing of ${passed.length} commands since ${heardAt}`;
      return [{ at, device, text }];
    });
  },
};

interface VainCommand {
  readonly device: string;
  readonly acceptedAt: number;
  readonly closedAt: number;
  readonly lostAt: number | null;
}

/** Commands that are proved not to have been executed, by a report of the boot that they were meant for, in true time. */
function vainCommands({ record, hubOffsetMs }: Evidence): readonly VainCommand[] {
  const vain = new Map<string, VainCommand>();
  for (const { at, commit, lostAt } of record.commits) {
    for (const { id, device, acceptedAt, outcome, reason, boot, proof } of commit.ledger) {
      if (outcome !== 'expired' || reason !== 'not-executed' || vain.has(id)) continue;
      if (proof?.includes(`report ${String(boot)}/`) !== true) continue;
      vain.set(id, { device, acceptedAt: acceptedAt - hubOffsetMs, closedAt: at, lostAt });
    }
  }
  return [...vain.values()];
}

function lastReception({ record }: Evidence, device: string, before: number): number {
  return (
    record.receptions.findLast((other) => other.device === device && other.at <= before)?.at ?? -Infinity
  );
}
