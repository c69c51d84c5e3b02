/** Devices that do not keep a reservation as they were told. */
import type { Command } from '../../../machines/command.ts';
import type { Report } from '../../../machines/report.ts';
import { PublishError } from '../../../src/device/publish-answer.ts';
import type { Spoiling } from '../conform-device.ts';
import type { Fault } from './fault.ts';

/** Of holds. */
export const holdFaults: readonly Fault[] = [
  {
    does: 'says at every time that all of the hold is left',
    breaks: ['hold-shown'],
    spoiling: () => ({ report: (report) => withLeft(report, () => 600) }),
  },
  {
    does: 'shows no hold',
    breaks: ['hold-shown'],
    keeps: ['executes', 'large-numbers'],
    spoiling: () => ({ report: ({ hold: _hold, ...report }) => report }),
  },
  {
    does: 'ends no hold by itself',
    breaks: ['hold-ends'],
    spoiling: holdForEver,
  },
  {
    does: 'lets go in silence',
    breaks: ['hold-ends'],
    keeps: ['hold-shown'],
    spoiling: silentEnd,
  },
  {
    does: 'lets go after half of the time',
    breaks: ['hold-ends'],
    keeps: ['hold-shown'],
    spoiling: () => ({
      command: (command) =>
        command.holdMs === undefined ? command : { ...command, holdMs: command.holdMs / 2 },
      report: (report) => withLeft(report, (leftMs) => leftMs + 400),
    }),
  },
  {
    does: 'gives the hold of one to another',
    breaks: ['one-hold'],
    spoiling: stolenHold,
  },
];

function withLeft(report: Report, left: (leftMs: number) => number): Report {
  const { hold } = report;
  return hold === undefined || hold === null
    ? report
    : { ...report, hold: { ...hold, leftMs: left(hold.leftMs) } };
}

function holdForEver(): Spoiling {
  let held: string | null = null;
  /** Which hold each report was sent with that has none. */
  const shown = new Map<string, string | null>();
  return {
    command: (command) => {
      if (command.name === 'release') held = null;
      return command;
    },
    report: (report) => {
      held = report.hold?.id ?? held;
      const position = `${String(report.boot)}/${String(report.seq)}`;
      // What is sent again because its ack was late says what it said before.
      const id = report.hold !== undefined ? null : shown.has(position) ? shown.get(position)! : held;
      shown.set(position, id);
      return id === null ? report : { ...report, hold: { id, leftMs: 0 } };
    },
  };
}

/** Longer than the kit waits for the end of a hold to be said, ms. */
const SILENCE_MS = 6_000;

/** Keeps to itself for a while what says nothing but that a hold has ended. */
function silentEnd(): Spoiling {
  let last: Report | null = null;
  let silentUntil = 0;
  return {
    publish: (publish, payload) => {
      const newest = [JSON.parse(Buffer.from(payload).toString('utf8')) as Report | Report[]].flat().at(-1);
      const isEnd =
        newest !== undefined &&
        JSON.stringify(newest.commands) === JSON.stringify(last?.commands) &&
        Boolean(last?.hold) &&
        !newest.hold;
      if (!isEnd) {
        last = newest ?? last;
        return publish();
      }
      silentUntil = silentUntil === 0 ? performance.now() + SILENCE_MS : silentUntil;
      if (performance.now() < silentUntil) return Promise.reject(new PublishError('no-ack', 'not now'));
      silentUntil = 0;
      last = newest;
      return publish();
    },
  };
}

/** The latest reservation counts, whoever holds the device. */
function stolenHold(): Spoiling {
  let latest: Command | null = null;
  const granted = new Set<number>();
  return {
    command: (command) => {
      if (command.name === 'reserve') latest = command;
      return command;
    },
    report: (report) => {
      const isHeld = report.hold !== undefined && report.hold !== null;
      if (latest !== null && isHeld) granted.add(latest.n);
      const commands = report.commands?.map((entry) =>
        granted.has(entry.n) ? { n: entry.n, outcome: 'done' } : entry,
      );
      return latest !== null && isHeld
        ? { ...report, commands, hold: { ...report.hold, id: latest.id } }
        : { ...report, commands };
    },
  };
}
