/** The doctor's look at the streams of reports: has every site one, and how full is it? */
import { jetstreamManager } from '@nats-io/jetstream';
import type { HubConnection } from '../../src/nats/connect.ts';
import { SitesTold } from '../../src/nats/sites-told.ts';
import { type StreamState, statesOf } from '../../src/nats/stream-state.ts';
import { FULL_SHARE } from '../../src/app/stream-watch.ts';
import { isReportStream, SHARED_REPORT_STREAM, siteStream } from '../../src/wire/subjects.ts';
import { bad, becauseOf, type Finding, good, warning } from '../../src/setup/finding.ts';

/** How long the hub may take for an answer, ms. */
const ANSWER_MS = 3_000;
const MIB = 1024 ** 2;

/** One finding for each stream of reports, and for each site that has none. */
export async function siteStreamFindings(hub: HubConnection): Promise<readonly Finding[]> {
  try {
    const manager = await jetstreamManager(hub.nats, { checkAPI: false, timeout: ANSWER_MS });
    const states = await statesOf(manager, isReportStream);
    const told = await new SitesTold(hub).sites();
    return [...untold(told), ...withoutStream(told ?? [], states), ...states.map(fullness)];
  } catch (error) {
    return [
      bad('site-streams', becauseOf(error), 'the hub needs jetstream { } and the accounts of nats.conf'),
    ];
  }
}

function untold(told: readonly string[] | null): readonly Finding[] {
  if (told !== null) return [];
  return [
    warning(
      'sites',
      'the hub does not tell which sites there are',
      'run nats.conf of this version, or name them in CORRAL_SITES on every node',
    ),
  ];
}

function withoutStream(sites: readonly string[], states: readonly StreamState[]): readonly Finding[] {
  return sites
    .filter((site) => states.every(({ stream }) => stream !== siteStream(site)))
    .map((site) =>
      bad(
        'site-stream',
        `the site ${site} has no stream: its devices keep what they have to say`,
        'start a node, which makes it; where one runs, its log says why it does not (site-unheard)',
      ),
    );
}

function fullness({ stream, bytes, bytesMax }: StreamState): Finding {
  const found = `${stream} holds ${inMib(bytes)} of ${bytesMax === null ? 'unbounded' : inMib(bytesMax)}`;
  if (stream === SHARED_REPORT_STREAM.name)
    return good('site-stream', `${found}: of an older version, read to its end; remove it when it is empty`);
  if (bytesMax === null)
    return bad('site-stream', found, 'set its max_bytes: it can fill the disk, and then nobody is heard');
  if (bytes >= FULL_SHARE * bytesMax)
    return warning(
      'site-stream',
      found,
      'find out who says so much there (corral connections, corral nodes); nodes take from it what is committed, and when it is full its site is refused',
    );
  return good('site-stream', found);
}

function inMib(bytes: number): string {
  return `${(bytes / MIB).toFixed(1)} MiB`;
}
