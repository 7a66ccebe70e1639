/** Fields of a job that no engine for containers supports. */

import { unable } from '../../scheduler/job/engine-abilities.ts';

/** Images bring what they need. */
export const noFetch = unable('fetch', 'only processes are given downloads; put them into the image');
