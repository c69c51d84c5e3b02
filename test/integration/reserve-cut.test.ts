/**
 * The network between leaf and hub is cut at each of ten moments of a `reserve`, and heals before or after the moment from
 * which the command cannot start any more. In the end the backend's replies, the ledger and the device agree, and nothing
 * that was said on the way with certainty has turned out to be wrong.
 */
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { startAgent } from '../../src/device/agent.ts';
import type { DeviceAgent } from '../../src/device/device-agent.ts';
import { AGENT_LIMITS } from '../../src/device/limits.ts';
import { MemoryStorage, StorageMedium } from '../../src/device/memory-storage.ts';
import { deviceLinks } from '../../src/device/nats-link.ts';
import type { DeviceLink, DeviceStorage } from '../../src/device/ports.ts';
import { uptimeClock } from '../../src/device/uptime-clock.ts';
import { connectToHub, type HubConnection } from '../../src/nats/connect.ts';
import { ChargePointBody } from '../devices/charge-point-body.ts';
import { linesIn } from '../nodes/journal.ts';
import { until } from '../nodes/node.ts';
import { impatientChargePoint, startNodeWithKinds } from '../nodes/node-with-kinds.ts';
import type { RawBody } from '../callers/raw-backend.ts';
import { World } from '../servers/world.ts';

/** For how long a command may still start, and how often it is sent again meanwhile, ms. */
const START_WINDOW_MS = 2_500;
const RESEND_MS = 300;
const PROBE_TIMEOUT_MS = 1_000;
/** How long the backend waits for an outcome before it is told how the command stands, ms. */
const WAIT_MS = 300;
const HOLD_MS = 60_000;
/** After an outage in which nothing has changed, the next heartbeat tells what became of the command. */
const HEARTBEAT_MS = 1_000;

let world: World;
let gateway: HubConnection;
let devices = 0;
let trial: Trial;

beforeAll(async () => {
  world = await World.start();
  const limits = { resendMs: RESEND_MS, probeTimeoutMs: PROBE_TIMEOUT_MS };
  await startNodeWithKinds(world, [impatientChargePoint(limits, { startWindowMs: START_WINDOW_MS })]);
  gateway = await connectToHub({ url: world.site.url, name: 'gateway' });
  world.add(() => gateway.close());
});

afterEach(async () => {
  world.link.heal();
  await trial.agent.stop();
  await world.site.awaitLink();
});

afterAll(async () => {
  await world.end();
});

/** One reserve of one device, and what everybody said and did. */
class Trial {
  readonly device: string;
  readonly id = randomUUID();
  readonly body = new ChargePointBody({ hasBarrier: true });
  /** Ledger ids of the commands that the device executed. */
  readonly executed: string[] = [];
  /** Outcomes that the backend was told, in order. */
  readonly told: string[] = [];
  /** Called when an entry is about to be stored that holds the outcome, and around the publish after it. */
  onStore: () => void = () => undefined;
  onPublish: (publish: () => Promise<void>) => Promise<void> = (publish) => publish();
  agent!: DeviceAgent;
  /** Resolves when the link has been cut. */
  readonly wasCut: Promise<void>;
  #tellCut: () => void = () => undefined;
  readonly #medium = new StorageMedium();

  constructor() {
    devices += 1;
    this.device = `cp-${String(devices)}`;
    this.wasCut = new Promise((resolve) => {
      this.#tellCut = resolve;
    });
  }

  /** Now. */
  cut(): void {
    world.link.cut();
    this.#tellCut();
  }

  /** Switches the device on (again). */
  async boot(): Promise<void> {
    this.agent = await startAgent({
      device: this.device,
      kind: null,
      encoding: 'msgpack',
      order: 'current-first',
      body: this.body,
      limits: { ...AGENT_LIMITS, heartbeatMs: HEARTBEAT_MS, retryFirstMs: 100, retryLongestMs: 200 },
      clock: uptimeClock(),
      storage: this.#storage(),
      link: this.#link(),
      tell: (event) => {
        if (event.type === 'executed' && event.outcome === 'done') this.executed.push(event.command.id);
      },
    });
  }

  /** Asks for the reservation. */
  async reserve(): Promise<RawBody> {
    const request = { id: this.id, waitMs: WAIT_MS, args: { holdMs: HOLD_MS }, by: 'anna' };
    const reply = await world.backend.command(this.device, 'reserve', request);
    this.told.push(String(reply.outcome));
    return reply;
  }

  /** Asks how it stands. */
  async ask(): Promise<RawBody> {
    const entry = await world.backend.ledger(this.device, this.id);
    // The ledger knows nothing of what was refused.
    this.told.push(entry.code === 'unknown-id' ? 'refused' : String(entry.outcome));
    return entry;
  }

  #isOutcomeKnown = false;

  #storage(): DeviceStorage {
    const storage = new MemoryStorage(this.#medium);
    return {
      load: () => storage.load(),
      append: async (entry) => {
        if (
          !this.#isOutcomeKnown &&
          (entry.memory?.hold?.id ?? null) === this.id &&
          entry.report !== undefined
        ) {
          this.#isOutcomeKnown = true;
          this.onStore();
        }
        await storage.append(entry);
      },
      close: () => storage.close(),
    };
  }

  #link(): DeviceLink {
    const link = deviceLinks({ connection: gateway, ackTimeoutMs: 500 }).link(this.device);
    let isFirst = true;
    return {
      publish: (payload) => {
        if (!this.#isOutcomeKnown || !isFirst) return link.publish(payload);
        isFirst = false;
        return this.onPublish(() => link.publish(payload));
      },
      listen: (listener) => link.listen(listener),
    };
  }
}

/** A moment of a reserve. */
interface Moment {
  readonly name: string;
  /** Asks for the reservation and cuts the link at the moment. */
  readonly play: (trial: Trial) => Promise<unknown>;
  /** Whether the device has executed it when the link is cut, or will although it is; `refused`: it is never sent. */
  readonly becomes: 'executed' | 'lost' | 'refused';
}

/** Waits until the command is in the ledger. */
async function untilAccepted({ id }: Trial): Promise<void> {
  await world.eye.untilRow('the command is in the ledger', 'select 1 from command where id = $1', [id]);
}

const moments: readonly Moment[] = [
  {
    name: 'before it is asked for',
    becomes: 'lost',
    play: async (trial) => {
      trial.cut();
      await trial.reserve();
    },
  },
  {
    name: 'while the twin waits for the proof that its knowledge is fresh',
    becomes: 'refused',
    play: async (trial) => {
      await trial.agent.stop();
      await trial.boot();
      await world.backend.untilDocument(
        trial.device,
        'it has restarted',
        ({ sequence }) => (sequence as RawBody | undefined)?.boot === 2,
      );
      world.link.freeze('down');
      const reserving = trial.reserve();
      // The twin answers in the order in which it was asked.
      await world.backend.get(trial.device);
      trial.cut();
      expect(await reserving).toMatchObject({ outcome: 'refused', code: 'stale' });
    },
  },
  {
    name: 'after it was accepted and before it is sent',
    becomes: 'lost',
    play: async (trial) => {
      const client = new pg.Client({ connectionString: world.databaseUrl });
      await client.connect();
      await client.query('begin; lock table command in share mode');
      const reserving = trial.reserve();
      const waiting = "select 1 from pg_locks where not granted and mode = 'RowExclusiveLock'";
      await world.eye.untilRow('its commit waits', waiting);
      trial.cut();
      await client.query('commit');
      await client.end();
      await reserving;
    },
  },
  {
    name: 'while the command is on its way to the site',
    becomes: 'lost',
    play: async (trial) => {
      world.link.freeze('down');
      const reserving = trial.reserve();
      await untilAccepted(trial);
      await reserving;
      trial.cut();
    },
  },
  {
    name: 'when the command has reached the device and is not looked at yet',
    becomes: 'executed',
    play: async (trial) => {
      trial.body.onJudge = () => trial.cut();
      await trial.reserve();
    },
  },
  {
    name: 'when the device has begun and has not moved its barrier yet',
    becomes: 'executed',
    play: async (trial) => {
      trial.body.onAct = () => trial.cut();
      await trial.reserve();
    },
  },
  {
    name: 'when it is executed and its outcome is not stored yet',
    becomes: 'executed',
    play: async (trial) => {
      trial.onStore = () => trial.cut();
      await trial.reserve();
    },
  },
  {
    name: 'when its outcome is stored and the report is not sent yet',
    becomes: 'executed',
    play: async (trial) => {
      trial.onPublish = (publish) => {
        trial.cut();
        return publish();
      };
      await trial.reserve();
    },
  },
  {
    name: 'while the report is on its way to the hub',
    becomes: 'executed',
    play: async (trial) => {
      trial.onPublish = async (publish) => {
        world.link.freeze('up');
        const publishing = publish();
        publishing.catch(() => undefined);
        // The leaf has taken it, and has handed it to the link.
        await gateway.nats.flush();
        trial.cut();
        return publishing;
      };
      await trial.reserve();
    },
  },
  {
    name: 'when the hub has stored the report and its ack is on the way back',
    becomes: 'executed',
    play: async (trial) => {
      trial.onPublish = async (publish) => {
        world.link.freeze('down');
        const publishing = publish();
        publishing.catch(() => undefined);
        const sql = "select 1 from command where id = $1 and outcome = 'done'";
        await world.eye.untilRow('the node has heard it', sql, [trial.id]);
        trial.cut();
        return publishing;
      };
      await trial.reserve();
    },
  },
];

/** Nothing that was said with certainty was wrong, or was taken back. */
function expectNoWrongCertainty({ told, executed, id }: Trial, last: string): void {
  const context = told.join(', ');
  const certain = told.filter((outcome) => outcome !== 'pending' && outcome !== 'unknown');
  expect(new Set(certain), context).toEqual(new Set([last]));
  expect(executed, context).toEqual(last === 'done' ? [id] : []);
}

/** The twin says of the hold what the device says, once it has heard everything. */
async function expectAgreement({ device, agent }: Trial): Promise<void> {
  await agent.delivered();
  const { seq, hold } = agent.status();
  const document = await world.backend.untilDocument(
    device,
    'everything was heard',
    ({ sequence }) => Number((sequence as RawBody).seq) >= seq,
  );
  expect(document).toMatchObject({
    state: hold === null ? 'available' : 'reserved',
    pending: [],
    suspicions: [],
  });
  expect((document.hold as RawBody | null)?.id ?? null).toBe(hold?.id ?? null);
}

/** The outcomes of the command as they were published, in order. */
async function publishedOutcomes({ device, id }: Trial, last: string): Promise<readonly string[]> {
  const outcomes = await until('the last outcome was published', async () => {
    const lines = await linesIn(world.backend.nats, 'CHANGES');
    const found = lines.filter(({ subject, body }) => subject === `twin.${device}.outcome` && body.id === id);
    const said = found.map(({ body }) => String(body.outcome));
    return said.at(-1) === last ? { done: true, value: said } : { done: false, seen: said.join() };
  });
  return outcomes!;
}

describe.each(['before the command has become impossible', 'afterwards'] as const)(
  'the link is cut, and heals %s:',
  (healing) => {
    test.each(moments.map((moment) => [moment.name, moment] as const))('%s', async (_, { play, becomes }) => {
      trial = new Trial();
      await trial.boot();
      await world.backend.untilDocument(
        trial.device,
        'its clock is verified',
        ({ clock }) => (clock as RawBody | undefined)?.verified === true,
      );
      await play(trial);
      await trial.wasCut;
      if (healing === 'afterwards') {
        await until('the command cannot start any more', async () => {
          const { outcome } = await trial.ask();
          return { done: outcome !== 'pending', seen: String(outcome) };
        });
      }
      world.link.heal();
      await world.site.awaitLink();
      const last = await until('it has come to its end', async () => {
        const entry = await trial.ask();
        return entry.code === 'unknown-id' || entry.closedAt !== null
          ? { done: true, value: trial.told.at(-1)! }
          : { done: false, seen: trial.told.join() };
      });

      if (becomes === 'executed') expect(last).toBe('done');
      if (becomes === 'refused') expect(last).toBe('refused');
      if (becomes === 'lost') expect(['done', 'expired']).toContain(last);
      if (becomes === 'lost' && healing === 'afterwards') {
        expect(last).toBe('expired');
        expect(trial.told).toContain('unknown');
      }
      expectNoWrongCertainty(trial, last!);
      await expectAgreement(trial);
      if (last !== 'refused') {
        const outcomes = await publishedOutcomes(trial, last!);
        expect(outcomes.filter((outcome) => outcome !== 'unknown')).toEqual([last]);
        // Asked again under the same id, it is answered alike, and nothing happens.
        expect(await trial.reserve()).toEqual(await world.backend.ledger(trial.device, trial.id));
        expect(trial.executed).toEqual(last === 'done' ? [trial.id] : []);
      }
    });
  },
);
