/**
 * One part of a device's page, with its heading.
 */
import type { ComponentChildren, VNode } from 'preact';

/** The part. */
export function Panel({
  id,
  title,
  actions,
  children,
}: {
  readonly id: string;
  readonly title: string;
  readonly actions?: VNode;
  readonly children: ComponentChildren;
}): VNode {
  return (
    <section id={id} class={`panel panel-${id}`} aria-labelledby={`${id}-title`}>
      <div class="panel-head">
        <h2 id={`${id}-title`}>{title}</h2>
        {actions}
      </div>
      {children}
    </section>
  );
}
