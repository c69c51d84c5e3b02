/**
 * What it costs that a hub loses nothing which it has acknowledged: a stream on one server that syncs its file every 5 s, as `nats.conf`
 * has it; on one that syncs before each acknowledgement; and on three servers, of which two have each message before it is acknowledged.
 * Publishers ask as devices do, with a request for each message; rounds of all three take turns, so that what else the machine does
 * concerns them alike.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { choosePort } from '../dev/free-port.ts';
import { startNatsServer } from '../dev/nats-server.ts';

/** How much is published. */
export interface DurabilityOptions {
  /** One after the other in each round: for the time until the acknowledgement. */
  readonly singles: number;
  /** And with `UNDER_WAY` under way at a time: for the rate. */
  readonly messages: number;
  readonly rounds: number;
  readonly onProgress: (text: string) => void;
}

/** One way to keep what is acknowledged; medians of the rounds. */
export interface DurabilityLine {
  readonly way: string;
  readonly perSecond: number;
  readonly ackP50Ms: number;
  readonly ackP99Ms: number;
}

const PAYLOAD = new Uint8Array(290).fill(0x61);
const UNDER_WAY = 256;
const REQUEST_TIMEOUT_MS = 30_000;
/** A cluster has a leader some seconds after it was started: its stream is asked for so often, so far apart, ms. */
const [TRIES_MAX, TRY_EVERY_MS] = [120, 250];

/** A stream to publish to. */
interface Broker {
  readonly way: string;
  readonly connection: NatsConnection;
  readonly stop: () => Promise<void>;
}

interface Round {
  readonly perSecond: number;
  readonly acksMs: readonly number[];
}

/** Measures all three, the default first. */
export async function measureDurability(options: DurabilityOptions): Promise<readonly DurabilityLine[]> {
  const folder = mkdtempSync(join(tmpdir(), 'corral-bench-'));
  const brokers: Broker[] = [];
  try {
    brokers.push(await startBroker(folder, { way: 'sync_interval 5s', sync: '5s', servers: 1 }));
    brokers.push(await startBroker(folder, { way: 'sync_interval always', sync: 'always', servers: 1 }));
    brokers.push(await startBroker(folder, { way: 'R3, sync_interval 5s', sync: '5s', servers: 3 }));
    const rounds = new Map<Broker, Round[]>(brokers.map((broker) => [broker, []]));
    for (let round = 1; round <= options.rounds; round += 1) {
      for (const [broker, done] of rounds) {
        options.onProgress(`round ${String(round)}: ${broker.way}`);
        done.push(await runRound(broker, options));
      }
    }
    return [...rounds].map(([{ way }, done]) => ({
      way,
      perSecond: Math.round(median(done.map(({ perSecond }) => perSecond))),
      ackP50Ms: rounded(median(done.map(({ acksMs }) => quantile(acksMs, 0.5)))),
      ackP99Ms: rounded(median(done.map(({ acksMs }) => quantile(acksMs, 0.99)))),
    }));
  } finally {
    for (const broker of brokers) await broker.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function startBroker(
  folder: string,
  { way, sync, servers: count }: { readonly way: string; readonly sync: string; readonly servers: number },
): Promise<Broker> {
  const routes: number[] = [];
  for (let index = 0; index < count; index += 1) routes.push(await choosePort({ port: 0, flag: '' }));
  const base = join(folder, way.replaceAll(/\W/g, '-'));
  const servers = await Promise.all(
    routes.map((route, index) => startServer(`${base}-${String(index)}`, { sync, route, routes })),
  );
  const connection = await connect({
    servers: servers.map(({ ports }) => `127.0.0.1:${String(ports.client)}`),
  });
  const stop = async (): Promise<void> => {
    await connection.close();
    await Promise.all(servers.map((server) => server.stop()));
  };
  const manager = await jetstreamManager(connection, { checkAPI: false });
  for (let tries = 1; ; tries += 1) {
    try {
      await manager.streams.add({ name: 'REPORTS', subjects: ['report.>'], num_replicas: count });
      return { way, connection, stop };
    } catch (error) {
      if (tries < TRIES_MAX) await new Promise((resolve) => setTimeout(resolve, TRY_EVERY_MS));
      else {
        await stop();
        throw error;
      }
    }
  }
}

function startServer(
  base: string,
  {
    sync,
    route,
    routes,
  }: { readonly sync: string; readonly route: number; readonly routes: readonly number[] },
): ReturnType<typeof startNatsServer<'client'>> {
  const others = routes.map((port) => `"nats://127.0.0.1:${String(port)}"`).join(', ');
  const cluster = `cluster { name: bench, listen: "127.0.0.1:${String(route)}", routes: [ ${others} ] }`;
  const configFile = `${base}.conf`;
  writeFileSync(
    configFile,
    `server_name: "server-${String(route)}"
listen: $BENCH_CLIENT
http: $BENCH_MONITOR
jetstream { store_dir: "${base}", sync_interval: "${sync}" }
${routes.length > 1 ? cluster : ''}
`,
  );
  return startNatsServer({
    name: 'bench hub',
    configFile,
    dataDir: `${base}-log`,
    ports: { client: { port: 0, flag: '' }, monitor: { port: 0, flag: '' } },
    variables: ({ client, monitor }) => ({
      BENCH_CLIENT: `127.0.0.1:${String(client)}`,
      BENCH_MONITOR: `127.0.0.1:${String(monitor)}`,
    }),
  });
}

async function runRound({ connection }: Broker, { singles, messages }: DurabilityOptions): Promise<Round> {
  const publish = () => connection.request('report.cp-1', PAYLOAD, { timeout: REQUEST_TIMEOUT_MS });
  const acksMs: number[] = [];
  for (let single = 0; single < singles; single += 1) {
    const sentAt = performance.now();
    await publish();
    acksMs.push(performance.now() - sentAt);
  }
  let left = messages;
  const publishOn = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await publish();
    }
  };
  const begunAt = performance.now();
  await Promise.all(Array.from({ length: UNDER_WAY }, publishOn));
  return { perSecond: (messages / (performance.now() - begunAt)) * 1_000, acksMs };
}

function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))] ?? NaN;
}

function rounded(ms: number): number {
  return Math.round(ms * 100) / 100;
}
