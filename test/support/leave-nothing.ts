/** Set up for each test file: no server outlives it, also where a test failed before it ended its own. */

import { afterAll } from 'vitest';
import { endServers } from './server.ts';

afterAll(endServers);
