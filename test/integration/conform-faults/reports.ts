/** Devices whose reports are not what reports are. */
import type { Spoiling } from '../conform-device.ts';
import type { Fault } from './fault.ts';

/** Of reports. */
export const reportFaults: readonly Fault[] = [
  {
    does: 'leaves every second number out',
    breaks: ['numbering'],
    keeps: ['report-answered', 'ring-order'],
    spoiling: () => ({ report: (report) => ({ ...report, seq: 2 * report.seq - 1 }) }),
  },
  {
    does: 'leaves a number out when two reports come at once',
    breaks: ['complete'],
    keeps: ['numbering', 'nothing-lost'],
    spoiling: numberLeftOut,
  },
  {
    does: 'forgets what it named undecided',
    breaks: ['last-words'],
    keeps: ['ring', 'ring-order'],
    spoiling: () => ({
      report: (report) =>
        report.boot === 1 && report.seq === 1
          ? { ...report, commands: [...(report.commands ?? []), { n: 0, outcome: 'undecided' }] }
          : report,
    }),
  },
  {
    does: 'begins its payloads with a byte order mark',
    breaks: ['encoding', 'readable'],
    spoiling: () => ({ payload: (payload) => Buffer.concat([Buffer.from('\uFEFF'), payload]) }),
  },
  {
    does: 'leaves out its uptime',
    breaks: ['readable'],
    keeps: ['encoding'],
    spoiling: () => ({ report: ({ up: _up, ...report }) => report }),
  },
  {
    does: 'stamps a report when it sends it',
    breaks: ['one-content'],
    keeps: ['resend-refused'],
    spoiling: () => {
      let stamp = 0;
      return { report: (report) => ({ ...report, at: (stamp += 1) }) };
    },
  },
  {
    does: 'has a clock that is a tenth too fast',
    breaks: ['uptime'],
    keeps: ['hold-ends'],
    spoiling: () => ({
      clock: (clock) => ({
        ...clock,
        uptime: () => Math.floor(clock.uptime() * 1.1),
        after: (delayMs, work) => clock.after(Math.ceil(delayMs / 1.1), work),
      }),
    }),
  },
  {
    does: 'tells `since` in microseconds',
    breaks: ['since'],
    keeps: ['ring'],
    spoiling: () => ({
      report: (report) => ({
        ...report,
        since: Object.fromEntries(Object.entries(report.since ?? {}).map(([name, ms]) => [name, ms * 1_000])),
      }),
    }),
  },
];

/** Once, as a counter does that two threads share. */
function numberLeftOut(): Spoiling {
  let last = { boot: 0, seq: 0, up: -Infinity };
  let leftOut: { readonly boot: number; readonly seq: number } | null = null;
  return {
    report: (report) => {
      const { boot, seq, up } = report;
      const isAtOnce = boot === last.boot && seq === last.seq + 1 && up - last.up < 20;
      if (isAtOnce && seq > 2) leftOut ??= { boot, seq };
      last = { boot, seq, up };
      return leftOut?.boot === boot && seq >= leftOut.seq ? { ...report, seq: seq + 1 } : report;
    },
  };
}
