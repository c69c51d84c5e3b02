/** Devices made faulty on purpose: each breaks what its line says, and keeps the other rules it is tested for. */
import { type Command, COMMAND_N_MAX } from '../../machines/command.ts';
import { type Report, RING_SIZE_MAX, type RingEntry } from '../../machines/report.ts';
import { AGENT_LIMITS } from '../../src/device/limits.ts';
import type { StoredDevice } from '../../src/device/log-entry.ts';
import { PublishError } from '../../src/device/nats-link.ts';
import { deviceReport } from '../../src/wire/subjects.ts';
import type { Spoiling } from './conform-device.ts';

/** One fault. */
export interface Fault {
  /** What the device does, as a sentence with the device as its subject. */
  readonly does: string;
  /** The rules that have to be found broken. */
  readonly breaks: readonly string[];
  /** Rules that are tested beside them and have to be found kept; some of them bring the fault to light. */
  readonly keeps?: readonly string[];
  /** Made anew for every trial: a fault may remember. */
  readonly spoiling: () => Spoiling;
}

const KNOWN_FIELDS = ['n', 'epoch', 'id', 'name', 'args', 'boot', 'notAfterUp', 'holdMs'];
const KNOWN_COMMANDS = ['report', 'reserve', 'release', 'start', 'stop', 'reboot'];
const FAST_LIMITS = { ...AGENT_LIMITS, retryFirstMs: 50, retryLongestMs: 200 };

/** Of commands. */
const commandFaults: readonly Fault[] = [
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
    keeps: ['executes'],
    spoiling: backgroundExecution,
  },
  {
    does: 'remembers four outcomes',
    breaks: ['ring'],
    spoiling: () => ({ report: (report) => ({ ...report, commands: report.commands?.slice(0, 4) }) }),
  },
  {
    does: 'forgets what it named undecided',
    breaks: ['last-words'],
    spoiling: () => ({
      report: (report) =>
        report.seq === 1
          ? { ...report, commands: [...(report.commands ?? []), { n: 0, outcome: 'undecided' }] }
          : report,
    }),
  },
  {
    does: 'lists the oldest outcome first',
    breaks: ['ring', 'ring-order'],
    spoiling: () => ({ report: (report) => ({ ...report, commands: report.commands?.toReversed() }) }),
  },
  {
    does: 'refuses a repeated command as a duplicate',
    breaks: ['repeat-outcome', 'repeat-not-executed'],
    spoiling: duplicatesRefused,
  },
  {
    does: 'remembers no numbers, and executes whatever comes',
    breaks: ['repeat-not-executed', 'superseded', 'check-order'],
    keeps: ['repeat-outcome', 'executes'],
    spoiling: renumbered,
  },
  {
    does: 'looks at no epoch',
    breaks: ['stale-epoch', 'check-order', 'fences-survive'],
    keeps: ['superseded'],
    spoiling: () => ({ command: (command) => ({ ...command, epoch: 1 }) }),
  },
  {
    does: 'learns an epoch only from commands that it executes',
    breaks: ['stale-epoch'],
    spoiling: () => ({
      command: (command, { clock }) =>
        (command.notAfterUp ?? Infinity) < clock.uptime() ? { ...command, epoch: 1 } : command,
    }),
  },
  {
    does: 'looks at no boot',
    breaks: ['other-boot', 'check-order'],
    keeps: ['too-late'],
    spoiling: () => ({
      command: (command, { agent }) =>
        command.boot === undefined ? command : { ...command, boot: agent.status().boot },
    }),
  },
  {
    does: 'looks at no deadline',
    breaks: ['too-late', 'check-order'],
    keeps: ['other-boot'],
    spoiling: () => ({ command: (command) => withDeadline(command, 1e12) }),
  },
  {
    does: 'executes what names no deadline',
    breaks: ['no-deadline'],
    spoiling: () => ({
      command: (command, { agent }) =>
        command.name === 'report' ? command : { boot: agent.status().boot, notAfterUp: 1e12, ...command },
    }),
  },
  {
    does: 'looks at the boot before it looks at the epoch',
    breaks: ['check-order'],
    keeps: ['stale-epoch', 'other-boot'],
    spoiling: () => ({
      command: (command, { agent }) =>
        command.boot !== undefined && command.boot !== agent.status().boot
          ? { ...command, epoch: 1e9 }
          : command,
    }),
  },
  {
    does: 'remembers the highest number that it was ever sent, whatever it is',
    breaks: ['number-bound'],
    keeps: ['report-answered', 'ring'],
    spoiling: () => rememberingHighest('n', 'superseded'),
  },
  {
    does: 'remembers the highest epoch that it was ever sent, whatever it is',
    breaks: ['epoch-bound'],
    keeps: ['report-answered', 'number-bound', 'stale-epoch'],
    spoiling: () => rememberingHighest('epoch', 'stale-epoch'),
  },
  {
    does: 'answers a command whose number is too high',
    breaks: ['number-bound'],
    keeps: ['report-answered', 'epoch-bound'],
    spoiling: tooHighNamed,
  },
];

/** Of holds. */
const holdFaults: readonly Fault[] = [
  {
    does: 'says at every time that all of the hold is left',
    breaks: ['hold-shown'],
    keeps: ['hold-ends'],
    spoiling: () => ({ report: (report) => withLeft(report, () => 600) }),
  },
  {
    does: 'shows no hold',
    breaks: ['hold-shown'],
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
    spoiling: onlyAnswers,
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

/** Of delivery. */
const deliveryFaults: readonly Fault[] = [
  {
    does: 'takes silence for an ack',
    breaks: ['resend-unanswered'],
    keeps: ['resend-refused'],
    spoiling: () => ({ publish: (publish) => publish().catch(unless('refused')) }),
  },
  {
    does: 'takes any answer for an ack',
    breaks: ['resend-refused'],
    keeps: ['resend-unanswered'],
    spoiling: () => ({ publish: (publish) => publish().catch(unless('no-ack')) }),
  },
  {
    does: 'does not wait for an ack before it publishes the next report',
    breaks: ['one-in-flight'],
    keeps: ['report-answered'],
    spoiling: () => ({
      publish: async (publish) => {
        publish().catch(() => undefined);
      },
    }),
  },
  {
    does: 'publishes without asking for an ack',
    breaks: ['asks-for-ack'],
    keeps: ['report-answered'],
    spoiling: () => ({
      publish: async (_publish, payload, { connection, device }) => {
        connection.nats.publish(deviceReport(device), payload);
      },
    }),
  },
  {
    does: 'delivers the oldest report first after an outage',
    breaks: ['current-first'],
    keeps: ['buffer-in-frames', 'nothing-lost'],
    spoiling: () => ({ options: { order: 'fifo' } }),
  },
  {
    does: 'delivers its buffer report by report',
    breaks: ['buffer-in-frames'],
    keeps: ['current-first', 'nothing-lost'],
    spoiling: () => ({ options: { limits: { ...FAST_LIMITS, frameReportsMax: 1 } } }),
  },
  {
    does: 'buffers five reports',
    breaks: ['nothing-lost', 'numbering'],
    keeps: ['current-first'],
    spoiling: () => ({ options: { limits: { ...FAST_LIMITS, outboxReportsMax: 5 } } }),
  },
  {
    does: 'lists a frame the newest report first',
    breaks: ['buffer-in-frames', 'frames-in-order'],
    keeps: ['nothing-lost'],
    spoiling: reversedFrames,
  },
  {
    does: 'sends everything twice',
    breaks: ['not-again'],
    keeps: ['report-answered', 'one-content'],
    spoiling: () => ({ publish: (publish) => publish().then(publish) }),
  },
];

/** Of reports. */
const reportFaults: readonly Fault[] = [
  {
    does: 'leaves every second number out',
    breaks: ['numbering'],
    keeps: ['report-answered', 'ring-order'],
    spoiling: () => ({ report: (report) => ({ ...report, seq: 2 * report.seq - 1 }) }),
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

/** Of restarts. */
const restartFaults: readonly Fault[] = [
  {
    does: 'counts its boots from 1 each time',
    breaks: ['boot-grows', 'one-content'],
    keeps: ['ring-survives'],
    spoiling: () => ({ stored: forgetting({ boot: 0 }) }),
  },
  {
    does: 'forgets its outcomes in a restart',
    breaks: ['ring-survives'],
    keeps: ['boot-grows', 'hold-survives', 'fences-survive'],
    spoiling: () => ({ stored: forgetting({ ring: [] }) }),
  },
  {
    does: 'forgets everything but its boots in a restart',
    breaks: ['ring-survives', 'hold-survives', 'fences-survive'],
    keeps: ['boot-grows'],
    spoiling: () => ({ stored: forgetting({ ring: [], hold: null, highestN: 0, highestEpoch: 0 }) }),
  },
  {
    does: 'forgets its hold in a restart',
    breaks: ['hold-survives'],
    keeps: ['boot-grows', 'ring-survives', 'fences-survive'],
    spoiling: () => ({ stored: forgetting({ hold: null }) }),
  },
  {
    does: 'begins its hold anew after a restart',
    breaks: ['hold-survives'],
    keeps: ['ring-survives'],
    spoiling: () => ({
      stored: (stored) => {
        const { hold } = stored.memory;
        return hold === null
          ? stored
          : forgetting({ hold: { ...hold, endsUp: hold.endsUp + 60_000 } })(stored);
      },
    }),
  },
  {
    does: 'says that it has started anew, and has not',
    breaks: ['reboots'],
    keeps: ['report-answered'],
    spoiling: () => ({
      command: (command) => (command.name === 'reboot' ? { ...command, name: 'report' } : command),
    }),
  },
  {
    does: 'forgets the highest epoch in a restart',
    breaks: ['fences-survive'],
    keeps: ['ring-survives', 'hold-survives'],
    spoiling: () => ({ stored: forgetting({ highestEpoch: 0 }) }),
  },
];

/** All of them; `reconnects` needs a server that can be stopped, and is tested where there is one. */
export const faults: readonly Fault[] = [
  ...commandFaults,
  ...holdFaults,
  ...deliveryFaults,
  ...reportFaults,
  ...restartFaults,
];

/** Is deaf to commands once its connection was lost. */
export function deafAfterReconnect(): Spoiling {
  let isWatched = false;
  let isDeaf = false;
  return {
    command: (command, { connection }) => {
      if (!isWatched) connection.onChange(() => (isDeaf = true));
      isWatched = true;
      return isDeaf ? null : command;
    },
  };
}

function withDeadline(command: Command, notAfterUp: number): Command {
  return command.notAfterUp === undefined ? command : { ...command, notAfterUp };
}

function withLeft(report: Report, left: (leftMs: number) => number): Report {
  const { hold } = report;
  return hold === undefined || hold === null
    ? report
    : { ...report, hold: { ...hold, leftMs: left(hold.leftMs) } };
}

function unless(code: PublishError['code']): (error: unknown) => void {
  return (error) => {
    if (error instanceof PublishError && error.code === code) throw error;
  };
}

function forgetting(forgotten: Partial<StoredDevice['memory']>): (stored: StoredDevice) => StoredDevice {
  return (stored) => ({ ...stored, memory: { ...stored.memory, ...forgotten } });
}

/** The outcome of a reservation is recorded 200 ms late; until then reports are silent about it. */
function backgroundExecution(): Spoiling {
  const recordedUp = new Map<number, number>();
  return {
    command: (command, device) => {
      if (command.name === 'reserve' && !recordedUp.has(command.n)) {
        recordedUp.set(command.n, device.clock.uptime() + 200);
        setTimeout(() => device.poke(), 250);
      }
      return command;
    },
    report: (report) => ({
      ...report,
      commands: report.commands?.filter(({ n }) => report.up >= (recordedUp.get(n) ?? 0)),
    }),
  };
}

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

/** Every command that arrives is a new one to the agent; its outcome goes out under the number that came. */
function renumbered(): Spoiling {
  const cameAs = new Map<number, number>();
  let lastN = 0;
  return {
    command: (command) => {
      lastN += 1;
      cameAs.set(lastN, command.n);
      return { ...command, n: lastN };
    },
    report: (report) => {
      const entries = (report.commands ?? []).map((entry) => ({
        ...entry,
        n: cameAs.get(entry.n) ?? entry.n,
      }));
      const latest = entries.filter((entry, index) => entries.findIndex(({ n }) => n === entry.n) === index);
      return { ...report, commands: latest.toSorted((a, b) => b.n - a.n) };
    },
  };
}

/** Refuses what is below the highest number or epoch, also where that was no command to the agent. */
function rememberingHighest(field: 'n' | 'epoch', reason: string): Spoiling {
  let highest = 0;
  const refused = new Set<number>();
  return {
    command: (command) => {
      if (command[field] < highest) refused.add(command.n);
      highest = Math.max(highest, command[field]);
      return command;
    },
    report: (report) => ({
      ...report,
      commands: report.commands?.map((entry): RingEntry =>
        refused.has(entry.n) ? { n: entry.n, outcome: 'rejected', reason } : entry,
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

function holdForEver(): Spoiling {
  let held: string | null = null;
  return {
    command: (command) => {
      if (command.name === 'release') held = null;
      return command;
    },
    report: (report) => {
      held = report.hold?.id ?? held;
      return held === null || report.hold !== undefined
        ? report
        : { ...report, hold: { id: held, leftMs: 0 } };
    },
  };
}

/** Reports only what names another command than the report before. */
function onlyAnswers(): Spoiling {
  let last = '';
  return {
    publish: (publish, payload) => {
      const { commands } = JSON.parse(Buffer.from(payload).toString('utf8')) as Report;
      const named = JSON.stringify(commands);
      if (named === last) return Promise.resolve();
      last = named;
      return publish();
    },
  };
}

/** The latest reservation counts, whoever holds the device. */
function stolenHold(): Spoiling {
  let latest: Command | null = null;
  return {
    command: (command) => {
      if (command.name === 'reserve') latest = command;
      return command;
    },
    report: (report) => {
      if (latest === null || report.hold === undefined || report.hold === null) return report;
      const { n, id } = latest;
      const commands = report.commands?.map((entry) => (entry.n === n ? { n, outcome: 'done' } : entry));
      return { ...report, commands, hold: { ...report.hold, id } };
    },
  };
}

function reversedFrames(): Spoiling {
  return {
    payload: (payload) => {
      const text = Buffer.from(payload).toString('utf8');
      if (!text.startsWith('[')) return payload;
      return Buffer.from(JSON.stringify((JSON.parse(text) as Report[]).reverse()));
    },
  };
}
