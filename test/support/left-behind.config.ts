import { defineConfig } from 'vitest/config';
import config from '../../vitest.config.ts';

// Not merged: that would add the file to all others.
export default defineConfig({ test: { ...config.test, include: ['test/support/left-behind.ts'] } });
