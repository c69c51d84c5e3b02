/**
 * What a hostile device, backend or caller writes, as people see it in a terminal: no command of `corral`, and no line of a node's log,
 * holds anything that a terminal obeys.
 */
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectCorral, type Corral } from '../../src/client/corral.ts';
import { type CommandEnd, corralCommand } from '../callers/corral-command.ts';
import { until } from '../nodes/node.ts';
import { type NodeProcess, startNodeProcess } from '../nodes/node-process.ts';
import { RawDevice } from '../devices/raw-device.ts';
import { createDatabase, startHub, startSite } from '../servers/servers.ts';

/** Sets the title, writes into the clipboard, clears the screen twice, reads backwards, and begins a line of its own. */
const ATTACK = '\u001b]0;owned\u0007\u001b]52;c;cm0gLXJm\u0007\u001b[2J\u009b2J\u202e\u2066\u200b\nok   hub';
/** The same without blanks and line ends, for a token of a subject. */
const ATTACK_TOKEN = '\u001b]0;owned\u0007\u009b2J\u202e';
/** Anything that is not to be in a line; a newline ends one. */
const OBEYED = /[^\P{C}\n]|[\u2028\u2029]/u;

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
  const device = await RawDevice.start({ nats: gateway, device: 'cp-1' });
  await device.report({ firmware: ATTACK, sensors: { meterWh: 0, [ATTACK]: ATTACK } });
  await client.command('cp-1', 'reserve', {}, { by: ATTACK, waitMs: 20_000, deadlineMs: 20_000 });
  // Neither can be read: an id that is none, and a report with a field of a name like this.
  await gateway.request(`device.${ATTACK_TOKEN}.report`, JSON.stringify({ [ATTACK]: ATTACK }), {
    timeout: 20_000,
  });
  await device.publish({ ...device.make(), firmware: { [ATTACK]: ATTACK }, state: ATTACK });
  await device.report({ state: 'reserved' });
  await until('both are dead letters', async () => {
    const { stdout } = await corral('deadletters', '--json');
    const letters = stdout.split('\n').filter((line) => line !== '');
    return letters.length > 0 ? { done: true } : { done: false, seen: stdout };
  });
});

afterAll(async () => {
  await client.close();
  await node.stop();
  await gateway.close();
  await site.end();
  await hub.end();
  await database.drop();
});

function corral(...args: string[]): Promise<CommandEnd> {
  return corralCommand(args, { env });
}

describe('what strangers wrote', () => {
  test.each([
    { what: 'the list of devices', args: ['devices'] },
    { what: 'a twin', args: ['get', 'cp-1'] },
    { what: 'a twin for programs', args: ['get', 'cp-1', '--json'] },
    { what: 'what was commanded', args: ['history', 'cp-1', '--commands'] },
    { what: 'what the twin believed', args: ['history', 'cp-1', '--journal'] },
    { what: 'an explanation', args: ['explain', 'cp-1'] },
    { what: 'dead letters', args: ['deadletters'] },
    { what: 'dead letters for programs', args: ['deadletters', '--json'] },
    { what: 'changes from the hub', args: ['watch', '--after', '0', '--count', '2'] },
    { what: 'changes over HTTP', args: ['watch', '--after', '0', '--count', '2', '--http', '--json'] },
    { what: 'a refusal', args: ['command', 'cp-1', ATTACK_TOKEN] },
    { what: 'a problem of HTTP', args: ['get', ATTACK] },
    { what: 'a complaint about the command line', args: ['devices', `--${ATTACK_TOKEN}`] },
  ])('reaches no terminal through $what', async ({ args }) => {
    const { stdout, stderr } = await corral(...args);
    expect(`${stdout}${stderr}`).not.toBe('');
    expect(stdout).not.toMatch(OBEYED);
    expect(stderr).not.toMatch(OBEYED);
  });

  test('is shown all the same, and comes whole to programs', async () => {
    const { stdout } = await corral('get', 'cp-1');
    expect(stdout).toContain(
      '\\u001b]52;c;cm0gLXJm\\u0007\\u001b[2J\\u009b2J\\u202e\\u2066\\u200b\\nok   hub',
    );
    const json = await corral('get', 'cp-1', '--json');
    expect(JSON.parse(json.stdout)).toMatchObject({ firmware: ATTACK, reported: { [ATTACK]: ATTACK } });
  });

  test('is in no line of the log as a terminal would obey it', async () => {
    await corral('log', 'cp-1', '--level', 'trace', '--by', ATTACK);
    const line = await until('its level is in the log', async () => {
      const found = node
        .said()
        .split('\n')
        .find((one) => one.includes('log-level-set'));
      return found === undefined ? { done: false, seen: node.said() } : { done: true, value: found };
    });
    expect(line).toContain('\\u001b]52');
    expect(node.said()).not.toMatch(OBEYED);
  });
});
