/**
 * Builds the service of a launch: replicated, with one task that is never restarted. Pure. Not
 * `replicated-job`: after a change of leader, managers ran such jobs up to eight times.
 *
 * A service is killed by an update, not by removal: Swarm shuts its task down, which stays with its exit
 * code, and the task that should replace it fits no node. So the name stays in use, as a lock, until the
 * service is removed.
 */

import { CarillonError } from '../../errors.ts';
import type { ContainerSpec, LaunchSpec, SecretFile } from '../../scheduler/job/spec.ts';
import { engineLogLimits, launchLabels } from '../container/labels.ts';

/** A label on tasks, which do not carry the name of their service. */
export const launchLabel = 'carillon.launch';
/** Node ids have 25 characters, so no node has this one. */
const noNode = 'node.id==none';
/** The name that nodes give to their GPUs: `node-generic-resources: ["gpu=GPU-45cbf7b"]`. */
export const gpuResource = 'gpu';
/** The maximum length of a secret's name in a Swarm. */
const secretNameLength = 64;

export interface SwarmServiceSpec {
  readonly Name: string;
  readonly Labels: Readonly<Record<string, string>>;
  readonly TaskTemplate: SwarmTaskSpec;
  readonly Mode: { readonly Replicated: { readonly Replicas: 1 } };
  readonly UpdateConfig: { readonly FailureAction: 'continue'; readonly Order: 'stop-first' };
  readonly EndpointSpec: { readonly Mode: 'dnsrr'; readonly Ports: readonly object[] };
}

export interface SwarmTaskSpec {
  readonly ContainerSpec: {
    readonly Image: string;
    readonly Labels: Readonly<Record<string, string>>;
    readonly Env?: readonly string[];
  };
  readonly Placement?: { readonly Constraints?: readonly string[] };
  readonly Resources?: { readonly Reservations?: SwarmResources };
  readonly ForceUpdate?: number;
}

/** Resources of a node, or reserved by a task. */
export interface SwarmResources {
  readonly NanoCPUs?: number;
  readonly MemoryBytes?: number;
  readonly GenericResources?: readonly {
    readonly NamedResourceSpec?: { readonly Kind: string; readonly Value: string };
    readonly DiscreteResourceSpec?: { readonly Kind: string; readonly Value: number };
  }[];
}

/** A secret stored in the Swarm for one launch. */
export interface SwarmSecret {
  readonly id: string;
  readonly name: string;
  readonly file: SecretFile;
}

/**
 * `image` is that of the spec and exists. `secrets` are values by environment name and override `env`;
 * `files` are already stored in the Swarm. LAUNCH_REFUSED for settings that no service can have.
 */
export function swarmService(
  spec: LaunchSpec,
  image: string,
  given: { readonly secrets: Readonly<Record<string, string>>; readonly files: readonly SwarmSecret[] },
): SwarmServiceSpec {
  const labels = launchLabels(spec);
  return {
    Name: spec.launchName,
    Labels: labels,
    TaskTemplate: {
      ContainerSpec: {
        Image: image,
        Labels: { ...spec.labels, ...labels, [launchLabel]: spec.launchName },
        ...program(spec),
        Env: Object.entries({ ...spec.env, ...given.secrets }).map(([name, value]) => `${name}=${value}`),
        ...surroundings(spec, given.files),
      },
      ...resources(spec),
      Placement: { Constraints: spec.constraints },
      Networks: spec.container.networks.map((name) => ({ Target: name })),
      RestartPolicy: { Condition: 'none' },
      LogDriver: {
        Name: 'json-file',
        Options: { 'max-size': String(engineLogLimits.fileBytes), 'max-file': String(engineLogLimits.files) },
      },
    } as SwarmTaskSpec,
    Mode: { Replicated: { Replicas: 1 } },
    UpdateConfig: { FailureAction: 'continue', Order: 'stop-first' },
    // No virtual address: jobs do not need one, and not every kernel supports it.
    EndpointSpec: { Mode: 'dnsrr', Ports: ports(spec.container) },
  };
}

/** The same service with its task shut down and no replacement. */
export function killedService(service: SwarmServiceSpec): SwarmServiceSpec {
  const { TaskTemplate: template } = service;
  const forced = (template.ForceUpdate ?? 0) + 1;
  return {
    ...service,
    TaskTemplate: { ...template, Placement: { Constraints: [noNode] }, ForceUpdate: forced },
  };
}

/** True for a killed service, and for the task that replaces the one that was shut down. */
export function isKilled({ Placement: placement }: SwarmTaskSpec): boolean {
  return placement?.Constraints?.includes(noNode) ?? false;
}

/** Deterministic, so that a repeated launch finds what it created. */
export function secretName(launchName: string, index: number): string {
  const prefix = `s${index}-`;
  return `${prefix}${launchName.slice(prefix.length - secretNameLength)}`;
}

function program({ argv, container, workdir, user }: LaunchSpec): object {
  return {
    // Both, or the image's arguments would follow the job's program.
    ...(argv !== null && { Command: argv, Args: [] }),
    ...(container.args !== null && { Args: container.args }),
    ...(workdir !== null && { Dir: workdir }),
    ...(user !== null && { User: user }),
    ...(container.hostname !== null && { Hostname: container.hostname }),
  };
}

function surroundings(
  { container, volumes, ulimits, stopGraceMs }: LaunchSpec,
  files: readonly SwarmSecret[],
): object {
  const { capabilities } = container;
  return {
    Mounts: [...volumes.map(mount), ...memoryMounts(container)],
    Hosts: Object.entries(container.hosts).map(([name, address]) => `${address} ${name}`),
    Secrets: files.map(({ id, name, file }) => ({
      SecretID: id,
      SecretName: name,
      File: { Name: file.mount, UID: '0', GID: '0', Mode: 0o444 },
    })),
    Init: container.init,
    ReadOnly: container.readOnly,
    CapabilityAdd: capabilities.add,
    CapabilityDrop: capabilities.drop,
    Ulimits: ulimits.map(({ name, soft, hard }) => ({ Name: name, Soft: soft, Hard: hard })),
    // Set in advance: once a task runs, the time between TERM and KILL cannot be changed.
    ...(stopGraceMs !== null && { StopGracePeriod: stopGraceMs * 1e6 }),
  };
}

/** Limits are also reservations: a node accepts no more jobs than it has resources for. */
function resources({ cpus, memoryBytes, gpus, pids }: LaunchSpec): object {
  const wanted = {
    ...(cpus !== null && { NanoCPUs: Math.round(cpus * 1e9) }),
    ...(memoryBytes !== null && { MemoryBytes: memoryBytes }),
  };
  const generic = gpus === null || gpus === 0 ? [] : [{ Kind: gpuResource, Value: gpus }];
  return {
    Resources: {
      Limits: { ...wanted, ...(pids !== null && { Pids: pids }) },
      Reservations: {
        ...wanted,
        GenericResources: generic.map((resource) => ({ DiscreteResourceSpec: resource })),
      },
    },
  };
}

/** Memory file systems; a service's shared memory can only be set this way. */
function memoryMounts({ tmpfs, shmBytes }: ContainerSpec): object[] {
  const sizes = { ...(shmBytes !== null && { '/dev/shm': shmBytes }), ...tmpfs };
  return Object.entries(sizes).map(([target, bytes]) => ({
    Type: 'tmpfs',
    Target: target,
    TmpfsOptions: { SizeBytes: bytes },
  }));
}

/** `source:target[:ro|:rw]`; a path is bound, a name is a volume. */
function mount(text: string): object {
  const [source = '', target = '', mode = 'rw', ...more] = text.split(':');
  if (source === '' || !target.startsWith('/') || !['ro', 'rw'].includes(mode) || more.length > 0) {
    throw new CarillonError('LAUNCH_REFUSED', `A service cannot have the volume ${text}`, {
      field: 'run.volumes',
      value: text,
      allowed: 'source:target or source:target:ro, with an absolute target',
    });
  }
  const type = source.startsWith('/') ? 'bind' : 'volume';
  return { Type: type, Source: source, Target: target, ReadOnly: mode === 'ro' };
}

/**
 * Published on the node where the task runs. Publishing in the whole Swarm requires kernel features that not
 * every node has.
 */
function ports(container: ContainerSpec): object[] {
  return container.ports.map(({ target, published, protocol }) => ({
    Protocol: protocol,
    TargetPort: target,
    ...(published !== null && { PublishedPort: published }),
    PublishMode: 'host',
  }));
}
