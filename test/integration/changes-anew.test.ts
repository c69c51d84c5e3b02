/**
 * The stream CHANGES is lost with the hub's disk and made anew, or set back with it, under a running node: whoever follows it is told, and
 * whoever comes back later with a place in what is lost is told, however far the stream has got meanwhile.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { App } from '../../src/app/app.ts';
import { connectCorral, type Corral, type Watch, type WatchEvent } from '../../src/client/corral.ts';
import type { RawDevice } from '../devices/raw-device.ts';
import { World } from '../servers/world.ts';

let world: World;
let node: App;
let corral: Corral;
let device: RawDevice;

beforeAll(async () => {
  world = await World.start();
  node = await world.hostNode();
  corral = await connectCorral({ url: world.hub.url('backend') });
  world.add(() => corral.close());
  device = await world.knownDevice();
});
afterAll(() => world.end());

/** Charges and stops once: two transitions. Until the hub is there again, tries. */
async function live(): Promise<void> {
  const options = { deadlineMs: 120_000, waitMs: 60_000 };
  for (const name of ['start', 'stop'])
    expect(await corral.command(device.device, name, {}, options)).toMatchObject({ outcome: 'done' });
}

/** The next events, up to the last one that is wanted; the watch goes on. */
async function eventsUntil(
  watch: AsyncIterator<WatchEvent>,
  isLast: (event: WatchEvent) => boolean,
): Promise<WatchEvent[]> {
  const events: WatchEvent[] = [];
  for (let next = await watch.next(); next.done !== true; next = await watch.next()) {
    events.push(next.value);
    if (isLast(next.value)) break;
  }
  return events;
}

const eventsOf = (watch: Watch): AsyncIterator<WatchEvent> => watch[Symbol.asyncIterator]();

const idOf = (event: WatchEvent | undefined): string | null => (event?.type === 'outcome' ? event.id : null);

const isStopped = (event: WatchEvent): boolean => event.type === 'outcome' && event.name === 'stop';

/** Reads events over HTTP until one of them holds a text; as `id event`. */
async function eventsOverHttp(place: string, wanted: string): Promise<string[]> {
  const response = await fetch(`${node.httpUrl}/v1/events`, { headers: { 'last-event-id': place } });
  let text = '';
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    text += Buffer.from(chunk).toString();
    if (text.includes(wanted)) break;
  }
  return [...text.matchAll(/^id: (\S+)\nevent: (\S+)$/gm)].map(([, id, event]) => `${id!} ${event!}`);
}

describe('readers of a stream of changes that was made anew', () => {
  test('are told so while they watch, and then all that becomes known', async () => {
    const watch = await corral.watch({ devices: [device.device] });
    const events = eventsOf(watch);
    await live();
    // What was not published yet when the stream was lost would be told after it.
    const before = await eventsUntil(events, isStopped);
    await world.hub.loseStore();
    await live();
    const after = await eventsUntil(events, isStopped);
    await watch.stop();
    const gone = [before, after].map((half) => half.filter(({ type }) => type === 'gone').length);
    expect(gone).toEqual([0, 1]);
    expect(idOf(after.at(-1)), 'the second life').not.toBe(idOf(before.at(-1)));
  });

  test('are told so when they come back later, also where the new one has grown beyond their place', async () => {
    const first = await corral.watch({ devices: [device.device] });
    await live();
    const kept = (await eventsUntil(eventsOf(first), isStopped)).at(-1)!;
    await world.hub.loseStore();
    for (let life = 0; life < 6; life += 1) await live();
    const { place } = kept;
    const watch = await corral.watch({ devices: [device.device], after: place });
    let stops = 0;
    const events = await eventsUntil(eventsOf(watch), (event) => isStopped(event) && (stops += 1) === 6);
    const [gone, ...others] = events;
    expect(gone).toMatchObject({ type: 'gone', to: 0 });
    const last = others.at(-1)!;
    expect(last).toMatchObject({ type: 'outcome', name: 'stop' });
    expect('sequence' in last && 'sequence' in kept && last.sequence > kept.sequence).toBe(true);
    const [open, told, ...more] = await eventsOverHttp(place, `id: ${last.place}\n`);
    expect(open).toBe(`${place} open`);
    expect(told).toMatch(/-0 gone$/);
    expect(more.at(-1)).toBe(`${last.place} outcome`);
  });
});

describe('readers of a stream of changes that has lost its tail', () => {
  test('are told so when they come back with a place in it, also where it has grown beyond that', async () => {
    const first = await corral.watch({ devices: [device.device] });
    const events = eventsOf(first);
    await live();
    await eventsUntil(events, isStopped);
    await world.hub.keepStore();
    await live();
    const kept = (await eventsUntil(events, isStopped)).at(-1)!;
    await first.stop();
    await world.hub.setStoreBack();
    for (let life = 0; life < 3; life += 1) await live();
    const { place } = kept;
    const watch = await corral.watch({ devices: [device.device], after: place });
    let stops = 0;
    const [gone, ...others] = await eventsUntil(
      eventsOf(watch),
      (event) => isStopped(event) && (stops += 1) === 3,
    );
    expect(gone).toMatchObject({ type: 'gone' });
    const last = others.at(-1)!;
    expect('sequence' in last && 'sequence' in kept && last.sequence > kept.sequence).toBe(true);
    const [open, told, ...more] = await eventsOverHttp(place, `id: ${last.place}\n`);
    expect(open).toBe(`${place} open`);
    expect(told).toMatch(/ gone$/);
    expect(more).toContain(`${others[0]!.place} changed`);
    expect(more.at(-1)).toBe(`${last.place} outcome`);
  });
});
