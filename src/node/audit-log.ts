/**
 * Appends the audit as lines of JSON to a file or standard output. What cannot be written is told and counted, and never
 * stops the leader: the store has the lines too.
 */

import { closeSync, constants, fstatSync, openSync, statSync, writeSync } from 'node:fs';
import type { AuditFigures } from '../scheduler/handle.ts';
import type { AuditLine } from '../scheduler/model/token.ts';
import type { Log } from '../scheduler/ports.ts';
import { realClock } from './clock.ts';
import { Lines } from './lines.ts';

const STANDARD_OUTPUT = 1;
const { O_APPEND, O_CREAT, O_WRONLY } = constants;

export class AuditLog {
  readonly #path: string;
  readonly #log: Log;
  /** Null: it is a file. */
  readonly #output: Lines | null;
  #fd: number | null = null;
  /** Lines. */
  #taken = 0;
  #failed = 0;

  /** `-`: standard output. */
  constructor(path: string, log: Log) {
    this.#path = path;
    this.#log = log;
    // Also makes a pipe non-blocking.
    const isOutput = path === '-' && process.stdout.fd === STANDARD_OUTPUT;
    this.#output = isOutput ? new Lines(STANDARD_OUTPUT, realClock, (lines) => this.#tell(lines)) : null;
  }

  write(lines: readonly AuditLine[]): void {
    this.#taken += lines.length;
    const texts = lines.map((line) => `${JSON.stringify(shown(line))}\n`);
    if (this.#output !== null) {
      for (const text of texts) this.#output.write(text);
      return;
    }
    try {
      const bytes = Buffer.from(texts.join(''));
      const fd = this.#open();
      for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
    } catch (error) {
      this.#tell(lines.length, error);
    }
  }

  figures(): AuditFigures {
    return { written: this.#taken - this.#failed, failed: this.#failed };
  }

  stop(): void {
    if (this.#fd !== null) closeSync(this.#fd);
    this.#fd = null;
  }

  #tell(lines: number, error?: unknown): void {
    this.#failed += lines;
    this.#log.error({ file: this.#path, lines, failed: this.#failed, error }, 'audit.not-written');
  }

  /** The file of that name: it may have been moved away, and another one come in its place. */
  #open(): number {
    if (this.#fd !== null && this.#isMoved(this.#fd)) this.stop();
    this.#fd ??= openSync(this.#path, O_APPEND | O_CREAT | O_WRONLY, 0o600);
    return this.#fd;
  }

  #isMoved(fd: number): boolean {
    const [mine, there] = [fstatSync(fd), statSync(this.#path, { throwIfNoEntry: false })];
    return there === undefined || there.ino !== mine.ino || there.dev !== mine.dev;
  }
}

const shown = ({ at, ...line }: AuditLine): object => ({ time: new Date(at).toISOString(), ...line });
