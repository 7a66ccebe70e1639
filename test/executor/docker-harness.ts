/** Docker launchers over one private engine, for the conformance suite and the tests beside it. */

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { realClock } from '../../src/clock.ts';
import { createDockerLauncher, type DockerLauncherOptions } from '../../src/executor/docker.ts';
import { dockerCreateRequest } from '../../src/executor/docker-request.ts';
import { createRunLogs } from '../../src/executor/run-logs.ts';
import type { Launcher, Log } from '../../src/scheduler/ports.ts';
import { type LaunchSpec, plainContainer } from '../../src/scheduler/spec.ts';
import type { LauncherHarness } from '../conformance/launcher.ts';
import { Dockerd, testImage } from '../support/dockerd.ts';

export interface DockerHarness extends LauncherHarness {
  readonly dockerd: Dockerd;
  readonly dir: string;
  /** Log lines of all launchers. */
  readonly logged: string[];
  create(options?: Partial<DockerLauncherOptions>): Launcher;
}

export interface EngineOptions {
  readonly args?: readonly string[];
  /** Room for images and containers. */
  readonly diskBytes?: number;
}

export async function dockerHarness({ args = [], diskBytes }: EngineOptions = {}): Promise<DockerHarness> {
  const dir = mkdtempSync(join(tmpdir(), 'carillon-docker-'));
  const traces = join(dir, 'traces');
  mkdirSync(traces);
  const dockerd = new Dockerd();
  if (diskBytes !== undefined) dockerd.boundDisk(diskBytes);
  await dockerd.start(...args);
  const logged: string[] = [];
  const write = (fields: object, event: string) => void logged.push(`${event} ${JSON.stringify(fields)}`);
  const log: Log = { debug: write, info: write, warn: write, error: write };
  const create: DockerHarness['create'] = (options = {}) =>
    createDockerLauncher({
      host: dockerd.host,
      cluster: 'conformance',
      clock: realClock,
      log,
      logs: createRunLogs({ dir: join(dir, 'logs'), clock: realClock }),
      ...options,
    });
  return {
    dockerd,
    dir,
    logged,
    traces,
    tracesInJob: '/traces',
    create,
    createLauncher: (cluster = 'conformance') => create({ cluster }),
    spec: (script, overrides) => dockerSpec(script, { volumes: [`${traces}:/traces`], ...overrides }),
    async leaveCreated(spec) {
      const request = dockerCreateRequest(spec, testImage, {});
      await dockerd.docker.createContainer(request as never);
    },
    async everythingKept(launchName) {
      return JSON.stringify(await dockerd.docker.getContainer(launchName).inspect());
    },
    async close() {
      const left = await dockerd.docker.listContainers({ all: true });
      await dockerd.stop();
      rmSync(dir, { recursive: true, force: true });
      expect(left.map(({ Names }) => Names)).toEqual([]);
    },
  };
}

export function dockerSpec(script: string, overrides: Partial<LaunchSpec> = {}): LaunchSpec {
  return {
    launchName: 'job',
    engine: 'docker',
    cluster: 'conformance',
    term: 1,
    job: 'job',
    run: 'run',
    attempt: 1,
    due: 0,
    image: testImage,
    argv: ['/bin/sh', '-c', script],
    env: {},
    secrets: {},
    workdir: null,
    user: null,
    cpus: null,
    memoryBytes: null,
    gpus: null,
    constraints: [],
    volumes: [],
    pull: 'missing',
    registrySecret: null,
    labels: {},
    container: plainContainer,
    ...overrides,
  };
}
