/** Specs of jobs: by default a shell script, and nothing else. */

import { type LaunchSpec, plainContainer } from '../../src/scheduler/job/spec.ts';

export function launchSpec(
  script: string,
  on: Pick<LaunchSpec, 'engine' | 'image'>,
  overrides: Partial<LaunchSpec> = {},
): LaunchSpec {
  return {
    ...on,
    launchName: 'job',
    installation: 'conformance',
    term: 1,
    job: 'job',
    run: 'run',
    attempt: 1,
    due: 0,
    argv: ['/bin/sh', '-c', script],
    env: {},
    secrets: {},
    workdir: null,
    user: null,
    cpus: null,
    memoryBytes: null,
    gpus: null,
    pids: null,
    ioWeight: null,
    ulimits: [],
    timeoutMs: null,
    stopGraceMs: null,
    constraints: [],
    volumes: [],
    pull: 'missing',
    registrySecret: null,
    labels: {},
    container: plainContainer,
    ...overrides,
  };
}

export const processSpec = (script: string, overrides: Partial<LaunchSpec>): LaunchSpec =>
  launchSpec(script, { engine: 'process', image: null }, overrides);

/** One of the jobs of the crash test: leaves its name, and its own exit code. */
export function crashSpec(of: { name: string; index: number; out: string; term: number }): LaunchSpec {
  const script = `echo ${of.name} >> ${of.out}; exit ${of.index}`;
  return processSpec(script, { launchName: of.name, term: of.term });
}
