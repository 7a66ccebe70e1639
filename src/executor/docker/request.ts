/**
 * Builds the body of `POST /containers/create` for a launch. Pure; the caller reads secret values. The result
 * has the form `{ _query, _body }`, because dockerode also copies a plain options object into the URL, where
 * tokens would reach the logs of proxies.
 */

import { folderOf } from '../../scheduler/job/container-spec.ts';
import type { ContainerSpec, LaunchSpec, PublishedPort } from '../../scheduler/job/spec.ts';
import { engineLogLimits, launchLabels } from '../container/labels.ts';

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
  readonly Hostname?: string;
  readonly Tty: false;
  readonly OpenStdin?: true;
  readonly StdinOnce?: true;
  readonly ExposedPorts?: Readonly<Record<string, object>>;
  /** Anonymous volumes, which are removed with the container. */
  readonly Volumes?: Readonly<Record<string, object>>;
  readonly HostConfig: DockerHostConfig;
}

export interface DockerHostConfig {
  readonly NetworkMode: string;
  readonly Binds: readonly string[];
  readonly Tmpfs?: Readonly<Record<string, string>>;
  readonly PortBindings?: Readonly<Record<string, readonly { HostIp: string; HostPort: string }[]>>;
  readonly ExtraHosts?: readonly string[];
  readonly NanoCpus?: number;
  readonly Memory?: number;
  readonly MemorySwap?: number;
  readonly ShmSize?: number;
  readonly PidsLimit?: number;
  readonly BlkioWeight?: number;
  readonly Ulimits?: readonly { readonly Name: string; readonly Soft: number; readonly Hard: number }[];
  readonly DeviceRequests?: readonly { readonly Count: number; readonly Capabilities: readonly string[][] }[];
  readonly CapAdd: readonly string[];
  readonly CapDrop: readonly string[];
  readonly SecurityOpt?: readonly string[];
  readonly ReadonlyRootfs: boolean;
  readonly RestartPolicy: { readonly Name: 'no' };
  readonly AutoRemove: false;
  readonly Init: boolean;
  readonly LogConfig: { readonly Type: 'json-file'; readonly Config: Readonly<Record<string, string>> };
}

/**
 * `image` is that of the spec and exists. `secrets` are the values by environment name; they override `env`,
 * so that a plain value never hides a secret.
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
      // Both, or the image's entrypoint would precede the job's program.
      ...(spec.argv !== null && { Entrypoint: spec.argv, Cmd: [] }),
      ...(spec.container.args !== null && { Cmd: spec.container.args }),
      Env: Object.entries({ ...spec.env, ...secrets }).map(([name, value]) => `${name}=${value}`),
      Labels: { ...spec.labels, ...launchLabels(spec) },
      ...(spec.workdir !== null && { WorkingDir: spec.workdir }),
      ...(spec.user !== null && { User: spec.user }),
      ...(spec.container.hostname !== null && { Hostname: spec.container.hostname }),
      Tty: false,
      ...exposed(spec.container),
      HostConfig: hostConfig(spec),
    },
  };
}

/** Ports, and the folders for secret files. */
function exposed({ ports, secretFiles }: ContainerSpec): Pick<DockerCreateBody, 'ExposedPorts' | 'Volumes'> {
  const empty = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, {}]));
  return {
    ...(ports.length > 0 && { ExposedPorts: empty(ports.map(portKey)) }),
    ...(secretFiles.length > 0 && { Volumes: empty(secretFiles.map(({ mount }) => folderOf(mount))) }),
  };
}

const portKey = ({ target, protocol }: PublishedPort): string => `${target}/${protocol}`;

function hostConfig(spec: LaunchSpec): DockerHostConfig {
  const { container } = spec;
  return {
    // The others are joined once the container exists: the create call accepts one.
    NetworkMode: container.networks[0] ?? 'none',
    Binds: spec.volumes,
    ...connections(container),
    ...resources(spec),
    CapAdd: container.capabilities.add,
    CapDrop: container.capabilities.drop,
    ...(container.noNewPrivileges && { SecurityOpt: ['no-new-privileges:true'] }),
    ReadonlyRootfs: container.readOnly,
    // The engine must neither run it again nor drop its exit code before it is stored.
    RestartPolicy: { Name: 'no' },
    AutoRemove: false,
    // A program without a TERM handler ignores TERM as PID 1, but not behind an init.
    Init: container.init,
    LogConfig: {
      Type: 'json-file',
      Config: { 'max-size': String(engineLogLimits.fileBytes), 'max-file': String(engineLogLimits.files) },
    },
  };
}

function connections({ ports, hosts, tmpfs }: ContainerSpec): Partial<DockerHostConfig> {
  const bindings: Record<string, { HostIp: string; HostPort: string }[]> = {};
  for (const port of ports) {
    const { address, published } = port;
    bindings[portKey(port)] = [
      ...(bindings[portKey(port)] ?? []),
      { HostIp: address ?? '', HostPort: published === null ? '' : String(published) },
    ];
  }
  const sizes = Object.entries(tmpfs).map(([path, bytes]) => [path, `size=${bytes}`] as const);
  return {
    ...(ports.length > 0 && { PortBindings: bindings }),
    ...(Object.keys(hosts).length > 0 && {
      ExtraHosts: Object.entries(hosts).map(([name, address]) => `${name}:${address}`),
    }),
    ...(sizes.length > 0 && { Tmpfs: Object.fromEntries(sizes) }),
  };
}

function resources(spec: LaunchSpec): Partial<DockerHostConfig> {
  const { cpus, memoryBytes, gpus, pids, ioWeight, ulimits } = spec;
  const { shmBytes } = spec.container;
  return {
    ...(cpus !== null && { NanoCpus: Math.round(cpus * 1e9) }),
    // Memory and swap together have the same limit: otherwise a job could use as much swap again.
    ...(memoryBytes !== null && { Memory: memoryBytes, MemorySwap: memoryBytes }),
    ...(shmBytes !== null && { ShmSize: shmBytes }),
    ...(pids !== null && { PidsLimit: pids }),
    ...(ioWeight !== null && { BlkioWeight: ioWeight }),
    ...(ulimits.length > 0 && {
      Ulimits: ulimits.map(({ name, soft, hard }) => ({ Name: name, Soft: soft, Hard: hard })),
    }),
    ...(gpus !== null && gpus > 0 && { DeviceRequests: [{ Count: gpus, Capabilities: [['gpu']] }] }),
  };
}
