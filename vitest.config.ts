/**
 * How the tests run. Tests that need real servers are a project of their own, so that `vitest run --project unit`
 * answers at once and only a run that needs Postgres starts it.
 */
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** A world in front of so many other files. */
const OTHERS = 12;

/**
 * Simulated worlds compute all the time, and take minutes; tests with servers wait a good part of theirs. So they run side by side: worlds
 * are spread over the others, and none of them is left alone at the end.
 */
class WorldsBetweenOthers extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isWorld = ({ moduleId }: TestSpecification): boolean => moduleId.includes('/test/simulation/');
    const sorted = await super.sort(files);
    const worlds = sorted.filter(isWorld);
    const spread = sorted
      .filter((file) => !isWorld(file))
      .flatMap((file, index) => (index % OTHERS === 0 ? [...worlds.splice(0, 1), file] : [file]));
    return [...spread, ...worlds];
  }
}

export default defineConfig({
  test: {
    pool: 'forks',
    // A good part of the time the tests with servers wait for a server: three files at once suit two cores.
    maxWorkers: 3,
    sequence: { sequencer: WorldsBetweenOthers },
    // A machine may be as busy as it likes: a test that takes so long hangs.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    teardownTimeout: 30_000,
    reporters: ['default'],
    projects: [
      { extends: true, test: { name: 'unit', include: ['test/unit/**/*.test.ts'] } },
      {
        extends: true,
        test: { name: 'simulation', include: ['test/simulation/**/*.test.ts'] },
      },
      {
        extends: true,
        test: {
          name: 'servers',
          include: ['test/{contract,integration,page,storm}/**/*.test.ts'],
          globalSetup: ['./test/servers/global-setup.ts'],
        },
      },
    ],
  },
});
