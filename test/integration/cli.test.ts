/** The command line against a running node: what people and programs read, and the exit codes scripts rely on. */
import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectCorral, type Corral } from '../../src/client/corral.ts';
import { type CommandEnd, corralCommand, startCorralCommand } from '../callers/corral-command.ts';
import { until } from '../nodes/node.ts';
import { type NodeProcess, startNodeProcess } from '../nodes/node-process.ts';
import { RawDevice } from '../devices/raw-device.ts';
import { createDatabase, startHub, startSite } from '../servers/servers.ts';

let hub: Awaited<ReturnType<typeof startHub>>;
let site: Awaited<ReturnType<typeof startSite>>;
let database: Awaited<ReturnType<typeof createDatabase>>;
let gateway: NatsConnection;
let node: NodeProcess;
let client: Corral;
let env: Readonly<Record<string, string>>;

beforeAll(async () => {
  hub = await startHub();
  site = await startSite(hub);
  database = await createDatabase();
  gateway = await connect({ servers: site.url });
  node = await startNodeProcess({ hub, postgresUrl: database.url, node: 'node-1' });
  client = await connectCorral({ url: hub.url('backend') });
  env = {
    CORRAL_HTTP_URL: node.httpUrl,
    CORRAL_BACKEND_URL: hub.url('backend'),
    CORRAL_ENGINEER_URL: hub.url('engineer'),
    CORRAL_NATS_URL: hub.url('runtime'),
    CORRAL_POSTGRES_URL: database.url,
  };
  for (const device of ['cp-1', 'cp-2', 'cp-3']) await heard(device);
});

afterAll(async () => {
  await client.close();
  await node.stop();
  await gateway.close();
  await site.end();
  await hub.end();
  await database.drop();
});

/** A device whose twin is committed and whose age is bounded by a round trip. */
async function heard(name: string): Promise<RawDevice> {
  const device = await RawDevice.start({ nats: gateway, device: name });
  await device.report();
  await until('its clock is verified', async () => {
    const document = await client.get(name).catch((error: unknown) => error);
    const isVerified = (document as { clock?: { verified?: boolean } }).clock?.verified === true;
    return isVerified ? { done: true } : { done: false, seen: JSON.stringify(document) };
  });
  return device;
}

function corral(...args: string[]): Promise<CommandEnd> {
  return corralCommand(args, { env });
}

describe('reading', () => {
  test('lists devices for people and, one line of JSON each, for programs', async () => {
    const forPeople = await corral('devices', '--kind', 'charge-point');
    expect(forPeople).toMatchObject({ code: 0, stderr: '' });
    expect(forPeople.stdout).toContain('cp-1');
    const { stdout } = await corral('devices', '--all', '--json');
    const devices = stdout
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { device: string }).device);
    expect(devices).toEqual(['cp-1', 'cp-2', 'cp-3']);
    expect((await corral('devices', '--limit', '2', '--json')).stdout.trim().split('\n')).toHaveLength(2);
  });

  test('shows a twin as HTTP has it', async () => {
    const { code, stdout } = await corral('get', 'cp-1', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ device: 'cp-1', state: 'available', site: 'depot' });
    expect((await corral('get', 'cp-1')).stdout).toMatch(/accepts now.*reserve/);
  });

  test('says in one sentence that a device is not known', async () => {
    const end = await corral('get', 'nobody');
    expect(end).toMatchObject({ code: 1, stdout: '' });
    expect(end.stderr).toBe('unknown-device: no device "nobody" is known here.\n');
  });

  test.each([['--reports'], ['--journal'], []])('shows history %s', async (...view) => {
    const { code, stdout } = await corral('history', 'cp-1', '--json', ...view);
    expect(code).toBe(0);
    expect(
      stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown),
    ).not.toEqual([]);
  });

  test('explains why a device is in its state, and what it would accept', async () => {
    const { code, stdout } = await corral('explain', 'cp-1', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ device: 'cp-1', chain: expect.any(Array) as unknown });
    const forPeople = (await corral('explain', 'cp-1')).stdout;
    expect(forPeople).toMatch(/yes {2}reserve would be accepted/);
    expect(forPeople).toMatch(/no {3}stop would be refused/);
  });

  test('counts the fleet', async () => {
    const { stdout } = await corral('fleet', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ devices: 3 });
  });

  test('finds devices by what casts doubt on them, in the order asked for', async () => {
    const stale = await corral('devices', '--stale-for', '1d', '--json');
    expect(stale).toMatchObject({ code: 0, stdout: '' });
    const { stdout } = await corral('devices', '--find', 'P-3', '--sort', '-id', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ device: 'cp-3' });
  });

  test('tells who decides for what', async () => {
    const { stdout } = await corral('nodes', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ nodes: [{ node: 'node-1', isThisNode: true }], unowned: [] });
    expect((await corral('nodes')).stdout).toMatch(/node-1 hears all; \d+ commits/);
  });

  test('says of an idle fleet that nobody is behind, however many partitions nothing was said for', async () => {
    await until('all that was said is committed', async () => {
      const { stdout } = await corral('nodes', '--json');
      const { nodes } = JSON.parse(stdout) as { nodes: readonly { behindMessages: number }[] };
      const behind = nodes.map(({ behindMessages }) => behindMessages);
      return { done: behind.length === 1 && behind[0] === 0, seen: JSON.stringify(behind) };
    });
  });

  test('lists what could not be read, and why', async () => {
    gateway.publish('device.cp-1.report', '{"boot":1}');
    await until('the dead letter is committed', async () => {
      const { stdout } = await corral('deadletters', '--device', 'cp-1', '--json');
      return stdout === '' ? { done: false, seen: 'no dead letter' } : { done: true };
    });
    const { stdout } = await corral('deadletters', '--device', 'cp-1', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ device: 'cp-1', site: 'depot', reason: 'bad-report' });
    expect((await corral('deadletters', '--reason', 'foreign-site')).stdout).toBe(
      'Every message could be read.\n',
    );
  });

  test('says that Corral is not there, and which variable tells where it is', async () => {
    const end = await corralCommand(['fleet'], { env: { ...env, CORRAL_HTTP_URL: 'http://127.0.0.1:9' } });
    expect(end.code).toBe(1);
    expect(end.stderr).toMatch(/^Corral gives no answer at http:\/\/127\.0\.0\.1:9: .*CORRAL_HTTP_URL.*\n$/);
  });
});

describe('commanding', () => {
  test('ends with 0 when the device did it, and the ledger says the same', async () => {
    const id = randomUUID();
    const asked = await corral(
      'command',
      'cp-2',
      'reserve',
      'holdMs=60000',
      '--id',
      id,
      '--by',
      'alice',
      '--json',
    );
    expect(asked.code).toBe(0);
    const outcome = JSON.parse(asked.stdout) as Record<string, unknown>;
    expect(outcome).toMatchObject({ id, outcome: 'done', by: 'alice', args: { holdMs: 60_000 } });
    const ledger = await corral('ledger', 'cp-2', id, '--json');
    expect(JSON.parse(ledger.stdout)).toEqual(outcome);
    expect((await corral('history', 'cp-2', '--commands', '--json')).stdout).toContain(id);
  });

  test('ends with 4 when it was certainly not executed', async () => {
    const refused = await corral('command', 'cp-1', 'stop', '--json');
    expect(refused.code).toBe(4);
    expect(JSON.parse(refused.stdout)).toMatchObject({ outcome: 'refused', code: 'illegal-state' });
    expect((await corral('ledger', 'cp-1', randomUUID())).code).toBe(4);
  });

  test('refused under an id that is given ends with 5 where nothing follows for an earlier request, else with 4', async () => {
    const unreadable = ['command', 'cp-1', 'reserve', 'holdMs=long', '--json'];
    const drawn = await corral(...unreadable);
    expect(drawn.code).toBe(4);
    expect(JSON.parse(drawn.stdout)).toMatchObject({ code: 'bad-arguments', acceptance: 'no' });
    const given = await corral(...unreadable, '--id', randomUUID());
    expect(given.code).toBe(5);
    expect(JSON.parse(given.stdout)).toMatchObject({ code: 'bad-arguments', acceptance: 'not-this-copy' });
  });

  test('ends with 6 while it is under way, and with 5 when nobody can know', async () => {
    // Heard just now: what is known of it is still fresh enough to be commanded without a question.
    (await heard('cp-deaf')).manner = 'deaf';
    const id = randomUUID();
    const pending = await corral('command', 'cp-deaf', 'reserve', '--id', id, '--wait', '10ms', '--json');
    expect(pending.code).toBe(6);
    const unknown = await corral('command', 'cp-deaf', 'reserve', '--id', id, '--wait', '60s', '--json');
    expect(unknown.code).toBe(5);
    expect(JSON.parse(unknown.stdout)).toMatchObject({ id, outcome: 'unknown' });
  });

  test('ends with 1 when the hub is not there', async () => {
    const place = { env: { ...env, CORRAL_BACKEND_URL: 'nats://backend:backend@127.0.0.1:9' } };
    const end = await corralCommand(['command', 'cp-1', 'reserve'], place);
    expect(end).toMatchObject({ code: 1, stdout: '' });
    expect(end.stderr.trim().split('\n')).toHaveLength(1);
  });
});

describe('watching', () => {
  test('tells changes as they come, and goes on behind a place', async () => {
    const watching = startCorralCommand(['watch', 'cp-3', '--json'], { env });
    await watching.says(/^watching cp-3/);
    const { id } = await client.command('cp-3', 'reserve');
    await watching.says(new RegExp(`"id":"${id}".*"outcome":"done"`));
    watching.interrupt();
    const { code, stdout } = await watching.ended;
    expect(code).toBe(0);
    const first = JSON.parse(stdout.split('\n', 1)[0]!) as { sequence: number };
    const again = await corral(
      'watch',
      'cp-3',
      '--json',
      '--after',
      String(first.sequence - 1),
      '--count',
      '1',
    );
    expect(JSON.parse(again.stdout)).toEqual(first);
  });
});

describe('watching over HTTP', () => {
  test('tells the same, and goes on behind a place when the connection was lost', async () => {
    await heard('cp-4');
    const watching = startCorralCommand(['watch', 'cp-4', '--http', '--json'], { env });
    await watching.says(/^watching cp-4/);
    const { id } = await client.command('cp-4', 'reserve');
    await watching.says(new RegExp(`"type":"outcome".*"id":"${id}"`));
    await node.stop();
    await node.start();
    const again = await client.command('cp-4', 'release');
    await watching.says(new RegExp(`"type":"outcome".*"id":"${again.id}"`));
    watching.interrupt();
    const { code, stdout } = await watching.ended;
    expect(code).toBe(0);
    const places = stdout
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { sequence: number }).sequence);
    expect(places).toEqual([...new Set(places)].sort((a, b) => a - b));
  });

  test('says that nobody has this id', async () => {
    const end = await corral('watch', 'nobody', '--http');
    expect(end).toMatchObject({ code: 1, stdout: '' });
    expect(end.stderr).toContain('unknown-device');
  });
});

describe('the doctor', () => {
  test('finds nothing bad where all runs, but for settings that only tests have', async () => {
    const { code, stdout } = await corral('doctor', '--json');
    const { findings } = JSON.parse(stdout) as {
      findings: { check: string; verdict: string; found: string; advice: string | null }[];
    };
    const verdicts = Object.fromEntries(findings.map(({ check, verdict }) => [check, verdict]));
    expect(verdicts).toMatchObject({
      'node-version': 'good',
      hub: 'good',
      'hub-version': 'good',
      'hub-mapping': 'good',
      'site-stream': 'good',
      'stream-deadletter': 'good',
      'stream-changes': 'good',
      'hub-clock': 'good',
      nodes: 'warning',
      postgres: 'good',
      'hub-tls': 'good',
      'hub-password': 'good',
      'stream-durability': 'good',
      'postgres-tls': 'good',
      'postgres-password': 'good',
      'postgres-role': 'warning',
      'postgres-version': 'good',
      migrations: 'good',
      'synchronous-commit': 'warning',
      'crash-safety': 'bad',
      'device-names': 'good',
      'postgres-clock': 'good',
      http: 'good',
    });
    expect(code).toBe(3);
    expect(findings.filter(({ verdict, advice }) => verdict !== 'good' && advice === null)).toEqual([]);
  });

  test('says what to do where nothing runs', async () => {
    const away = {
      CORRAL_NATS_URL: 'nats://runtime:secret@127.0.0.1:9',
      CORRAL_POSTGRES_URL: 'postgres://corral:secret@127.0.0.1:9/corral',
      CORRAL_HTTP_URL: 'http://127.0.0.1:9',
    };
    const { code, stdout } = await corralCommand(['doctor'], { env: { ...env, ...away } });
    expect(code).toBe(3);
    expect(stdout.match(/^BAD .*\n +=> .*/gm)).toHaveLength(3);
    expect(stdout).not.toContain('secret');
  });

  test('names a user of the hub that may not do what a node does', async () => {
    const { stdout } = await corralCommand(['doctor', '--json'], {
      env: { ...env, CORRAL_NATS_URL: hub.url('backend') },
    });
    expect(stdout).toMatch(/"check":"hub-mapping","verdict":"bad"/);
  });
});

describe('the command line', () => {
  test.each([
    [['get'], /missing required argument/],
    [['devices', '--limit', 'many'], /whole number/],
    [['devices', '--state', 'asleep'], /state: expected one of/],
    [['history', 'cp-1', '--last', '5'], /90s, 5m, 2h/],
    [['history', 'cp-1', '--journal', '--last', '5m'], /cannot be used with/],
    [['command', 'cp-1', 'reserve', 'soon'], /name=value/],
    [['command', 'cp.1', 'reserve'], /is no id or name: it has 1 to 64/],
    [['command', 'cp-1', 'reserve', '--id', 'mine'], /It is a UUID/],
    [['explode'], /unknown command/],
  ])('ends with 2 and says what would be right: %j', async (args, sentence) => {
    const { code, stdout, stderr } = await corral(...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(sentence);
  });

  test('runs from any folder', async () => {
    const { code, stdout } = await corralCommand(['--help'], { folder: tmpdir() });
    expect(code).toBe(0);
    expect(stdout).toContain('doctor');
  });
});
