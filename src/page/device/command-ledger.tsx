/**
 * The commands of the device and what became of them. A command without proof is `unknown`, and says until when it may still start.
 */
import type { VNode } from 'preact';
import type { Command } from '../api/history.ts';
import { serverNow } from '../api/server-clock.ts';
import { Failure } from '../shell/failure.tsx';
import { age, duration, exactTime, timeOfDay } from '../format.ts';
import { useTick } from '../ticker.ts';
import type { Asked } from './use-answer.ts';

/** A page of the ledger. */
export interface CommandPage {
  readonly commands: readonly Command[];
}

/** The newest commands. */
export function CommandLedger({ asked: { answer, failure } }: { readonly asked: Asked<CommandPage> }): VNode {
  useTick();
  if (failure !== null) return <Failure error={failure} />;
  if (answer === null) return <p class="soft">Reading…</p>;
  if (answer.commands.length === 0) return <p class="soft">It was never commanded.</p>;
  const now = serverNow() ?? 0;
  return (
    <ol class="ledger" aria-label="Commands, newest first" aria-live="polite">
      {answer.commands.map((command) => (
        <li key={command.id} data-command={command.id}>
          <p class="ledger-head">
            <span class={`outcome outcome-${command.outcome}`}>{command.outcome}</span>
            <strong>{command.name}</strong>
            {Object.keys(command.args).length > 0 && <code>{JSON.stringify(command.args)}</code>}
            <span class="soft">
              {command.by !== null && `by ${command.by} `}
              {command.asker !== null && `asked by ${command.asker} `}
              <time dateTime={command.acceptedAt} title={`${exactTime(Date.parse(command.acceptedAt))} UTC`}>
                {timeOfDay(Date.parse(command.acceptedAt), now)}
              </time>
            </span>
          </p>
          <p class="soft">{sentenceOf(command, now)}</p>
        </li>
      ))}
    </ol>
  );
}

/** The device has passed it on, and cannot tell yet what became of it. */
function isUndecided({ reason, closedAt }: Command): boolean {
  return reason === 'undecided' && closedAt === null;
}

function sentenceOf(command: Command, now: number): string {
  const { outcome, reason, proof, certainAt, decidedAt, closedAt } = command;
  const certain = Date.parse(certainAt);
  if (isUndecided(command)) {
    return 'it is in flight beyond the device, and may take effect at any time: only the device can tell, or an operator give it up';
  }
  if (outcome === 'pending') {
    return certain > now
      ? `no proof yet; it cannot start any more in ${age(certain - now)}`
      : 'no proof yet; it cannot start any more';
  }
  if (outcome === 'unknown' && closedAt === null) {
    return 'it cannot start any more, and nothing proves yet whether it was executed: a later report may';
  }
  const decided = decidedAt === null ? null : Date.parse(decidedAt);
  const isLate = decided !== null && decided > certain;
  return [
    ...(reason === null ? [] : [reason]),
    ...(proof === null ? [] : [proof]),
    ...(isLate ? [`resolved late, ${duration(decided - certain)} after it could not start any more`] : []),
    ...(outcome === 'unknown' ? ['nothing will prove it any more'] : []),
  ].join('; ');
}
