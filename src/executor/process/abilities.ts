/** Settings of a job that processes on the scheduler's host do not support: everything about containers. */

import { type EngineAbilities, unable } from '../../scheduler/job/engine-abilities.ts';
import { isForAll } from '../../scheduler/job/node-choice.ts';

const onHost = "it runs processes on the scheduler's host";
const containerOnly = [
  ...(['image', 'args', 'constraints', 'network', 'networks', 'ports', 'hosts'] as const),
  ...(['hostname', 'volumes', 'tmpfs', 'init', 'readOnly', 'capabilities'] as const),
  ...(['noNewPrivileges', 'registry', 'pull'] as const),
];

export const abilities: EngineAbilities = {
  images: false,
  ahead: { prestage: `${onHost}, and fetches no image for them`, warmStart: null },
  inabilities: [
    {
      field: 'on',
      why: 'it runs a process on one node',
      asked: ({ on }) => (on !== undefined && isForAll(on) ? on : undefined),
    },
    ...containerOnly.map((name) => unable(name, onHost)),
    { field: 'resources.gpus', why: onHost, asked: ({ resources }) => resources?.gpus },
    { field: 'resources.shm', why: onHost, asked: ({ resources }) => resources?.shm },
    {
      field: 'secrets',
      why: `${onHost}, whose files all jobs share: omit mount, or read the file itself`,
      asked: ({ secrets = {} }) => Object.keys(secrets).find((name) => secrets[name]?.mount !== undefined),
    },
  ],
};

/** Where the supervisor's program does not run. */
export const shellAbilities: EngineAbilities = {
  ...abilities,
  ahead: {
    ...abilities.ahead,
    warmStart: 'here it starts processes through a shell, which does not let them wait',
  },
};
