/** CPU time of servers, as Linux tells it. On other systems it is not known. */
import { readdirSync, readFileSync } from 'node:fs';

/** The kernel counts CPU time in these, of a second. */
const TICKS_PER_SECOND = 100;

interface ProcessTimes {
  readonly pid: number;
  readonly parent: number;
  /** Of it and of those of its children that have ended, ticks. */
  readonly ticks: number;
}

/** CPU time that a process and its children have used so far, µs; `null` where it cannot be told. */
export function cpuMicrosOf(pid: number): number | null {
  if (process.platform !== 'linux') return null;
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => timesOf(Number(name)) ?? []);
  const own = all.filter((times) => times.pid === pid || times.parent === pid);
  const ticks = own.reduce((sum, times) => sum + times.ticks, 0);
  return (ticks * 1_000_000) / TICKS_PER_SECOND;
}

function timesOf(pid: number): ProcessTimes | null {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${String(pid)}/stat`, 'utf8');
  } catch {
    // It has ended since its name was read.
    return null;
  }
  // The second field is the program's name in brackets, which may hold anything.
  const fields = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  const [, parent = 0] = fields;
  const ticks = fields.slice(11, 15).reduce((sum, value) => sum + value, 0);
  return { pid, parent, ticks };
}
