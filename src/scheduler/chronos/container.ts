/** Chronos' `container`, and the parts of a native run that say the same. */

import type { RunDefinition } from '../definition.ts';
import type { ChronosContainer, ChronosVolume } from './job.ts';

/** Undefined: not so in this container. */
export type RunPart = { readonly [field in keyof RunDefinition]?: RunDefinition[field] | undefined };

const networks: Readonly<Record<string, string>> = { BRIDGE: 'bridge', HOST: 'host', NONE: 'none' };

/** All that the container decides; without one nothing of it holds. */
export function runOf(container: ChronosContainer | null): RunPart {
  const parameters = container === null ? [] : container.parameters.map(readParameter);
  const volumes = [...(container?.volumes ?? []).flatMap(volumeText), ...many(parameters, 'volumes')];
  const ports = many(parameters, 'ports');
  const hosts = many(parameters, 'hosts').map((entry) => entry.split(/:(.*)/s, 2) as [string, string]);
  return {
    image: container?.image,
    network: container === null ? undefined : (one(parameters, 'network') ?? networkOf(container)),
    volumes: volumes.length > 0 ? volumes : undefined,
    pull: container?.forcePullImage === true ? 'always' : undefined,
    workdir: one(parameters, 'workdir'),
    ports: ports.length > 0 ? ports : undefined,
    hosts: hosts.length > 0 ? Object.fromEntries(hosts) : undefined,
  };
}

function networkOf({ network, networkInfos, networkName }: ChronosContainer): string | undefined {
  return networks[network] ?? networkInfos[0]?.name ?? networkName;
}

/** A volume that is neither on the host nor known by name has no counterpart. */
function volumeText(volume: ChronosVolume): string[] {
  const source = volume.hostPath ?? (volume.external as { name?: unknown } | undefined)?.name;
  if (typeof source !== 'string') return [];
  return [`${source}:${volume.containerPath}${volume.mode === 'RO' ? ':ro' : ''}`];
}

type Target = 'workdir' | 'network' | 'volumes' | 'ports' | 'hosts';

/** Options of `docker run` that a job can say natively. */
const parameterTargets: Readonly<Record<string, Target>> = {
  workdir: 'workdir',
  w: 'workdir',
  net: 'network',
  network: 'network',
  volume: 'volumes',
  v: 'volumes',
  publish: 'ports',
  p: 'ports',
  'add-host': 'hosts',
};

interface Parameter {
  readonly target: Target | null;
  readonly value: string;
}

const readParameter = ({ key, value }: { key: string; value: string }): Parameter => ({
  target: parameterTargets[key.replace(/^-+/, '')] ?? null,
  value,
});

const many = (parameters: readonly Parameter[], target: Target): string[] =>
  parameters.filter((each) => each.target === target).map((each) => each.value);

const one = (parameters: readonly Parameter[], target: Target): string | undefined =>
  many(parameters, target).at(-1);

/** The container that a native run amounts to; null for a process. */
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

/** What of the container has no counterpart here, in sentences. */
export function containerWarnings(container: ChronosContainer): string[] {
  const warnings: string[] = [];
  for (const { key } of container.parameters) {
    if (readParameter({ key, value: '' }).target === null)
      warnings.push(`container.parameters: the option '${key}' is kept, but not handed to the engine`);
  }
  for (const volume of container.volumes) {
    if (volumeText(volume).length === 0)
      warnings.push(`container.volumes: '${volume.containerPath}' has no source, and is kept without effect`);
  }
  if (container.type === 'MESOS') warnings.push('container.type MESOS is run as any other container');
  return warnings;
}
