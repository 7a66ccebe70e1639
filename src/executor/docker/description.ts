/** The description of the docker engine. */

import { existsSync } from 'node:fs';
import { matching, setting, whole } from '../../setting.ts';
import { clientParts, clientSettings } from '../container/client-settings.ts';
import type { EngineWith } from '../engine.ts';
import { abilities } from './abilities.ts';
import { createDockerLauncher } from './launcher.ts';

const socket = '/var/run/docker.sock';

const settings = {
  dockerHost: setting(
    matching(
      /^(unix:\/\/\/|tcp:\/\/|http:\/\/|https:\/\/)\S+$/,
      'url',
      'unix:///path, tcp://host:port, http://… or https://…',
    ),
    null,
    `Docker Engine for jobs with an image. Default: ${socket}, if it exists.`,
    () => (existsSync(socket) ? `unix://${socket}` : null),
  ),
  ...clientSettings,
  dockerConcurrency: setting(whole(1, 100_000), 128, 'Maximum concurrent containers on Docker.'),
  dockerStarts: setting<number | null>(
    whole(1, 10_000),
    null,
    'Maximum concurrent starts on Docker, if its machine differs from this one. Recommended: 2 per ' +
      'core of that machine.',
  ),
};

export const dockerEngine: EngineWith<typeof settings> = {
  name: 'docker',
  abilities,
  settings,
  enabledBy: 'dockerHost',
  perNode: false,
  // Longer than a machine may be suspended and resume as if nothing had happened.
  tombstoneMs: 600_000,
  async create(parts, values) {
    const { dockerHost: host, dockerConcurrency, dockerStarts } = values;
    if (host === null) return null;
    const { installation, clock, log, logs, secrets } = parts;
    return {
      launcher: createDockerLauncher({
        host,
        installation,
        clock,
        log,
        logs,
        secrets,
        ...clientParts(parts, values),
      }),
      concurrency: dockerConcurrency,
      ...(dockerStarts !== null && { startsInFlight: dockerStarts }),
      address: host,
    };
  },
};
