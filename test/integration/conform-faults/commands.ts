/** Devices that do not do what a command in order asks for. */
import type { Command } from '../../../machines/command.ts';
import type { Spoiling } from '../conform-device.ts';
import type { Fault } from './fault.ts';
import { withDeadline } from './spoilt.ts';

const KNOWN_FIELDS = ['n', 'epoch', 'id', 'name', 'args', 'boot', 'notAfterUp', 'holdMs'];
const KNOWN_COMMANDS = ['report', 'reserve', 'release', 'start', 'stop', 'reboot'];

/** Of commands. */
export const commandFaults: readonly Fault[] = [
  {
    does: 'answers no `report`',
    breaks: ['report-answered'],
    spoiling: () => ({ command: (command) => (command.name === 'report' ? null : command) }),
  },
  {
    does: 'takes every deadline for passed',
    breaks: ['executes'],
    spoiling: () => ({ command: (command) => withDeadline(command, 0) }),
  },
  {
    does: 'ignores a command with a field it does not know',
    breaks: ['unknown-fields'],
    spoiling: () => ({
      command: (command) =>
        Object.keys(command).every((field) => KNOWN_FIELDS.includes(field)) ? command : null,
    }),
  },
  {
    does: 'takes a command without a name for a `report`',
    breaks: ['unreadable-ignored'],
    spoiling: () => ({
      command: (command) => ({ ...command, name: (command as Partial<Command>).name ?? 'report' }),
    }),
  },
  {
    does: 'says nothing to a command it does not know',
    breaks: ['unknown-command'],
    spoiling: () => ({ command: (command) => (KNOWN_COMMANDS.includes(command.name) ? command : null) }),
  },
  {
    does: 'keeps a deadline in 32 bits',
    breaks: ['large-numbers'],
    keeps: ['executes'],
    spoiling: () => ({ command: (command) => withDeadline(command, (command.notAfterUp ?? 0) % 2 ** 32) }),
  },
  {
    does: 'executes a reservation in the background, and goes on reporting without its outcome',
    breaks: ['one-at-a-time', 'no-false-proof'],
    keeps: ['executes', 'ring-survives'],
    spoiling: backgroundExecution,
  },
  {
    does: 'shows the hold of a reservation in a report that does not name it yet',
    breaks: ['no-false-proof'],
    keeps: ['executes', 'one-at-a-time', 'hold-shown', 'ring-survives'],
    spoiling: holdBeforeOutcome,
  },
  {
    does: 'remembers four outcomes',
    breaks: ['ring'],
    spoiling: () => ({ report: (report) => ({ ...report, commands: report.commands?.slice(0, 4) }) }),
  },
  {
    does: 'lists the oldest outcome first',
    breaks: ['ring', 'ring-order'],
    spoiling: () => ({ report: (report) => ({ ...report, commands: report.commands?.toReversed() }) }),
  },
  {
    does: 'executes what names no deadline',
    breaks: ['no-deadline'],
    spoiling: () => ({
      command: (command, { agent }) =>
        command.name === 'report' ? command : { boot: agent.status().boot, notAfterUp: 1e12, ...command },
    }),
  },
];

/** The outcome of a reservation is recorded 200 ms late; until then reports are silent about it. */
function backgroundExecution(): Spoiling {
  const recorded = new Map<number, { readonly boot: number; readonly up: number }>();
  return {
    command: (command, device) => {
      if (command.name === 'reserve' && !recorded.has(command.n)) {
        recorded.set(command.n, { boot: device.agent.status().boot, up: device.clock.uptime() + 200 });
        setTimeout(() => device.poke(), 250);
      }
      return command;
    },
    report: (report) => ({
      ...report,
      commands: report.commands?.filter(({ n }) => {
        const { boot, up } = recorded.get(n) ?? { boot: 0, up: 0 };
        return report.boot !== boot || report.up >= up;
      }),
    }),
  };
}

/** Reports the hold at once, and its outcome, which it stores in between, with the next report. */
function holdBeforeOutcome(): Spoiling {
  const early = new Map<string, { readonly boot: number; readonly seq: number }>();
  return {
    report: (report, device) => {
      const [latest] = report.commands ?? [];
      const { hold } = report;
      if (hold === undefined || hold === null || latest === undefined) return report;
      if (!early.has(hold.id)) {
        early.set(hold.id, { boot: report.boot, seq: report.seq });
        setTimeout(() => device.poke(), 20);
      }
      const first = early.get(hold.id);
      const isEarly = first?.boot === report.boot && first.seq === report.seq;
      return isEarly ? { ...report, commands: report.commands?.slice(1) } : report;
    },
  };
}
