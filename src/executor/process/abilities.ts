/** Settings of a job that processes on the scheduler's host do not support: everything about containers. */

import type { EngineAbilities } from '../../scheduler/job/engine-abilities.ts';
import { isForAll } from '../../scheduler/job/node-choice.ts';
import { noContainers, noSecretFiles } from '../supervised/abilities.ts';

const onHost = "it runs processes on the scheduler's host";

export const abilities: EngineAbilities = {
  images: false,
  ahead: { prestage: `${onHost}, and fetches no image for them`, warmStart: null },
  inabilities: [
    {
      field: 'on',
      why: 'it runs a process on one node',
      asked: ({ on }) => (on !== undefined && isForAll(on) ? on : undefined),
    },
    ...noContainers(onHost),
    { field: 'resources.gpus', why: onHost, asked: ({ resources }) => resources?.gpus },
    { field: 'resources.shm', why: onHost, asked: ({ resources }) => resources?.shm },
    noSecretFiles(`${onHost}, whose files all jobs share: omit mount, or read the file itself`),
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
