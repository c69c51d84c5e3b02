/**
 * The abusers: each offers its load at a fixed rate, whatever becomes of it, as somebody would who wants to do harm with the
 * credentials of one site, of one backend, or with HTTP.
 */
import { randomUUID } from 'node:crypto';
import { connectToHub, type HubConnection } from '../../../src/nats/connect.ts';
import { encode } from '../../../src/wire/codec.ts';
import { deviceReport, twinDesired, twinGet } from '../../../src/wire/subjects.ts';
import { mixedReport } from '../../fleet/report-mix.ts';
import { HttpAbuser } from './http-abuser.ts';
import type { AbuseName, AbuserOrder, Offered } from './order.ts';
import { RawNats } from './raw-nats.ts';

/** How often it is looked whether something is due, ms. */
const TICK_MS = 5;

/** What is offered a second, in the unit that the abuse is counted in. */
export const OFFERED_PER_SECOND: Readonly<Record<AbuseName, number>> = {
  /** Messages with a header block that is none. */
  'malformed-headers': 200,
  /** Requests whose answer is to become a message of the stream CHANGES. */
  'aimed-replies': 200,
  /** Single reports, half of them of one device. */
  'single-reports': 20_000,
  /** Single reports of one device, and nothing else. */
  'one-device': 10_000,
  /** Devices that were never heard before, each with a report of 60 KB. */
  'new-devices': 50,
  /** Patches of 400 KB and requests of 900 KB, in turn. */
  'large-requests': 20,
  /** Event streams, connections that drip, bodies that never end, and drawings, in turn. */
  'event-streams': 50,
};

/** How many devices share the half of the single reports that one device does not send. */
const OTHER_DEVICES = 100;
const REPORT_BYTES = 60_000;
const PATCH_BYTES = 400_000;
const REQUEST_BYTES = 900_000;

/** Everybody at work. */
export interface Abusers {
  /** Ends them, and tells what was offered a second. */
  stop(): Promise<Offered>;
}

/** Begins. Rejects when the servers cannot be reached. */
export async function startAbusers(order: AbuserOrder): Promise<Abusers> {
  const site = await connectToHub({ url: order.siteUrl, name: 'bench abuse' });
  const raw = new RawNats(order.backendUrl);
  // A connection of its own: the hub ends it again and again.
  const large = new RawNats(order.backendUrl);
  const http = new HttpAbuser(order.httpUrl);
  const workOf: Readonly<Record<AbuseName, (number: number) => void>> = {
    'malformed-headers': () => malformed(raw, order.victim),
    'aimed-replies': () => raw.send(`PUB ${twinGet(order.victim)} twin.${order.victim}.changed 2\r\n{}\r\n`),
    'single-reports': (number) => singleReport(site, number),
    'one-device': (number) => reportOf(site, 0, number),
    'new-devices': (number) => newDevice(site, number),
    'large-requests': (number) => largeRequest(large, order.victim, number),
    'event-streams': (number) => http.abuse(number),
  };
  const startedAt = performance.now();
  const offered: Partial<Record<AbuseName, number>> = {};
  const timer = setInterval(() => {
    const seconds = (performance.now() - startedAt) / 1_000;
    for (const name of order.abuses) {
      const due = Math.floor(seconds * OFFERED_PER_SECOND[name]);
      let done = offered[name] ?? 0;
      // One tick offers what fits into it: the others have their turn.
      const until = performance.now() + TICK_MS;
      while (done < due && performance.now() < until) {
        workOf[name](done);
        done += 1;
      }
      offered[name] = done;
    }
  }, TICK_MS);
  return {
    stop: async () => {
      clearInterval(timer);
      const seconds = (performance.now() - startedAt) / 1_000;
      http.close();
      raw.close();
      large.close();
      await site.close();
      return Object.fromEntries(
        Object.entries(offered).map(([name, count]) => [name, Math.round(count / seconds)]),
      );
    },
  };
}

function malformed(raw: RawNats, victim: string): void {
  const block = 'NATS/1.0\r\nbad key: x\r\n\r\n';
  const length = String(block.length);
  raw.send(`HPUB ${twinGet(victim)} _INBOX.${randomUUID()} ${length} ${length}\r\n${block}\r\n`);
}

/** Without an acknowledgement: an abuser does not wait. */
function singleReport(site: HubConnection, number: number): void {
  const index = number % 2 === 0 ? 0 : 1 + (((number - 1) / 2) % OTHER_DEVICES);
  const step = number % 2 === 0 ? number / 2 : Math.floor((number - 1) / 2 / OTHER_DEVICES);
  reportOf(site, index, step);
}

function reportOf({ nats }: HubConnection, index: number, step: number): void {
  const { report } = mixedReport({ seed: 2, mix: 'believable', stepMs: 1_000 }, index, step);
  nats.publish(deviceReport(`abuser-${String(index)}`), encode(report, 'msgpack'));
}

function newDevice({ nats }: HubConnection, number: number): void {
  const { report } = mixedReport({ seed: 3, mix: 'believable', stepMs: 1_000 }, 0, 0);
  const payload = encode({ ...report, note: 'x'.repeat(REPORT_BYTES) }, 'msgpack');
  nats.publish(deviceReport(`squatter-${String(number)}`), payload);
}

/** Past what a library lets its user send: the hub hangs up, and the abuser comes back. */
function largeRequest(raw: RawNats, victim: string, number: number): void {
  const isPatch = number % 2 === 0;
  const note = 'x'.repeat(isPatch ? PATCH_BYTES : REQUEST_BYTES);
  const body = JSON.stringify(isPatch ? { patch: { [`key${String(number % 8)}`]: note } } : { note });
  const subject = isPatch ? twinDesired(victim) : twinGet(victim);
  raw.send(`PUB ${subject} _INBOX.${randomUUID()} ${String(body.length)}\r\n${body}\r\n`);
}
