import type { Evidence } from '../world/evidence.ts';
import { type Checker, type Flaw, short } from './checker.ts';

/** A clock that is off for so long is found out, and what was decided before is committed, ms. */
const FOUND_OUT_MS = 20_000;
/** Clocks are read in whole ms. */
const ROUNDING_MS = 3;

/** A node whose clock is not the hub's says so, and commands nothing. */
export const wrongClock: Checker = {
  name: 'wrong-clock',
  sentence:
    "a node whose clock has not been the hub's for a while accepts no command, and says of every device that it accepts none",
  check: (evidence) => {
    const { record } = evidence;
    const flaws: Flaw[] = [];
    const known = new Set<string>();
    for (const { at, node, commit } of record.commits) {
      for (const { id, device, name } of commit.ledger) {
        if (known.has(id)) continue;
        known.add(id);
        if (isWrong(evidence, node, at))
          flaws.push({ at, device, text: `${node} accepts ${name} ${short(id)} by a wrong clock` });
      }
    }
    for (const { at, node, request, body } of record.said) {
      const { device, operation } = request;
      const allowed = (body.allowed ?? []) as readonly string[];
      if (operation !== 'get' || body.outcome !== undefined || allowed.length === 0) continue;
      if (isWrong(evidence, node, at))
        flaws.push({
          at,
          device,
          text: `${node} says by a wrong clock that it accepts ${allowed.join(', ')}`,
        });
    }
    return flaws;
  },
};

/** All the time until then, whichever of the two was wrong; and where it was the hub's that was set, the node could know. */
function isWrong({ serverClocks, hubClock, weather, record }: Evidence, node: string, at: number): boolean {
  const clock = serverClocks.get(node);
  if (clock === undefined || hubClock === null) return false;
  const mostMs = weather.limits.serverErrorMs + ROUNDING_MS;
  const from = at - FOUND_OUT_MS;
  const moments = [from, ...clock.setBetween(from, at), ...hubClock.setBetween(from, at)];
  if (moments.some((moment) => Math.abs(clock.aheadAt(moment) - hubClock.aheadAt(moment)) <= mostMs))
    return false;
  const setAt = hubClock.setBetween(-Infinity, at).at(-1);
  return (
    setAt === undefined ||
    record.hubTimes.some((told) => told.node === node && told.toldAt >= setAt && told.heardAt <= from)
  );
}
