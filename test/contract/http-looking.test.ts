/**
 * What an engineer asks HTTP when something is wrong: why, when, and what else.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { rfc3339 } from '../../src/http/rfc3339.ts';
import { FleetClient } from './http-client.ts';
import { NOW, PENDING_ID, REJECTED_ID, SECOND, time } from './http-fleet.ts';
import { THIS_NODE } from './http-node.ts';
import { stores } from './http-stores.ts';

interface Body {
  readonly [name: string]: unknown;
  readonly code: string;
  readonly total: number;
  readonly next: string | null;
  readonly devices: readonly Readonly<Record<string, unknown>>[];
  readonly reports: readonly { readonly boot: number; readonly seq: number }[];
  readonly summary: readonly string[];
  readonly momentary: readonly string[];
  readonly chain: readonly { readonly type: string; readonly at: string; readonly sentence: string }[];
  readonly commands: readonly { readonly name: string; readonly accepted: boolean; readonly code: string }[];
  readonly timers: readonly { readonly name: string; readonly at: string }[];
}

describe.each(stores)('looking into the fleet over $name', (kind) => {
  let client: FleetClient;

  beforeAll(async () => {
    client = await FleetClient.over(kind);
  });
  afterAll(() => client.end());

  const get = async (url: string): Promise<Body> => JSON.parse((await client.get(url)).text) as Body;
  const positions = async (query: string): Promise<readonly string[]> =>
    (await get(`/v1/devices/cp-001/reports?${query}`)).reports.map(
      ({ boot, seq }) => `${String(boot)}/${String(seq)}`,
    );

  describe('the list of devices', () => {
    const ids = async (query: string): Promise<readonly unknown[]> =>
      (await get(`/v1/devices?${query}`)).devices.map(({ device }) => device);

    test.each([
      ['pending=true', ['cp-001']],
      ['pending=false', ['car-001', 'cp-002', 'kiosk-001']],
      ['staleForMs=60001', ['car-001', 'cp-002']],
      ['q=001', ['car-001', 'cp-001', 'kiosk-001']],
      ['q=CAR', ['car-001']],
      ['suspicion=divergence', []],
      ['sort=-id', ['kiosk-001', 'cp-002', 'cp-001', 'car-001']],
      ['sort=ageMs', ['cp-001', 'kiosk-001', 'cp-002', 'car-001']],
      ['sort=-ageMs', ['car-001', 'cp-002', 'kiosk-001', 'cp-001']],
      ['sort=-lastContact&kind=charge-point', ['cp-001', 'cp-002']],
    ])('finds and sorts by %s', async (query, expected) => {
      expect(await ids(query)).toEqual(expected);
    });

    test('says how many there are, on whatever page', async () => {
      const first = await get('/v1/devices?limit=1&sort=since');
      expect(first).toMatchObject({ total: 4, totalIsExact: true });
      const second = await get(first.next!);
      expect(second.total).toBe(4);
      expect(second.devices[0]).not.toEqual(first.devices[0]);
      expect(await get('/v1/devices?total=false')).toMatchObject({ total: null, totalIsExact: null });
    });

    test('shows only the members asked for', async () => {
      const { devices } = await get('/v1/devices?fields=device,state&limit=1');
      expect(devices).toEqual([{ device: 'car-001', state: 'offline' }]);
      expect(await get('/v1/devices?fields=colour')).toMatchObject({
        code: 'bad-query',
        parameter: 'fields',
      });
    });

    test.each(['sort=-since&cursor=cp-001', 'cursor=12~cp-001', 'sort=since&cursor=x~y', 'sort=colour'])(
      'takes only what it gave out: %s',
      async (query) => {
        expect(await get(`/v1/devices?${query}`)).toMatchObject({ code: 'bad-query' });
      },
    );
  });

  describe('reports', () => {
    test('come newest first when asked so, page by page', async () => {
      expect(await positions('order=newest')).toEqual([
        '4/4',
        '4/3',
        '4/2',
        '4/1',
        '3/5',
        '3/3',
        '3/2',
        '3/1',
      ]);
      const first = await get('/v1/devices/cp-001/reports?order=newest&limit=5');
      const second = await get(first.next!);
      expect(second.reports.map(({ seq }) => seq)).toEqual([3, 2, 1]);
    });

    test('of the last minutes, before now or before a time', async () => {
      expect(await positions('last=16m')).toEqual(['4/3', '4/4']);
      expect(await positions(`last=20m&before=${time(-15)}`)).toEqual(['4/1', '4/2']);
      expect(await positions(`last=20m&before=${time(-15)}&order=newest`)).toEqual(['4/2', '4/1']);
      expect(await get('/v1/devices/cp-001/reports?last=soon')).toMatchObject({ parameter: 'last' });
      const twice = await get(`/v1/devices/cp-001/reports?last=5m&from=${time(-15)}`);
      expect(twice).toMatchObject({ code: 'bad-query', parameter: 'last' });
    });
  });

  test('one command of the ledger is found by its id', async () => {
    expect(await get(`/v1/devices/cp-001/commands/${REJECTED_ID.toUpperCase()}`)).toMatchObject({
      id: REJECTED_ID,
      name: 'stop',
      outcome: 'rejected',
      reason: 'busy',
    });
    const other = await get(`/v1/devices/cp-002/commands/${REJECTED_ID}`);
    expect(other.code).toBe('unknown-id');
  });

  describe('a device at a time', () => {
    test('was believed one thing then, and is known to have been another', async () => {
      // The report that it charged, 70 minutes ago, came 51 minutes late.
      const body = await get(`/v1/devices/cp-001/at?time=${time(-70)}`);
      expect(body.knownThen).toMatchObject({
        state: 'available',
        cause: { type: 'report' },
        since: time(-90),
        report: { boot: 3, seq: 2, disposition: 'latest', fate: 'news' },
      });
      expect(body.knownNow).toMatchObject({
        state: 'charging',
        silent: false,
        measuredAt: time(-70),
        report: { boot: 3, seq: 3, fate: 'late', receivedAt: time(-19) },
        next: { state: 'available', measuredAt: time(-50) },
      });
    });

    test('in a silence, or since one began, is not what it said before', async () => {
      const between = await get(`/v1/devices/cp-001/at?time=${time(-69)}`);
      expect(between.knownNow).toMatchObject({
        state: 'silent',
        silent: true,
        measuredAt: time(-70),
        report: { state: 'charging' },
        next: { state: 'available', measuredAt: time(-50) },
      });
      const since = await get(`/v1/devices/car-001/at?time=${time(-5)}`);
      expect(since.knownNow).toMatchObject({ state: 'silent', silent: true, next: null });
    });

    test('in the future is not known, and a caller whose clock is a little ahead asks for now', async () => {
      const future = await get(`/v1/devices/cp-001/at?time=${time(60)}`);
      expect(future).toMatchObject({ code: 'bad-query', parameter: 'time' });
      expect(future.detail).toContain('lies in the future');
      const ahead = await get(`/v1/devices/cp-001/at?time=${time(0.05)}`);
      expect(ahead).toMatchObject({ time: time(0), knownNow: { state: 'charging' } });
      const window = `from=${time(60)}&to=${time(120)}`;
      expect((await get(`/v1/devices/cp-001/timeline?${window}`)).intervals).toEqual([]);
    });

    test('before anything was heard of it is nothing known', async () => {
      const body = await get(`/v1/devices/cp-001/at?time=${time(-1000)}`);
      expect(body.knownThen).toMatchObject({ state: 'offline', since: null, cause: null, report: null });
      expect(body.knownNow).toMatchObject({ state: null, report: null, next: { measuredAt: time(-90) } });
    });
  });

  describe('why', () => {
    test('a device is in its state, with the commands that would be accepted', async () => {
      const body = await get('/v1/devices/cp-001/explain');
      expect(body).toMatchObject({
        state: 'charging',
        path: 'charging.delivering',
        quality: 'fresh',
        at: time(0),
      });
      expect(body.summary.slice(0, 2)).toEqual([
        expect.stringMatching(
          /^cp-001 is charging \(charging\.delivering\), because it says charging \(report /,
        ),
        `It is so since ${time(-20)}.`,
      ]);
      expect(body.momentary.map((sentence) => sentence.split(':')[0])).toEqual([
        'The knowledge is proved fresh',
        'It accepts no command now.',
      ]);
      expect(body.summary).toEqual(expect.arrayContaining([...body.momentary]));
      expect(body.chain.map(({ type }) => type)).toEqual([
        'report',
        'command',
        'command',
        'report',
        'clock',
        'command',
        'command',
      ]);
      expect(body.chain.find(({ sentence }) => sentence.includes('rejected'))).toMatchObject({
        commandId: REJECTED_ID,
      });
      expect(body.chain.at(-1)).toMatchObject({ commandId: PENDING_ID, at: rfc3339(NOW - SECOND) });
      expect(body.commands.find(({ name }) => name === 'reserve')).toMatchObject({
        accepted: false,
        code: 'illegal-state',
      });
      expect(body.commands.find(({ name }) => name === 'stop')).toMatchObject({
        accepted: false,
        code: 'pending',
      });
      expect(body.timers.map(({ name }) => name)).toEqual(['probe-timeout', 'resend', 'silence']);
    });

    test('a device is silent, from the last certain point on', async () => {
      const body = await get('/v1/devices/car-001/explain');
      expect(body.chain.map(({ type }) => type)).toContain('silence');
      expect(body.chain[0]).toMatchObject({ type: 'report', to: 'rented.driving' });
      expect(body.commands.filter(({ accepted }) => accepted).map(({ name }) => name)).toEqual([
        'report',
        'renew-identity',
      ]);
      expect(body.commands.find(({ name }) => name === 'reserve')).toMatchObject({ code: 'offline' });
      expect(body.timers).toEqual([]);
    });

    test('a command has to wait for proof', async () => {
      const body = await get('/v1/devices/cp-002/explain');
      expect(body.commands.find(({ name }) => name === 'reserve')).toMatchObject({
        accepted: true,
        code: 'needs-proof',
      });
      expect(body.clock).toMatchObject({ verified: false, errorMs: null });
    });
  });

  test('the nodes are told from the leases, and what only this one knows apart', async () => {
    const body = await get('/v1/nodes');
    const streamSequences = Object.fromEntries(THIS_NODE.streamSequences!);
    expect(streamSequences).toEqual({ 'DEVICES-depot': 1_000 });
    const nodes = [{ node: 'a-node', isThisNode: true, behindMessages: 999 }];
    expect(body).toMatchObject({ nodes, streamSequences, thisNode: { ...THIS_NODE, streamSequences } });
    expect(body.unowned).toEqual([]);
  });

  test('the kinds say what their devices are', async () => {
    const { kinds } = await get('/v1/kinds');
    expect(kinds).toMatchObject([{ kind: 'charge-point' }, { kind: 'car' }, { kind: 'kiosk' }]);
    expect(await get('/v1/kinds/car')).toMatchObject({ kind: 'car', limits: { silenceMs: 900_000 } });
    expect(await get('/v1/kinds/tram')).toMatchObject({ code: 'no-such-kind' });
  });

  describe('machines', () => {
    test('are told as data, as Mermaid and as a drawing', async () => {
      const machine = await get('/v1/kinds/charge-point/machine');
      expect(machine).toMatchObject({ kind: 'charge-point', initial: 'offline' });
      expect(machine.transitions).toContainEqual({
        from: 'reserved.waiting',
        event: 'expiry',
        to: 'available.idle',
      });
      expect(machine.states).toContainEqual({
        path: 'charging.suspended',
        name: 'suspended',
        parent: 'charging',
        accepts: ['stop', 'report', 'reboot'],
      });
      const mermaid = await client.get('/v1/kinds/car/machine', { accept: 'text/vnd.mermaid' });
      expect(mermaid.text).toMatch(/^stateDiagram-v2\n {2}\[\*\] --> s_offline\n/);
      const svg = await client.get('/v1/kinds/car/machine?format=svg');
      expect(svg.type).toContain('image/svg+xml');
      expect(svg.text).toContain('<title>The states of a car</title>');
      expect(await get('/v1/kinds/car/machine?format=png')).toMatchObject({ code: 'bad-query' });
      expect(await get('/v1/kinds/tram/machine')).toMatchObject({ code: 'no-such-kind' });
    });

    test('are drawn with the state of a device lit and its last transition marked', async () => {
      const { text } = await client.get('/v1/devices/cp-001/machine.svg');
      expect(text).toContain('<title>cp-001 is charging (charging.delivering)</title>');
      expect(/class="state lit" data-path="([^"]+)"/.exec(text)?.[1]).toBe('charging.delivering');
      expect(/class="state group around" data-path="([^"]+)"/.exec(text)?.[1]).toBe('charging');
      expect(text).toContain('the last transition: from available.idle to charging.delivering');
      expect(text).not.toMatch(/https?:\/\/(?!www\.w3\.org\/2000\/svg)|<script/);
    });
  });

  test('nothing was sent that could not be read', async () => {
    expect(await get('/v1/deadletters?device=cp-001')).toEqual({ deadLetters: [], cursor: null, next: null });
    expect(await get('/v1/deadletters?cursor=x')).toMatchObject({ code: 'bad-query', parameter: 'cursor' });
  });

  test('of a device for which nobody decides, or whose owner takes no commands, none would be accepted', async () => {
    const { store } = client.opened;
    const prospects = async (): Promise<string> =>
      JSON.stringify((await client.get('/v1/devices/cp-002/explain')).body);
    const { leases } = client;
    expect(await prospects()).toContain('"accepted":true');
    await store.renew({ node: 'a-node', ttlMs: 3_600_000, leases, refuses: 'its clock is wrong' });
    expect(await prospects()).not.toContain('"accepted":true');
    expect(await prospects()).toContain(
      'reserve would be refused: the node that decides for the device, a-node, accepts none: its clock is wrong.',
    );
    await store.release(leases);
    expect(await prospects()).not.toContain('"accepted":true');
    expect(await prospects()).toContain('reserve would be refused: no node decides for the device now.');
  });
});
