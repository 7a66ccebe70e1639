/** What the real engines can honour, for settings of the pure core; without what it takes to run them. */

import { abilities as docker } from '../../src/executor/docker/abilities.ts';
import { abilities as process } from '../../src/executor/process/abilities.ts';
import { abilities as ssh } from '../../src/executor/ssh/abilities.ts';
import { abilities as swarm } from '../../src/executor/swarm/abilities.ts';

export const abilities = { process, docker, swarm, ssh } as const;
