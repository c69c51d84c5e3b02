/**
 * A machine as Mermaid draws it (`stateDiagram-v2`), for documents.
 */
import type { MachineDefinition } from './machine-definition.ts';

/** What stands for "wherever it is". */
const ANYWHERE = 'anywhere';

/** Writes the diagram. */
export function mermaidOf({ initial, states, transitions }: MachineDefinition): string {
  const lines = ['stateDiagram-v2', `  [*] --> ${idOf(initial)}`];
  for (const { path, name, parent } of states.filter((state) => state.parent === null)) {
    lines.push(`  state "${name}" as ${idOf(path)}`);
    const inside = states.filter((state) => state.parent === path);
    if (inside.length === 0 || parent !== null) continue;
    lines.push(`  state ${idOf(path)} {`);
    for (const child of inside) lines.push(`    state "${child.name}" as ${idOf(child.path)}`);
    lines.push('  }');
  }
  lines.push(`  state "wherever it is" as ${ANYWHERE}`);
  for (const { from, event, to } of transitions) {
    lines.push(`  ${from === null ? ANYWHERE : idOf(from)} --> ${idOf(to)}: ${event}`);
  }
  for (const { path, accepts } of states) {
    if (accepts.length > 0) lines.push(`  note right of ${idOf(path)}: accepts ${accepts.join(', ')}`);
  }
  return `${lines.join('\n')}\n`;
}

function idOf(path: string): string {
  return `s_${path.replaceAll(/[^A-Za-z0-9]/g, '_')}`;
}
