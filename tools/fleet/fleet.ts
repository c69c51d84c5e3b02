/**
 * A simulated fleet behind a site: charge points, cars and kiosks with the days that such devices have, on the same agent that
 * a real gateway runs. It is used by people who never ask the backend, and it obeys commands.
 */
import { join } from 'node:path';
import type { AgentEvent } from '../../src/device/agent-event.ts';
import { deviceLinks } from '../../src/device/nats-link.ts';
import { connectToHub } from '../../src/nats/connect.ts';
import { carLife } from './car-life.ts';
import { chargePointLife } from './charge-point-life.ts';
import { kioskLife } from './kiosk-life.ts';
import type { Being, Life } from './life.ts';
import { SimulatedDevice } from './simulated-device.ts';
import { startWorldClock } from './world-clock.ts';

/** How many devices of each kind. */
export interface FleetSize {
  readonly chargePoints: number;
  readonly cars: number;
  readonly kiosks: number;
}

/** Which fleet, where. */
export interface FleetOptions {
  /** A site's leaf, or the hub with a site's credentials: `nats://127.0.0.1:4803`. */
  readonly siteUrl: string;
  /** What the devices remember, and how late it is in their world. The next start goes on from there. */
  readonly dataDir: string;
  readonly devices: FleetSize;
  /** Chooses the accidents. */
  readonly seed: number;
  /** How many times as fast as real time the world goes. Default: 20, a day in 72 minutes. */
  readonly speed?: number;
  /** Hears everything that happens in the agents. */
  readonly tell?: (device: string, event: AgentEvent) => void;
}

/** A running fleet. */
export interface Fleet {
  /** Ids of all devices: `cp-001`, ..., `car-001`, ..., `kiosk-001`, ... */
  readonly devices: readonly string[];
  /** Resolves with the first error that ended a device; never, when all goes well. */
  readonly failed: Promise<Error>;
  /** Stops all devices in order; what they did not deliver stays in their files. Idempotent. */
  stop(): Promise<void>;
}

const SPEED = 20;

/** Devices that start at once. */
const STARTS_AT_ONCE = 50;

/** A device of any kind. */
type AnyDevice = Pick<SimulatedDevice<never, never>, 'start' | 'stop' | 'failed'>;

/**
 * Starts a fleet; resolves when every device has stored its first report.
 *
 * @throws ConnectError when the site cannot be reached.
 */
export async function startFleet(options: FleetOptions): Promise<Fleet> {
  const { siteUrl, dataDir, devices, seed, speed = SPEED, tell } = options;
  const connection = await connectToHub({ url: siteUrl, name: 'fleet' });
  const links = deviceLinks({ connection });
  const world = startWorldClock({ file: join(dataDir, 'world.json'), speed });
  const some = <What extends string, State extends Being<What>>(
    prefix: string,
    count: number,
    life: Life<What, State>,
  ): (readonly [string, AnyDevice])[] =>
    Array.from({ length: count }, (_, index) => {
      const device = `${prefix}-${String(index + 1).padStart(3, '0')}`;
      const link = links.link(device);
      const hear = (event: AgentEvent): void => tell?.(device, event);
      return [device, new SimulatedDevice({ device, life, seed, world, link, dataDir, tell: hear })];
    });
  const fleet = [
    ...some('cp', devices.chargePoints, chargePointLife),
    ...some('car', devices.cars, carLife),
    ...some('kiosk', devices.kiosks, kioskLife),
  ];
  let stopping: Promise<void> | null = null;
  const stop = async (): Promise<void> => {
    await Promise.all(fleet.map(([, device]) => device.stop()));
    world.stop();
    await connection.close();
  };
  try {
    for (let first = 0; first < fleet.length; first += STARTS_AT_ONCE) {
      await Promise.all(fleet.slice(first, first + STARTS_AT_ONCE).map(([, device]) => device.start()));
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    devices: fleet.map(([name]) => name),
    failed: Promise.race(fleet.map(([, device]) => device.failed)),
    stop: () => (stopping ??= stop()),
  };
}
