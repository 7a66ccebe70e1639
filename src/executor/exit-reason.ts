/** Exit codes that mean, by convention of shells, that a command was never executed. */

/** A message for people. Undefined for codes without a special meaning. */
export function exitReason(exitCode: number | null): string | undefined {
  if (exitCode === 127) return 'Exit code 127: a command was not found';
  if (exitCode === 126) return 'Exit code 126: a command could not be executed';
  return undefined;
}

/** The last message of programs that could not start a container's program: Docker's init, and our gate. */
const sayings = [/^\[FATAL tini \(\d+\)\] (exec .+ failed: .+)$/, /^(carillon-gate: can ?not execute .+)$/];

/** `line`: the last line of the container's standard error. */
export function startFailure(line: string): string | undefined {
  const said = sayings.flatMap((saying) => saying.exec(line)?.[1] ?? [])[0];
  return said && `The program cannot be executed: ${said}`;
}
