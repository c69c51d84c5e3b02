/** Whether the hub can be relied on: who can reach it, in clear text or not, whose password can be guessed, and how its streams are kept. */
import { jetstreamManager, PersistMode, type StreamConfig } from '@nats-io/jetstream';
import type { HubConnection } from '../nats/connect.ts';
import { JOURNAL_API } from '../nats/hub.ts';
import { SHARED_REPORT_STREAM, STREAMS } from '../wire/subjects.ts';
import { bad, becauseOf, type Finding, good } from './finding.ts';
import { isReachable, serverAddress } from './server-address.ts';

/** How long the hub may take for an answer, ms. */
const ANSWER_MS = 3_000;

/** Looks at the hub of this connection, which was made with `url`. */
export async function hubSetup(hub: HubConnection, url: string): Promise<readonly Finding[]> {
  return [transportFinding(hub, url), passwordFinding(hub, url), ...(await streamFindings(hub))];
}

/** The addresses that lead there, and the one that it says it listens on. */
function hostsOf(hub: HubConnection, url: string): readonly string[] {
  const { host } = hub.nats.info ?? {};
  return [...serverAddress(url).hosts, ...(host === undefined ? [] : [host])];
}

function transportFinding(hub: HubConnection, url: string): Finding {
  const hosts = hostsOf(hub, url);
  const where = [...new Set(hosts)].join(', ');
  if (hub.nats.info?.tls_required === true) return good('hub-tls', `${where}, with TLS`);
  if (!isReachable(hosts)) return good('hub-tls', `${where}: this machine alone, so clear text will do`);
  return bad(
    'hub-tls',
    `${where}, where other machines can reach it, without TLS`,
    'start it with nats-tls.conf: whoever is on the way reads passwords, and speaks as any site',
  );
}

function passwordFinding(hub: HubConnection, url: string): Finding {
  const { user, isPasswordUser } = serverAddress(url);
  if (!isPasswordUser) return good('hub-password', `the password of ${user} is not its name`);
  const found = `the password of ${user} is its name`;
  if (!isReachable(hostsOf(hub, url)))
    return good('hub-password', `${found}, as in development; only this machine can reach it`);
  return bad(
    'hub-password',
    found,
    'give every user of nats.conf a password of its own: openssl rand -hex 24',
  );
}

async function streamFindings(hub: HubConnection): Promise<readonly Finding[]> {
  try {
    const streams = await streamsOf(hub);
    return [boundsFinding(streams), durabilityFinding(streams)];
  } catch (error) {
    return [
      bad('stream-bounds', becauseOf(error), 'the hub needs jetstream { } and the accounts of nats.conf'),
    ];
  }
}

/** Those of the runtime's account, and CHANGES. */
async function streamsOf(hub: HubConnection): Promise<readonly StreamConfig[]> {
  const options = { timeout: ANSWER_MS, checkAPI: false };
  const own = await jetstreamManager(hub.nats, options);
  const journal = await jetstreamManager(hub.nats, { ...options, apiPrefix: JOURNAL_API });
  const streams: StreamConfig[] = [];
  for await (const { config } of own.streams.list()) streams.push(config);
  streams.push((await journal.streams.info(STREAMS.changes.name)).config);
  return streams;
}

function boundsFinding(streams: readonly StreamConfig[]): Finding {
  const unbounded = streams
    // To the one of older versions nothing comes any more.
    .filter(({ name, max_bytes: bytesMax }) => bytesMax <= 0 && name !== SHARED_REPORT_STREAM.name)
    .map(({ name }) => name);
  if (unbounded.length === 0)
    return good('stream-bounds', `each of ${String(streams.length)} streams has max_bytes`);
  return bad(
    'stream-bounds',
    `without max_bytes: ${unbounded.join(', ')}`,
    'set it: one site, or one that holds its password, fills the disk, and then nobody’s reports are taken',
  );
}

function durabilityFinding(streams: readonly StreamConfig[]): Finding {
  const lazy = streams.filter((stream) => stream.persist_mode === PersistMode.Async).map(({ name }) => name);
  if (lazy.length === 0) return good('stream-durability', 'what a stream acknowledges is written');
  return bad(
    'stream-durability',
    `persist_mode is async: ${lazy.join(', ')}`,
    'make the stream anew without it: devices forget reports that are acknowledged, and a crash loses them',
  );
}
