/** Swarm launchers over one private Swarm, for the conformance suite and the tests beside it. */

import { expect } from 'vitest';
import { createSwarmLauncher, type SwarmLauncherParts } from '../../../src/executor/swarm/launcher.ts';
import { type LaunchSpec, plainContainer } from '../../../src/scheduler/job/spec.ts';
import type { Launcher } from '../../../src/scheduler/ports.ts';
import type { LauncherHarness } from '../../conformance/launcher.ts';
import { Swarm } from '../../support/swarm.ts';
import { dockerSpec } from '../docker/harness.ts';
import { type LauncherPlace, launcherPlace } from '../launcher-place.ts';

export interface SwarmHarness extends LauncherHarness, LauncherPlace {
  readonly swarm: Swarm;
  create(options?: Partial<SwarmLauncherParts>): Launcher;
}

export async function swarmHarness(): Promise<SwarmHarness> {
  const place = launcherPlace('swarm');
  const swarm = new Swarm();
  await swarm.start();
  const create: SwarmHarness['create'] = (options = {}) =>
    createSwarmLauncher({ hosts: swarm.hosts.split(','), ...place.options(), ...options });
  return {
    swarm,
    ...place,
    tracesInJob: '/traces',
    create,
    createLauncher: (installation = 'conformance') => create({ installation }),
    spec: (script, overrides) => swarmSpec(script, { volumes: [`${place.traces}:/traces`], ...overrides }),
    leaveCreated: () => Promise.reject(new Error('a service is started by being created')),
    async everythingKept(launchName) {
      const client = await swarm.client();
      return JSON.stringify(await client.getService(launchName).inspect());
    },
    async close() {
      const client = await swarm.client();
      const left = await client.listServices();
      await swarm.stop();
      place.remove();
      expect(left.map(({ Spec }) => Spec?.Name)).toEqual([]);
    },
  };
}

/** On the node's own network: making another one for each job is slow. */
export function swarmSpec(script: string, overrides: Partial<LaunchSpec> = {}): LaunchSpec {
  const container = { ...plainContainer, networks: ['host'], ...overrides.container };
  return dockerSpec(script, { engine: 'swarm', stopGraceMs: 3_000, ...overrides, container });
}
