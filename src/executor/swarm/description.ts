/** The description of the swarm engine. */

import { matching, setting, whole } from '../../setting.ts';
import { clientParts, clientSettings } from '../container/client-settings.ts';
import type { EngineWith } from '../engine.ts';
import { abilities } from './abilities.ts';
import { createSwarmLauncher } from './launcher.ts';

const settings = {
  swarmHost: setting(
    matching(
      /^(unix:\/\/\/|tcp:\/\/|http:\/\/|https:\/\/)[^\s,]+(,(unix:\/\/\/|tcp:\/\/|http:\/\/|https:\/\/)[^\s,]+)*$/,
      'urls',
      'managers as tcp://host:port,tcp://host:port; also unix:///path, http://… and https://…',
    ),
    null,
    'Managers of a Docker Swarm for jobs with an image; if one is unavailable, the next is used.',
  ),
  ...clientSettings,
  swarmConcurrency: setting(whole(1, 100_000), 512, 'Maximum concurrent services in the Swarm.'),
};

export const swarmEngine: EngineWith<typeof settings> = {
  name: 'swarm',
  abilities,
  settings,
  enabledBy: 'swarmHost',
  perNode: false,
  // Longer than a machine may be suspended and resume as if nothing had happened.
  tombstoneMs: 600_000,
  // Starts run on its nodes; with three small nodes, more gained little.
  startsInFlight: 16,
  async create(parts, values) {
    const { swarmHost, swarmConcurrency } = values;
    if (swarmHost === null) return null;
    const { installation, clock, log, logs, secrets } = parts;
    const hosts = swarmHost.split(',');
    return {
      launcher: createSwarmLauncher({
        hosts,
        installation,
        clock,
        log,
        logs,
        secrets,
        ...clientParts(parts, values),
      }),
      concurrency: swarmConcurrency,
      address: swarmHost,
    };
  },
};
