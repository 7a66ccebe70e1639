/** The file of the run policy while a node runs: what is in it now. */

import type { Clock, Log } from '../scheduler/ports.ts';
import type { RunPolicy } from '../scheduler/run-policy/policy.ts';
import { runPolicyOf } from '../scheduler/run-policy/written.ts';
import { readBounded, readMapping } from '../settings-file/read.ts';
import { WatchedFiles } from '../settings-file/watched.ts';

/** `source`: the path of the file. */
export const parseRunPolicy = (text: string, source: string): RunPolicy =>
  readMapping(text, source, { main: 'rules', check: runPolicyOf });

export class RunPolicyFile {
  readonly #file: WatchedFiles;
  /** Nothing is allowed before it is read. */
  #policy: RunPolicy = { rules: [] };

  constructor(path: string, { clock, log }: { readonly clock: Clock; readonly log: Log }) {
    const files = [{ setting: 'runPolicyFile', path }] as const;
    const use = (): Promise<object> => this.#use(path);
    this.#file = new WatchedFiles(files, { clock, log, subject: 'run-policy', use });
  }

  /** The same until the file has changed. */
  get policy(): RunPolicy {
    return this.#policy;
  }

  /** INVALID_FIELD or LIMIT_EXCEEDED, with the place in the file, if it cannot be used. */
  open(): Promise<void> {
    return this.#file.open();
  }

  /** Reads the file again when it has changed. */
  start(): void {
    this.#file.start();
  }

  stop(): Promise<void> {
    return this.#file.stop();
  }

  async #use(path: string): Promise<object> {
    this.#policy = parseRunPolicy(await readBounded(path), path);
    return { rules: this.#policy.rules.length };
  }
}
