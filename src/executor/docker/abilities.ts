/** Fields of a job that a single Docker Engine does not support. */

import { type EngineAbilities, unable } from '../../scheduler/job/engine-abilities.ts';
import { noFetch, noNode } from '../container/abilities.ts';

export const abilities: EngineAbilities = {
  images: true,
  ahead: { prestage: null, warmStart: null },
  inabilities: [noFetch, ...noNode, unable('constraints', 'a single engine has no nodes to choose from')],
};
