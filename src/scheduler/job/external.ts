/** A job that somebody else runs: it has a schedule and no `run`, and its runs are reported. */

import type { JobDefinition } from './definition.ts';

/** In the place of an engine in the attempts of such a job. No engine has this name. */
export const EXTERNAL = 'external';

/** Longer than most jobs run, so that one whose end is never reported does not stay unfinished. */
export const EXTERNAL_TIMEOUT = 'P1D';

export const isExternal = ({ run }: Pick<JobDefinition, 'run'>): boolean => run === undefined;
