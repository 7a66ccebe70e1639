/** The command line in the process of a test, as a script runs it: what it prints, and how it ends. */

import { type CliParts, runCli } from '../../src/cli/program.ts';
import type { Io } from '../../src/cli/shell.ts';

export interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Without a terminal, input and a server, and without waiting. */
const ofScript: Omit<Io, 'out' | 'err' | 'raw'> = {
  ...{ terminal: false, stdin: async () => '', now: () => Date.now(), sleep: async () => undefined },
  ...{ timezone: 'UTC', spoolDir: '', color: false, progress: false, url: null },
};

/** A command line whose whole output goes to `print`. */
export const printingTo = (print: (text: string) => void, io: Partial<Io> = {}): Io => ({
  ...ofScript,
  ...{ out: print, err: print, raw: print },
  ...io,
});

/** It is a client only. */
export const clientWith = (io: Io): CliParts => ({
  serve: async () => 0,
  restore: () => Promise.reject(new Error('nothing is restored here')),
  environment: {},
  version: '1.2.3',
  io,
});

/** Runs one command. Output of jobs is in `out` too. */
export async function runCommand(args: readonly string[], io: Partial<Io> = {}): Promise<Said> {
  let [out, err] = ['', ''];
  const print = (text: string) => void (out += text);
  const complain = (text: string) => void (err += text);
  const code = await runCli(args, clientWith(printingTo(print, { err: complain, ...io })));
  return { code, out, err };
}
