/** Labels of launches on container engines, and the limit of their output there. */

import type { LaunchSpec } from '../../scheduler/job/spec.ts';
import { secretsLabel } from './masks.ts';

/** Labels by which a launch is found again; the job's own labels are set beside them. */
export const labelOf = {
  /** Engines of all releases have it under this name. */
  installation: 'carillon.cluster',
  job: 'carillon.job',
  run: 'carillon.run',
  attempt: 'carillon.attempt',
  term: 'carillon.term',
  due: 'carillon.due',
  /** The container waits at a gate before it runs; see docker/gate.ts. */
  gate: 'carillon.gate',
} as const;

/**
 * How much output of a job the engine keeps. Above this, its json-file driver drops the oldest file
 * (log-cut.ts).
 */
export const engineLogLimits = { fileBytes: 2 * 1024 * 1024, files: 16 } as const;

export function launchLabels(spec: LaunchSpec): Record<string, string> {
  return {
    [labelOf.installation]: spec.installation,
    [labelOf.job]: spec.job,
    [labelOf.run]: spec.run,
    [labelOf.attempt]: String(spec.attempt),
    [labelOf.term]: String(spec.term),
    [labelOf.due]: new Date(spec.due).toISOString(),
    ...secretsLabel(spec),
  };
}
