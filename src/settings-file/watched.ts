/**
 * A file of settings while a node runs: it is read when the node starts, and again when it has changed. A mistake in it then
 * changes nothing until it is mended.
 */

import { stat } from 'node:fs/promises';
import { CarillonError, problemsIn } from '../errors.ts';
import type { Clock, Log } from '../scheduler/ports.ts';

/** How often the file is looked at. */
const lookEveryMs = 2_000;

export interface WatchedParts {
  readonly clock: Clock;
  readonly log: Log;
  /** The subject of its log events: `alerts` for `alerts.file-read`. */
  readonly subject: string;
  /** The setting that names the file. */
  readonly setting: string;
  /** Takes what is in the file, or throws and changes nothing. The answer is for the log. */
  readonly use: (path: string) => Promise<object>;
}

export class WatchedFile {
  readonly #path: string;
  readonly #parts: WatchedParts;
  /** What tells whether the file has changed. */
  #seen = '';
  #problem: string | null = null;
  #cancelLook: (() => void) | null = null;
  #looking: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(path: string, parts: WatchedParts) {
    this.#path = path;
    this.#parts = parts;
  }

  /** Why what was read is older than the file. Null: it is not. */
  get problem(): string | null {
    return this.#problem;
  }

  /** INVALID_FIELD or LIMIT_EXCEEDED, with the place in the file, if it or a file that it names cannot be used. */
  open(): Promise<void> {
    return this.#read();
  }

  /** Reads the file again when it has changed. */
  start(): void {
    if (this.#stopped) return;
    this.#cancelLook = this.#parts.clock.after(lookEveryMs, () => {
      this.#looking = this.#read()
        .catch((error: unknown) => this.#keep(error))
        .finally(() => this.start());
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#cancelLook?.();
    await this.#looking;
  }

  async #read(): Promise<void> {
    const { log, subject, use } = this.#parts;
    try {
      const { mtimeMs, ino, size } = await stat(this.#path);
      const seen = `${mtimeMs} ${ino} ${size}`;
      if (seen === this.#seen && this.#problem === null) return;
      const told = await use(this.#path);
      this.#seen = seen;
      this.#problem = null;
      log.info({ path: this.#path, ...told }, `${subject}.file-read`);
    } catch (error) {
      throw this.#unreadable(error);
    }
  }

  /** Continues with what was read before. */
  #keep(error: unknown): void {
    const { log, subject } = this.#parts;
    const problems = error instanceof CarillonError ? problemsIn(error) : [error as Error];
    const problem = problems.map(({ message }) => message).join(' ');
    if (problem !== this.#problem) log.warn({ path: this.#path, error: problem }, `${subject}.file-not-read`);
    this.#problem = problem;
  }

  #unreadable(error: unknown): unknown {
    const { code } = Object(error) as { code?: unknown };
    if (error instanceof CarillonError || typeof code !== 'string') return error;
    const allowed = 'a file that the scheduler may read';
    return new CarillonError(
      'INVALID_FIELD',
      `${this.#path}: it cannot be read (${code}). Allowed: ${allowed}.`,
      { field: this.#parts.setting, value: this.#path, allowed },
    );
  }
}
