/** The state of a job that has not run yet. Its lists are shared and must not be changed in place. */

import type { JobState } from './model.ts';

const nothing: readonly never[] = Object.freeze([]);

export function freshState(name: string, cursor: number): JobState {
  return {
    name,
    cursor,
    ahead: nothing,
    begins: cursor,
    eras: nothing,
    leaps: nothing,
    paused: null,
    disabled: null,
    muted: null,
    pipeline: null,
    join: null,
    held: nothing,
    heard: nothing,
    succeeded: 0,
    failed: 0,
    skipped: 0,
    missed: 0,
    killed: 0,
    consecutiveFailures: 0,
    lastSucceededAt: null,
    lastFailedAt: null,
    last: null,
    removed: null,
  };
}
