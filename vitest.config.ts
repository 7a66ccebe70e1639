import { defineConfig } from 'vitest/config';

/** Nothing of one of these files stays for the next, so they share their modules, which take longer to load than to test. */
const shared = ['dag', 'scheduler', 'property', 'job-file', 'api', 'cli'].map((room) => `test/${room}/**/*.test.ts`);

/** What loses nodes, or watches a page live, is judged by the clock: beside other tests it would be judged for their load. */
const alone = ['test/web/journey.test.ts', 'test/executor/swarm/faults.test.ts', 'test/chaos/chaos.test.ts'];

export const common = {
  setupFiles: ['test/support/leave-nothing.ts'],
  // What a test lets the program start reads TypeScript too.
  execArgv: ['--import', 'tsx'],
  // Ends a hang; nothing is judged by it.
  testTimeout: 60_000,
  hookTimeout: 120_000,
};

export default defineConfig({
  test: {
    globalSetup: ['test/support/program.ts'],
    // Two cores: more workers only make each test slower.
    maxWorkers: 2,
    projects: [
      { test: { ...common, name: 'shared', include: shared, isolate: false } },
      {
        test: {
          ...common,
          name: 'isolated',
          include: ['test/**/*.test.ts'],
          exclude: [...shared, ...alone, '**/node_modules/**'],
        },
      },
      { test: { ...common, name: 'alone', include: alone } },
    ],
  },
});
