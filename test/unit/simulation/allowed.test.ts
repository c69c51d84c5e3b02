/**
 * What is judged of a document that allows less than its twin would: for how long the node may keep to itself.
 */
import { expect, test } from 'vitest';
import { chargePoint } from '../../../machines/charge-point.ts';
import type { Twin } from '../../../actors/twin.ts';
import { allowed } from '../../simulation/checkers/allowed.ts';
import { WorldRecord } from '../../simulation/record.ts';
import type { Evidence } from '../../simulation/world/evidence.ts';

const MINUTE = 60_000;
const DEVICE = 'cp-1';
/** The stream ended there when the node began to read. */
const END = 10;

/** A node begins to read, has read all after a second, and commits positions at these times; then it says that only `report` is allowed. */
function flawsAt(
  minutes: number,
  commits: readonly (readonly [minutes: number, position: number])[],
): number {
  const record = new WorldRecord();
  record.devices.set(DEVICE, { device: DEVICE, kind: chargePoint });
  record.readings.push({
    node: 'node-1',
    openedAt: 0,
    heldAtFirst: END,
    readThroughAt: 1_000,
    endedAt: null,
  });
  for (const [at, position] of commits) record.commits.push(commitOf(at * MINUTE, position));
  const request = {
    device: DEVICE,
    operation: 'get',
    name: null,
    args: {},
    id: null,
    ifVersion: null,
  } as const;
  const at = minutes * MINUTE;
  record.said.push({ node: 'node-1', request: { ...request, at }, at, atServer: at, body: document });
  const evidence = { record, weather: { hasWrongClocks: false } } as Evidence;
  return allowed.check(evidence).length;
}

const document = {
  device: DEVICE,
  version: 1,
  path: 'available',
  allowed: ['report'],
  pending: [],
  suspicions: [],
  via: null,
  sequence: { boot: 1 },
};

function commitOf(at: number, position: number): WorldRecord['commits'][number] {
  const advance = { partition: 1, epoch: 1, afterBatch: 0, journal: 0, published: 0, backlog: null };
  const positions = [{ stream: 'DEVICES-depot', made: 'made-1', position }];
  const twin = { device: DEVICE, version: 1, open: [], waiting: [] } as unknown as Twin;
  const partitions = [{ ...advance, positions }];
  const commit = { partitions, twins: [twin], reports: [], ledger: [], journal: [], clocks: [] };
  return { at, node: 'node-1', commit, lostAt: null };
}

test('a node that has decided what it found allows all that its twins do', () => {
  expect(flawsAt(3, [[1, END]])).toBeGreaterThan(0);
  expect(flawsAt(3, [[-1, END]])).toBeGreaterThan(0);
});

test('a node that has read what it found, and not decided it yet, may keep to itself', () => {
  expect(flawsAt(3, [[1, END - 1]])).toBe(0);
  expect(flawsAt(3, [[2.5, END]])).toBe(0);
});
