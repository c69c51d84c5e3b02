/** The moment of an execution: until when a command may be sent on, by the one clock that decides it. */
import type { Command } from '../../machines/command.ts';
import type { ActMoment, DeviceClock } from './ports.ts';
import { mayStillStart } from './reception.ts';

/** The moment of executing this command, which is asked at each look. */
export function momentOf(command: Command, clock: DeviceClock): ActMoment {
  const { notAfterUp = Infinity } = command;
  return {
    notAfterUp,
    uptime: () => clock.uptime(),
    mayStillStart: () => mayStillStart(command, clock.uptime()),
  };
}
