import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/support/leave-nothing.ts'],
    // Two cores: more workers only make each test slower.
    maxWorkers: 2,
    // What a test lets the program start reads TypeScript too.
    execArgv: ['--import', 'tsx'],
    testTimeout: 30_000,
    hookTimeout: 120_000,
  },
});
