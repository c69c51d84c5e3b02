/**
 * A backend that reserves and releases a device again and again through whatever happens to the servers, asks again under
 * the same id while it is not answered, and in the end compares what it was told with what the device did.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { expect } from 'vitest';
import type { FleetDevice } from '../devices/loaded-fleet.ts';
import { until } from '../nodes/node.ts';
import type { RawBackend, RawBody } from './raw-backend.ts';

/** A command this backend asked for, and every outcome it was told, in order. */
interface Asked {
  readonly id: string;
  readonly name: string;
  readonly told: string[];
}

/** How long an outcome is waited for, and an answer, ms. */
const WAIT_MS = 300;
const ANSWER_TIMEOUT_MS = 1_000;
/** Before it asks again, ms. */
const AGAIN_MS = 50;

/** Commands for one device, one after the other. */
export class CommandLoad {
  readonly #backend: RawBackend;
  readonly #device: FleetDevice;
  readonly #asked: Asked[] = [];
  #isOn = true;
  readonly #ended: Promise<void>;

  /** Begins. */
  constructor(backend: RawBackend, device: FleetDevice) {
    this.#backend = backend;
    this.#device = device;
    this.#ended = this.#run();
  }

  /** How many commands it was told to be done. */
  get done(): number {
    return this.#asked.filter(({ told }) => told.includes('done')).length;
  }

  /** How many it has asked for. */
  get count(): number {
    return this.#asked.length;
  }

  /** Asks for nothing new, waits until every command has come to its end, and checks that what was told is what was done. */
  async end(): Promise<void> {
    this.#isOn = false;
    await this.#ended;
    const { device, executed } = this.#device;
    const ids = executed.map(({ id }) => id);
    expect(new Set(ids).size, `${device} executed a command twice`).toBe(ids.length);
    for (const { id, name, told } of this.#asked) {
      const last = await until(`${name} ${id} has come to its end`, async () => {
        const entry = await this.#backend.ledger(device, id);
        const isOver = entry.outcome === 'refused' || entry.closedAt !== null;
        return isOver ? { done: true, value: entry } : { done: false, seen: JSON.stringify(entry) };
      });
      expectAgreement({ told, last: last!, wasExecuted: ids.includes(id) });
    }
  }

  async #run(): Promise<void> {
    while (this.#isOn) {
      const name = this.#asked.length % 2 === 0 ? 'reserve' : 'release';
      await this.#ask(name);
    }
  }

  async #ask(name: string): Promise<void> {
    const asked: Asked = { id: randomUUID(), name, told: [] };
    this.#asked.push(asked);
    const subject = `twin.${this.#device.device}.command.${name}`;
    for (;;) {
      const answer = await this.#backend.ask(subject, { id: asked.id, waitMs: WAIT_MS }, ANSWER_TIMEOUT_MS);
      const outcome = answer.type === 'reply' ? String(answer.body.outcome) : answer.type;
      asked.told.push(outcome);
      if (['done', 'rejected', 'expired', 'refused', 'unknown'].includes(outcome)) return;
      await pause(AGAIN_MS);
    }
  }
}

/** A certain word stays, and is true. */
function expectAgreement(options: {
  readonly told: readonly string[];
  readonly last: RawBody;
  readonly wasExecuted: boolean;
}): void {
  const { told, last, wasExecuted } = options;
  const context = JSON.stringify({ told, last });
  const certain = told.filter((outcome) => ['done', 'rejected', 'expired'].includes(outcome));
  for (const outcome of certain) expect(outcome, context).toBe(last.outcome);
  if (told.includes('refused'))
    expect(last, context).toMatchObject({ outcome: 'refused', code: 'unknown-id' });
  if (last.outcome !== 'unknown') expect(last.outcome === 'done', context).toBe(wasExecuted);
}
