/**
 * A gateway, as a process of its own: it speaks for all charge points of a site over one connection to the site's server. It is told what
 * to do in its first argument; when it is asked to end it says what really happened.
 */
import { deviceLinks } from '../../src/device/nats-link.ts';
import { connectToHub } from '../../src/nats/connect.ts';
import { Chance } from '../simulation/world/chance.ts';
import { ChargingStation } from './charging-station.ts';
import type { Truth } from './truth.ts';

/** What a gateway is told. */
export interface GatewayTask {
  /** Of the site's server. */
  readonly url: string;
  readonly devices: readonly string[];
  readonly seed: number;
  /** The stations' time passes so many times as fast as everybody's. */
  readonly speed: number;
}

/** What a gateway says. */
export type GatewayWord =
  | { readonly type: 'begun' }
  /** Of one charge point, after it has ended. */
  | { readonly type: 'truth'; readonly truth: Truth }
  | { readonly type: 'over' };

/** An ack is waited for so long, ms. */
const ACK_TIMEOUT_MS = 1_000;

const { url, devices, seed, speed } = JSON.parse(process.argv[2] ?? '') as GatewayTask;
const connection = await connectToHub({ url, name: 'gateway' });
const links = deviceLinks({ connection, ackTimeoutMs: ACK_TIMEOUT_MS });
const chance = new Chance(seed);
const stations = devices.map(
  (device) => new ChargingStation({ device, links, chance: chance.fork(device), speed }),
);
await Promise.all(stations.map((station) => station.start()));

process.once('message', () => void end());
// Whoever started it is gone, or has heard all.
process.once('disconnect', () => process.exit());
say({ type: 'begun' });

async function end(): Promise<void> {
  for (const truth of await Promise.all(stations.map((station) => station.end())))
    say({ type: 'truth', truth });
  await connection.close();
  // Whoever has heard that lets go of the channel: then this process ends.
  say({ type: 'over' });
}

function say(word: GatewayWord): void {
  process.send?.(word);
}
