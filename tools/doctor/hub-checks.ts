/** The doctor's look at the hub: as a node would find it, with a node's credentials. */
import { jetstreamManager, RetentionPolicy, StorageType, type StreamInfo } from '@nats-io/jetstream';
import { type HubConnection, connectToHub, ownInbox } from '../../src/nats/connect.ts';
import { JOURNAL_API, checkHubMapping, HUB_VERSION_MIN, isAtLeast } from '../../src/nats/hub.ts';
import type { HubSecurity } from '../../src/nats/security.ts';
import { SERVICE_NAME } from '../../src/nats/service.ts';
import { hubTime } from '../../src/nats/hub-time.ts';
import { hubSetup } from '../../src/setup/hub-findings.ts';
import { STREAMS } from '../../src/wire/subjects.ts';
import { clockFinding } from './clock-check.ts';
import { bad, becauseOf, type Finding, good, warning } from '../../src/setup/finding.ts';
import { siteStreamFindings } from './site-stream-checks.ts';

/** How long the hub may take for an answer, ms; and how long nodes are given to say that they are there. */
const ANSWER_MS = 3_000;
const NODES_MS = 500;
/** What a file takes beyond this is a reason to look at the disk before it is full, bytes. */
const STREAM_BYTES_WARNING = 50 * 1024 ** 3;

/** Looks at everything of the hub, as far as it gets. */
export async function hubFindings(url: string, security: HubSecurity): Promise<readonly Finding[]> {
  let hub: HubConnection;
  try {
    const inboxPrefix = ownInbox(url, security);
    hub = await connectToHub({ url, security, inboxPrefix, name: 'corral doctor' });
  } catch (error) {
    const advice =
      'start the hub with nats.conf; CORRAL_NATS_URL holds its address and the password of the user runtime';
    return [bad('hub', becauseOf(error), advice)];
  }
  try {
    return [
      good(
        'hub',
        `connected to ${hub.nats.getServer()} as ${hub.nats.info?.server_name ?? 'a server without a name'}`,
      ),
      versionFinding(hub),
      await mappingFinding(hub),
      ...(await hubSetup(hub, url)),
      ...(await streamFindings(hub)),
      ...(await siteStreamFindings(hub)),
      await clockFinding(hubTime(hub), 'the hub'),
      await nodesFinding(hub),
    ];
  } finally {
    await hub.close();
  }
}

function versionFinding(hub: HubConnection): Finding {
  const version = hub.nats.info?.version ?? '';
  const floor = HUB_VERSION_MIN.join('.');
  if (isAtLeast(version, HUB_VERSION_MIN))
    return good('hub-version', `nats-server ${version}, ${floor} or newer`);
  return bad(
    'hub-version',
    `nats-server ${version}`,
    `update to ${floor} or newer: older ones let a site publish as any device and delete streams`,
  );
}

async function mappingFinding(hub: HubConnection): Promise<Finding> {
  try {
    await checkHubMapping(hub);
    return good('hub-mapping', 'maps twins to the partitions of this version, and lets this user hear them');
  } catch (error) {
    return bad(
      'hub-mapping',
      becauseOf(error),
      'run nats.conf of this version, and connect as the user runtime',
    );
  }
}

async function streamFindings(hub: HubConnection): Promise<readonly Finding[]> {
  const own = { timeout: ANSWER_MS, checkAPI: false };
  const wanted = [
    { stream: STREAMS.deadLetters, options: own },
    { stream: STREAMS.changes, options: { ...own, apiPrefix: JOURNAL_API } },
  ];
  return Promise.all(
    wanted.map(async ({ stream, options }) => {
      const check = `stream-${stream.name.toLowerCase()}`;
      try {
        const manager = await jetstreamManager(hub.nats, options);
        return streamFinding(check, await manager.streams.info(stream.name), stream.subjects);
      } catch (error) {
        const because = becauseOf(error);
        if (because.includes('stream not found')) {
          return warning(
            check,
            `there is no stream ${stream.name}`,
            'start a node: it makes the streams it needs',
          );
        }
        return bad(check, because, 'the hub needs jetstream { } and the accounts of nats.conf');
      }
    }),
  );
}

function streamFinding(check: string, info: StreamInfo, subjects: readonly string[]): Finding {
  const { config, state } = info;
  const days = (config.max_age / 1e9 / 86_400).toFixed(1);
  const size = `${String(state.messages)} messages, ${(state.bytes / 1024 ** 2).toFixed(1)} MiB`;
  const found = `${config.name}: ${size}, kept ${config.max_age === 0 ? 'for ever' : `${days} days`}, ${String(config.num_replicas)} copies`;
  if ([...config.subjects].sort().join() !== [...subjects].sort().join()) {
    return bad(
      check,
      `${config.name} takes ${config.subjects.join(', ')}`,
      `it has to take ${subjects.join(', ')}: restart a node, which puts it right`,
    );
  }
  if (config.storage !== StorageType.File || config.retention !== RetentionPolicy.Limits) {
    return bad(
      check,
      `${config.name} has storage "${config.storage}" and retention "${config.retention}"`,
      'it needs "file" and "limits": back it up and make it anew',
    );
  }
  if (state.bytes > STREAM_BYTES_WARNING) {
    return warning(
      check,
      found,
      'set max_bytes below what the disk holds, or max_age lower: a full disk stops the hub',
    );
  }
  return good(check, found);
}

/** Every node answers the service protocol's PING. */
async function nodesFinding(hub: HubConnection): Promise<Finding> {
  const nodes: string[] = [];
  const answers = await hub.nats.requestMany(`$SRV.PING.${SERVICE_NAME}`, '', {
    strategy: 'timer',
    maxWait: NODES_MS,
  });
  try {
    for await (const answer of answers) {
      const { id, version } = answer.json<{ readonly id: string; readonly version: string }>();
      nodes.push(`${id} (${version})`);
    }
  } catch {
    // Nobody listens: the list stays empty.
  }
  if (nodes.length === 0) return bad('nodes', 'no node answers', 'start one: npm run serve');
  const found = `${String(nodes.length)} running: ${nodes.join(', ')}`;
  if (nodes.length > 1) return good('nodes', found);
  return warning('nodes', found, 'start a second one: it takes over within seconds when this one dies');
}
