/** Output in frames that is in files of this host. */

import { constants, renameSync } from 'node:fs';
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

  /** In one step for readers; the first part last, so that a call that was cut short can be repeated. */
  async moveTo(directory: string): Promise<void> {
    await this.#removeParts(await this.cutShort());
    const parts = await this.parts();
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const kept = FrameLog.keptIn(directory);
    for (const part of parts.reverse()) {
      try {
        renameSync(this.#path(part), kept.#path(part));
      } catch (error) {
        if (!isMissing(error)) throw error;
      }
    }
    this.#first = kept.#first;
    this.#further = kept.#further;
  }

  /** Removes the further parts. */
  async discardParts(): Promise<void> {
    await this.#removeParts([...(await this.parts()), ...(await this.cutShort())]);
  }

  async #removeParts(parts: readonly number[]): Promise<void> {
    for (const part of parts) if (part > 0) await rm(this.#path(part), { force: true });
  }

  #path(part: number): string {
    return part === 0 ? this.#first : this.#further(part);
  }
}

export const keptPath = (directory: string, part: number): string =>
  join(directory, part === 0 ? 'output' : `output.${part}`);
