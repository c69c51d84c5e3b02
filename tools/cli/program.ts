/** The commands of `corral`, put together. */
import { Command } from 'commander';
import { addAbandon } from './abandon.ts';
import { addCommands } from './commands.ts';
import { addCompletion } from './completion.ts';
import { addConform } from './conform.ts';
import { addConnections } from './connections.ts';
import { addDevices } from './devices.ts';
import { addDoctor } from './doctor.ts';
import { addExplain } from './explain.ts';
import { addForget } from './forget.ts';
import { addGet } from './get.ts';
import { addHistory } from './history.ts';
import { addIdentity } from './identity.ts';
import { addKick } from './kick.ts';
import { addLog } from './log.ts';
import { addNodes } from './nodes.ts';
import { linesOf } from './npm-program.ts';
import { complain, say } from './print.ts';
import { addReplay } from './replay.ts';
import { addTrials } from './trials.ts';
import { addWatch } from './watch.ts';

/** The whole command line, ready to be parsed. Throws commander's errors and `CommandLineError` when it is. */
export function corralProgram(): Command {
  const program = new Command()
    .name('corral')
    .description('Look into Corral, and try it out.')
    .showHelpAfterError('(--help says more)')
    .exitOverride()
    // What commander says quotes what was typed, which may have come from a device through a pipe.
    .configureOutput({ writeOut: (text) => say(linesOf(text)), writeErr: (text) => complain(linesOf(text)) });
  addDevices(program);
  addGet(program);
  addWatch(program);
  addHistory(program);
  addExplain(program);
  addNodes(program);
  addCommands(program);
  addIdentity(program);
  addAbandon(program);
  addForget(program);
  addDoctor(program);
  addConnections(program);
  addKick(program);
  addLog(program);
  addReplay(program);
  addConform(program);
  addTrials(program);
  addCompletion(program);
  return program;
}
