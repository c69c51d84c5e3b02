/**
 * How the machine of every kind follows what is heard of its device. It stands once, because no kind may have a
 * state in which it stops listening.
 */

/** The transitions at the root of a kind's machine: they hold in every state that does not overrule them. */
export type Hearing<Observation extends string> = Readonly<
  Record<`report.${Observation}`, `.${Observation}`>
> & {
  readonly silence: '.offline';
  readonly suspicion: '.suspect';
};

/**
 * An observation is the path of the state it leads to: `charging.suspended`. It leads there from everywhere, because
 * short states are never reported and a machine that insists on the way in between would contradict the device.
 */
export function hearing<Observation extends string>(
  observations: readonly Observation[],
): Hearing<Observation> {
  const reports = Object.fromEntries(observations.map((path) => [`report.${path}`, `.${path}`]));
  return { ...reports, silence: '.offline', suspicion: '.suspect' } as Hearing<Observation>;
}
