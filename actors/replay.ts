/**
 * A source that plays again what was said before: a feed that serves an old snapshot, a gateway that empties a cache. It says nothing of
 * any device, and no device can tell: each sees itself go back to what it was, as devices do. So each twin only says what it saw (an
 * {@link Echo}), and the source is judged by what many of its devices saw at once.
 *
 * Many devices change at once for reasons of their own as well: mains that fail and come back, a tariff that begins, a shop that opens. All
 * of those move one way. An old snapshot moves some there and others back; and when it alternates with the living one, each device
 * goes there and back and there again within the hour.
 */
import type { Report } from '../machines/report.ts';
import type { NewestReport, Saying, SpokenFor } from './twin.ts';

/** What a twin saw of its source. */
export interface Echo {
  /** When what showed it was measured: what a source has kept while it was cut off comes at once, and is not of one moment. */
  readonly at: number;
  /** When the hub stored it. */
  readonly receivedAt: number;
  /**
   * - `copy`: a report that was heard before, and measured long before the newest one;
   * - `again`: it went back to what it was, after it had gone there and back before;
   * - `return`: it went back to what it was.
   */
  readonly sort: 'copy' | 'again' | 'return';
  /** The states between which it went. */
  readonly from: string;
  readonly to: string;
}

/** What a source's devices saw lately, by device. */
export type Echoes = Map<string, Echo>;

/** What is seen within this is seen at once, ms: one poll of a large feed takes so long to arrive. */
export const AT_ONCE_MS = 20_000;

/** There and back and there again within this is one thing, ms: what takes longer is the rhythm of a day. */
const ALTERNATING_MS = 2 * 3_600_000;

/** So many contents are remembered of a device. */
const SAID_MAX = 4;

/** Fewer devices than this prove nothing about their source: they may have changed by chance. */
export const ECHOES_MIN = 5;

/** The share of the source's devices that has to see it. */
const ECHOES_SHARE = 0.25;

/** Of those that went back, so many went the other way, at least: a common cause moves all one way. */
const OPPOSITE_SHARE = 0.2;

/** What was said so far, with the newest report, measured at `at`. */
export function saidAfter(said: readonly Saying[], report: Report, at: number): readonly Saying[] {
  const content = contentOf(report);
  return said[0]?.content === content ? said : [{ content, at }, ...said].slice(0, SAID_MAX);
}

/** What the twin saw of its source: `before`, and what was said since, with the newest report; `null` for nothing. */
export function echoOf(
  before: Pick<SpokenFor, 'said'>,
  said: readonly Saying[],
  { at, receivedAt, state }: Pick<Echo, 'at' | 'receivedAt'> & { readonly state: string },
): Echo | null {
  if (said === before.said) return null;
  const [now, last, ...earlier] = said;
  if (now === undefined || last === undefined) return null;
  if (!earlier.some(({ content }) => content === now.content)) return null;
  const [one, other] = earlier;
  const isAgain =
    one?.content === now.content && other?.content === last.content && at - other.at <= ALTERNATING_MS;
  return { at, receivedAt, sort: isAgain ? 'again' : 'return', from: stateOf(last), to: state };
}

/** What a report that was heard before shows of the source that says it again; `null` where it may have been lost on the way just now. */
export function echoOfCopy(
  newest: NewestReport | null,
  copy: Report,
  { receivedAt, longAgoMs }: { readonly receivedAt: number; readonly longAgoMs: number },
): Echo | null {
  if (newest === null) return null;
  const isOfBefore = copy.boot === newest.boot ? copy.up < newest.up - longAgoMs : copy.boot < newest.boot;
  if (!isOfBefore) return null;
  return { at: receivedAt, receivedAt, sort: 'copy', from: newest.report.state, to: copy.state };
}

/** Notes what a device saw, and forgets what is too long ago to be seen at once with it. */
export function noteEcho(echoes: Echoes, device: string, echo: Echo): void {
  for (const [other, { at }] of echoes) if (at < echo.at - AT_ONCE_MS) echoes.delete(other);
  const known = echoes.get(device);
  if (known === undefined || known.sort === 'return' || echo.sort !== 'return') echoes.set(device, echo);
}

/** Of how many devices what they saw shows that their source, which speaks for `spokenFor` of them, plays what was said before; 0 for none. */
export function countReplayed(echoes: Echoes, spokenFor: number): number {
  const needed = Math.max(ECHOES_MIN, Math.ceil(spokenFor * ECHOES_SHARE));
  if (echoes.size < needed) return 0;
  const seen = [...echoes.values()];
  if (seen.filter(({ sort }) => sort !== 'return').length >= needed) return seen.length;
  return goBothWays(seen) ? seen.length : 0;
}

function goBothWays(seen: readonly Echo[]): boolean {
  const ways = new Map<string, number>();
  for (const { from, to } of seen) {
    if (from === to) continue;
    const way = `${from}>${to}`;
    ways.set(way, (ways.get(way) ?? 0) + 1);
  }
  return [...ways].some(([way, count]) => {
    const [from = '', to = ''] = way.split('>');
    return Math.min(count, ways.get(`${to}>${from}`) ?? 0) >= seen.length * OPPOSITE_SHARE;
  });
}

/** What a report says of the device: its state, and a hash of its sensors. */
export function contentOf({ state, sensors }: Report): string {
  return `${state}#${hashOf(JSON.stringify(sensors)).toString(36)}`;
}

function stateOf({ content }: Saying): string {
  return content.slice(0, content.lastIndexOf('#'));
}

/** FNV-1a, 32 bits: it tells contents of one device apart, and protects nothing. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1)
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash >>> 0;
}
