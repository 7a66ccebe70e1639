/**
 * Files of settings while a node runs: they are read when the node starts, and again when one of them has changed. Several
 * files that belong together are read as one. A mistake in them then changes nothing until it is mended.
 */

import { stat } from 'node:fs/promises';
import { CarillonError, problemsIn } from '../errors.ts';
import type { Clock, Log } from '../scheduler/ports.ts';

/** How often the files are looked at. */
const lookEveryMs = 2_000;

/** A file, and the setting that names it. */
export interface NamedFile {
  readonly setting: string;
  readonly path: string;
}

export interface WatchedParts {
  readonly clock: Clock;
  readonly log: Log;
  /** The subject of log events: `alerts` for `alerts.file-read`, or `tls` for `tls.files-read` of several. */
  readonly subject: string;
  /** Takes what is in the files, or throws and changes nothing. The answer is for the log. */
  readonly use: () => Promise<object>;
}

export class WatchedFiles {
  /** The log names the first. */
  readonly #files: readonly [NamedFile, ...NamedFile[]];
  readonly #parts: WatchedParts;
  readonly #what: 'file' | 'files';
  /** What tells whether the files have changed. */
  #seen = '';
  #problem: string | null = null;
  #cancelLook: (() => void) | null = null;
  #looking: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(files: readonly [NamedFile, ...NamedFile[]], parts: WatchedParts) {
    this.#files = files;
    this.#parts = parts;
    this.#what = files.length === 1 ? 'file' : 'files';
  }

  /** Why what was read is older than the files. Null: it is not. */
  get problem(): string | null {
    return this.#problem;
  }

  /** INVALID_FIELD or LIMIT_EXCEEDED, with the place, if one of them or a file that it names cannot be used. */
  open(): Promise<void> {
    return this.#read();
  }

  /** Reads the files again when one has changed. */
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
    const seen = (await Promise.all(this.#files.map(stateOf))).join();
    if (seen === this.#seen && this.#problem === null) return;
    try {
      const told = await use();
      this.#seen = seen;
      this.#problem = null;
      log.info({ path: this.#files[0].path, ...told }, `${subject}.${this.#what}-read`);
    } catch (error) {
      throw this.#unreadable(error);
    }
  }

  /** Continues with what was read before. */
  #keep(error: unknown): void {
    const { log, subject } = this.#parts;
    const problems = error instanceof CarillonError ? problemsIn(error) : [error as Error];
    const problem = problems.map(({ message }) => message).join(' ');
    if (problem !== this.#problem)
      log.warn({ path: this.#files[0].path, error: problem }, `${subject}.${this.#what}-not-read`);
    this.#problem = problem;
  }

  #unreadable(error: unknown): unknown {
    const { code, path: failed } = Object(error) as { code?: unknown; path?: unknown };
    if (error instanceof CarillonError || typeof code !== 'string') return error;
    const { setting: field, path } = this.#files.find((each) => each.path === failed) ?? this.#files[0];
    const allowed = 'a file that the scheduler may read';
    return new CarillonError('INVALID_FIELD', `${path}: it cannot be read (${code}). Allowed: ${allowed}.`, {
      ...{ field, value: path, allowed },
    });
  }
}

/** Of a file that is missing: why. Reading it will say so too, in the words of who reads it. */
async function stateOf({ path }: NamedFile): Promise<string> {
  try {
    const { mtimeMs, ino, size } = await stat(path);
    return `${mtimeMs} ${ino} ${size}`;
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code);
  }
}
