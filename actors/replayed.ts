/**
 * A twin as the source of others learns that it played again what was said before: the one finding about all of them. It ends when nothing
 * of the kind was seen for twice as long as its kind allows silence, or at an operator override.
 */
import type { ReplayFinding } from './decision.ts';
import type { Draft } from './draft.ts';
import { settleSuspicions } from './settle.ts';
import { raiseReplay } from './suspicions.ts';

/** Takes what was found; once each time. */
export function noteReplay(draft: Draft, { at, devices, spokenFor }: ReplayFinding): void {
  const { twin } = draft;
  if (twin.newest === null || at <= (twin.replayedAt ?? -Infinity)) return;
  twin.replayedAt = at;
  const detail = `it plays again what was said before: ${String(devices)} of the ${String(spokenFor)} devices that it speaks for went back at once`;
  raiseReplay(draft, detail);
  settleSuspicions(draft, { type: 'report', detail });
}
