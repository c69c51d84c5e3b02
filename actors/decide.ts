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
import { applyMergePatch, desiredDelta } from './desired.ts';
import { allowedCommands } from './prospect.ts';
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
      decideCommand(draft, input.request, input.known);
      break;
    case 'desired':
      changeDesired(draft, input.request);
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
  const { twin } = draft;
  if (request.ifVersion !== null && request.ifVersion !== twin.desired.version) {
    const detail = `the desired configuration is at version ${String(twin.desired.version)}, not ${String(request.ifVersion)}`;
    const state = worldState(twin.path);
    const refusal = {
      id: null,
      code: 'version-mismatch',
      detail,
      state,
      allowed: allowedCommands(draft),
    } as const;
    addEffect(draft, { type: 'answer', to: request.replyTo, reply: { type: 'refused', refusal } });
    return;
  }
  const values = applyMergePatch(twin.desired.values, request.patch);
  twin.desired = { version: twin.desired.version + 1, values };
  const reply = { type: 'desired', version: twin.desired.version, delta: desiredDelta(twin) } as const;
  addEffect(draft, { type: 'answer', to: request.replyTo, reply });
}
