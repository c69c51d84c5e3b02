/**
 * What the binary sensors of a device were: in whatever order its reports come, and also where none came.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chargePoint } from '../../machines/charge-point.ts';
import type { Report } from '../../machines/report.ts';
import { commitLives, heard, live, MINUTE, NOW } from './http-fleet.ts';
import { type HttpNode, httpOver, StandingClock } from './http-node.ts';
import { type OpenStore, stores } from './http-stores.ts';

interface Page {
  readonly began: readonly { readonly sensor: string; readonly value: boolean; readonly from: string }[];
  readonly changes: readonly {
    readonly sensor: string;
    readonly value: boolean;
    readonly at: string;
    readonly notBefore: string;
    readonly inferred: boolean;
  }[];
  readonly next: string | null;
}

/** Of an hour: the cable is plugged in and out every two minutes, and each change is reported at once. */
const REPORTS: readonly Report[] = Array.from({ length: 30 }, (_, index) => {
  const up = index * 2 * MINUTE;
  return {
    boot: 1,
    seq: index + 1,
    up,
    state: 'available',
    sensors: { cableConnected: index % 2 === 1, hatchOpen: true },
    since: { cableConnected: index === 0 ? up : 0, hatchOpen: up },
  };
});
const END = REPORTS.at(-1)!.up;

describe.each(stores)('the sensors of a device, shown over $name,', ({ open }) => {
  let opened: OpenStore;
  let node: HttpNode;

  beforeAll(async () => {
    opened = await open(new StandingClock());
    node = await httpOver(opened.store, opened.clock);
  });
  afterAll(async () => {
    await node.app.close();
    await opened.end();
  });

  async function deliver(device: string, reports: readonly Report[]): Promise<void> {
    const delivered = reports.map((report, index) => heard(NOW - MINUTE + index, report));
    await commitLives(opened.store, [live({ id: device, kind: chargePoint, site: 'depot' }, delivered)]);
  }

  async function pagesOf(path: string): Promise<readonly Page[]> {
    const pages: Page[] = [];
    for (let next: string | null = path; next !== null; next = pages.at(-1)!.next) {
      const { body }: { body: string } = await node.app.inject(next);
      pages.push(JSON.parse(body) as Page);
    }
    return pages;
  }

  /** `+12 inferred`: plugged in at minute 12 of the hour that ends with the last report, and no report came for it. */
  async function changesOf(device: string, query = ''): Promise<readonly string[]> {
    const pages = await pagesOf(`/v1/devices/${device}/sensors${query}`);
    const changes = pages.flatMap((page) => page.changes);
    const last = Date.parse(changes.at(-1)!.at);
    const minute = (time: string): string => String((Date.parse(time) - last + END) / MINUTE);
    return changes.map(({ value, at, notBefore, inferred }) => {
      const when = at === notBefore ? minute(at) : `${minute(notBefore)}..${minute(at)}`;
      return `${value ? '+' : '-'}${when}${inferred ? ' inferred' : ''}`;
    });
  }

  test.each([
    ['the-current-report-first', [REPORTS.at(-1)!, ...REPORTS.slice(0, -1)]],
    ['the-oldest-first', REPORTS],
    ['the-newest-first', REPORTS.toReversed()],
  ])('%s, change when the device said so', async (device, reports) => {
    await deliver(device, reports);
    const expected = REPORTS.slice(1).map(
      ({ sensors, up }) => `${sensors.cableConnected === true ? '+' : '-'}${String(up / MINUTE)}`,
    );
    expect(await changesOf(device)).toEqual(expected);
    expect(await changesOf(device, '?limit=4'), 'in pages').toEqual(expected);
    const [first] = await pagesOf(`/v1/devices/${device}/sensors?limit=4`);
    expect(first!.began).toMatchObject([
      { sensor: 'hatchOpen', value: true },
      { sensor: 'cableConnected', value: false },
    ]);
  });

  test('are restored where no report came, until it comes after all', async () => {
    const lost = [10, 11, 20];
    await deliver(
      'lossy',
      REPORTS.filter((_, index) => !lost.includes(index)),
    );
    const changes = await changesOf('lossy');
    expect(changes.slice(8)).toEqual([
      '+18',
      '-24',
      '+26',
      '-28',
      '+30',
      '-32',
      '+34',
      '-36',
      '+38',
      '-38..42 inferred',
      '+42',
      '-44',
      '+46',
      '-48',
      '+50',
      '-52',
      '+54',
      '-56',
      '+58',
    ]);
    await deliver('lossless', [
      ...REPORTS.filter((_, index) => !lost.includes(index)),
      ...lost.map((index) => REPORTS[index]!),
    ]);
    expect((await changesOf('lossless')).filter((change) => change.endsWith('inferred'))).toEqual([]);
  });

  test('of a window begin with what they were then', async () => {
    await deliver('windowed', REPORTS);
    const [{ changes }] = (await pagesOf('/v1/devices/windowed/sensors')) as [Page];
    const [from, to] = [changes[9]!.at, changes[12]!.at];
    const [page] = (await pagesOf(`/v1/devices/windowed/sensors?from=${from}&to=${to}`)) as [Page];
    expect(page.changes).toEqual(changes.slice(9, 12));
    expect(page.began).toContainEqual({ sensor: 'cableConnected', value: !changes[9]!.value, from });
  });

  test('are not told by a cursor that nobody gave out', async () => {
    const { statusCode, body } = await node.app.inject('/v1/devices/windowed/sensors?cursor=1');
    expect({ statusCode, body }).toMatchObject({
      statusCode: 400,
      body: expect.stringContaining('bad-query') as string,
    });
  });
});
