/** Watches launches until nothing of them is left, and reports each end once. */

import type { LaunchReport, Observation } from '../../scheduler/ports.ts';
import type { LogOutput } from '../logs/output.ts';
import { type Journal, outcomeOf } from './journal.ts';
import type { Launch } from './launch.ts';

export interface Watch {
  has(name: string): boolean;
  /** What was reported about it. Null if it is not watched. */
  running(name: string): LaunchReport | null;
  output(name: string): LogOutput | null;
  /** Starts watching. `exited` resolves when the supervisor is gone. Null: another process started it. */
  add(
    launch: Launch,
    journal: Journal & { readonly startedAt: number },
    exited: Promise<unknown> | null,
  ): void;
  /** TERM now, KILL after the grace. False if the launch is not watched. */
  kill(name: string, graceMs: number): Promise<boolean>;
  /** Checks now whether it has ended. */
  check(name: string): Promise<void>;
  /** Stops watching; jobs continue. */
  stop(): void;
}

/** `boot`: the current one of the machine. */
export function endedObservation(
  launchName: string,
  journal: Journal & { endedAt: number },
  boot: string,
): Observation {
  const { startedAt, endedAt } = journal;
  return {
    kind: 'ended',
    launchName,
    at: endedAt,
    ...(startedAt === null ? {} : { startedAt }),
    ...outcomeOf(journal, boot),
  };
}
