/** Fields of a job that no engine for containers supports. */

import { unable } from '../../scheduler/job/engine-abilities.ts';

/** Images contain the files that they need. */
export const noFetch = unable('fetch', 'downloads are for processes only; put the files into the image');

const whereEngineIs = 'it places processes; containers run where their engine is';

/** All nodes reach the same engine. */
export const noNode = [unable('on', whereEngineIs), unable('host', whereEngineIs)];
