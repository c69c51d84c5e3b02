/** `corral watch`: follows what becomes known of devices and commands, from now or from a place kept earlier. */
import { type Command, InvalidArgumentError } from 'commander';
import { connectCorral, type WatchEvent } from '../../src/client/corral.ts';
import { readPlace } from '../../src/wire/change-place.ts';
import { BACKEND_HELP, backendUrl, httpToken, httpUrl, hubSecurity } from './addresses.ts';
import { followEvents, type ReceivedEvent } from './event-source.ts';
import { wholeNumber } from './numbers.ts';
import { complain, print, printJson } from './print.ts';
import { shownTime } from './time-words.ts';

interface WatchFlags {
  readonly after?: string;
  readonly count?: number;
  readonly http?: true;
  readonly json?: true;
}

const HELP = `
Every change and every outcome is a line of the stream CHANGES, with its place in it (--json): --after goes on behind a place, and nothing in
between is lost while the stream keeps it. What is lost, because it does not, or was made anew, is a line "gone". Outages are survived. Ctrl-C ends it.
${BACKEND_HELP}
  CORRAL_HTTP_URL, CORRAL_TOKEN  with --http: Corral's HTTP address, and the token

Examples:
  corral watch
  corral watch cp-001 cp-002 --json
  corral watch cp-001 --http
  corral watch --after 2026-01-31T13:45:00.123456789Z-48211 --count 100 --json`;

/** Adds the subcommand. */
export function addWatch(program: Command): void {
  program
    .command('watch')
    .description('Follow changes and outcomes as they become known.')
    .argument('[device...]', 'only these (default: all)')
    .option('--after <place>', 'begin behind this place in the stream (default: now)', place)
    .option('--count <n>', 'end after so many', wholeNumber(1))
    .option('--http', 'over HTTP, for who has no credentials at the hub')
    .option('--json', 'one line of JSON for each')
    .addHelpText('after', HELP)
    .action(runWatch);
}

async function runWatch(devices: readonly string[], flags: WatchFlags): Promise<void> {
  await (flags.http === true ? watchHttp(devices, flags) : watchHub(devices, flags));
}

function sayWatching(devices: readonly string[]): void {
  complain(`watching ${devices.length === 0 ? 'the whole fleet' : devices.join(', ')}`);
}

async function watchHttp(
  devices: readonly string[],
  { after, count = Infinity, json }: WatchFlags,
): Promise<void> {
  const [only] = devices;
  const path =
    only !== undefined && devices.length === 1
      ? `/v1/devices/${encodeURIComponent(only)}/events`
      : '/v1/events';
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  let left = count;
  const url = new URL(path, httpUrl()).href;
  for await (const { event, id, data } of followEvents({
    url,
    token: httpToken(),
    after: after ?? null,
    signal: stop.signal,
  })) {
    if (event === 'open' && left === count) sayWatching(devices);
    const isWanted = devices.length === 0 || devices.includes(String(data.device));
    if (event === 'open' || event === 'slow' || (event !== 'gone' && !isWanted)) continue;
    await (json === true
      ? printJson({ type: event, ...standing(id), ...data })
      : print(httpLineOf(event, data)));
    left -= 1;
    if (left <= 0) return;
  }
}

function standing(id: string | null): object {
  const read = id === null ? null : readPlace(id);
  return read === null ? {} : { sequence: read.sequence, place: id };
}

/** A place as an option. */
function place(text: string): string {
  if (readPlace(text) !== null) return text;
  throw new InvalidArgumentError('It is a place, as --json tells it, or a sequence.');
}

function httpLineOf(event: string, data: ReceivedEvent['data']): string {
  const text = (name: string): string => (typeof data[name] === 'string' ? data[name] : '');
  if (event === 'gone') return text('detail');
  if (event === 'outcome') {
    const why = text('reason') || text('proof');
    const what = `${text('name')} ${text('outcome')}${why === '' ? '' : `: ${why}`}`;
    return [text('decidedAt') || text('acceptedAt'), text('device'), what, text('id')].join('  ');
  }
  if (event === 'forgotten')
    return [text('forgottenAt'), text('device'), `forgotten: ${text('reason')}`].join('  ');
  const { detail = '' } = data.cause as { readonly detail?: string };
  return [text('recordedAt'), text('device'), `${text('from')} -> ${text('to')}`, detail].join('  ');
}

async function watchHub(devices: readonly string[], flags: WatchFlags): Promise<void> {
  const corral = await connectCorral({ url: backendUrl(), security: hubSecurity(), name: 'corral watch' });
  try {
    const watch = await corral.watch({
      ...(devices.length === 0 ? {} : { devices }),
      ...(flags.after === undefined ? {} : { after: flags.after }),
    });
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void watch.stop());
    sayWatching(devices);
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
    case 'forgotten':
      return [shownTime(event.forgotten.at), event.device, `forgotten: ${event.forgotten.reason}`].join('  ');
    case 'gone':
      return event.to < event.from
        ? 'the stream was made anew, or has lost its tail: read the devices anew'
        : `the stream no longer keeps ${String(event.from)} to ${String(event.to)}`;
  }
}
