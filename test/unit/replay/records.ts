/** Made-up session files, with all the dirt that real ones have. */
import { judge, type Judgement } from '../../../tools/replay/judgement.ts';
import { readSessions } from '../../../tools/replay/session-file.ts';
import { WallClock } from '../../../tools/replay/wall-clock.ts';

export const london = new WallClock('Europe/London');

const HEADER = 'start,end,city,charge_point,connector,kwh,site,model';

/** A line of a file: `2019-03-01T10:00 2019-03-01T11:00 60001-1 7.5`. An end or an energy of `-` is left out. */
export function line(text: string): string {
  const [start, end, connector = '', kwh = '1'] = text.split(' ').map((part) => (part === '-' ? '' : part));
  const [chargePoint, plug] = connector.split('-');
  return `${start!},${end!},somewhere,${chargePoint!},${plug ?? ''},${kwh},"Car Park, North",Dual Outlet`;
}

/** A file of such lines. */
export function csvOf(lines: readonly string[]): string {
  return [HEADER, ...lines.map(line), ''].join('\n');
}

/** A file of such lines, judged. */
export function judged(...lines: readonly string[]): Judgement {
  return judge(readSessions('made up', csvOf(lines)), london);
}

/** Kept sessions as text: connector, start and end with their distance from UTC. */
export function kept({ sessions }: Judgement): readonly string[] {
  return sessions.map(
    ({ connector, startAt, endAt }) => `${connector} ${london.shownAt(startAt)} ${london.shownAt(endAt)}`,
  );
}

/** Records set aside as text: line and reason. */
export function aside({ setAside }: Judgement): readonly string[] {
  return setAside.map(({ line: at, reason }) => `${String(at)} ${reason}`);
}
