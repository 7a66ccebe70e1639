/** Jobs on a host that only SSH reaches: a real server, in a network of its own. */

import { afterAll, beforeAll, describe } from 'vitest';
import { sshEngine } from '../../../src/executor/ssh/description.ts';
import { launcherConformance } from '../../conformance/launcher.ts';
import { SshHosts, sshMissing } from '../../support/ssh-hosts.ts';
import { harnessOn } from './harness.ts';

describe.skipIf(sshMissing() !== null)('over SSH', () => {
  const hosts = new SshHosts(['one']);
  beforeAll(() => hosts.start());
  afterAll(() => hosts.stop());

  launcherConformance(sshEngine, async () => harnessOn(hosts, 'one'));
});
