/**
 * Changes of files that a job has open, made by processes of the supervisor's program. The system lets such a change
 * wait for a write of the job, which takes as long as the job likes: seconds for two gigabytes, or for ever if its bytes
 * come from a file system of its own. Each change has its own process, so it holds up neither a thread of the scheduler
 * nor the change of another job's file.
 */

import { type StdioOptions, spawn } from 'node:child_process';

export interface Cut {
  /** Open descriptors: the output, the empty copy at `next`, and the note, to which the new beginning is added. */
  readonly files: { readonly output: number; readonly copy: number; readonly note: number };
  readonly next: string;
  /** The copy's name when it is complete. */
  readonly old: string;
  /** The number of bytes to keep. */
  readonly keep: number;
}

/** Empties the output. Fails if not all of it was done. */
export function cutOutput(supervisor: string, { files, next, old, keep }: Cut): Promise<void> {
  return run(supervisor, ['cut', next, old, String(keep)], [files.output, files.copy, 'ignore', files.note]);
}

/** Replaces a file that a job has open. */
export function moveOver(supervisor: string, from: string, to: string): Promise<void> {
  return run(supervisor, ['move', from, to], 'ignore');
}

function run(supervisor: string, args: readonly string[], stdio: StdioOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(supervisor, args, { stdio, env: {}, cwd: '/' });
    child.unref();
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(`${args.join(' ')} ended with ${code ?? signal}`));
    });
  });
}
