/** Runs a command as a shell would: same input, output, signals and exit code. */

import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';

export interface Ended {
  readonly exitCode: number;
  readonly durationMs: number;
}

const forwarded = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const;
/** A terminal sends these to the command as well. */
const fromTerminal: ReadonlySet<string> = new Set(['SIGINT', 'SIGQUIT']);
/** As shells say it. */
const NOT_FOUND = 127;
const NOT_EXECUTABLE = 126;

/** Starts it at once. `onOutput` gets what it prints, in the order in which it arrives. */
export function runCommand(
  [command = '', ...args]: readonly string[],
  onOutput: (chunk: Buffer) => void,
): Promise<Ended> {
  const began = performance.now();
  const child = spawn(command, args, { stdio: ['inherit', 'pipe', 'pipe'] });
  const stopForwarding = forwardSignals(child);
  pass(child.stdout, process.stdout, onOutput);
  pass(child.stderr, process.stderr, onOutput);
  return new Promise((resolve) => {
    let ended: Ended | null = null;
    const end = (exitCode: number): void => {
      ended ??= { exitCode, durationMs: Math.round(performance.now() - began) };
    };
    child.once('error', (error: NodeJS.ErrnoException) => {
      if (child.pid !== undefined) return;
      const isMissing = error.code === 'ENOENT';
      const text = `carillon: cannot run '${command}': ${isMissing ? 'not found' : error.message}\n`;
      process.stderr.write(text);
      onOutput(Buffer.from(text));
      end(isMissing ? NOT_FOUND : NOT_EXECUTABLE);
    });
    child.once('exit', (code, signal) =>
      end(code ?? 128 + (signal === null ? 0 : constants.signals[signal])),
    );
    // Whatever it left behind may still print: as under cron, the end of the output is awaited.
    child.once('close', () => {
      stopForwarding();
      resolve(ended ?? { exitCode: NOT_EXECUTABLE, durationMs: 0 });
    });
  });
}

function pass(
  from: NodeJS.ReadableStream & { destroy(): void },
  to: NodeJS.WriteStream,
  onOutput: (chunk: Buffer) => void,
): void {
  from.on('data', onOutput);
  from.pipe(to, { end: false });
  // Nobody reads any more: the command shall learn of it.
  to.once('error', () => from.destroy());
}

function forwardSignals(child: ChildProcess): () => void {
  const forward = (signal: NodeJS.Signals): void => {
    if (!(process.stdin.isTTY === true && fromTerminal.has(signal))) child.kill(signal);
  };
  for (const signal of forwarded) process.on(signal, forward);
  return () => {
    for (const signal of forwarded) process.off(signal, forward);
  };
}
