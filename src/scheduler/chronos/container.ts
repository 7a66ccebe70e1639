/** Chronos' `container`, and the equivalent parts of a native run. */

import type { RunDefinition } from '../job/definition.ts';
import { type Options, optionsOf } from './docker-options.ts';
import type { ChronosContainer, ChronosVolume } from './job.ts';

/** Undefined: absent in this container. */
export type RunPart = { readonly [field in keyof RunDefinition]?: RunDefinition[field] | undefined };

const networks: Readonly<Record<string, string>> = { BRIDGE: 'bridge', HOST: 'host', NONE: 'none' };

/** Parts of a run that only containers have; a process has none of them. */
const containerOnly = [
  'image',
  'network',
  'volumes',
  'pull',
  'ports',
  'hostname',
  'hosts',
  'tmpfs',
  'ulimits',
  'capabilities',
  'init',
  'readOnly',
  'noNewPrivileges',
] as const satisfies readonly (keyof RunDefinition)[];

const cleared = (fields: readonly string[]): RunPart =>
  Object.fromEntries(fields.map((field) => [field, undefined]));

/** Options for fields that other Chronos fields decide too; they are read together with those. */
type Shared = 'env' | 'user' | 'entrypoint' | 'resources' | 'labels';

function ownOptions(container: ChronosContainer | null): Omit<Options, Shared> {
  const {
    env: _e,
    user: _u,
    entrypoint: _p,
    resources: _r,
    labels: _l,
    ...own
  } = optionsOf(container).options;
  return own;
}

/**
 * The fields that the container decides. What only its parameters can express is kept from `own`, if they do
 * not mention it and did not in `before`.
 */
export function runOf(
  container: ChronosContainer | null,
  before: ChronosContainer | null,
  own: RunPart,
): RunPart {
  const gone = cleared(Object.keys(ownOptions(before)));
  if (container === null) return { ...gone, ...cleared(containerOnly) };
  const options = ownOptions(container);
  const network = options.network ?? networkOf(container, own);
  const volumes = [...container.volumes.flatMap(volumeText), ...(options.volumes ?? [])];
  const part = {
    ...gone,
    ...options,
    image: container.image,
    network,
    volumes: volumes.length > 0 ? volumes : undefined,
    pull: options.pull ?? (container.forcePullImage ? 'always' : ownPull(own, before)),
  };
  // A container without its own network publishes nothing; engines warn and continue.
  const published = options.ports === undefined || ownNetwork(network);
  return (published ? part : { ...part, ports: undefined }) as RunPart;
}

const ownNetwork = (network: string | undefined): boolean =>
  network !== undefined && !/^(?:host|none|container:.*)$/.test(network);

/** A container without its own network, or with several, reads as none, so that setting stays. */
function networkOf(
  { network, networkInfos, networkName }: ChronosContainer,
  own: RunPart = {},
): string | undefined {
  if (network === 'NONE' && own.image !== undefined && own.network === undefined) return undefined;
  return networks[network] ?? networkInfos[0]?.name ?? networkName;
}

/** Chronos can only express that an image is always pulled. */
function ownPull({ pull }: RunPart, before: ChronosContainer | null): RunPart['pull'] {
  return pull === 'always' || optionsOf(before).options.pull !== undefined ? undefined : pull;
}

/** A volume that is neither on the host nor named has no counterpart. */
function volumeText(volume: ChronosVolume): string[] {
  const source = volume.hostPath ?? (volume.external as { name?: unknown } | undefined)?.name;
  if (typeof source !== 'string') return [];
  return [`${source}:${volume.containerPath}${volume.mode === 'RO' ? ':ro' : ''}`];
}

/** The container equivalent to a native run; null for a process. */
export function containerOf({ image, network, volumes, pull }: RunDefinition): ChronosContainer | null {
  if (image === undefined) return null;
  const named = Object.entries(networks).find(([, name]) => name === (network ?? 'none'))?.[0];
  return {
    type: 'DOCKER',
    image,
    network: named ?? 'USER',
    networkInfos: named === undefined && network !== undefined ? [{ name: network }] : [],
    volumes: (volumes ?? []).map(readVolume),
    forcePullImage: pull === 'always',
    parameters: [],
  };
}

function readVolume(text: string): ChronosVolume {
  const [hostPath = '', containerPath = '', mode] = text.split(':');
  return { containerPath, hostPath, mode: mode === 'ro' ? 'RO' : 'RW' };
}

/** Warnings about parts of the container without a counterpart. */
export function containerWarnings(container: ChronosContainer): string[] {
  const { options, kept: warnings } = optionsOf(container);
  if (options.ports !== undefined && !ownNetwork(options.network ?? networkOf(container)))
    warnings.push('container.parameters: ports are published only with a network of its own, as BRIDGE');
  for (const volume of container.volumes) {
    if (volumeText(volume).length === 0)
      warnings.push(
        `container.volumes: '${volume.containerPath}' has no source and is stored without effect`,
      );
  }
  if (container.type === 'MESOS') warnings.push('container.type MESOS runs like any other container');
  return warnings;
}
