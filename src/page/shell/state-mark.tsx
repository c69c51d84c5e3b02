/**
 * A state, the same everywhere: its colour, its name, and what follows the dot more quietly.
 */
import type { VNode } from 'preact';

/** The colour of a state is that of its first word; a state that has none of its own is drawn as one in use. */
const COLOURED = new Set([
  'available',
  'reserved',
  'charging',
  'offline',
  'suspect',
  'unavailable',
  'faulted',
  'out-of-service',
]);

/** The name by which the style sheet colours a state or a path. */
export function stateClass(path: string): string {
  const [world = ''] = path.split('.');
  return `state-${COLOURED.has(world) ? world : 'in-use'}`;
}

/** A path such as `charging.delivering`, written out with its colour. */
export function StateMark({ path }: { readonly path: string }): VNode {
  const [world = '', ...rest] = path.split('.');
  return (
    <span class={`state-mark ${stateClass(path)}`}>
      <span class="swatch" aria-hidden="true" />
      <span class="world">{world}</span>
      {rest.length > 0 && <span class="sub">{`.${rest.join('.')}`}</span>}
    </span>
  );
}
