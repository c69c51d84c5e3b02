/** Devices that execute what they must not, or say another reason than the one that counts. */
import { type Command, COMMAND_N_MAX, EPOCH_MAX } from '../../../machines/command.ts';
import { RING_SIZE_MAX, type RingEntry } from '../../../machines/report.ts';
import type { Spoiling } from '../conform-device.ts';
import type { Fault } from './fault.ts';
import { withDeadline } from './spoilt.ts';

/** Of commands that must not be executed, or are none. */
export const refusalFaults: readonly Fault[] = [
  {
    does: 'refuses a repeated command as a duplicate',
    breaks: ['repeat-outcome'],
    keeps: ['repeat-not-executed'],
    spoiling: duplicatesRefused,
  },
  {
    does: 'remembers no numbers, and executes whatever comes',
    breaks: ['repeat-not-executed', 'superseded'],
    keeps: ['repeat-outcome', 'executes'],
    spoiling: renumbered,
  },
  {
    does: 'looks at no epoch',
    breaks: ['stale-epoch'],
    keeps: ['superseded', 'epoch-bound'],
    spoiling: () => ({
      command: (command) => (command.epoch > EPOCH_MAX ? command : { ...command, epoch: 1 }),
    }),
  },
  {
    does: 'learns an epoch only from commands that it executes',
    breaks: ['stale-epoch'],
    keeps: ['too-late'],
    spoiling: epochOfExecuted,
  },
  {
    does: 'forgets the higher epoch of a repeated command',
    breaks: ['stale-epoch'],
    keeps: ['repeat-outcome', 'superseded'],
    spoiling: epochOfNew,
  },
  {
    does: 'looks at no boot',
    breaks: ['other-boot'],
    keeps: ['too-late', 'reboots'],
    spoiling: () => ({
      command: (command, { agent }) =>
        command.boot === undefined ? command : { ...command, boot: agent.status().boot },
    }),
  },
  {
    does: 'looks at no deadline',
    breaks: ['too-late'],
    keeps: ['stale-epoch', 'other-boot'],
    spoiling: () => ({ command: (command) => withDeadline(command, 1e12) }),
  },
  {
    does: 'looks at the boot before it looks at the epoch',
    breaks: ['check-order'],
    keeps: ['stale-epoch', 'other-boot', 'too-late'],
    spoiling: bootBeforeEpoch,
  },
  {
    does: 'remembers the highest number that it was ever sent, whatever it is',
    breaks: ['number-bound'],
    keeps: ['report-answered', 'ring', 'check-order'],
    spoiling: () => rememberingHighest('n', 'superseded'),
  },
  {
    does: 'remembers the highest epoch that it was ever sent, whatever it is',
    breaks: ['epoch-bound'],
    keeps: ['report-answered', 'number-bound', 'stale-epoch', 'check-order'],
    spoiling: () => rememberingHighest('epoch', 'stale-epoch'),
  },
  {
    does: 'answers a command whose number is too high',
    breaks: ['number-bound'],
    keeps: ['report-answered', 'epoch-bound'],
    spoiling: tooHighNamed,
  },
];

function duplicatesRefused(): Spoiling {
  const seen = new Set<number>();
  const repeated = new Set<number>();
  return {
    command: (command) => {
      if (seen.has(command.n)) repeated.add(command.n);
      seen.add(command.n);
      return command;
    },
    report: (report) => ({
      ...report,
      commands: report.commands?.map((entry): RingEntry =>
        repeated.has(entry.n) ? { n: entry.n, outcome: 'rejected', reason: 'duplicate' } : entry,
      ),
    }),
  };
}

function isLawful({ n, name }: Partial<Command>): boolean {
  return typeof n === 'number' && n >= 1 && n <= COMMAND_N_MAX && typeof name === 'string';
}

/** Every command that arrives is a new one to the agent, by number and id; what it says of it goes out under those that came. */
function renumbered(): Spoiling {
  const cameAs = new Map<number, number>();
  let lastN = 0;
  return {
    command: (command) => {
      if (!isLawful(command)) return command;
      lastN += 1;
      cameAs.set(lastN, command.n);
      return { ...command, n: lastN, id: `${command.id} ${String(lastN)}` };
    },
    report: (report) => {
      const entries = (report.commands ?? []).map((entry) => ({
        ...entry,
        n: cameAs.get(entry.n) ?? entry.n,
      }));
      const latest = entries.filter((entry, index) => entries.findIndex(({ n }) => n === entry.n) === index);
      const { hold } = report;
      const cameId = hold?.id.split(' ')[0];
      const held = hold && cameId !== undefined ? { hold: { ...hold, id: cameId } } : {};
      return { ...report, ...held, commands: latest.toSorted((a, b) => b.n - a.n) };
    },
  };
}

/** Takes what is too late for a command of the highest epoch that it knows of those that were not. */
function epochOfExecuted(): Spoiling {
  let known = 0;
  return {
    command: (command, { clock }) => {
      if ((command.notAfterUp ?? Infinity) < clock.uptime())
        return { ...command, epoch: Math.min(known, command.epoch) };
      if (command.epoch <= EPOCH_MAX) known = Math.max(known, command.epoch);
      return command;
    },
  };
}

/** Takes every repetition for one of the lowest epoch. */
function epochOfNew(): Spoiling {
  const handled = new Set<number>();
  return {
    command: (command) => {
      const isRepeated = handled.has(command.n);
      handled.add(command.n);
      return isRepeated ? { ...command, epoch: 1 } : command;
    },
  };
}

/** What is of another boot it takes for a command of the highest epoch that it knows. */
function bootBeforeEpoch(): Spoiling {
  let known = 0;
  return {
    command: (command, { agent }) => {
      const isOther = command.boot !== undefined && command.boot !== agent.status().boot;
      if (command.epoch <= EPOCH_MAX) known = Math.max(known, command.epoch);
      return isOther ? { ...command, epoch: known } : command;
    },
  };
}

/** Refuses what is below the highest number or epoch, also where that was no command to the agent. */
function rememberingHighest(field: 'n' | 'epoch', reason: string): Spoiling {
  let highest = 0;
  const handled = new Set<number>();
  const refused = new Set<number>();
  return {
    command: (command) => {
      if (command[field] < highest && !handled.has(command.n)) refused.add(command.n);
      handled.add(command.n);
      highest = Math.max(highest, command[field]);
      return command;
    },
    report: (report) => ({
      ...report,
      commands: report.commands?.map((entry): RingEntry =>
        refused.has(entry.n) && entry.outcome === 'done'
          ? { n: entry.n, outcome: 'rejected', reason }
          : entry,
      ),
    }),
  };
}

/** Says of a number above all that are given that it refused it, and goes on as if nothing had been. */
function tooHighNamed(): Spoiling {
  let latest: number | null = null;
  return {
    command: (command) => {
      if (command.n > COMMAND_N_MAX) latest = command.n;
      return command;
    },
    report: (report) => {
      if (latest === null) return report;
      const refused: RingEntry = { n: latest, outcome: 'rejected', reason: 'superseded' };
      return { ...report, commands: [refused, ...(report.commands ?? []).slice(0, RING_SIZE_MAX - 1)] };
    },
  };
}
