/** What an inspection of a container says about a launch. Pure. */

import type { LaunchReport } from '../../scheduler/ports.ts';
import { exitReason } from '../exit-reason.ts';

/** The part of `GET /containers/{id}/json` that is used. */
export interface ContainerInspection {
  readonly Id: string;
  /** With a slash in front. */
  readonly Name: string;
  /** Its id. */
  readonly Image: string;
  /** Its digest, added to what the engine says. */
  readonly imageDigest?: string;
  /** Its gate ended without being opened, so the job never ran and never will; added to what the engine says. */
  readonly endedUnopened?: boolean;
  readonly Config: { readonly Image: string; readonly Labels: Readonly<Record<string, string>> | null };
  /** Bytes at most; 0: no bound. */
  readonly HostConfig?: { readonly Memory?: number };
  readonly State: {
    readonly Status: string;
    readonly Running: boolean;
    readonly OOMKilled: boolean;
    readonly ExitCode: number;
    readonly Error: string;
    readonly StartedAt: string;
    readonly FinishedAt: string;
  };
}

/** Exit codes of what was ended from outside: KILL, TERM, and what an engine notes when it finds one dead. */
export const endedFromOutside: ReadonlySet<number> = new Set([137, 143, 255]);

/** `interrupted` says why an end by signal was not the job's doing, or is null when nothing speaks for that. */
export function launchReport(container: ContainerInspection, interrupted: string | null): LaunchReport {
  const { State: state } = container;
  const launchName = container.Name.replace(/^\//, '');
  const startedAt = instant(state.StartedAt);
  // Never started: `created`, and `dead` or `removing` on the way from there.
  if (startedAt === null) return { launchName, state: 'created' };
  // A paused container counts as running for the engine, and for us.
  const image = container.imageDigest === undefined ? {} : { image: container.imageDigest };
  if (state.Running) return { launchName, state: 'running', startedAt, ...image };
  const endedAt = Math.max(instant(state.FinishedAt) ?? startedAt, startedAt);
  const exitCode = state.ExitCode;
  const report = { launchName, state: 'ended', startedAt, endedAt, exitCode, ...image } as const;
  // The flag is also set when a child was killed and the job went on and did well.
  if (state.OOMKilled && state.ExitCode !== 0) return { ...report, reason: 'out of memory' };
  if (interrupted !== null && endedFromOutside.has(state.ExitCode)) {
    return { ...report, reason: interrupted, infrastructure: true };
  }
  const reason = exitReason(state.ExitCode);
  return reason === undefined ? report : { ...report, reason };
}

/** Null for the engine's year 1. */
function instant(text: string): number | null {
  const at = Date.parse(text);
  return at > 0 ? at : null;
}
