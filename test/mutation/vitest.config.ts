import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/{scheduler,dag,property}/**/*.test.ts'],
    setupFiles: ['test/mutation/few-runs.ts'],
    isolate: false,
    testTimeout: 60_000,
  },
});
