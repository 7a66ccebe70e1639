/** Settings of a job that processes on hosts do not support. */

import { type EngineAbilities, unable } from '../../scheduler/job/engine-abilities.ts';

const onHosts = 'it runs processes on hosts';
const containerOnly = [
  ...(['image', 'args', 'constraints', 'network', 'networks', 'ports', 'hosts'] as const),
  ...(['hostname', 'volumes', 'tmpfs', 'init', 'readOnly', 'capabilities'] as const),
  ...(['noNewPrivileges', 'registry', 'pull'] as const),
];

export const abilities: EngineAbilities = {
  images: false,
  ahead: {
    prestage: `${onHosts}, and fetches no image for them`,
    warmStart: 'the host of the job is not known in advance',
  },
  inabilities: [
    ...containerOnly.map((name) => unable(name, onHosts)),
    unable('user', 'the user of each host is in the file of hosts'),
    unable('resources', 'it does not limit what a process uses; ulimits do'),
    unable('fetch', 'it downloads nothing to hosts'),
    {
      field: 'secrets',
      why: `${onHosts}, where it keeps no files: omit mount`,
      asked: ({ secrets = {} }) => Object.keys(secrets).find((name) => secrets[name]?.mount !== undefined),
    },
    {
      field: 'on',
      why: 'the leader is none of its hosts',
      asked: ({ on }) => (on === 'leader' ? on : undefined),
    },
  ],
};
