/**
 * What operators and engineers hold on to: a trace through all that a command leads to, the log level of one device on a running
 * node, and metrics under the names that the documents and the dashboard use.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { headers, type Msg, type NatsConnection } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectCorral, type Corral } from '../../src/client/corral.ts';
import { LOG_EVENTS } from '../../src/telemetry/log-events.ts';
import { projectFolder } from '../../tools/dev/project-folders.ts';
import { corralCommand } from '../callers/corral-command.ts';
import { until } from '../nodes/node.ts';
import { type NodeProcess, startNodeProcess } from '../nodes/node-process.ts';
import { RawDevice } from '../devices/raw-device.ts';
import { createDatabase, startHub, startSite } from '../servers/servers.ts';

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const callerSpan = '00f067aa0ba902b7';
const traceParent = `00-${traceId}-${callerSpan}-01`;

let hub: Awaited<ReturnType<typeof startHub>>;
let site: Awaited<ReturnType<typeof startSite>>;
let database: Awaited<ReturnType<typeof createDatabase>>;
let gateway: NatsConnection;
let backend: NatsConnection;
let node: NodeProcess;
let client: Corral;
let devices = 0;

beforeAll(async () => {
  hub = await startHub();
  site = await startSite(hub);
  database = await createDatabase();
  gateway = await connect({ servers: site.url });
  backend = await connect({
    servers: hub.url('backend').replace(/^.*@/, ''),
    user: 'backend',
    pass: 'backend',
  });
  node = await startNodeProcess({ hub, postgresUrl: database.url, node: 'node-1' });
  client = await connectCorral({ url: hub.url('backend') });
});

afterAll(async () => {
  await client.close();
  await backend.close();
  await node.stop();
  await gateway.close();
  await site.end();
  await hub.end();
  await database.drop();
});

async function heard(): Promise<RawDevice> {
  devices += 1;
  const device = await RawDevice.start({ nats: gateway, device: `cp-${String(devices)}` });
  await device.report();
  await until('its clock is verified', async () => {
    const document = await client.get(device.device).catch((error: unknown) => error);
    const isVerified = (document as { clock?: { verified?: boolean } }).clock?.verified === true;
    return isVerified ? { done: true } : { done: false, seen: JSON.stringify(document) };
  });
  return device;
}

/** The first message on a subject that carries a trace. */
function traced(nats: NatsConnection, subject: string): Promise<Msg> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`waited 60 s for a trace on ${subject}`)), 60_000);
    const subscription = nats.subscribe(subject, {
      callback: (_error, message) => {
        if ((message.headers?.get('traceparent') ?? '') === '') return;
        clearTimeout(timer);
        subscription.unsubscribe();
        resolve(message);
      },
    });
  });
}

/** What the node wrote to its log about a device. */
function linesAbout(device: string): Record<string, unknown>[] {
  return node
    .said()
    .split('\n')
    .filter((line) => line.includes(`"device":"${device}"`) && line.endsWith('}'))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

async function metrics(): Promise<string> {
  return (await fetch(`${node.httpUrl}/metrics`)).text();
}

function valueOf(text: string, sample: string): number {
  const line = text.split('\n').find((one) => one.startsWith(`${sample} `));
  return line === undefined ? 0 : Number(line.slice(sample.length + 1));
}

describe('a trace', () => {
  test('goes with the command to the device, with the reply, and with all that is published because of it', async () => {
    const { device } = await heard();
    const atDevice = traced(gateway, `device.${device}.command`);
    const changed = traced(backend, `twin.${device}.changed`);
    const outcome = traced(backend, `twin.${device}.outcome`);
    await Promise.all([gateway.flush(), backend.flush()]);
    const heads = headers();
    heads.set('traceparent', traceParent);
    heads.set('tracestate', 'vendor=7');
    const body = JSON.stringify({ id: crypto.randomUUID(), args: {} });
    const reply = await backend.request(`twin.${device}.command.reserve`, body, {
      headers: heads,
      timeout: 20_000,
    });
    expect(reply.json()).toMatchObject({ outcome: 'done' });
    const messages = [await atDevice, reply, await changed, await outcome];
    const parents = messages.map((message) => message.headers?.get('traceparent'));
    const [parent = ''] = parents;
    expect(parents).toEqual([parent, parent, parent, parent]);
    expect(parent).toMatch(new RegExp(`^00-${traceId}-[0-9a-f]{16}-01$`));
    // The node has a span of its own, whose parent is the caller's.
    expect(parent).not.toContain(callerSpan);
    expect(messages.map((message) => message.headers?.get('tracestate'))).toEqual(Array(4).fill('vendor=7'));
  });

  test('that cannot be read is ignored and counted, and the request is served', async () => {
    const { device } = await heard();
    const sample = 'corral_notices_total{part="bus",type="trace-ignored"}';
    const before = valueOf(await metrics(), sample);
    const heads = headers();
    heads.set('Traceparent', '00-nonsense-01');
    const reply = await backend.request(`twin.${device}.get`, '{}', { headers: heads, timeout: 20_000 });
    expect(reply.json()).toMatchObject({ device });
    expect(reply.headers?.get('traceparent') ?? '').toBe('');
    expect(valueOf(await metrics(), sample)).toBe(before + 1);
  });
});

describe('the log level of a device', () => {
  test('is changed on a running node, and its lines name the device, the command and the trace', async () => {
    const { device } = await heard();
    const env = { CORRAL_ENGINEER_URL: hub.url('engineer') };
    const set = await corralCommand(['log', device, '--level', 'debug', '--by', 'alice', '--json'], { env });
    expect(JSON.parse(set.stdout)).toMatchObject({ node: 'node-1', device, level: 'debug' });
    const { id } = await client.command(device, 'reserve', {}, { traceParent });
    const lines = await until('its outcome is in the log', async () => {
      const found = linesAbout(device);
      const isThere = found.some(({ line }) => line === 'command-outcome');
      return isThere ? { done: true, value: found } : { done: false, seen: JSON.stringify(found) };
    });
    expect(lines!.map(({ line }) => line)).toEqual(
      expect.arrayContaining(['log-level-set', 'command-sent', 'report-decided', 'state-changed']),
    );
    for (const line of lines!.filter((one) => ['command-sent', 'command-outcome'].includes(String(one.line))))
      expect(line).toMatchObject({ id, traceId, parentSpanId: callerSpan });
    const off = await corralCommand(['log', device, '--off', '--json'], { env });
    expect(JSON.parse(off.stdout)).toMatchObject({ level: null, until: null });
    const asked = await corralCommand(['log', device], { env });
    expect(asked.stdout).toContain('as all others');
  });

  test('is nobody’s to change but an engineer’s', async () => {
    const env = { CORRAL_ENGINEER_URL: hub.url('backend') };
    const end = await corralCommand(['log', 'cp-1', '--level', 'trace'], { env });
    expect(end.code).toBe(1);
  });

  test('is refused in one sentence where it makes no sense', async () => {
    const env = { CORRAL_ENGINEER_URL: hub.url('engineer') };
    const end = await corralCommand(['log', 'cp-1', '--level', 'debug', '--for', '3d'], { env });
    expect(end).toMatchObject({ code: 1, stdout: '' });
    expect(end.stderr).toMatch(/^bad-arguments: .*forMs/);
  });
});

describe('metrics', () => {
  test('tell what happened, and hold no device in a label', async () => {
    const { device } = await heard();
    await client.command(device, 'reserve');
    await client.command(device, 'stop').catch(() => undefined);
    const text = await until('the fleet is counted', async () => {
      const found = await metrics();
      return found.includes('corral_twins{') ? { done: true, value: found } : { done: false, seen: found };
    });
    expect(valueOf(text!, 'corral_outcomes_total{outcome="done"}')).toBeGreaterThan(0);
    expect(valueOf(text!, 'corral_refusals_total{code="illegal-state"}')).toBeGreaterThan(0);
    expect(valueOf(text!, 'corral_commands_sent_total{name="reserve"}')).toBeGreaterThan(0);
    expect(valueOf(text!, 'corral_partitions')).toBe(32);
    expect(valueOf(text!, 'corral_timers')).toBeGreaterThan(0);
    expect(text).toMatch(/^corral_lag_messages \d+$/m);
    expect(text).toMatch(/^corral_report_delay_seconds_count [1-9]/m);
    expect(text).not.toMatch(/cp-\d/);
  });

  test('count suspicions and open commands of the whole fleet from the store', async () => {
    const device = await heard();
    device.manner = 'deaf';
    const { outcome } = await client.command(device.device, 'reserve', {}, { waitMs: 60_000 });
    expect(outcome).toBe('unknown');
    const text = await until('the suspicion is counted', async () => {
      const found = await metrics();
      const isCounted = found.includes('corral_suspicions{reason="unconfirmed-command"} 1');
      return isCounted ? { done: true, value: found } : { done: false, seen: found };
    });
    expect(text).toContain('corral_commands_open{outcome="unknown"} 1');
  });

  test('have every name that the dashboard and the documents use', async () => {
    const text = await metrics();
    const known = [...text.matchAll(/^# TYPE (\S+) (\w+)$/gm)].flatMap(([, name = '', type]) =>
      type === 'histogram' ? ['_bucket', '_sum', '_count', ''].map((suffix) => `${name}${suffix}`) : [name],
    );
    for (const file of ['docs/grafana-dashboard.json', 'docs/operations.md']) {
      const used =
        readFileSync(join(projectFolder, file), 'utf8').match(/\b(corral|nodejs|process)_[a-z0-9_]+/g) ?? [];
      expect(used.length).toBeGreaterThan(5);
      expect([...new Set(used)].filter((name) => !known.includes(name))).toEqual([]);
    }
  });

  test('are all in the operations document, as are all lines of the log', async () => {
    const text = await metrics();
    const document = readFileSync(join(projectFolder, 'docs/operations.md'), 'utf8');
    const names = [...text.matchAll(/^# TYPE (corral_\S+)/gm)].map(([, name = '']) => name);
    expect(names.filter((name) => !document.includes(`\`${name}\``))).toEqual([]);
    expect(Object.keys(LOG_EVENTS).filter((line) => !document.includes(`\`${line}\``))).toEqual([]);
  });
});

describe('`corral identity renew`', () => {
  const env = (): Record<string, string> => ({ CORRAL_BACKEND_URL: hub.url('backend') });
  const renew = (device: string): ReturnType<typeof corralCommand> =>
    corralCommand(['identity', 'renew', device, '--by', 'eva', '--why', 'controller replaced'], {
      env: env(),
    });

  test('begins a new count on a person’s word, which the journal and the ledger keep', async () => {
    const { device } = await heard();
    const said = async (up: number): Promise<void> => {
      const report = { boot: 7, seq: 1, up, state: 'available', sensors: {}, kind: 'charge-point' };
      gateway.publish(`device.${device}.report`, JSON.stringify(report));
      await gateway.flush();
    };
    // Above all that it has said, and with two contents: nobody can have sent both.
    await said(3_600_000);
    await said(1);
    await until('it is doubted who speaks', async () => {
      const { allowed } = await client.get(device);
      return allowed.includes('renew-identity') ? { done: true } : { done: false, seen: allowed.join() };
    });
    const { code, stdout } = await renew(device);
    expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining('eva') as string });
    await until('the device, which was asked at once, is known again', async () => {
      const { state, suspicions, sequence } = await client.get(device);
      const isKnown = state === 'available' && suspicions.length === 0 && sequence.boot !== 7;
      return isKnown ? { done: true } : { done: false, seen: `${state} ${JSON.stringify(sequence)}` };
    });
    const journal = await (await fetch(`${node.httpUrl}/v1/devices/${device}/journal`)).json();
    expect(JSON.stringify(journal)).toContain('eva: controller replaced');
  });

  test('is refused with a sentence where nobody doubts who speaks', async () => {
    const { device } = await heard();
    const { code, stdout } = await renew(device);
    expect(code).not.toBe(0);
    expect(stdout).toContain('renew-identity is for a device that is silent');
  });
});
