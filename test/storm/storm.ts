/**
 * A storm: some devices, two backends and those who follow them, on a ground of real servers and nodes, while what a seed has planned befalls the ways
 * between them. Then a calm, in which everything has to become right by itself.
 */
import { type HubConnection, connectToHub } from '../../src/nats/connect.ts';
import { Chance } from '../simulation/world/chance.ts';
import type { ExamAnswer, FinalTruth } from '../simulation/world/evidence.ts';
import { StormBackend } from './backend.ts';
import { befall } from './befall.ts';
import { StormDevice } from './device.ts';
import type { Ground } from './ground.ts';
import { type StormReader, startReadingEvents, startWatching } from './readers.ts';
import { StormRecord } from './record.ts';
import { type NodeName, planStorm, type Trouble, troubleText, type WayName } from './trouble.ts';
import { pauseInTurns } from './turns.ts';
import { untilConnected } from './until-connected.ts';

/** Devices of a storm. */
export const DEVICES = 4;

/** See the head of this file. */
export class Storm {
  readonly record = new StormRecord();
  readonly plan: readonly Trouble[];
  readonly deviceNames: readonly string[];
  readonly #ground: Ground;
  readonly #chance: Chance;
  readonly #devices: StormDevice[] = [];
  readonly #backends: StormBackend[] = [];
  readonly #readers: StormReader[] = [];
  #gateway: HubConnection | null = null;

  constructor(seed: number, ground: Ground) {
    this.#ground = ground;
    this.#chance = new Chance(seed);
    this.plan = planStorm(this.#chance.fork('plan'), DEVICES);
    // The same seed may be run twice on one ground.
    const run = Math.floor(performance.now() * 1_000).toString(36);
    this.deviceNames = Array.from({ length: DEVICES }, (_, index) => `s${seed}-${run}-${index}`);
  }

  /** Everything is there and works when this resolves. */
  async begin(): Promise<void> {
    const { record } = this;
    const { nodes } = this.#ground;
    nodes.onLine = (node, text) => record.note(node, text);
    const httpUrls = (): readonly string[] => nodes.httpUrls;
    const url = this.#ground.ways.backend.way.urlOf(this.#ground.hub.url('backend'));
    for (const name of ['backend-1', 'backend-2']) {
      const chance = this.#chance.fork(name);
      const options = { name, url, httpUrls, devices: this.deviceNames, chance, record };
      this.#backends.push(await untilConnected(() => StormBackend.connect(options)));
    }
    const { corral } = this.#backends[0]!;
    const all = { devices: null, record };
    this.#readers.push(await startWatching(corral, { ...all, name: 'watch' }));
    this.#readers.push(await startReadingEvents({ ...all, name: 'events', httpUrls }));
    const one = { devices: [this.deviceNames[0]!], record };
    this.#readers.push(
      await startWatching(this.#backends[1]!.corral, { ...one, name: 'watch of one device' }),
    );
    const siteUrl = this.#ground.ways.gateway.way.urlOf(this.#ground.site.url);
    this.#gateway = await untilConnected(() => connectToHub({ url: siteUrl, name: 'gateway' }));
    for (const name of this.deviceNames) {
      const chance = this.#chance.fork(name.slice(-1));
      this.#devices.push(await StormDevice.start({ name, connection: this.#gateway, chance, record }));
    }
  }

  /** Everything that is planned happens; resolves when it is over, and no way is troubled any more. */
  async rage(): Promise<void> {
    for (const device of this.#devices) device.beginLife();
    for (const backend of this.#backends) backend.begin();
    await Promise.all(this.plan.map((trouble) => this.#befall(trouble)));
    this.#ground.heal();
    this.record.note('storm', 'is over');
  }

  /** Nobody does anything new; resolves when what was begun has come to its end. */
  async calm(): Promise<void> {
    await Promise.all([
      ...this.#devices.map((device) => device.endLife()),
      ...this.#backends.map((backend) => backend.retire()),
      this.#ground.nodes.settled(),
    ]);
    await Promise.all(this.#devices.map((device) => device.delivered()));
  }

  /** In the end every device does what it is told. */
  async examine(): Promise<readonly ExamAnswer[]> {
    const answers = await Promise.all(
      this.deviceNames.map(async (device, index) => {
        const backend = this.#backends[index % this.#backends.length]!;
        return backend.examine(device);
      }),
    );
    await Promise.all(this.#devices.map((device) => device.rest()));
    return answers.flat();
  }

  /** What every device really is. */
  truth(): ReadonlyMap<string, FinalTruth> {
    return new Map(this.#devices.map((device) => [device.name, device.truth()]));
  }

  /** Ends everything but the ground. */
  async end(): Promise<void> {
    this.#ground.heal();
    await Promise.all(this.#readers.map((reader) => reader.stop()));
    await Promise.all(this.#devices.map((device) => device.stop()));
    await this.#gateway?.close();
    await Promise.all(this.#backends.map((backend) => backend.close()));
  }

  async #befall(trouble: Trouble): Promise<void> {
    await pauseInTurns(trouble.at);
    this.record.note('storm', troubleText(trouble));
    this.record.injected.set(
      trouble.sort as never,
      1 + (this.record.injected.get(trouble.sort as never) ?? 0),
    );
    switch (trouble.sort) {
      case 'device-restarts':
        this.#devices[trouble.where as number]?.restart();
        return;
      case 'node-restarts':
        this.#ground.nodes.restart(trouble.where as NodeName);
        return;
      case 'readers-leave':
        for (const reader of this.#readers) reader.leave();
        return;
      case 'hub-refuses': {
        const takeAgain = await this.#ground.eye.refuseReports();
        await pauseInTurns(trouble.forMs);
        await takeAgain();
        return;
      }
      case 'node-cut-off':
        await this.#befallWays(NODE_WAYS[trouble.where as NodeName], { ...trouble, sort: 'freeze' });
        return;
      default:
        await this.#befallWays([trouble.where as WayName], trouble);
    }
  }

  async #befallWays(names: readonly WayName[], trouble: Trouble): Promise<void> {
    const chance = this.#chance.fork(troubleText(trouble));
    const ends = names.map((name) => befall(this.#ground.ways[name], trouble, chance));
    await pauseInTurns(trouble.forMs);
    for (const end of ends) end();
  }
}

const NODE_WAYS: Readonly<Record<NodeName, readonly WayName[]>> = {
  'node-a': ['node-a hub', 'node-a store', 'node-a http'],
  'node-b': ['node-b hub', 'node-b store', 'node-b http'],
};
