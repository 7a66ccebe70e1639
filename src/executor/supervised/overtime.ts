/** The last line of defence of a timeout: the supervisor. */

import type { LaunchSpec } from '../../scheduler/job/spec.ts';
import type { JobStart } from '../supervisor/start.ts';

/** How long after a job's timeout its supervisor waits for a scheduler to end it, or to show that it watches: a take-over takes less. */
const overtimeMs = 60_000;

export const overtimeOf = ({
  timeoutMs,
  stopGraceMs,
}: Pick<LaunchSpec, 'timeoutMs' | 'stopGraceMs'>): JobStart['overtime'] =>
  timeoutMs === null ? null : { afterMs: timeoutMs + overtimeMs, graceMs: stopGraceMs ?? 0 };
