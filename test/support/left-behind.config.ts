import { defineConfig } from 'vitest/config';
import { common } from '../../vitest.config.ts';

// A file that no project has.
export default defineConfig({ test: { ...common, include: ['test/support/left-behind.ts'] } });
