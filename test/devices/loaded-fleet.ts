/**
 * Dozens of reference agents behind one leaf that report without a pause, and remember what they did: what the database
 * holds afterwards is compared with it.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { expect } from 'vitest';
import { startAgent } from '../../src/device/agent.ts';
import type { DeviceAgent } from '../../src/device/device-agent.ts';
import type { AgentEvent } from '../../src/device/agent-event.ts';
import { AGENT_LIMITS } from '../../src/device/limits.ts';
import { MemoryStorage, StorageMedium } from '../../src/device/memory-storage.ts';
import { deviceLinks } from '../../src/device/nats-link.ts';
import { uptimeClock } from '../../src/device/uptime-clock.ts';
import { connectToHub, type HubConnection } from '../../src/nats/connect.ts';
import type { Site } from '../../tools/dev/site.ts';
import { ChargePointBody } from './charge-point-body.ts';
import type { DatabaseEye } from '../contract/database-eye.ts';
import { until } from '../nodes/node.ts';

/** A device of the fleet. */
export interface FleetDevice {
  readonly device: string;
  readonly agent: DeviceAgent;
  readonly body: ChargePointBody;
  /** Every report it made, as `boot/seq`, in order. */
  readonly made: readonly string[];
  /** Ledger ids of the commands it executed, with the epoch they came under: one entry for each execution. */
  readonly executed: readonly { readonly id: string; readonly epoch: number }[];
}

/** A report of every device each so often, ms: a load that two cores carry beside all servers. */
const ROUND_MS = 20;

/** The fleet. */
export class LoadedFleet {
  readonly devices: readonly FleetDevice[];
  readonly #connection: HubConnection;
  #load: { isOn: boolean; readonly ended: Promise<void> } | null = null;

  /** Switches on `count` devices named `<prefix>-<index>`; each has been heard by the hub when this resolves. */
  static async start(options: {
    readonly site: Site;
    readonly count: number;
    readonly prefix: string;
  }): Promise<LoadedFleet> {
    const { site, count, prefix } = options;
    const connection = await connectToHub({ url: site.url, name: `fleet ${prefix}` });
    const links = deviceLinks({ connection, ackTimeoutMs: 1_000 });
    const names = Array.from({ length: count }, (_, index) => `${prefix}-${String(index)}`);
    const devices = await Promise.all(
      names.map(async (device) => {
        const body = new ChargePointBody();
        const made: string[] = [];
        const executed: { id: string; epoch: number }[] = [];
        const agent = await startAgent({
          device,
          kind: null,
          encoding: 'msgpack',
          order: 'current-first',
          body,
          limits: { ...AGENT_LIMITS, retryLongestMs: 500 },
          clock: uptimeClock(),
          storage: new MemoryStorage(new StorageMedium()),
          link: links.link(device),
          tell: (event) => {
            if (event.type === 'report') made.push(`${event.report.boot}/${event.report.seq}`);
            const command = executionIn(event);
            if (command !== null) executed.push(command);
          },
        });
        return { device, agent, body, made, executed };
      }),
    );
    await Promise.all(devices.map(({ agent }) => agent.delivered()));
    return new LoadedFleet(devices, connection);
  }

  private constructor(devices: readonly FleetDevice[], connection: HubConnection) {
    this.devices = devices;
    this.#connection = connection;
  }

  /** Reports made so far. */
  get reports(): number {
    return this.devices.reduce((sum, { made }) => sum + made.length, 0);
  }

  /** Begins to report, round after round. */
  beginLoad(): void {
    const load = { isOn: true, ended: Promise.resolve() };
    load.ended = this.#report(load);
    this.#load = load;
  }

  /** Every device makes a report now. */
  async reportOnce(): Promise<void> {
    for (const { body } of this.devices) body.meter();
    await Promise.all(this.devices.map(({ agent }) => agent.settled()));
  }

  /** Waits until so many more reports were made, whatever becomes of them. */
  async made(more: number): Promise<void> {
    const wanted = this.reports + more;
    await until('the fleet has gone on reporting', async () => ({
      done: this.reports >= wanted,
      seen: `${String(this.reports)} of ${String(wanted)}`,
    }));
  }

  /** Ends the load, and waits until the hub has acked everything. */
  async endLoad(): Promise<void> {
    if (this.#load !== null) {
      this.#load.isOn = false;
      await this.#load.ended;
    }
    await Promise.all(this.devices.map(({ agent }) => agent.delivered()));
  }

  /** Waits until the database holds as many reports as were made, and checks that it holds exactly those, each once. */
  async expectStoredOnce(eye: DatabaseEye): Promise<void> {
    const names = this.devices.map(({ device }) => device);
    await until('every report is in the history', async () => {
      const [row] = await eye.query<{ n: number }>(
        'select count(*)::int as n from report r join device d on d.key = r.device where d.id = any($1)',
        [names],
      );
      const seen = `${String(row?.n)} of ${String(this.reports)}`;
      return { done: (row?.n ?? 0) >= this.reports, seen };
    });
    const rows = await eye.query<{ device: string; positions: string[] }>(
      `select d.id as device, array_agg(r.boot || '/' || r.seq order by r.incarnation, r.boot, r.seq) as positions
        from report r join device d on d.key = r.device where d.id = any($1) group by d.id`,
      [names],
    );
    const stored = new Map(rows.map(({ device, positions }) => [device, positions]));
    for (const { device, made } of this.devices) expect(stored.get(device), device).toEqual(made);
  }

  async stop(): Promise<void> {
    if (this.#load !== null) this.#load.isOn = false;
    await this.#load?.ended;
    await Promise.all(this.devices.map(({ agent }) => agent.stop()));
    await this.#connection.close();
  }

  async #report(load: { readonly isOn: boolean }): Promise<void> {
    while (load.isOn) {
      await this.reportOnce();
      await pause(ROUND_MS);
    }
  }
}

/** The command that this event shows to have been executed, or `null`. */
function executionIn(event: AgentEvent): { readonly id: string; readonly epoch: number } | null {
  const isDone =
    (event.type === 'command' && event.became === 'done' && event.command.name !== 'report') ||
    (event.type === 'executed' && event.outcome === 'done');
  return isDone ? { id: event.command.id, epoch: event.command.epoch } : null;
}
