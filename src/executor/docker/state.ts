/** Derives the state of a launch from an inspection. Pure. */

import type { EndReason, LaunchReport } from '../../scheduler/ports.ts';
import { labelOf } from '../container/labels.ts';
import { exitReason } from '../exit-reason.ts';

/** The used part of `GET /containers/{id}/json`. */
export interface ContainerInspection {
  readonly Id: string;
  /** With a leading slash. */
  readonly Name: string;
  /** Id of the image. */
  readonly Image: string;
  /** Digest of the image, added to the engine's response. */
  readonly imageDigest?: string;
  /** Its gate ended unopened, so the job never ran and never will; added to the engine's response. */
  readonly endedUnopened?: boolean;
  readonly Config: {
    readonly Image: string;
    readonly Labels: Readonly<Record<string, string>> | null;
    readonly Env?: readonly string[] | null;
  };
  /** Limit in bytes; 0: none. */
  readonly HostConfig?: { readonly Memory?: number };
  readonly State: {
    readonly Status: string;
    readonly Running: boolean;
    /** Its first process, on the machine of the engine. */
    readonly Pid?: number;
    readonly OOMKilled: boolean;
    readonly ExitCode: number;
    readonly Error: string;
    readonly StartedAt: string;
    readonly FinishedAt: string;
  };
}

/** The engine writes a slash before names. */
export const launchNameOf = ({ Name }: ContainerInspection): string => Name.replace(/^\//, '');

/** It has a gate, whether open or not. */
export const isGated = ({ Config }: ContainerInspection): boolean =>
  Config.Labels?.[labelOf.gate] !== undefined;

/**
 * Exit codes of containers ended from outside: KILL, TERM, and what an engine records for one that it finds
 * dead.
 */
export const endedFromOutside: ReadonlySet<number> = new Set([137, 143, 255]);

/**
 * `interrupted` says why an end by signal was not caused by the job. Null: nothing suggests that. `isInvented`: the exit
 * code is not the job's.
 */
export function launchReport(
  container: ContainerInspection,
  interrupted: EndReason | null,
  isInvented = false,
): LaunchReport {
  const { State: state } = container;
  const launchName = launchNameOf(container);
  const startedAt = instant(state.StartedAt);
  // Never started: `created`, and `dead` or `removing` after that.
  if (startedAt === null) return { launchName, state: 'created' };
  // The engine reports a paused container as running, and so do we.
  const image = container.imageDigest === undefined ? {} : { image: container.imageDigest };
  if (state.Running) return { launchName, state: 'running', startedAt, ...image };
  const endedAt = Math.max(instant(state.FinishedAt) ?? startedAt, startedAt);
  const exitCode = state.ExitCode;
  const report = { launchName, state: 'ended', startedAt, endedAt, exitCode, ...image } as const;
  // The flag is also set if a child was killed but the job succeeded.
  if (state.OOMKilled && state.ExitCode !== 0) {
    return { ...report, reason: 'out of memory', cause: { code: 'out-of-memory' } };
  }
  if (interrupted !== null && (isInvented || endedFromOutside.has(exitCode))) {
    return { ...report, ...interrupted, exitCode: isInvented ? null : exitCode, infrastructure: true };
  }
  return { ...report, ...exitReason(state.ExitCode) };
}

/** Null for the engine's zero time. */
function instant(text: string): number | null {
  const at = Date.parse(text);
  return at > 0 ? at : null;
}
