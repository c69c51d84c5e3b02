import { UNDECIDED, type Report } from '../../../machines/report.ts';
import { worldState } from '../../../machines/statechart.ts';
import type { LedgerEntry } from '../../../src/contract/ledger-entry.ts';
import type { Said } from '../record.ts';
import type { Evidence } from '../world/evidence.ts';
import { type Checker, type Flaw, short } from './checker.ts';

/** What the store was told of a device, and when. */
interface Told {
  readonly at: number;
  /** When a set-back of the store took it away; `null`: never. */
  readonly lostAt: number | null;
  /** The state of its twin after it, and those that its reports say, which may have stood for a moment within it. */
  readonly paths: readonly string[];
  readonly isDoubted: boolean;
  readonly ledger: readonly LedgerEntry[];
}

/** A refusal that is not true keeps a customer from what he could have. */
export const warranted: Checker = {
  name: 'warranted',
  sentence:
    'a command is refused for the state of its device, or for another command, only if that was so at some time between its question and its answer',
  check: (evidence) => {
    const told = toldByDevice(evidence);
    return evidence.record.said.flatMap((said): Flaw[] => {
      const { request, body, at, node } = said;
      if (body.outcome !== 'refused' || request.operation !== 'command') return [];
      const known = told.get(request.device) ?? [];
      // A store that is set back in between holds the one past before, and the other after.
      const text =
        wrongAbout(said, heldAt(known, request.at), evidence) &&
        wrongAbout(said, heldAt(known, at), evidence);
      if (text === null) return [];
      const what = `${node} refuses ${request.name ?? ''} ${short(request.id ?? '')} as ${String(body.code)}`;
      return [{ at, device: request.device, text: `${what}, and ${text}` }];
    });
  },
};

function toldByDevice({ record }: Evidence): ReadonlyMap<string, readonly Told[]> {
  const told = new Map<string, Told[]>();
  for (const { at, lostAt, commit } of record.commits) {
    for (const twin of commit.twins) {
      const { device, path, suspicions } = twin;
      const kind = record.devices.get(device)?.kind;
      if (kind === undefined) continue;
      const reports = commit.reports.filter((filed) => filed.device === device);
      const said = reports.map(({ report }: { readonly report: Report }) => kind.observe(report));
      const ledger = commit.ledger.filter((entry) => entry.device === device);
      const paths = [path, ...said];
      const one = { at, lostAt, paths, isDoubted: suspicions.length > 0, ledger };
      const known = told.get(device);
      if (known === undefined) told.set(device, [one]);
      else known.push(one);
    }
  }
  return told;
}

function heldAt(told: readonly Told[], moment: number): readonly Told[] {
  return told.filter(({ lostAt }) => lostAt === null || lostAt > moment);
}

/** `null` where it was so at some time while it was asked, as far as the store was told. */
function wrongAbout({ request, body, at }: Said, told: readonly Told[], { record }: Evidence): string | null {
  const kind = record.devices.get(request.device)?.kind;
  if (kind === undefined) return null;
  const until = told.filter((one) => one.at <= at);
  const before = until.findLast((one) => one.at <= request.at);
  const meanwhile = until.filter((one) => one === before || one.at > request.at);
  const paths = meanwhile.flatMap((one) => one.paths);
  const states = new Set(paths.map(worldState));
  const said = paths.length === 0 ? 'it was never heard' : `it was ${[...states].join(', ')}`;
  switch (body.code) {
    case 'offline':
      return meanwhile.length === 0 || states.has('offline') ? null : said;
    case 'suspect':
      return states.has('suspect') || meanwhile.some(({ isDoubted }) => isDoubted) ? null : said;
    case 'pending':
      return wasInTheWay(until, request.at) ? null : 'no other command was in the way';
    case 'illegal-state': {
      const spec = kind.commands[request.name ?? ''];
      if (spec?.decidedBy !== 'device' || meanwhile.length === 0) return null;
      const isRefusable = paths.some((path) => !kind.chart.accepts(path, `command.${request.name}`));
      return isRefusable ? null : `${said}, which accepts it`;
    }
    default:
      return null;
  }
}

/** Another command that may still start, or is in flight beyond the device, at some time from then on. */
function wasInTheWay(told: readonly Told[], from: number): boolean {
  const inTheWay = new Set<string>();
  for (const { at, ledger } of told) {
    if (at > from && inTheWay.size > 0) return true;
    for (const { id, outcome, notAfterUp, reason, closedAt } of ledger) {
      const isInTheWay =
        closedAt === null && ((outcome === 'pending' && notAfterUp !== null) || reason === UNDECIDED);
      if (!isInTheWay) inTheWay.delete(id);
      else inTheWay.add(id);
      if (isInTheWay && at > from) return true;
    }
  }
  return inTheWay.size > 0;
}
