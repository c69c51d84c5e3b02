/** A plain nats-server for one bench: no accounts, no streams, nothing between the device and the kit. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startNatsServer } from '../dev/nats-server.ts';

/** Where it listens. */
export interface BenchServerOptions {
  /** The interface; loopback unless devices are to come from elsewhere. */
  readonly host?: string;
  /** 0 is any free one, and the default. */
  readonly port?: number;
}

/** A running bench server, which can be taken away and brought back at the same address. */
export interface BenchServer {
  /** For clients on this machine. */
  readonly url: string;
  readonly port: number;
  readonly stop: () => Promise<void>;
  readonly start: () => Promise<void>;
  /** Stops it for good, and removes what it wrote. */
  readonly end: () => Promise<void>;
}

/**
 * Starts a bench server, and waits until it answers.
 *
 * @throws DevServerError `port-in-use`, `binary-missing`, `not-started`.
 */
export async function startBenchServer(options: BenchServerOptions = {}): Promise<BenchServer> {
  const { host = '127.0.0.1', port = 0 } = options;
  const folder = mkdtempSync(join(tmpdir(), 'corral-conform-'));
  const removeFolder = (): void => rmSync(folder, { recursive: true, force: true });
  try {
    const server = await startNatsServer<'client'>({
      name: 'bench',
      configFile: join(import.meta.dirname, 'bench.conf'),
      dataDir: folder,
      ports: { client: { port, flag: '--serve' }, monitor: { port: 0, flag: '' } },
      variables: (chosen) => ({
        CORRAL_BENCH_LISTEN: `${host}:${String(chosen.client)}`,
        CORRAL_BENCH_MONITOR_LISTEN: `127.0.0.1:${String(chosen.monitor)}`,
      }),
    });
    return {
      url: `nats://127.0.0.1:${String(server.ports.client)}`,
      port: server.ports.client,
      stop: server.stop,
      start: server.start,
      end: () => server.stop().then(removeFolder),
    };
  } catch (error) {
    removeFolder();
    throw error;
  }
}
