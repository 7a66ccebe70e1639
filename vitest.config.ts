import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Nothing of one of these files stays for the next, so they share their modules, which take longer to load than to test. */
const shared = ['dag', 'scheduler', 'property', 'job-file', 'api', 'cli'].map((room) => `test/${room}/**/*.test.ts`);

/**
 * What loses nodes, or watches a page live, is judged by the clock: beside other tests it would be judged for their load.
 * These mostly wait, for other things, and share the machine. The last one has it for itself.
 */
const waiting = ['executor/swarm/faults', 'web/journey', 'e2e/ssh'].map((name) => `test/${name}.test.ts`);
const alone = ['test/chaos/chaos.test.ts'];

/** Over half a minute each: one that begins last would keep one core waiting. */
const slow = ['sim/sim', 'web/fuzz', 'web/pages', 'e2e/cluster', 'e2e/backup', 'executor/process/crash-points'];

class SlowestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const at = slow.findIndex((name) => moduleId.endsWith(`/test/${name}.test.ts`));
      return at < 0 ? slow.length : at;
    };
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
  }
}

export const common = {
  setupFiles: ['test/support/leave-nothing.ts'],
  // What a test lets the program start reads TypeScript too.
  execArgv: ['--import', 'tsx'],
  // Ends a hang; nothing is judged by it.
  testTimeout: 60_000,
  hookTimeout: 120_000,
  expect: { poll: { timeout: 15_000 } },
};

export default defineConfig({
  test: {
    globalSetup: ['test/support/program.ts'],
    // Two cores: more workers only make each test slower.
    maxWorkers: 2,
    sequence: { sequencer: SlowestFirst },
    projects: [
      { test: { ...common, name: 'shared', include: shared, isolate: false } },
      {
        test: {
          ...common,
          name: 'isolated',
          include: ['test/**/*.test.ts'],
          exclude: [...shared, ...waiting, ...alone, '**/node_modules/**'],
        },
      },
      { test: { ...common, name: 'waiting', include: waiting } },
      { test: { ...common, name: 'alone', include: alone } },
    ],
  },
});
