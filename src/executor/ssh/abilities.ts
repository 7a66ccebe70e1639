/** Settings of a job that processes on hosts do not support. */

import { type EngineAbilities, unable } from '../../scheduler/job/engine-abilities.ts';
import { noContainers, noSecretFiles } from '../supervised/abilities.ts';

const onHosts = 'it runs processes on hosts';

export const abilities: EngineAbilities = {
  images: false,
  ahead: {
    prestage: `${onHosts}, and fetches no image for them`,
    warmStart: 'the host of the job is not known in advance',
  },
  inabilities: [
    ...noContainers(onHosts),
    unable('user', 'the user of each host is in the file of hosts'),
    unable('resources', 'it does not limit what a process uses; ulimits do'),
    unable('fetch', 'it downloads nothing to hosts'),
    noSecretFiles(`${onHosts}, where it keeps no files: omit mount`),
    {
      field: 'on',
      why: 'its hosts do not include the leader',
      asked: ({ on }) => (on === 'leader' ? on : undefined),
    },
  ],
};
