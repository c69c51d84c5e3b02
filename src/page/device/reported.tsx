/**
 * What the newest report says, value by value, and what was desired and is not reported yet.
 */
import type { VNode } from 'preact';
import { type Kind, unitOf } from '../api/kinds.ts';
import type { Twin } from '../api/twin.ts';
import { AsKnownThen } from './as-known-then.tsx';
import { Panel } from './panel.tsx';

/** The panel. */
export function Reported({
  twin,
  kind,
  doubt,
}: {
  readonly twin: Twin;
  readonly kind: Kind | null;
  /** Why nothing is known to be true any more; `null` while it is. */
  readonly doubt: string | null;
}): VNode {
  const { reported, desired } = twin;
  const delta = Object.entries(desired.delta);
  return (
    <Panel id="reported" title="Newest report">
      <AsKnownThen doubt={doubt} />
      <dl class="facts">
        {Object.entries(reported).map(([name, value]) => (
          <Value key={name} name={name} value={value} unit={unitOf(kind, name)} />
        ))}
      </dl>
      {Object.keys(reported).length === 0 && <p class="soft">It told no sensors.</p>}
      {delta.length > 0 && (
        <>
          <h3>Desired, and not reported yet</h3>
          <dl class="facts">
            {delta.map(([name, value]) => (
              <Value key={name} name={name} value={value} />
            ))}
          </dl>
        </>
      )}
    </Panel>
  );
}

function Value({
  name,
  value,
  unit = '',
}: {
  readonly name: string;
  readonly value: unknown;
  readonly unit?: string;
}): VNode {
  return (
    <>
      <dt>{name}</dt>
      <dd class="figure">
        {textOf(value)}
        {unit}
      </dd>
    </>
  );
}

function textOf(value: unknown): string {
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value === 'number') return value.toLocaleString('en', { maximumFractionDigits: 5 });
  return typeof value === 'string' ? value : JSON.stringify(value, null, 1).replaceAll(/\s+/g, ' ');
}
