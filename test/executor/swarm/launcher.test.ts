import { describe } from 'vitest';
import { swarmEngine } from '../../../src/executor/swarm/description.ts';
import { launcherConformance } from '../../conformance/launcher.ts';
import { swarmMissing } from '../../support/swarm.ts';
import { swarmHarness } from './harness.ts';

const missing = swarmMissing();

describe.skipIf(missing !== null)(
  `on a real Swarm${missing === null ? '' : ` (skipped: ${missing})`}`,
  () => {
    launcherConformance(swarmEngine, swarmHarness, {
      skips: {
        secrets: 'managers show the environment of a service to whoever may ask them',
        leftover: 'a service is started by being created',
      },
    });
  },
);
