/**
 * For hosts whose system does not tell who owns a connection: a token in a file that only the server's user reads, made anew
 * at each start, which the command line finds by itself, and a link for the browser that can be used once.
 */

import { createHash, randomBytes } from 'node:crypto';
import { mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../scheduler/ports.ts';
import { isText } from './tokens.ts';

const prefix = 'carillon_local_';
const secretBytes = 32;
const linkMs = 10 * 60_000;

export class LocalToken {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #stateDir: string;
  #path: string | null = null;
  #hash: string | null = null;
  #link: { readonly hash: string; readonly until: number } | null = null;

  /** `stateDir`: where the user keeps the state of programs. */
  constructor(stateDir: string, clock: Pick<Clock, 'monotonicMs'>) {
    this.#stateDir = stateDir;
    this.#clock = clock;
  }

  /** Null: it was not written. */
  get path(): string | null {
    return this.#path;
  }

  /** For the server at the port: the command line looks for this name. Fails if the file cannot be written. */
  async write(port: number): Promise<void> {
    const path = join(this.#stateDir, `server-${port}.token`);
    const text = `${prefix}${randomBytes(secretBytes).toString('base64url')}`;
    await mkdir(this.#stateDir, { recursive: true, mode: 0o700 });
    // Not into a file that is there: somebody may have it open.
    await rm(path, { force: true });
    const file = await open(path, 'wx', 0o600);
    try {
      await file.write(`${text}\n`);
    } finally {
      await file.close();
    }
    this.#path = path;
    this.#hash = hashOf(text);
  }

  async remove(): Promise<void> {
    if (this.#path !== null) await rm(this.#path, { force: true });
    this.#path = null;
    this.#hash = null;
  }

  isToken(text: string): boolean {
    return this.#hash !== null && text.startsWith(prefix) && isText(text, this.#hash);
  }

  /** The code of a new link. It replaces the last one. */
  newLink(): string {
    const code = randomBytes(secretBytes).toString('base64url');
    this.#link = { hash: hashOf(code), until: this.#clock.monotonicMs() + linkMs };
    return code;
  }

  /** True once. */
  takeLink(code: string): boolean {
    const link = this.#link;
    if (link === null || this.#clock.monotonicMs() >= link.until || !isText(code, link.hash)) return false;
    this.#link = null;
    return true;
  }
}

const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex');
