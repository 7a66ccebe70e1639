/** Fields of a job that processes on the scheduler's host do not support: everything about containers. */

import { type EngineAbilities, unable } from '../../scheduler/job/engine-abilities.ts';

const onHost = "it runs processes on the scheduler's host";
const containerOnly = [
  ...(['image', 'args', 'resources', 'constraints', 'network', 'networks', 'ports', 'hosts'] as const),
  ...(['hostname', 'volumes', 'tmpfs', 'ulimits', 'init', 'readOnly', 'capabilities'] as const),
  ...(['noNewPrivileges', 'registry', 'pull'] as const),
];

export const abilities: EngineAbilities = {
  images: false,
  ahead: false,
  inabilities: [
    ...containerOnly.map((name) => unable(name, onHost)),
    {
      field: 'secrets',
      why: `${onHost}, whose files all jobs share: omit mount, or read the file itself`,
      asked: ({ secrets = {} }) => Object.keys(secrets).find((name) => secrets[name]?.mount !== undefined),
    },
  ],
};
