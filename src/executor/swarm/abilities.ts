/** Fields of a job, and values of them, that a Swarm does not support. */

import { type EngineAbilities, unable } from '../../scheduler/job/engine-abilities.ts';
import { noFetch, noNode } from '../container/abilities.ts';

/** Single engines have these modes; Swarm does not have them for services. */
const isNoNetworkOfServices = (name: string): boolean => name === 'none' || name.startsWith('container:');
const startsAtOnce = 'a service starts when it is created';
const placementForm = /^\s*(?:node|engine)\.[A-Za-z0-9_.-]+\s*[=!]=\s*\S.*$/;

export const abilities: EngineAbilities = {
  images: true,
  ahead: { prestage: startsAtOnce, warmStart: startsAtOnce },
  inabilities: [
    noFetch,
    ...noNode,
    {
      field: 'resources.ioWeight',
      why: 'services do not have this setting',
      asked: ({ resources }) => resources?.ioWeight,
    },
    unable('noNewPrivileges', 'services of its API version do not have this setting'),
    {
      field: 'network',
      why:
        'a service always has a network. Name bridge, host or an overlay network; an internal one has no ' +
        'outside access',
      asked: ({ network = 'none', networks = [network] }) => networks.find(isNoNetworkOfServices),
    },
    {
      field: 'pull',
      why:
        'its nodes check the registry, and use their local image if it does not respond; pin the image ' +
        'by digest',
      asked: ({ pull = 'missing' }) => (pull === 'missing' ? undefined : pull),
    },
    {
      field: 'ports',
      why: 'a service is published on all addresses of its node',
      asked: ({ ports = [] }) => ports.find((port) => /:.*:/.test(port)),
    },
    {
      field: 'volumes',
      why: 'its mounts are source:target, optionally followed by :ro or :rw',
      asked: ({ volumes = [] }) => volumes.find((volume) => !/^[^:]+:\/[^:]*(:r[ow])?$/.test(volume)),
    },
    {
      field: 'constraints',
      why: 'it supports only node.… == value and node.… != value',
      asked: ({ constraints = [] }) => constraints.find((text) => !placementForm.test(text)),
    },
  ],
};
