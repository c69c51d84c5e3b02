/**
 * The HTTP side over a store, with a time that stands still until it is moved.
 */
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { kinds } from '../../machines/kinds.ts';
import type { CommandPort, ForgetPort } from '../../src/http/command-port.ts';
import type { HttpApp } from '../../src/http/context.ts';
import type { Health, HealthPart } from '../../src/http/health.ts';
import type { HttpGuards } from '../../src/http/limits.ts';
import { MemoryChangeFeed } from '../../src/memory/change-feed.ts';
import { MemoryHub } from '../../src/memory/hub.ts';
import type { ThisNode } from '../../src/http/node-view.ts';
import { buildHttp } from '../../src/http/server.ts';
import type { FleetReader } from '../../src/history/ports.ts';
import type { ChangeFeed } from '../../src/runtime/change-feed.ts';
import type { Clock } from '../../src/runtime/ports.ts';
import { NOW } from './http-fleet.ts';

/** Time that stands still; what is to be done later is done when time is moved. */
export class StandingClock implements Clock {
  #now = NOW;
  readonly #later = new Set<{ readonly at: number; readonly work: () => void }>();

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#now;
  }

  after(delayMs: number, work: () => void): () => void {
    const entry = { at: this.#now + delayMs, work };
    this.#later.add(entry);
    return () => this.#later.delete(entry);
  }

  /** How many things wait for their time. */
  get waiting(): number {
    return this.#later.size;
  }

  move(byMs: number): void {
    this.#now += byMs;
    for (const entry of this.#later) {
      if (entry.at > this.#now) continue;
      this.#later.delete(entry);
      entry.work();
    }
  }
}

/** A node's HTTP side, and what it is built of. */
export interface HttpNode {
  readonly app: HttpApp;
  readonly clock: StandingClock;
  readonly metrics: Registry;
  /** What the log said, line by line. */
  readonly log: readonly string[];
  /** What `/readyz` finds. */
  health: Health;
  /** Where what becomes known is published. */
  readonly hub: MemoryHub;
  /** What becomes of commands. */
  commands: CommandPort;
  forgetting: ForgetPort;
  /** Where it is read from: `hub`, unless it is set. */
  changes: ChangeFeed;
}

/** Whoever reaches it may read, nobody may command. */
export const OPEN: HttpGuards = {
  access: { readTokens: [], operateTokens: [], isReadOpen: true },
  rateMax: 1_000_000,
  corsOrigins: [],
};

/** Builds the HTTP side over an archive. */
export async function httpOver(
  fleetReader: FleetReader,
  clock: StandingClock,
  guards: HttpGuards = OPEN,
): Promise<HttpNode> {
  const log: string[] = [];
  const metrics = new Registry();
  const hub = new MemoryHub(clock);
  const node = {
    health: { check: async () => [whole('store')] } as Health,
    hub,
    changes: new MemoryChangeFeed(hub) as ChangeFeed,
    commands: { command: async () => ({ type: 'hub-away' }) } as CommandPort,
    forgetting: { forget: async () => ({ type: 'hub-away' }) } as ForgetPort,
  };
  const app = await buildHttp({
    fleetReader,
    kinds,
    clock,
    metrics,
    serverErrorMs: 50,
    health: { check: () => node.health.check() },
    nodeView: { status: async () => THIS_NODE, messagesAfter: async ({ after }, last) => last - after },
    changes: {
      last: () => node.changes.last(),
      open: (options) => node.changes.open(options),
    },
    commands: { command: (order, caller) => node.commands.command(order, caller) },
    forgetting: { forget: (order, caller) => node.forgetting.forget(order, caller) },
    guards,
    logger: pino({ level: 'debug' }, { write: (line: string) => void log.push(line) }),
  });
  return Object.assign(node, { app, clock, metrics, log });
}

/** What the node says of itself. */
export const THIS_NODE: ThisNode = {
  node: 'a-node',
  partitions: [3, 7],
  isHearing: true,
  isSure: true,
  streamSequences: new Map([['DEVICES-depot', 1_000]]),
  commits: { count: 4, reportsMean: 250, commitMsMean: 3.5 },
};

/** A part that is as it should be. */
export const whole = (part: string): HealthPart => ({ part, ok: true, detail: 'as it should be' });
