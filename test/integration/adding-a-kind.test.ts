/** The kind that docs/adding-a-kind.md adds: the text is the code, and the code works on real servers. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { kinds } from '../../machines/kinds.ts';
import { projectFolder } from '../../tools/dev/project-folders.ts';
import { barrier } from '../devices/barrier.ts';
import { startNodeWithKinds } from '../nodes/node-with-kinds.ts';
import { World } from '../servers/world.ts';

let world: World;

beforeAll(async () => {
  world = await World.start();
  await startNodeWithKinds(world, [...kinds, barrier]);
});

afterAll(() => world.end());

const body = {
  state: 'available',
  sensors: { armUp: false, armDown: true, vehicleUnderArm: false, armCycles: 17 },
  since: {},
};

describe('the kind of docs/adding-a-kind.md', () => {
  test('stands there as it is tested here', () => {
    const text = readFileSync(join(projectFolder, 'docs/adding-a-kind.md'), 'utf8');
    const code = readFileSync(join(projectFolder, 'test/devices/barrier.ts'), 'utf8').replaceAll(
      "'../../machines/",
      "'./",
    );
    expect(text).toContain(`\`\`\`ts\n${code}\`\`\``);
  });

  test('shares no sensor with another one', () => {
    const taken = kinds.flatMap(({ sensors }) => Object.keys(sensors.properties));
    expect(Object.keys(barrier.sensors.properties).filter((sensor) => taken.includes(sensor))).toEqual([]);
  });

  test('is told apart by its sensors, and its devices are commanded', async () => {
    const gate = await world.newDevice({ device: 'gate-1' });
    gate.body = body;
    await gate.report();
    await world.backend.untilDocument('gate-1', 'its clock is verified', ({ clock }) =>
      Boolean((clock as { verified?: boolean } | undefined)?.verified),
    );
    expect(await world.backend.get('gate-1')).toMatchObject({ kind: 'barrier', path: 'available' });
    expect(await world.backend.command('gate-1', 'open', {})).toMatchObject({ outcome: 'done' });
    await gate.report({
      state: 'open',
      sensors: { ...body.sensors, armUp: true, armDown: false, vehicleUnderArm: true },
    });
    await world.backend.untilDocument('gate-1', 'a vehicle passes', ({ path }) => path === 'open.passing');
    expect(await world.backend.command('gate-1', 'reserve', {})).toMatchObject({
      outcome: 'refused',
      code: 'illegal-state',
    });
  });

  test('is suspect where its arm is in two places', async () => {
    const gate = await world.newDevice({ device: 'gate-2', upMs: 60_000 });
    gate.body = {
      ...body,
      since: { armUp: 30_000, armDown: 40_000 },
      sensors: { ...body.sensors, armUp: true },
    };
    await gate.report();
    const document = await world.backend.untilDocument(
      'gate-2',
      'it is suspect',
      ({ state }) => state === 'suspect',
    );
    expect(document).toMatchObject({ suspicions: [{ reason: 'arm-in-two-places' }] });
  });
});
