/** Swarm launchers over one private Swarm, for the conformance suite and the tests beside it. */

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { realClock } from '../../src/clock.ts';
import { createRunLogs } from '../../src/executor/run-logs.ts';
import { createSwarmLauncher, type SwarmLauncherOptions } from '../../src/executor/swarm.ts';
import type { Launcher, Log } from '../../src/scheduler/ports.ts';
import { type LaunchSpec, plainContainer } from '../../src/scheduler/spec.ts';
import type { LauncherHarness } from '../conformance/launcher.ts';
import { Swarm } from '../support/swarm.ts';
import { dockerSpec } from './docker-harness.ts';

export interface SwarmHarness extends LauncherHarness {
  readonly swarm: Swarm;
  readonly dir: string;
  /** Log lines of all launchers. */
  readonly logged: string[];
  create(options?: Partial<SwarmLauncherOptions>): Launcher;
}

export async function swarmHarness(): Promise<SwarmHarness> {
  const dir = mkdtempSync(join(tmpdir(), 'carillon-swarm-'));
  const traces = join(dir, 'traces');
  mkdirSync(traces);
  const swarm = new Swarm();
  await swarm.start();
  const logged: string[] = [];
  const write = (fields: object, event: string) => void logged.push(`${event} ${JSON.stringify(fields)}`);
  const log: Log = { debug: write, info: write, warn: write, error: write };
  const create: SwarmHarness['create'] = (options = {}) =>
    createSwarmLauncher({
      hosts: swarm.hosts.split(','),
      cluster: 'conformance',
      clock: realClock,
      log,
      logs: createRunLogs({ dir: join(dir, 'logs'), clock: realClock }),
      ...options,
    });
  return {
    swarm,
    dir,
    logged,
    traces,
    tracesInJob: '/traces',
    create,
    createLauncher: (cluster = 'conformance') => create({ cluster }),
    spec: (script, overrides) => swarmSpec(script, { volumes: [`${traces}:/traces`], ...overrides }),
    leaveCreated: () => Promise.reject(new Error('a service is started by being created')),
    async everythingKept(launchName) {
      const client = await swarm.client();
      return JSON.stringify(await client.getService(launchName).inspect());
    },
    async close() {
      const client = await swarm.client();
      const left = await client.listServices();
      await swarm.stop();
      rmSync(dir, { recursive: true, force: true });
      expect(left.map(({ Spec }) => Spec?.Name)).toEqual([]);
    },
  };
}

/** On the node's own network: making another one for each job is slow. */
export function swarmSpec(script: string, overrides: Partial<LaunchSpec> = {}): LaunchSpec {
  const container = { ...plainContainer, networks: ['host'], stopGraceMs: 3_000, ...overrides.container };
  return dockerSpec(script, { engine: 'swarm', ...overrides, container });
}
