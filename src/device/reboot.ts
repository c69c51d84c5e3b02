/**
 * `reboot`, the command that starts the device anew. Its body says whether it may, and is not asked to act: the agent stores the
 * command as begun, ends in order, and has the body start the device as the last of that. The boot that finds it begun is what proves
 * it done, also where a power cut came first, so that it is never executed twice.
 *
 * Where the device that starts anew is another one, behind a gateway, it may refuse (`DeviceBody.reset`): then the boot goes on, and only
 * a restart that was granted, and stored as that, is proved by the next boot.
 */
import type { Command } from '../../machines/command.ts';
import type { BegunCommand } from './device-state.ts';
import type { BodyView, DeviceBody, Verdict } from './ports.ts';

/** The name of the command. */
export const REBOOT = 'reboot';

/** Whether the boot that finds the command begun is what it asked for, so that nobody has to be asked. */
export function isProvedByRestart(body: DeviceBody, { name, restarts }: BegunCommand): boolean {
  return name === REBOOT && (restarts === true || body.reset === undefined);
}

/** The body's verdict on a command; on `reboot` with the agent's part in it, and a refusal by a body that cannot start anew. */
export function judge(body: DeviceBody, command: Command, view: BodyView): Verdict {
  if (command.name !== REBOOT) return body.judge(command, view);
  if (body.restart === undefined && body.reset === undefined)
    return { type: 'refuse', reason: 'unknown-command' };
  const verdict = body.judge(command, view);
  return verdict.type === 'refuse' ? verdict : { type: 'accept', hold: 'keep', acts: true };
}
