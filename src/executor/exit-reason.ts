/** Exit codes that mean, by convention of shells, that a command was never executed. */

import type { EndReason } from '../scheduler/ports.ts';

/** Undefined for codes without a special meaning. */
export function exitReason(exitCode: number | null): EndReason | undefined {
  if (exitCode === 127) return notExecuted('Exit code 127: a command was not found');
  if (exitCode === 126) return notExecuted('Exit code 126: a command could not be executed');
  return undefined;
}

const notExecuted = (reason: string): EndReason => ({ reason, cause: { code: 'not-executable' } });

/** The last message of programs that could not start a container's program: Docker's init, and our gate. */
const sayings = [/^\[FATAL tini \(\d+\)\] (exec .+ failed: .+)$/, /^(carillon-gate: can ?not execute .+)$/];

/** `line`: the last line of the container's standard error. */
export function startFailure(line: string): EndReason | undefined {
  const said = sayings.flatMap((saying) => saying.exec(line)?.[1] ?? [])[0];
  return said === undefined ? undefined : notExecuted(`The program cannot be executed: ${said}`);
}
