/**
 * How the tests run. Tests that need real servers are a project of their own, so that `vitest run --project unit`
 * answers at once and only a run that needs Postgres starts it.
 */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    pool: 'forks',
    // Most of the time the tests with servers wait for a server: two files at once suit two cores.
    maxWorkers: 2,
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
          globalSetup: ['./test/global-setup.ts'],
        },
      },
    ],
  },
});
