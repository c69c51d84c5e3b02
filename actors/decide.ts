/**
 * A twin decides: (twin, input, context) -> decision. Pure and synchronous; time is in the context, effects are data, and
 * nothing has happened until the decision is committed.
 */
import type { Kind } from '../machines/kind.ts';
import type { Context, Decision, DesiredRequest, Input } from './decision.ts';
import { addEffect, beginDraft, type Draft, endDraft } from './draft.ts';
import { decideCommand } from './guard.ts';
import { hearReport } from './hear.ts';
import { assertInvariants } from './invariants.ts';
import { moveToSite } from './move.ts';
import { becomeKind } from './other-kind.ts';
import { noteReplay } from './replayed.ts';
import { hearOfSource } from './source.ts';
import { versionAfter } from './numbers.ts';
import { applyMergePatch, DESIRED_BYTES_MAX, desiredBytes, desiredDelta } from './desired.ts';
import { allowedCommands, type Objection } from './prospect.ts';
import { wakeTwin } from './wake.ts';
import type { Twin } from './twin.ts';
import { worldState } from '../machines/statechart.ts';

/** Decides on one input. Throws only when an invariant of the twin does not hold: a programmer's error. */
export function decide(kind: Kind, twin: Twin, input: Input, context: Context): Decision {
  const draft = beginDraft(kind, twin, context);
  switch (input.type) {
    case 'report':
      hearReport(draft, input);
      break;
    case 'command':
      hearOfSource(draft);
      decideCommand(draft, input.request, input.known);
      break;
    case 'desired':
      changeDesired(draft, input.request);
      break;
    case 'moved':
      moveToSite(draft, input.site);
      break;
    case 'other-kind':
      becomeKind(draft);
      break;
    case 'replayed':
      noteReplay(draft, input);
      break;
    case 'wake':
      wakeTwin(draft);
      break;
  }
  const decision = endDraft(draft);
  assertInvariants(decision.twin);
  return decision;
}

/** Changes the desired configuration by a JSON merge patch (RFC 7396). */
function changeDesired(draft: Draft, request: DesiredRequest): void {
  const { twin, context } = draft;
  if (request.ifVersion !== null && request.ifVersion !== twin.desired.version) {
    const detail = `the desired configuration is at version ${String(twin.desired.version)}, not ${String(request.ifVersion)}`;
    refuseDesired(draft, request, { code: 'version-mismatch', detail });
    return;
  }
  const values = applyMergePatch(twin.desired.values, request.patch);
  const bytes = desiredBytes(values);
  if (bytes > DESIRED_BYTES_MAX) {
    const detail = `a desired configuration has at most ${String(DESIRED_BYTES_MAX)} bytes as JSON, and this patch would make it ${String(bytes)}: remove what nobody needs, with null`;
    refuseDesired(draft, request, { code: 'desired-too-large', detail });
    return;
  }
  twin.desired = { version: versionAfter(twin.desired.version, context.epoch), values };
  const reply = { type: 'desired', version: twin.desired.version, delta: desiredDelta(twin) } as const;
  addEffect(draft, { type: 'answer', to: request.replyTo, reply });
}

function refuseDesired(draft: Draft, request: DesiredRequest, objection: Objection): void {
  const state = worldState(draft.twin.path);
  const refusal = { id: null, ...objection, state, allowed: allowedCommands(draft) };
  addEffect(draft, { type: 'answer', to: request.replyTo, reply: { type: 'refused', refusal } });
}
