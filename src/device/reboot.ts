/**
 * `reboot`, the command that starts the device anew. Its body says whether it may, and is not asked to act: the agent stores the
 * command as begun, ends in order, and has the body start the device as the last of that. The boot that finds it begun is what proves
 * it done, also where a power cut came first, so that it is never executed twice.
 */
import type { Command } from '../../machines/command.ts';
import type { BodyView, DeviceBody, Verdict } from './ports.ts';

/** The name of the command. */
export const REBOOT = 'reboot';

/** The body's verdict on a command; on `reboot` with the agent's part in it, and a refusal by a body that cannot start anew. */
export function judge(body: DeviceBody, command: Command, view: BodyView): Verdict {
  if (command.name !== REBOOT) return body.judge(command, view);
  if (body.restart === undefined) return { type: 'refuse', reason: 'unknown-command' };
  const verdict = body.judge(command, view);
  return verdict.type === 'refuse' ? verdict : { type: 'accept', hold: 'keep', acts: true };
}
