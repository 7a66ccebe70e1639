/**
 * What is asked of a Docker engine for one launch. Pure: a launch in our words goes in, the body of
 * `POST /containers/create` comes out; secret values are read by the caller.
 * The result has the form `{ _query, _body }`, because dockerode copies a plain options object into the URL as
 * well, where tokens would reach every proxy's log.
 */

import type { LaunchSpec } from '../scheduler/spec.ts';

/** Labels by which a launch is found again; the job's own labels stand beside them. */
export const labelOf = {
  cluster: 'carillon.cluster',
  job: 'carillon.job',
  run: 'carillon.run',
  attempt: 'carillon.attempt',
  term: 'carillon.term',
  due: 'carillon.due',
} as const;

/** What the engine keeps of a job's output; the json-file driver drops the oldest file beyond it. */
export const engineLogLimits = { fileBytes: 10 * 1024 * 1024, files: 3 } as const;

export interface DockerCreateRequest {
  readonly _query: { readonly name: string };
  readonly _body: DockerCreateBody;
}

export interface DockerCreateBody {
  readonly Image: string;
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  readonly Env: readonly string[];
  readonly Labels: Readonly<Record<string, string>>;
  readonly WorkingDir?: string;
  readonly User?: string;
  readonly Tty: false;
  readonly HostConfig: DockerHostConfig;
}

export interface DockerHostConfig {
  readonly NetworkMode: string;
  readonly Binds: readonly string[];
  readonly NanoCpus?: number;
  readonly Memory?: number;
  readonly MemorySwap?: number;
  readonly DeviceRequests?: readonly { readonly Count: number; readonly Capabilities: readonly string[][] }[];
  readonly RestartPolicy: { readonly Name: 'no' };
  readonly AutoRemove: false;
  readonly Init: true;
  readonly LogConfig: { readonly Type: 'json-file'; readonly Config: Readonly<Record<string, string>> };
}

/**
 * `image` is the spec's, known to be there. `secrets` are the values by environment name; they win over `env`,
 * so that a value in plain sight never hides a secret.
 */
export function dockerCreateRequest(
  spec: LaunchSpec,
  image: string,
  secrets: Readonly<Record<string, string>>,
): DockerCreateRequest {
  return {
    _query: { name: spec.launchName },
    _body: {
      Image: image,
      // Both, or the image's entry point would be put in front of the job's program.
      ...(spec.argv !== null && { Entrypoint: spec.argv, Cmd: [] }),
      Env: Object.entries({ ...spec.env, ...secrets }).map(([name, value]) => `${name}=${value}`),
      Labels: { ...spec.labels, ...launchLabels(spec) },
      ...(spec.workdir !== null && { WorkingDir: spec.workdir }),
      ...(spec.user !== null && { User: spec.user }),
      Tty: false,
      HostConfig: hostConfig(spec),
    },
  };
}

function launchLabels(spec: LaunchSpec): Record<string, string> {
  return {
    [labelOf.cluster]: spec.cluster,
    [labelOf.job]: spec.job,
    [labelOf.run]: spec.run,
    [labelOf.attempt]: String(spec.attempt),
    [labelOf.term]: String(spec.term),
    [labelOf.due]: new Date(spec.due).toISOString(),
  };
}

function hostConfig(spec: LaunchSpec): DockerHostConfig {
  return {
    NetworkMode: spec.container.networks[0] ?? 'none',
    Binds: spec.volumes,
    ...(spec.cpus !== null && { NanoCpus: Math.round(spec.cpus * 1e9) }),
    // Memory and swap together at the same value: without it a job may swap as much again.
    ...(spec.memoryBytes !== null && { Memory: spec.memoryBytes, MemorySwap: spec.memoryBytes }),
    ...(spec.gpus !== null &&
      spec.gpus > 0 && { DeviceRequests: [{ Count: spec.gpus, Capabilities: [['gpu']] }] }),
    // Neither may the engine run it again, nor forget its exit code before it is stored.
    RestartPolicy: { Name: 'no' },
    AutoRemove: false,
    // As PID 1 a program without a TERM handler ignores TERM; behind an init it does not.
    Init: true,
    LogConfig: {
      Type: 'json-file',
      Config: { 'max-size': String(engineLogLimits.fileBytes), 'max-file': String(engineLogLimits.files) },
    },
  };
}
