import { type Checker, finalEntries, type Flaw, short } from './checker.ts';

/** Servers read whole ms. */
const WHOLE_MS = 1;

/** Nothing is accepted on the strength of a state that could not have been true. */
export const acceptance: Checker = {
  name: 'acceptance',
  sentence:
    'a command is accepted only if its device was in a state that takes it, within the time the kind allows',
  check: (evidence) => {
    const { record, hubOffsetMs, weather } = evidence;
    const { serverErrorMs } = weather.limits;
    return finalEntries(evidence).flatMap((entry): Flaw[] => {
      const { device, name, acceptedAt, id } = entry;
      const kind = record.devices.get(device)?.kind;
      const freshMs = kind?.commands[name]?.freshWithinMs ?? null;
      if (kind === undefined || freshMs === null) return [];
      const to = acceptedAt - hubOffsetMs + serverErrorMs + WHOLE_MS;
      const from = acceptedAt - hubOffsetMs - serverErrorMs - freshMs;
      const isTrue = record.made.some(({ device: other, measuredAt, report }) => {
        if (other !== device || measuredAt < from || measuredAt > to) return false;
        const path = kind.observe(report);
        const paths = report.hold ? [path, kind.chart.step(path, 'expiry')] : [path];
        return paths.some((state) => kind.chart.accepts(state, `command.${name}`));
      });
      if (isTrue) return [];
      const text = `${name} ${short(id)} was accepted at ${acceptedAt}, and in the ${freshMs} ms before no report allowed it`;
      return [{ at: to, device, text }];
    });
  },
};
