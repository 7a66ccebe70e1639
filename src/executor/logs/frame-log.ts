/** Output in frames that is in files of this host. */

import { constants, linkSync, renameSync, rmSync } from 'node:fs';
import { lstat, mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { FrameOutput } from './frame-output.ts';
import { isMissing, nullIfMissing } from './stream-file.ts';

const readFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

export class FrameLog extends FrameOutput {
  #first: string;
  #further: (part: number) => string;

  /** The paths of the first part, and of each further one. */
  constructor(first: string, further: (part: number) => string) {
    super({
      open: (part) => open(this.#path(part), readFlags).catch(nullIfMissing),
      size: async (part) => (await lstat(this.#path(part)).catch(nullIfMissing))?.size ?? null,
    });
    this.#first = first;
    this.#further = further;
  }

  /** As it is kept in a directory of its own. */
  static keptIn(directory: string): FrameLog {
    return new FrameLog(keptPath(directory, 0), (part) => keptPath(directory, part));
  }

  /**
   * In one step for readers; the first part last, so that a call that was cut short can be repeated. Its name is a lock for
   * launches: whoever owns the launch takes it away.
   */
  async moveTo(directory: string): Promise<void> {
    await this.#removeParts(await this.cutShort());
    const parts = await this.parts();
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const kept = FrameLog.keptIn(directory);
    for (const part of parts.reverse()) {
      try {
        if (part > 0) renameSync(this.#path(part), kept.#path(part));
        else alsoAt(this.#path(part), kept.#path(part));
      } catch (error) {
        if (!isMissing(error)) throw error;
      }
    }
    this.#first = kept.#first;
    this.#further = kept.#further;
  }

  async #removeParts(parts: readonly number[]): Promise<void> {
    for (const part of parts) if (part > 0) await rm(this.#path(part), { force: true });
  }

  #path(part: number): string {
    return part === 0 ? this.#first : this.#further(part);
  }
}

/** Replaces what is there. */
function alsoAt(path: string, there: string): void {
  const next = `${there}.next`;
  rmSync(next, { force: true });
  linkSync(path, next);
  renameSync(next, there);
  // Both were the same file already: then renaming does nothing.
  rmSync(next, { force: true });
}

export const keptPath = (directory: string, part: number): string =>
  join(directory, part === 0 ? 'output' : `output.${part}`);
