/** Specs of jobs for the process engine. */

import { type LaunchSpec, plainContainer } from '../../src/scheduler/spec.ts';

export function processSpec(script: string, overrides: Partial<LaunchSpec>): LaunchSpec {
  return {
    launchName: 'job',
    engine: 'process',
    cluster: 'conformance',
    term: 1,
    job: 'job',
    run: 'run',
    attempt: 1,
    due: 0,
    image: null,
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

/** One of the jobs of the crash test: leaves its name, and its own exit code. */
export function crashSpec(of: { name: string; index: number; out: string; term: number }): LaunchSpec {
  const script = `echo ${of.name} >> ${of.out}; exit ${of.index}`;
  return processSpec(script, { launchName: of.name, term: of.term });
}
