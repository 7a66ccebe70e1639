/** Docker launchers over one private engine, for the conformance suite and the tests beside it. */

import { expect } from 'vitest';
import { createDockerLauncher, type DockerLauncherParts } from '../../../src/executor/docker/launcher.ts';
import { dockerCreateRequest } from '../../../src/executor/docker/request.ts';
import type { LaunchSpec } from '../../../src/scheduler/job/spec.ts';
import type { Launcher } from '../../../src/scheduler/ports.ts';
import type { LauncherHarness } from '../../conformance/launcher.ts';
import { Dockerd, testImage } from '../../support/dockerd.ts';
import { launchSpec } from '../launch-spec.ts';
import { type LauncherPlace, launcherPlace } from '../launcher-place.ts';

export interface DockerHarness extends LauncherHarness, LauncherPlace {
  readonly dockerd: Dockerd;
  create(options?: Partial<DockerLauncherParts>): Launcher;
}

export interface EngineOptions {
  readonly args?: readonly string[];
  /** Room for images and containers. */
  readonly diskBytes?: number;
}

export async function dockerHarness({ args = [], diskBytes }: EngineOptions = {}): Promise<DockerHarness> {
  const place = launcherPlace('docker');
  const dockerd = new Dockerd();
  if (diskBytes !== undefined) dockerd.boundDisk(diskBytes);
  await dockerd.start(...args);
  const create: DockerHarness['create'] = (options = {}) =>
    createDockerLauncher({ host: dockerd.host, ...place.options(), ...options });
  return {
    dockerd,
    ...place,
    tracesInJob: '/traces',
    create,
    createLauncher: (installation = 'conformance') => create({ installation }),
    spec: (script, overrides) => dockerSpec(script, { volumes: [`${place.traces}:/traces`], ...overrides }),
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
      place.remove();
      expect(left.map(({ Names }) => Names)).toEqual([]);
    },
  };
}

export const dockerSpec = (script: string, overrides: Partial<LaunchSpec> = {}): LaunchSpec =>
  launchSpec(script, { engine: 'docker', image: testImage }, overrides);
