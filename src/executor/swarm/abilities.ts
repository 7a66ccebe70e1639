/** Fields of a job, and values of them, that a Swarm does not support. */

import { type EngineAbilities, unable } from '../../scheduler/job/engine-abilities.ts';
import { noFetch } from '../container/abilities.ts';

/** Engines have these; Swarm has no such mode for services. */
const isNoNetworkOfServices = (name: string): boolean => name === 'none' || name.startsWith('container:');
const placementForm = /^\s*(?:node|engine)\.[A-Za-z0-9_.-]+\s*[=!]=\s*\S.*$/;

export const abilities: EngineAbilities = {
  images: true,
  ahead: false,
  inabilities: [
    noFetch,
    unable('noNewPrivileges', 'services of its API version have no such setting'),
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
};
