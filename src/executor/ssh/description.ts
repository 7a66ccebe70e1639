/** The description of the ssh engine. */

import { setting, text } from '../../setting.ts';
import type { EngineWith } from '../engine.ts';
import { onlyDescriptors } from '../supervisor/file.ts';
import { abilities } from './abilities.ts';
import { readHosts, SshLauncher } from './engine.ts';

const settings = {
  sshHosts: setting(
    text('file', 'the path of a file'),
    null,
    'File of the hosts that run processes through SSH. It is read again when it changes.',
  ),
};

export const sshEngine: EngineWith<typeof settings> = {
  name: 'ssh',
  abilities,
  settings,
  enabledBy: 'sshHosts',
  perNode: false,
  tombstoneMs: 60_000,
  async create(parts, { sshHosts: path }) {
    if (path === null) return null;
    const { installation, clock, log, logs, secrets, logBytesPerStream: logBytes } = parts;
    const { environment, supervisor } = parts;
    const bare = (argv: readonly [string, ...string[]]) => onlyDescriptors(supervisor, 3, argv);
    const listed = await readHosts(path);
    return {
      launcher: new SshLauncher(
        { installation, clock, log, logs, secrets, logBytes, environment, bare, path },
        listed,
      ),
      concurrency: null,
      startsInFlight: 64,
      address: path,
    };
  },
};
