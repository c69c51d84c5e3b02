/**
 * A state, the same everywhere: its colour, its name, and what follows the dot more quietly.
 */
import type { VNode } from 'preact';
import { OUT_OF_SERVICE, shownState, stateName } from '../state-name.ts';

/** The colour of a state is that of its first word; a state that has none of its own is drawn as one in use. */
const COLOURED = new Set(['available', 'reserved', 'charging', 'offline', 'suspect', 'silent']);

/** What devices call it that must not be used. */
const UNUSABLE = new Set([OUT_OF_SERVICE, 'out-of-service', 'faulted', 'unavailable']);

/** The name by which the style sheet colours a state or a path. */
export function stateClass(path: string): string {
  if (UNUSABLE.has(path)) return 'state-out-of-service';
  const [world = ''] = path.split('.');
  return `state-${COLOURED.has(world) ? world : 'in-use'}`;
}

/** A path such as `charging.delivering`, written out with its colour. */
export function StateMark({ path }: { readonly path: string }): VNode {
  const state = path === 'suspect' ? path : shownState(path);
  const rest = state.startsWith('suspect') ? '' : path.slice(state.length);
  return (
    <span class={`state-mark ${stateClass(path)}`}>
      <span class="swatch" aria-hidden="true" />
      <span class="world">{stateName(state)}</span>
      {rest !== '' && <span class="sub">{rest}</span>}
    </span>
  );
}
