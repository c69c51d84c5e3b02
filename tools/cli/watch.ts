/** `corral watch`: follows what becomes known of devices and commands, from now or from a place kept earlier. */
import type { Command } from 'commander';
import { connectCorral, type WatchEvent } from '../../src/client/corral.ts';
import { BACKEND_HELP, backendUrl } from './addresses.ts';
import { wholeNumber } from './numbers.ts';
import { print, printJson } from './print.ts';
import { shownTime } from './time-words.ts';

interface WatchFlags {
  readonly after?: number;
  readonly count?: number;
  readonly json?: true;
}

const HELP = `
Every change and every outcome is a line of the stream CHANGES, with its place in it: --after goes on behind a place, and nothing in
between is lost while the stream keeps it. Outages of the hub are survived. Ctrl-C ends it.
${BACKEND_HELP}

Examples:
  corral watch
  corral watch cp-001 cp-002 --json
  corral watch --after 48211 --count 100 --json`;

/** Adds the subcommand. */
export function addWatch(program: Command): void {
  program
    .command('watch')
    .description('Follow changes and outcomes as they become known.')
    .argument('[device...]', 'only these (default: all)')
    .option('--after <sequence>', 'begin behind this place in the stream (default: now)', wholeNumber(0))
    .option('--count <n>', 'end after so many', wholeNumber(1))
    .option('--json', 'one line of JSON for each')
    .addHelpText('after', HELP)
    .action(runWatch);
}

async function runWatch(devices: readonly string[], flags: WatchFlags): Promise<void> {
  const corral = await connectCorral({ url: backendUrl(), name: 'corral watch' });
  try {
    const watch = await corral.watch({
      ...(devices.length === 0 ? {} : { devices }),
      ...(flags.after === undefined ? {} : { after: flags.after }),
    });
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void watch.stop());
    process.stderr.write(`watching ${devices.length === 0 ? 'the whole fleet' : devices.join(', ')}\n`);
    let left = flags.count ?? Infinity;
    for await (const event of watch) {
      await (flags.json === true ? printJson(event) : print(lineOf(event)));
      left -= 1;
      if (left <= 0) break;
    }
  } finally {
    await corral.close();
  }
}

function lineOf(event: WatchEvent): string {
  switch (event.type) {
    case 'changed':
      return [
        shownTime(event.recordedAt),
        event.device,
        `${event.from} -> ${event.to}`,
        event.cause.detail,
      ].join('  ');
    case 'outcome': {
      const why = event.reason ?? event.proof;
      const what = `${event.name} ${event.outcome}${why === null ? '' : `: ${why}`}`;
      return [shownTime(event.decidedAt ?? event.acceptedAt), event.device, what, event.id].join('  ');
    }
    case 'gone':
      return `the stream no longer keeps ${String(event.from)} to ${String(event.to)}`;
  }
}
