/** Devices that come back from a restart with less than they should know, or more. */
import type { StoredDevice } from '../../../src/device/log-entry.ts';
import type { Spoiling } from '../conform-device.ts';
import type { Fault } from './fault.ts';

/** As long as the hold that the kit restarts a device in, ms. */
const LONG_HOLD_MS = 120_000;

/** Its host has been on for three days. */
const HOST_UP_MS = 3 * 86_400_000;

/** Of restarts. */
export const restartFaults: readonly Fault[] = [
  {
    does: 'counts its boots from 1 each time',
    breaks: ['boot-changes', 'one-content'],
    // A report of the same number that waits to be delivered would have the agent end.
    spoiling: () => ({ stored: (stored) => ({ ...forgetting({ boot: 0 })(stored), pending: [] }) }),
  },
  {
    does: 'counts its boots downwards',
    breaks: ['boot-grows'],
    keeps: ['boot-changes', 'ring-survives', 'hold-survives', 'fences-survive'],
    spoiling: () => {
      let boot = 1_000;
      return {
        options: { firstBoot: boot },
        stored: (stored) => {
          boot -= 2;
          // What was not acked before would be of a higher boot, which the agent keeps no report of.
          return stored.memory.boot === 0 ? stored : { ...forgetting({ boot })(stored), pending: [] };
        },
      };
    },
  },
  {
    does: 'tells the uptime of its host',
    breaks: ['uptime-begins'],
    keeps: ['uptime', 'boot-grows', 'too-late'],
    spoiling: () => ({
      report: (report) => ({ ...report, up: report.up + HOST_UP_MS }),
      command: (command) =>
        command.notAfterUp === undefined
          ? command
          : { ...command, notAfterUp: command.notAfterUp - HOST_UP_MS },
    }),
  },
  {
    does: 'goes on counting its reports in the next boot',
    breaks: ['boot-changes'],
    spoiling: seqGoesOn,
  },
  {
    does: 'forgets its outcomes in a restart',
    breaks: ['ring-survives'],
    keeps: ['boot-grows', 'hold-survives', 'fences-survive'],
    spoiling: () => ({ stored: forgetting({ ring: [] }) }),
  },
  {
    does: 'stores the outcome of a reservation after it has reported it',
    breaks: ['ring-survives', 'hold-survives'],
    keeps: ['hold-not-prolonged', 'no-false-proof', 'fences-survive'],
    spoiling: storedLate,
  },
  {
    does: 'forgets everything but its boots in a restart',
    breaks: ['ring-survives', 'hold-survives', 'fences-survive'],
    keeps: ['boot-grows', 'hold-not-prolonged'],
    spoiling: () => ({ stored: forgetting({ ring: [], hold: null, highestN: 0, highestEpoch: 0 }) }),
  },
  {
    does: 'forgets its hold in a restart',
    breaks: ['hold-survives'],
    keeps: ['boot-grows', 'ring-survives', 'fences-survive', 'hold-not-prolonged'],
    spoiling: () => ({ stored: forgetting({ hold: null }) }),
  },
  {
    does: 'begins its hold anew at each restart',
    breaks: ['hold-not-prolonged'],
    keeps: ['ring-survives', 'hold-survives'],
    spoiling: () => {
      let granted = 0;
      return {
        command: (command) => {
          granted = command.holdMs ?? granted;
          return command;
        },
        stored: (stored) => {
          const { hold } = stored.memory;
          return hold === null
            ? stored
            : forgetting({ hold: { ...hold, endsUp: hold.chargedUp + granted } })(stored);
        },
      };
    },
  },
  {
    does: 'charges a hold after the time that it was held, in steps',
    breaks: ['hold-not-prolonged'],
    keeps: ['ring-survives', 'hold-survives'],
    spoiling: () => ({
      stored: (stored) => {
        const { hold } = stored.memory;
        // Its last step was the beginning: what came after it is not written down.
        return hold === null
          ? stored
          : forgetting({ hold: { ...hold, chargedUp: hold.endsUp - LONG_HOLD_MS } })(stored);
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
  {
    does: 'stores an epoch with the outcome of its command only',
    breaks: ['fences-survive'],
    keeps: ['stale-epoch', 'ring-survives', 'hold-survives'],
    spoiling: epochStoredLate,
  },
];

function forgetting(forgotten: Partial<StoredDevice['memory']>): (stored: StoredDevice) => StoredDevice {
  return (stored) => ({ ...stored, memory: { ...stored.memory, ...forgotten } });
}

/** Numbers the reports over all boots. */
function seqGoesOn(): Spoiling {
  const base = new Map<number, number>();
  let highest = 0;
  return {
    report: (report) => {
      if (!base.has(report.boot)) base.set(report.boot, highest);
      const seq = report.seq + (base.get(report.boot) ?? 0);
      highest = Math.max(highest, seq);
      return { ...report, seq };
    },
  };
}

/** A restart that comes at once finds nothing of a reservation but its number. */
function storedLate(): Spoiling {
  return {
    stored: (stored) => {
      const { ring, hold } = stored.memory;
      const isLatest = hold?.id === `conform-${String(ring[0]?.n)}`;
      return isLatest ? forgetting({ ring: ring.slice(1), hold: null })(stored) : stored;
    },
  };
}

/** What only a repetition told of is known until the power goes. */
function epochStoredLate(): Spoiling {
  const handled = new Set<number>();
  let storedEpoch = 0;
  return {
    command: (command) => {
      if (!handled.has(command.n)) storedEpoch = Math.max(storedEpoch, command.epoch);
      handled.add(command.n);
      return command;
    },
    stored: (stored) =>
      forgetting({ highestEpoch: Math.min(storedEpoch, stored.memory.highestEpoch) })(stored),
  };
}
