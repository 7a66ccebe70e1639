/** Exit codes that say, by the shells' convention, that a command was never executed. */

/** For people; undefined for codes that say nothing by themselves. */
export function exitReason(exitCode: number | null): string | undefined {
  if (exitCode === 127) return 'Exit code 127: a command was not found';
  if (exitCode === 126) return 'Exit code 126: a command could not be executed';
  return undefined;
}

/** What those that start a container's program say last where they can't: Docker's init, and our gate. */
const sayings = [/^\[FATAL tini \(\d+\)\] (exec .+ failed: .+)$/, /^(carillon-gate: can not execute .+)$/];

/** `line`: the last of the container's standard error. */
export function startFailure(line: string): string | undefined {
  const said = sayings.flatMap((saying) => saying.exec(line)?.[1] ?? [])[0];
  return said && `The program can not be executed: ${said}`;
}
