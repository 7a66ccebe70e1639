import { describe } from 'vitest';
import { dockerEngine } from '../../../src/executor/docker/description.ts';
import { launcherConformance } from '../../conformance/launcher.ts';
import { dockerdMissing } from '../../support/dockerd.ts';
import { dockerHarness } from './harness.ts';

const missing = dockerdMissing();

describe.skipIf(missing !== null)(
  `on a real engine${missing === null ? '' : ` (skipped: ${missing})`}`,
  () => {
    launcherConformance(dockerEngine, dockerHarness, {
      skips: { secrets: 'an engine shows the environment of a container to whoever may inspect it' },
    });
  },
);
