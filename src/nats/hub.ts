/**
 * Looks at the hub before anything is read from it: is it a server that enforces what a site may say, does it map devices
 * to the same partitions as this program, and does it keep the streams? Better no start than a wrong one.
 */
import { jetstreamManager } from '@nats-io/jetstream';
import { deferred } from '@nats-io/nats-core';
import { fnv1a32, partitionOf } from '../wire/partition.ts';
import { askedBy, type ParsedRequest, parseRequestSubject, twinGet } from '../wire/subjects.ts';
import type { HubConnection } from './connect.ts';
import { CHANGES, DEAD_LETTERS, HubError, keepStream, type StreamNotice } from './kept-stream.ts';
import { listen } from './listen.ts';

/** Older hubs do not enforce what a leaf connection may publish: a device could write as another one, or delete a stream. */
export const HUB_VERSION_MIN = [2, 12, 7] as const;

/** The stream CHANGES is kept in an account to which only the runtime writes; `nats.conf` opens it to the runtime here. */
export const JOURNAL_API = '$JS.JOURNAL.API';
/** How long the hub may take to hand back a probe of its mapping, ms. */
const PROBE_TIMEOUT_MS = 3_000;
/** The name in which a node asks, to see the mapping. */
const PROBING_ACCOUNT = 'FLEET';
/** Device ids asked about: enough that a mapping with another number of partitions cannot agree by chance. */
const PROBES = 8;

/** Options of {@link prepareHub}. */
export interface PrepareHubOptions {
  /** Run on a hub older than {@link HUB_VERSION_MIN} although it does not keep sites apart. */
  readonly allowOldHub?: boolean;
  /** Copies of each stream that is created here; 3 on a hub that is a cluster. Default 1. */
  readonly replicas?: number;
  readonly onNotice?: (notice: StreamNotice) => void;
}

/** Checks the hub, and creates the streams it does not have; those of the sites are kept by `SiteStreams`. Throws {@link HubError}. May run on many nodes at once. */
export async function prepareHub(hub: HubConnection, options: PrepareHubOptions = {}): Promise<void> {
  checkVersion(hub, options.allowOldHub ?? false);
  await checkHubMapping(hub);
  const keep = { replicas: options.replicas ?? 1, onNotice: options.onNotice ?? (() => undefined) };
  const own = await jetstreamManager(hub.nats, { checkAPI: false });
  const journal = await jetstreamManager(hub.nats, { checkAPI: false, apiPrefix: JOURNAL_API });
  await keepStream(own, DEAD_LETTERS, keep);
  await keepStream(journal, CHANGES, keep);
}

function checkVersion(hub: HubConnection, allowOldHub: boolean): void {
  const version = hub.nats.info?.version ?? '';
  if (allowOldHub || isAtLeast(version, HUB_VERSION_MIN)) return;
  throw new HubError(
    `the hub runs nats-server ${version}, but only ${HUB_VERSION_MIN.join('.')} and newer enforce what a site may publish: ` +
      'update it, or allow an old hub explicitly',
  );
}

/** Compares the leading `major.minor.patch` of a server version; what follows (`-beta.1`) does not count. */
export function isAtLeast(version: string, wanted: readonly number[]): boolean {
  const parts = version.split(/[.-]/, wanted.length).map(Number);
  for (const [index, part] of wanted.entries()) {
    const actual = parts[index] ?? 0;
    if (actual !== part) return actual > part;
  }
  return true;
}

/** Whether a request is one by which a node checks the hub's mapping when it starts: nobody waits for an answer to it. */
export function isMappingCheck({ asker, operation }: Pick<ParsedRequest, 'asker' | 'operation'>): boolean {
  return operation.type === 'get' && asker === `nats:${PROBING_ACCOUNT}`;
}

/**
 * Asks for twins that do not exist and looks at the subjects under which the questions come out. They carry no reply
 * subject, so an owner that hears one has nobody to answer and nothing to do. Throws {@link HubError}.
 */
export async function checkHubMapping(hub: HubConnection): Promise<void> {
  const run = fnv1a32(`${String(Date.now())} ${String(hub.nats.info?.client_id)}`).toString(36);
  const probes = Array.from({ length: PROBES }, (_, index) => `probe-${run}-${String(index)}`);
  const missing = new Set(probes);
  const answered = deferred<undefined>();
  const subscription = listen(hub, {
    subject: `owner.*.nats.${PROBING_ACCOUNT}.*.get`,
    refused: (error) => {
      answered.reject(new HubError(`the hub refuses this user owner.>: ${error.message}`, error));
    },
    handle: (message) => {
      const request = parseRequestSubject(message.subject);
      if (request === null || !missing.delete(request.device)) return;
      const problem = partitionProblem(request);
      if (problem !== null) answered.reject(new HubError(problem));
      if (missing.size === 0) answered.resolve(undefined);
    },
  });
  const timer = setTimeout(() => {
    const advice = 'is it running nats.conf, and is this the user of the runtime?';
    answered.reject(
      new HubError(`the hub does not map twin.*.get to owner.<partition>.nats.<account>.*.get: ${advice}`),
    );
  }, PROBE_TIMEOUT_MS);
  try {
    for (const probe of probes) hub.nats.publish(askedBy(PROBING_ACCOUNT, twinGet(probe)));
    await answered;
  } finally {
    clearTimeout(timer);
    subscription.unsubscribe();
  }
}

function partitionProblem(mapped: { readonly partition: number; readonly device: string }): string | null {
  const expected = partitionOf(mapped.device);
  if (mapped.partition === expected) return null;
  return (
    `the hub maps device ${mapped.device} to partition ${String(mapped.partition)}, this program to ` +
    `${String(expected)}: the hub needs the mappings of nats.conf`
  );
}
