/**
 * What the kinds of engines can and can't honour of a job: one table, read when a job is submitted, so that
 * nothing a person wrote is ever silently left out. A job that passes means the same on every kind.
 */

import { CarillonError } from '../../errors.ts';
import type { RunDefinition } from './definition.ts';

export type EngineKind = 'process' | 'docker' | 'swarm';

/** One thing an engine can't do. */
export interface Inability {
  /** Below `run`. */
  readonly field: string;
  readonly why: string;
  /** What the job asks for of it; undefined: nothing. */
  readonly asked: (run: RunDefinition) => unknown;
}

interface Abilities {
  /** It runs images, and nothing else; otherwise it runs commands on the scheduler's host. */
  readonly images: boolean;
  readonly canNot: readonly Inability[];
}

const field = (name: keyof RunDefinition, why: string): Inability => ({
  field: name,
  why,
  asked: (run) => run[name],
});

/** Engines have these; Swarm has no such mode for services. */
const isNoNetworkOfServices = (name: string): boolean => name === 'none' || name.startsWith('container:');
const placementForm = /^\s*(?:node|engine)\.[A-Za-z0-9_.-]+\s*[=!]=\s*\S.*$/;

const onHost = "it runs processes on the scheduler's host";
/** Images bring what they need. */
const noFetch = field('fetch', 'only processes are given downloads; put them into the image');
const containerOnly = [
  ...([
    'image',
    'args',
    'resources',
    'constraints',
    'network',
    'networks',
    'ports',
    'hosts',
    'hostname',
  ] as const),
  ...(['volumes', 'tmpfs', 'ulimits', 'init', 'readOnly', 'capabilities', 'noNewPrivileges'] as const),
  ...(['registry', 'pull'] as const),
];

const abilities: Readonly<Record<EngineKind, Abilities>> = {
  process: {
    images: false,
    canNot: [
      ...containerOnly.map((name) => field(name, onHost)),
      {
        field: 'secrets',
        why: `${onHost}, whose files all jobs share: leave out mount, or read the file itself`,
        asked: ({ secrets = {} }) => Object.keys(secrets).find((name) => secrets[name]?.mount !== undefined),
      },
    ],
  },
  docker: {
    images: true,
    canNot: [noFetch, field('constraints', 'a single engine has no nodes to choose from')],
  },
  swarm: {
    images: true,
    canNot: [
      noFetch,
      field('noNewPrivileges', 'services of its API version have no such setting'),
      {
        field: 'network',
        why: 'a service always has one. Name bridge, host or an overlay network; one that is internal has no way out',
        asked: ({ network = 'none', networks = [network] }) => networks.find(isNoNetworkOfServices),
      },
      {
        field: 'pull',
        why: 'its nodes ask the registry, and run what they have where it does not answer; pin the image by digest',
        asked: ({ pull = 'missing' }) => (pull === 'missing' ? undefined : pull),
      },
      {
        field: 'ports',
        why: 'a service is published on all addresses of its node',
        asked: ({ ports = [] }) => ports.find((port) => /:.*:/.test(port)),
      },
      {
        field: 'volumes',
        why: 'its mounts are source:target, with :ro or :rw behind them',
        asked: ({ volumes = [] }) => volumes.find((volume) => !/^[^:]+:\/[^:]*(:r[ow])?$/.test(volume)),
      },
      {
        field: 'constraints',
        why: 'it places by node.… == value and node.… != value',
        asked: ({ constraints = [] }) => constraints.find((text) => !placementForm.test(text)),
      },
    ],
  },
};

/** Whether it runs images; otherwise it runs commands on the scheduler's host. */
export function runsImages(kind: EngineKind): boolean {
  return abilities[kind].images;
}

/** UNSUPPORTED_BY_ENGINE, by field and with the reason, for anything that it would have to ignore. */
export function checkAbilities(run: RunDefinition, { engine, kind }: { engine: string; kind: EngineKind }) {
  const unsupported = (name: string, value: unknown, why: string): CarillonError =>
    new CarillonError('UNSUPPORTED_BY_ENGINE', `the engine '${engine}' can not honour run.${name}: ${why}`, {
      field: `run.${name}`,
      value,
    });
  if (runsImages(kind) && run.image === undefined) throw unsupported('image', null, 'it needs an image');
  for (const { field: name, why, asked } of abilities[kind].canNot) {
    const value = asked(run);
    if (value !== undefined) throw unsupported(name, value, why);
  }
}
