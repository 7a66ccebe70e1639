/** The file of people while a node runs. */

import type { Clock, Log } from '../scheduler/ports.ts';
import { WatchedFiles } from '../settings-file/watched.ts';
import { type AuthFile, emptyFile, readAuthFile } from './file.ts';

export class PeopleFile {
  /** Null: there is none, and nobody logs in. */
  readonly #file: WatchedFiles | null = null;
  #current: AuthFile = emptyFile;

  constructor(path: string | null, parts: { readonly clock: Clock; readonly log: Log }) {
    if (path === null) return;
    const use = async (): Promise<object> => {
      this.#current = await readAuthFile(path);
      return { provider: this.#current.oidc?.issuer ?? null };
    };
    this.#file = new WatchedFiles([{ setting: 'authFile', path }], { ...parts, subject: 'access', use });
  }

  /** The same object until the file has changed. */
  get current(): AuthFile {
    return this.#current;
  }

  /** Why the file could not be read again. */
  get problem(): string | null {
    return this.#file?.problem ?? null;
  }

  /** INVALID_FIELD or LIMIT_EXCEEDED, with the place in the file, if it cannot be used. */
  async open(): Promise<void> {
    await this.#file?.open();
    this.#file?.start();
  }

  async stop(): Promise<void> {
    await this.#file?.stop();
  }
}
