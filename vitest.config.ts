import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/program.ts'],
    setupFiles: ['test/support/leave-nothing.ts'],
    // Two cores: more workers only make each test slower.
    maxWorkers: 2,
    // What a test lets the program start reads TypeScript too.
    execArgv: ['--import', 'tsx'],
    // Ends a hang; nothing is judged by it.
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
