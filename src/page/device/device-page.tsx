/**
 * A device's page: what is known of it, how certain that is and why, what it was, and what it was told.
 */
import type { VNode } from 'preact';
import { useEffect } from 'preact/hooks';
import type { Explanation } from '../api/explanation.ts';
import { kinds, readKinds } from '../api/kinds.ts';
import type { ApiProblem } from '../api/request.ts';
import { connection, doubtOf } from '../connection.ts';
import { useObservable } from '../observable.ts';
import { sentenceOf } from '../shell/failure.tsx';
import { Clocks } from './clocks.tsx';
import { type CommandPage, CommandLedger } from './command-ledger.tsx';
import { CommandSender } from './command-sender.tsx';
import { Doubts } from './doubts.tsx';
import { Explain } from './explain.tsx';
import { windowOf } from './history-window.ts';
import { History } from './history.tsx';
import { Identity } from './identity.tsx';
import { Panel } from './panel.tsx';
import { Reported } from './reported.tsx';
import { Reservation } from './reservation.tsx';
import { Statechart } from './statechart.tsx';
import { useAnswer } from './use-answer.ts';
import { useTwin } from './use-twin.ts';

/** How many commands are shown. */
const COMMANDS_SHOWN = 20;

/** The view. */
export function DevicePage({
  device,
  query,
}: {
  readonly device: string;
  readonly query: URLSearchParams;
}): VNode {
  const path = `/v1/devices/${encodeURIComponent(device)}`;
  const { twin, problem, isLate, toldAt, revision, refresh } = useTwin(device);
  const explanation = useAnswer<Explanation>(`${path}/explain`, revision);
  const commands = useAnswer<CommandPage>(`${path}/commands?limit=${String(COMMANDS_SHOWN)}`, revision);
  const doubt = doubtOf(useObservable(connection), problem ?? (isLate || null));
  const kind = useObservable(kinds).get(twin?.said.kind ?? '') ?? null;
  useEffect(() => {
    document.title = `${device} in Corral`;
    void readKinds().catch(() => undefined);
  }, [device]);

  if (twin === null) {
    return (
      <main id="main" class="device">
        <h1>{device}</h1>
        <p role="status">{nothingKnown(device, problem, doubt)}</p>
      </main>
    );
  }
  const { said } = twin;
  return (
    <main id="main" class="device">
      <Identity twin={twin} doubt={doubt} />
      {problem !== null && <p role="alert">{sentenceOf(problem)}</p>}
      <Doubts suspicions={said.suspicions} doubt={doubt} />
      <Reservation hold={said.hold} state={said.state} doubt={doubt} />
      <div class="panels">
        <Explain asked={explanation} doubt={doubt} />
        <Panel id="commands" title="Commands">
          <CommandSender
            device={device}
            verdicts={explanation.answer?.commands ?? []}
            kinds={kind?.commands ?? []}
            doubt={doubt}
            onSent={refresh}
          />
          <CommandLedger asked={commands} />
        </Panel>
        <History
          device={device}
          shown={windowOf(query)}
          revision={revision}
          late={said.sequence.late}
          asOf={said.asOf === null ? null : Date.parse(said.asOf)}
          kind={kind}
          toldAt={doubt === null ? null : toldAt}
        />
        <Statechart device={device} path={said.path} version={said.version} doubt={doubt} />
        <div class="column">
          <Clocks twin={said} doubt={doubt} />
          <Reported twin={said} kind={kind} doubt={doubt} />
        </div>
      </div>
    </main>
  );
}

/** What is said in place of a device of which nothing was read yet. */
function nothingKnown(device: string, problem: ApiProblem | null, doubt: string | null): string {
  if (problem !== null) return sentenceOf(problem);
  if (doubt === null) return 'Reading…';
  return `Nothing is known of ${device} here: ${doubt}. It is shown as soon as Corral answers again.`;
}
